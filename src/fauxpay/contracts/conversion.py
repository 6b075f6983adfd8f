"""Conversion: columns of users' files in the type that a contract states.

Types that hold the same values stand for each other (an int64 for an int32, a plain text for a
dictionary, a moment in any zone); nothing is guessed and nothing that does not fit is bent. Texts
of a CSV are read as the type that the contract names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.contracts.columns import NO_ROWS, Rows
from fauxpay.contracts.tables import Column

INTEGERS, FLOATS, TEXTS = "whole numbers", "numbers", "texts"
# Not cast: a float64 cannot tell neighbouring 63-bit ids apart.
PANDAS_HINT = "; a column of ids with nulls is Int64 in pandas, not float64"


def kind(arrow_type: pa.DataType) -> str:
    """What a column holds, in words; types of one kind can stand for each other."""
    if pa.types.is_dictionary(arrow_type):
        return kind(arrow_type.value_type)
    kinds: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
        (pa.types.is_boolean, "true or false"),
        (pa.types.is_integer, INTEGERS),
        (pa.types.is_floating, FLOATS),
        (pa.types.is_string, TEXTS),
        (pa.types.is_large_string, TEXTS),
        (pa.types.is_string_view, TEXTS),
        (pa.types.is_date, "days"),
        (lambda one: pa.types.is_timestamp(one) and one.tz is not None, "moments"),
        (pa.types.is_timestamp, "times without a zone"),
    )
    return next((words for holds, words in kinds if holds(arrow_type)), str(arrow_type))


def is_castable(given: pa.DataType, column: Column) -> bool:
    """Whether values of a type can be those of a column; single values may still not fit."""
    if pa.types.is_null(given):
        return True
    kinds = (kind(given), kind(column.value_type))
    return kinds[0] == kinds[1] or kinds == (INTEGERS, FLOATS)


def converted(array: pa.Array, column: Column) -> pa.Array:
    """The array in the column's type, dictionary or not. Raises pa.ArrowInvalid for a misfit."""
    if array.type == column.arrow_type:
        return array
    if pa.types.is_dictionary(array.type):
        plain = array.type.value_type == column.value_type
        if column.is_dictionary and plain:
            return array.cast(column.arrow_type)
        array = array.dictionary_decode()
    array = array.cast(column.value_type)
    if not column.is_dictionary:
        return array
    return array.dictionary_encode().cast(column.arrow_type)


def misfits(array: pa.Array, column: Column) -> Rows:
    """Rows whose value the column's type cannot hold, found by halves, since Arrow names none."""
    if fits(array, column):
        return NO_ROWS
    found: list[int] = []
    to_do = [(0, len(array))]
    while to_do:
        low, high = to_do.pop()
        if fits(array[low:high], column):
            continue
        if high - low == 1:
            found.append(low)
            continue
        middle = (low + high) // 2
        to_do += [(middle, high), (low, middle)]
    return np.array(found, np.int64)


def fits(array: Any, column: Column) -> bool:
    """Whether every value can be one of the column's type."""
    try:
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        array.cast(column.value_type)
    except pa.ArrowInvalid:
        return False
    return True
