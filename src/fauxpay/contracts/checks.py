"""Checks of a table: everything that its contract says, on every batch that is written.

A rule is a named function and a failure is a `Finding` that can be counted; what passes leaves
nothing. Valid data is never sorted and never decoded.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from fauxpay.contracts.buffers import one_array, validity, values, without_dictionary_nulls
from fauxpay.contracts.columns import COLUMN_CHECKS, NO_ROWS, Rows
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.members import I64, Claim, Members, repeats
from fauxpay.contracts.tables import Column, ForeignKey, Table

__all__ = ["Finding", "Members", "check_batch", "check_links", "checks_of"]

MemberSets = Mapping[str, Members | None]
Claims = Mapping[str, Claim]
_NO_CLAIMS: Claims = {}


def check_batch(
    table: Table,
    batch: pa.RecordBatch | pa.Table,
    members: MemberSets,
    claims: Claims = _NO_CLAIMS,
) -> list[Finding]:
    """Every check of a table on one batch; an empty list says that all passed.

    batch    rows in the contract's columns and order
    members  the keys of each table that a foreign key leads to, by the table's reference, such as
             "catalog.yaml#/$defs/cards"; None leaves the checks against that table out
    claims   by foreign key column: where its values are said to stand; only a short cut
    returns  findings in the order of `checks_of`; after a wrong schema no other check is run
    """
    findings = _schema(table, batch.schema, batch.num_rows)
    if findings:
        return findings
    _require_members(table, members)
    arrays = {
        column.name: one_array(batch.column(position))
        for position, column in enumerate(table.columns)
    }
    for column in table.columns:
        findings += _column(table, column, arrays)
    # A column that cannot be read, or has holes, can be no key.
    unreadable = {f.column for f in findings if f.check in ("index", "null")}
    for columns in table.unique:
        if not unreadable.intersection(columns):
            findings += _unique(table, {name: arrays[name] for name in columns})
    if table.order and not unreadable.intersection(table.order):
        findings += _order(table, {name: arrays[name] for name in table.order})
    for key in table.foreign_keys:
        if _is_run(key, members):
            findings += _foreign_key(table, key, arrays[key.column], (members, claims))
    return findings


def check_links(
    table: Table, batch: pa.RecordBatch | pa.Table, members: MemberSets
) -> list[Finding]:
    """The foreign keys of a batch alone, to those tables whose members are not None.

    For rows that were found good in all else as part of a larger batch.
    """
    _require_members(table, members)
    return [
        finding
        for key in table.foreign_keys
        if _is_run(key, members)
        for finding in _foreign_key(
            table, key, one_array(batch.column(key.column)), (members, _NO_CLAIMS)
        )
    ]


def checks_of(table: Table, members: MemberSets | None = None) -> list[str]:
    """Name of every check that is run on a table, such as "range amount_minor".

    members  as given to `check_batch`: what is None there is not run
    """
    named = ["schema"]
    for column in table.columns:
        named += [f"{c.name} {column.name}" for c in COLUMN_CHECKS if c.applies(column)]
    named += [f"unique {', '.join(columns)}" for columns in table.unique]
    named += [f"order {', '.join(table.order)}"] if table.order else []
    return named + [
        f"foreign_key {key.column}"
        for key in table.foreign_keys
        if members is None or _is_run(key, members)
    ]


def _is_run(key: ForeignKey, members: MemberSets) -> bool:
    return all(members[reference] is not None for reference in key.tables)


def _require_members(table: Table, members: MemberSets) -> None:
    """A check that is left out by oversight would look like one that passed."""
    wanted = {reference for key in table.foreign_keys for reference in key.tables}
    absent = sorted(wanted - set(members))
    assert not absent, f"members of {table.name}: {absent} not given (None leaves the check out)"


def _schema(table: Table, schema: pa.Schema, rows: int) -> list[Finding]:
    if tuple(schema.names) != table.names:
        seen, expected = ", ".join(schema.names), f"the columns {', '.join(table.names)}"
        return [Finding("schema", table.name, "", rows, rows, None, seen, expected)]
    return [
        Finding(
            "schema", table.name, column.name, rows, rows, None, str(kind), str(column.arrow_type)
        )
        for column, kind in zip(table.columns, schema.types, strict=True)
        if kind != column.arrow_type
    ]


def _column(table: Table, column: Column, arrays: dict[str, pa.Array]) -> list[Finding]:
    """Findings of one column; `arrays` gets it back with its nulls where Arrow counts them."""
    findings: list[Finding] = []
    name = column.name
    for check in COLUMN_CHECKS:
        if not check.applies(column):
            continue
        rows = check.offenders(column, arrays[name])
        if check.name == "index":
            if rows.size:
                shown = {name: arrays[name].indices}
                return [_finding(check.name, table, shown, rows, check.expected(column))]
            arrays[name] = without_dictionary_nulls(arrays[name])
        elif rows.size:
            shown = {name: arrays[name]}
            findings.append(_finding(check.name, table, shown, rows, check.expected(column)))
    return findings


def _unique(table: Table, chosen: Mapping[str, pa.Array]) -> list[Finding]:
    rows = repeats([words(array) for array in chosen.values()])
    expected = "values that stand in no earlier row"
    return [_finding("unique", table, chosen, rows, expected)] if rows.size else []


def _order(table: Table, chosen: Mapping[str, pa.Array]) -> list[Finding]:
    rows = falls([words(array) for array in chosen.values()])
    expected = "rows in ascending order"
    return [_finding("order", table, chosen, rows, expected)] if rows.size else []


def falls(columns: list[I64]) -> Rows:
    """Rows that are smaller, compared column after column, than the row before them."""
    wrong = np.zeros(max(len(columns[0]) - 1, 0), np.bool_)
    for column in reversed(columns):
        wrong &= column[1:] == column[:-1]
        wrong |= column[1:] < column[:-1]
    return np.flatnonzero(wrong) + 1 if wrong.any() else NO_ROWS


def _foreign_key(
    table: Table, key: ForeignKey, array: pa.Array, known_keys: tuple[MemberSets, Claims]
) -> list[Finding]:
    members, claims = known_keys
    sought, rows = values(array), None
    for reference in key.tables:
        known = members[reference]
        assert known is not None
        if rows is None:
            rows = known.missing(sought, validity(array), claims.get(key.column))
        elif rows.size:
            rows = rows[known.missing(sought[rows])]
    if rows is None or not rows.size:
        return []
    expected = f"a value of {key.key} of {' or '.join(key.tables)}"
    return [_finding("foreign_key", table, {key.column: array}, rows, expected)]


def words(array: pa.Array) -> I64:
    """Integers that are equal where the values are equal; of numbers and times, in their order."""
    if pa.types.is_string(array.type):
        array = array.dictionary_encode()
    elif pa.types.is_dictionary(array.type):
        names = array.dictionary
        if len(names.unique()) < len(names):
            array = array.dictionary_decode().dictionary_encode()
    slots = values(array)
    if slots.dtype.kind == "f":
        # The bits of a float order like integers once those of negative ones are turned around;
        # adding zero makes one zero of the two.
        bits = (slots.astype(np.float64) + 0.0).view(np.int64)
        return np.asarray(np.where(bits < 0, bits ^ np.int64(2**63 - 1), bits), np.int64)
    return np.ascontiguousarray(slots, np.int64)


def _finding(
    check: str, table: Table, chosen: Mapping[str, pa.Array], rows: Rows, expected: str
) -> Finding:
    first = int(rows[0])
    return Finding(
        check=check,
        table=table.name,
        column=", ".join(chosen),
        rows=len(next(iter(chosen.values()))),
        offenders=len(rows),
        first_row=first,
        first_value=", ".join(str(array[first].as_py()) for array in chosen.values()),
        expected=expected,
    )
