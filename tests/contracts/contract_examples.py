"""Valid rows for any table, and one way to break each check: shared by the contract tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.contracts.members import Members
from fauxpay.contracts.tables import Column, Table

TEXTS = {
    "^[A-Z]{2}$": ["DE", "JP", "US"],
    "^[A-Z]{3}$": ["EUR", "JPY", "USD"],
    "^[0-9]{4}$": ["5411", "5812", "6011"],
    "^[0-9]{6}$": ["400000", "510000"],
    "^[a-z][a-z0-9_]{1,39}$": ["card_testing", "lost_stolen", "gift_card_drain"],
    "^(card|device|address|merchant)/[0-9]+$": ["card/4", "device/5", "merchant/6"],
    r"\S": ["München", "Oslo", "São Paulo", "東京"],
}
ROWS = 64
ALIEN = -77


def example(table: Table, rows: int = ROWS, seed: int = 1) -> pa.Table:
    """Rows that satisfy every check of a table, given the members of `members_of`."""
    random = np.random.default_rng(seed)
    arrays = [_array(table, column, rows, random) for column in table.columns]
    return pa.Table.from_arrays(arrays, schema=table.arrow_schema())


def members_of(table: Table, data: pa.Table) -> dict[str, Members]:
    """For every foreign key of the table, the values that its column holds."""
    held: dict[str, list[int]] = {}
    for key in table.foreign_keys:
        for position, reference in enumerate(key.tables):
            present = data[key.column].drop_null().to_pylist()
            # Where several tables may hold a value, each gets a part.
            held.setdefault(reference, []).extend(present[position :: len(key.tables)])
    return {name: Members.of(np.array(ids, np.int64)) for name, ids in held.items()}


def domains_of(table: Table) -> dict[str, list[str]]:
    """A domain for every dictionary column that the contract does not enumerate."""
    return {
        column.name: TEXTS[column.pattern or ""]
        for column in table.columns
        if column.is_dictionary and column.enum is None
    }


def replaced(data: pa.Table, name: str, array: pa.Array) -> pa.Table:
    """The table with another array in the place of a column, its type taken as it is."""
    position = data.schema.names.index(name)
    field = pa.field(name, array.type)
    return data.set_column(position, field, array)


def broken(check: str, column: Column, array: pa.Array, row: int) -> pa.Array:
    """The array with one row changed so that the check fails."""
    return BREAKERS[check](column, array, row)


def _array(table: Table, column: Column, rows: int, random: np.random.Generator) -> pa.Array:
    mask = random.random(rows) < 0.3 if column.nullable else np.zeros(rows, np.bool_)
    is_key = any(column.name in columns for columns in table.unique)
    if column.arrow == "string":
        names = list(column.enum or TEXTS[column.pattern or ""])
        codes = random.integers(0, len(names), rows)
        if is_key and not column.is_dictionary:
            # Texts that are keys end in a number, by which each can be made another.
            return pa.array([f"{names[0].rstrip('0123456789')}{row}" for row in range(rows)])
        if not column.is_dictionary:
            return pa.array([names[code] for code in codes])
        indices = pa.array(codes.astype(column.index), mask=mask)
        return pa.DictionaryArray.from_arrays(indices, pa.array(names))
    if column.arrow == "bool":
        values = np.full(rows, True) if column.constant else random.random(rows) < 0.5
        return pa.array(values)
    if column.arrow.startswith("float"):
        low, high = column.minimum or 0.0, column.maximum or 1000.0
        values = random.uniform(low + 1e-3, high, rows).astype(column.arrow)
        return pa.array(values, mask=mask)
    if column.arrow.startswith(("timestamp", "date")):
        values = np.sort(random.choice(1_000_000, rows, replace=False))
        wide = pa.array(values, mask=mask)
        wide = wide.cast(pa.int32()) if column.arrow == "date32" else wide
        return wide.cast(column.arrow_type)
    low = int(column.minimum or 0)
    high = int(column.maximum or 2**31 - 1)
    values = low + random.choice(min(high - low, 10**6), rows, replace=not is_key)
    values = values // (column.multiple_of or 1) * (column.multiple_of or 1)
    return pa.array(values.astype(column.arrow), mask=mask)


def _with_value(array: pa.Array, row: int, value: Any) -> pa.Array:
    values = array.to_pylist()
    values[row] = value
    return pa.array(values, array.type)


def _below(column: Column, array: pa.Array, row: int) -> pa.Array:
    if column.arrow.startswith("float"):
        return _with_value(array, row, float("nan"))
    assert column.minimum is not None
    return _with_value(array, row, int(column.minimum) - 1)


def _stranger(column: Column, array: pa.Array, row: int) -> pa.Array:
    texts = array.to_pylist()
    texts[row] = "  "
    plain = pa.array(texts, pa.string())
    return plain.dictionary_encode().cast(array.type) if column.is_dictionary else plain


def _bad_index(column: Column, array: pa.Array, row: int) -> pa.Array:
    indices = _with_value(array.indices, row, len(array.dictionary))
    return pa.DictionaryArray.from_arrays(indices, array.dictionary, safe=False)


BREAKERS: Mapping[str, Callable[[Column, pa.Array, int], pa.Array]] = {
    "index": _bad_index,
    "null": lambda column, array, row: _with_value(array, row, None),
    "range": _below,
    "multiple": lambda column, array, row: _with_value(array, row, 7),
    "enum": _stranger,
    "pattern": _stranger,
    "constant": lambda column, array, row: _with_value(array, row, not column.constant),
    "unique": lambda column, array, row: _with_value(array, row, array[0].as_py()),
    "order": lambda column, array, row: _with_value(array, row, array[0].as_py()),
    "foreign_key": lambda column, array, row: _with_value(array, row, 2**31 - 5),
}
