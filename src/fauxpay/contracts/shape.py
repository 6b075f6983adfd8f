"""Shape: whether the columns of a user's file are those of a contract, and what does not fit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fauxpay.contracts.buffers import validity
from fauxpay.contracts.columns import NO_ROWS, Rows
from fauxpay.contracts.conversion import FLOATS, INTEGERS, PANDAS_HINT, is_castable, kind
from fauxpay.contracts.faults import Alike, shortened
from fauxpay.contracts.files import Opened
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.tables import Column, Table


def schema_findings(table: Table, file: Opened) -> list[Finding]:
    """Columns that are missing, unknown, there twice, or of a type that cannot be cast."""
    names, found = file.schema.names, []
    for column in table.columns:
        if names.count(column.name) == 0:
            nearest = Alike.of(
                column.name, [one for one in names if one not in table.names]
            ).nearest
            seen = f"no such column{f' (is it {nearest!r}?)' if nearest else ''}"
            found.append(_schema_finding(table, column.name, seen, "the column"))
        elif names.count(column.name) > 1:
            seen = f"{names.count(column.name)} columns"
            found.append(_schema_finding(table, column.name, seen, "one"))
        elif not file.is_text and not is_castable(
            given := file.schema.field(column.name).type, column
        ):
            hint = (
                PANDAS_HINT if (kind(given), kind(column.value_type)) == (FLOATS, INTEGERS) else ""
            )
            seen = f"{given}, which cannot be cast{hint}"
            expected = f"{kind(column.value_type)} ({column.arrow})"
            found.append(_schema_finding(table, column.name, seen, expected))
    for name in dict.fromkeys(names):
        if name not in table.names:
            found.append(_schema_finding(table, shortened(name), "unknown column", "no others"))
    return found


def _schema_finding(table: Table, column: str, seen: str, expected: str) -> Finding:
    return Finding("schema", table.name, column, 0, 0, None, seen, expected)


def misfit_finding(table: Table, column: Column, array: pa.Array, rows: Rows, row: int) -> Finding:
    """Values that the column\'s type cannot hold; `row` is where the batch begins."""
    first = int(rows[0])
    expected = f"{kind(column.value_type)} ({column.arrow})"
    shown = shortened(repr(array[first].as_py()))
    return Finding(
        "type", table.name, column.name, len(array), len(rows), first + row, shown, expected
    )


def null_finding(table: Table, column: Column, array: pa.Array, row: int) -> Finding:
    """Rows without a value, where one is required."""
    mask = validity(array)
    rows = np.flatnonzero(~mask) if mask is not None else NO_ROWS
    first = int(rows[0]) + row
    return Finding("null", table.name, column.name, len(array), len(rows), first, "None", "a value")
