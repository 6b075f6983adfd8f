"""Validation: users' files against the contract of a table, in bounded memory.

Every check of the contract is asked of every row: those of single rows batch by batch, keys over
all files together, order within each file. What was left out is said, never passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fauxpay.contracts.buffers import one_array, validity
from fauxpay.contracts.checks import check_batch, checks_of, falls, words
from fauxpay.contracts.conversion import converted, misfits
from fauxpay.contracts.faults import printable, shortened
from fauxpay.contracts.files import Opened, opened
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.ledger import Ledger, key_words
from fauxpay.contracts.members import Members
from fauxpay.contracts.shape import misfit_finding, null_finding, schema_findings
from fauxpay.contracts.tables import Table
from fauxpay.errors import ContractError


@dataclass(frozen=True, slots=True)
class FileFinding:
    """A finding over all files; `file` is the one of its first row."""

    file: str
    finding: Finding

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {"file": self.file, **self.finding.document()}

    def __str__(self) -> str:
        one = self.finding
        said = f"{one.table}.{one.column}: {one.first_value}; expected {one.expected}"
        return printable(f"{self.file}: {said if one.check == 'schema' else one}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was looked at and found; `left_out` are the checks that were not asked."""

    table: str
    files: int
    rows: int
    checks: tuple[str, ...]
    left_out: tuple[str, ...]
    findings: tuple[FileFinding, ...]

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "table": self.table,
            "files": self.files,
            "rows": self.rows,
            "ok": not self.findings,
            "checks": list(self.checks),
            "left_out": list(self.left_out),
            "findings": [one.document() for one in self.findings],
        }


def validate(table: Table, paths: Sequence[Path], members: Mapping[str, Members | None]) -> Outcome:
    """Every check of a table on all rows of some files.

    members  keys of other tables by reference, as `check_batch` takes them; None leaves out
    Raises StorageError or ContractError for a file that cannot be read as Parquet or CSV.
    """
    wanted = {reference for key in table.foreign_keys for reference in key.tables}
    members = {reference: members.get(reference) for reference in wanted}
    asked = checks_of(table, members)
    with ExitStack() as stack:
        ledgers = {columns: stack.enter_context(Ledger()) for columns in table.unique}
        work = _Work(table, _per_row(table), members, ledgers)
        for path in paths:
            work.file(opened(path))
        work.judge_keys()
    return Outcome(
        table.ref,
        len(paths),
        work.rows,
        tuple(asked),
        tuple(name for name in checks_of(table) if name not in asked),
        tuple(work.findings.values()),
    )


def _per_row(table: Table) -> Table:
    """The contract without what spans rows; a dictionary may hold more values than are right."""
    columns = tuple(
        replace(column, index="int32") if column.is_dictionary else column
        for column in table.columns
    )
    return replace(table, columns=columns, unique=(), order=())


def read_members(table: Table, column: str, paths: Iterable[Path]) -> Members:
    """The values of a column of another table's files, for foreign keys. Raises ContractError."""
    parts: list[np.ndarray[Any, Any]] = []
    for path in paths:
        file = opened(path)
        faults = schema_findings(replace(table, columns=(table.column(column),)), file)
        faults = [one for one in faults if one.column == column]
        if faults:
            raise ContractError(f"{path}: {faults[0]}")
        for batch in file.batches((column,)):
            array = one_array(batch.column(0))
            if misfits(array, table.column(column)).size:
                raise ContractError(
                    f"{path}: {column} holds what is no {table.column(column).arrow}"
                )
            parts.append(words(converted(array, table.column(column)).drop_null()))
    return Members.of(np.concatenate(parts) if parts else np.empty(0, np.int64))


@dataclass(slots=True)
class _Work:
    """Findings and what has to be remembered from batch to batch."""

    table: Table
    per_row: Table
    members: Mapping[str, Members | None]
    ledgers: Mapping[tuple[str, ...], Ledger]
    rows: int = 0
    findings: dict[tuple[str, str], FileFinding] = field(default_factory=dict)
    starts: list[tuple[int, Opened]] = field(default_factory=list)

    def file(self, file: Opened) -> None:
        """All rows of one file, unless its columns are not those of the contract."""
        faults = schema_findings(self.table, file)
        for finding in faults:
            self._add(file.path, finding)
        if faults:
            return
        self.starts.append((self.rows, file))
        last: list[np.ndarray[Any, Any]] | None = None
        begun = self.rows
        for raw in file.batches(self.table.names):
            batch, bad = self._converted(file, raw, self.rows - begun)
            for finding in check_batch(self.per_row, batch, self.members):
                if finding.column not in bad:
                    self._add(file.path, _shifted(finding, self.rows - begun))
            last = self._order(file.path, batch, last, self.rows - begun)
            self._keys(batch)
            self.rows += batch.num_rows

    def judge_keys(self) -> None:
        """Findings of keys that stand in more than one row of all the files."""
        for columns, ledger in self.ledgers.items():
            rows = ledger.repeated()
            if not rows.size:
                continue
            first = int(rows[0])
            start, file = next(one for one in reversed(self.starts) if one[0] <= first)
            shown = _values_at(file, columns, first - start)
            expected = "values that stand in no earlier row of any file"
            name = ", ".join(columns)
            self._add(
                file.path,
                Finding(
                    "unique", self.table.name, name, 0, len(rows), first - start, shown, expected
                ),
            )
        for key, one in self.findings.items():
            finding = one.finding
            rows_seen = finding.rows if finding.check == "schema" else self.rows
            self.findings[key] = replace(one, finding=replace(finding, rows=rows_seen))

    def _converted(
        self, file: Opened, raw: pa.RecordBatch, row: int
    ) -> tuple[pa.RecordBatch, frozenset[str]]:
        """The batch in the contract's types; values that do not fit become null and findings.

        Returns the columns that were so treated, whose nulls are no finding of their own.
        """
        arrays, bad = [], set()
        for column in self.per_row.columns:
            array = one_array(raw.column(column.name))
            try:
                arrays.append(converted(array, column))
                continue
            except pa.ArrowInvalid:
                bad.add(column.name)
            if pa.types.is_dictionary(array.type):
                array = array.dictionary_decode()
            rows = misfits(array, column)
            self._add(file.path, misfit_finding(self.table, column, array, rows, row))
            if not column.nullable and array.null_count:
                self._add(file.path, null_finding(self.table, column, array, row))
            keep = np.ones(len(array), np.bool_)
            keep[rows] = False
            array = pc.if_else(pa.array(keep), array, pa.scalar(None, array.type))
            arrays.append(converted(array, column))
        schema = self.per_row.arrow_schema()
        nullable = pa.schema([one.with_nullable(True) for one in schema])
        return pa.RecordBatch.from_arrays(arrays, schema=nullable), frozenset(bad)

    def _order(
        self,
        path: Path,
        batch: pa.RecordBatch,
        last: list[np.ndarray[Any, Any]] | None,
        row: int,
    ) -> list[np.ndarray[Any, Any]] | None:
        """Rows that are smaller than the row before; returns the last row's words."""
        arrays = [batch.column(name) for name in self.table.order]
        if not arrays or not batch.num_rows or any(array.null_count for array in arrays):
            return last
        columns = [words(array) for array in arrays]
        joined = (
            columns
            if last is None
            else [np.concatenate(pair) for pair in zip(last, columns, strict=True)]
        )
        rows = falls(joined) - (0 if last is None else 1)
        if rows.size:
            first = int(rows[0])
            shown = ", ".join(str(array[first].as_py()) for array in arrays)
            name = ", ".join(self.table.order)
            self._add(
                path,
                Finding(
                    "order",
                    self.table.name,
                    name,
                    batch.num_rows,
                    len(rows),
                    first + row,
                    shown,
                    "rows in ascending order within a file",
                ),
            )
        return [column[-1:] for column in columns]

    def _keys(self, batch: pa.RecordBatch) -> None:
        for names, ledger in self.ledgers.items():
            arrays = [batch.column(name) for name in names]
            numbers = np.arange(self.rows, self.rows + batch.num_rows)
            present = [mask for array in arrays if (mask := validity(array)) is not None]
            if present:
                # A row without a key is a finding already, and no key of others.
                mask = np.logical_and.reduce(present)
                arrays = [array.filter(pa.array(mask)) for array in arrays]
                numbers = numbers[mask]
            if len(numbers):
                ledger.add(key_words(arrays), numbers)

    def _add(self, path: Path, finding: Finding) -> None:
        """Sum up findings of the same check; the first one keeps its row and file."""
        key = (finding.check, finding.column)
        before = self.findings.get(key)
        if before is None:
            self.findings[key] = FileFinding(str(path), finding)
            return
        total = before.finding.offenders + finding.offenders
        rows = before.finding.rows + finding.rows
        self.findings[key] = replace(
            before, finding=replace(before.finding, offenders=total, rows=rows)
        )


def _shifted(finding: Finding, row: int) -> Finding:
    first = None if finding.first_row is None else finding.first_row + row
    return replace(finding, first_row=first, first_value=shortened(finding.first_value))


def _values_at(file: Opened, columns: Sequence[str], row: int) -> str:
    """The values of one row, read again: they were not kept."""
    seen = 0
    for batch in file.batches(columns):
        if row < seen + batch.num_rows:
            return shortened(", ".join(str(array[row - seen].as_py()) for array in batch.columns))
        seen += batch.num_rows
    return ""
