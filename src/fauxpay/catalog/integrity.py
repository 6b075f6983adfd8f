"""Integrity: whether a catalog keeps its contracts and agrees with itself.

Reads    all catalog tables
Writes   nothing
Draws    nothing
Sources  the contracts of catalog.yaml, catalog/rules.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from fauxpay.catalog.columns import TABLES, contract
from fauxpay.catalog.links import Linked
from fauxpay.catalog.rules import RULES, Rule
from fauxpay.contracts.checks import check_batch, checks_of
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.members import Members
from fauxpay.foundations.draws import I64

# Anybody can leave these out of a world; not so the others.
_MAY_BE_EMPTY = frozenset(("devices",))


def check_catalog(tables: Mapping[str, pa.Table]) -> list[Finding]:
    """What is wrong with a catalog; an empty list when nothing is.

    The rules between tables are asked only when all tables are there and their contracts hold,
    because they follow the keys.
    """
    findings = [*_absent(tables)]
    if not findings:
        findings.extend(_broken_contracts(tables))
    if not findings:
        linked = Linked.of(tables)
        findings.extend(finding for rule in RULES if (finding := _broken(rule, linked)) is not None)
    return findings


def checks_of_catalog() -> list[str]:
    """Names of every check that check_catalog makes: "<table>: <check>"."""
    contracts = [f"{name}: {check}" for name in TABLES for check in checks_of(contract(name))]
    return [*contracts, *(f"{rule.table}: {rule.name}" for rule in RULES)]


def catalog_members(tables: Mapping[str, pa.Table]) -> dict[str, Members]:
    """The keys that foreign keys of the catalog lead to, by the reference of their table."""
    wanted = {key.table: key.key for name in TABLES for key in contract(name).foreign_keys}
    return {
        reference: Members.of(_values(tables[reference.rpartition("/")[2]], column))
        for reference, column in sorted(wanted.items())
    }


def _values(table: pa.Table, column: str) -> I64:
    present = table[column].combine_chunks().drop_null()
    return np.asarray(present.to_numpy(zero_copy_only=False), dtype=np.int64)


def _absent(tables: Mapping[str, pa.Table]) -> Iterator[Finding]:
    for name in TABLES:
        if name not in tables:
            yield Finding("present", name, "", 0, 1, None, "no table", "the table")
        elif tables[name].num_rows == 0 and name not in _MAY_BE_EMPTY:
            yield Finding("not_empty", name, "", 0, 1, None, "no row", "at least one row")


def _broken_contracts(tables: Mapping[str, pa.Table]) -> Iterator[Finding]:
    """Schemas first: keys of the wrong type can be no members."""
    unlinked: dict[str, Members | None] = {
        key.table: None for name in TABLES for key in contract(name).foreign_keys
    }
    found = [
        finding
        for name in TABLES
        for finding in check_batch(contract(name), tables[name].slice(0, 0), unlinked)
    ]
    yield from found
    if not found:
        members = catalog_members(tables)
        for name in TABLES:
            yield from check_batch(contract(name), tables[name], members)


def _broken(rule: Rule, linked: Linked) -> Finding | None:
    marks = rule.marks(linked)
    offenders = int(np.count_nonzero(marks))
    if offenders == 0:
        return None
    first = int(np.argmax(marks))
    value = linked.column(rule.table, rule.column)[first].as_py()
    return Finding(
        check=rule.name,
        table=rule.table,
        column=rule.column,
        rows=marks.size,
        offenders=offenders,
        first_row=first,
        first_value=str(value),
        expected=rule.expected,
    )
