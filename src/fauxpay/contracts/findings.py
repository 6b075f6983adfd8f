"""Findings: what a failing check saw, in a form that can be counted, printed and sealed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed; a check that passed leaves nothing.

    check        schema, index, null, range, multiple, enum, pattern, constant, unique, order,
                 foreign_key; type, of users' files; or the name of a check of a segment's own
    column       "" for the table as a whole; several are parted by ", "
    rows         how many rows were looked at
    offenders    how many of them fail
    first_row    the first that fails, counted from 0; None where no single row is at fault
    first_value  its value as text
    """

    check: str
    table: str
    column: str
    rows: int
    offenders: int
    first_row: int | None
    first_value: str
    expected: str

    def document(self) -> dict[str, Any]:
        """As `run.yaml#/$defs/finding` states it."""
        return asdict(self)

    def __str__(self) -> str:
        name = f"{self.table}.{self.column}" if self.column else self.table
        first = f"; first at row {self.first_row}" if self.first_row is not None else ""
        return (
            f"{name}: {self.offenders} of {self.rows} rows fail the check {self.check!r}"
            f"{first}: {self.first_value}; expected {self.expected}"
        )
