"""Columns: arrays of a stage into a table as the contract wants it.

Reads    nothing
Writes   a table of catalog.yaml
Draws    nothing
Sources  the contract
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fauxpay.contracts.tables import Table, table
from fauxpay.foundations.draws import I64

TABLES = ("places", "merchants", "terminals", "customers", "accounts", "cards", "devices")


@cache
def contract(name: str) -> Table:
    """The contract of a catalog table."""
    return table(f"catalog.yaml#/$defs/{name}")


@cache
def choices(name: str, column: str) -> tuple[str, ...]:
    """The values that the contract allows in a column, in its order."""
    return tuple(str(value) for value in contract(name).column(column).enum or ())


def shaped(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """The table of that name from a column for each of the contract's.

    columns  numpy arrays, Arrow arrays, or Coded
    """
    schema = contract(name).arrow_schema()
    assert set(columns) == set(schema.names), set(columns) ^ set(schema.names)
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def nullable(values: NDArray[Any], is_null: NDArray[np.bool_]) -> pa.Array:
    """An Arrow array in which the rows of `is_null` have no value."""
    return pa.array(values, mask=is_null)


def nullable_days(days: I64, is_null: NDArray[np.bool_]) -> pa.Array:
    """An Arrow array of dates from days since 1970; the rows of `is_null` have no value."""
    return pa.array(days.astype(np.int32), mask=is_null).cast(pa.date32())


def texts(words: Any, codes: I64) -> pa.Array:
    """words[code] of each code as an Arrow string array."""
    return pa.array(words, pa.string()).take(pa.array(codes))


def _array(values: Any, arrow_type: pa.DataType) -> pa.Array:
    if isinstance(values, Coded):
        if pa.types.is_dictionary(arrow_type):
            indices = pa.array(values.codes).cast(arrow_type.index_type)
            return pa.DictionaryArray.from_arrays(indices, pa.array(values.words, pa.string()))
        return texts(values.words, values.codes)
    if isinstance(values, np.ndarray) and pa.types.is_date32(arrow_type):
        return pa.array(values.astype(np.int32)).cast(arrow_type)
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return array.cast(arrow_type)


@dataclass(frozen=True, slots=True)
class Coded:
    """A text column as codes i64[rows] into words; for an enum, the contract's order."""

    codes: I64
    words: tuple[str, ...]
