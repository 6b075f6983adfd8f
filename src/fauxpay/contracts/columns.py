"""Checks of one column: index, null, range, multiple, enum, pattern, constant.

Each asks a fast question first (smallest and largest value, the few values of the dictionary),
which valid data answers at once, and looks for the offending rows only when the answer is bad.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fauxpay.contracts.buffers import Bools, validity, values
from fauxpay.contracts.tables import Column

Rows = NDArray[np.int64]
Accepts = Callable[[pa.Array], pa.Array]
NO_ROWS: Rows = np.empty(0, np.int64)
# The last dictionary of each column and which of its values a rule accepts: batches of a run share
# their dictionaries, and to compare 34,000 city names costs 30 times less than to match them.
_JUDGED: dict[tuple[Column, str], tuple[pa.Array, Bools]] = {}


def outside_dictionary(column: Column, array: pa.Array) -> Rows:
    """Rows whose index points at no value of the dictionary; nothing else can be read then."""
    indexes, count = values(array), len(array.dictionary)
    if not len(indexes) or (indexes.min() >= 0 and indexes.max() < count):
        return NO_ROWS
    return _rows((indexes < 0) | (indexes >= count), array)


def nulls(column: Column, array: pa.Array) -> Rows:
    """Rows without a value."""
    present = validity(array)
    return NO_ROWS if present is None else np.flatnonzero(~present)


def outside_range(column: Column, array: pa.Array) -> Rows:
    """Rows below the minimum or above the maximum; for floats, NaN and infinities as well."""
    slots = values(array)
    if not len(slots):
        return NO_ROWS
    low, high = _limits(column, slots.dtype)
    smallest, largest = slots.min(), slots.max()
    is_low = smallest <= low if column.is_minimum_exclusive else smallest < low
    # Asked so that a NaN, which compares as false, does not pass.
    if not is_low and smallest >= low and largest <= high:
        return NO_ROWS
    above = slots > low if column.is_minimum_exclusive else slots >= low
    return _rows(~(above & (slots <= high)), array)


def not_multiples(column: Column, array: pa.Array) -> Rows:
    """Rows that are no multiple of the stated step."""
    slots = values(array)
    step = slots.dtype.type(column.multiple_of)
    # Division by a constant is vectorised, the remainder is not.
    wrong = slots // step * step != slots
    return _rows(wrong, array) if wrong.any() else NO_ROWS


def not_in_enum(column: Column, array: pa.Array) -> Rows:
    """Rows whose text is none of the stated ones; unused dictionary entries do no harm."""
    allowed = pa.array(column.enum, pa.string())
    return _by_text(column, array, "enum", lambda texts: pc.is_in(texts, value_set=allowed))


def not_matching(column: Column, array: pa.Array) -> Rows:
    """Rows whose text the pattern does not match."""
    return _by_text(
        column, array, "pattern", lambda texts: pc.match_substring_regex(texts, column.pattern)
    )


def not_constant(column: Column, array: pa.Array) -> Rows:
    """Rows of a flag that is not the one that is stated."""
    return _rows(values(array) != column.constant, array)


def _limits(column: Column, kind: np.dtype[Any]) -> tuple[float, float]:
    """Smallest and largest value; those of the type where the contract is silent."""
    facts = np.iinfo(kind) if kind.kind in "iu" else np.finfo(kind)
    low = facts.min if column.minimum is None else column.minimum
    return low, facts.max if column.maximum is None else column.maximum


def _by_text(column: Column, array: pa.Array, rule: str, accepts: Accepts) -> Rows:
    """Rows whose text a rule does not accept; each distinct text is asked once."""
    if not pa.types.is_dictionary(array.type):
        return np.flatnonzero(~_accepted(array, accepts))
    known = _JUDGED.get((column, rule))
    if known is None or not known[0].equals(array.dictionary):
        known = (array.dictionary, _accepted(array.dictionary, accepts))
        _JUDGED[column, rule] = known
    accepted = known[1]
    if accepted.all():
        return NO_ROWS
    return _rows(~accepted.take(values(array), mode="clip"), array)


def _accepted(texts: pa.Array, accepts: Accepts) -> Bools:
    answers: Bools = np.asarray(accepts(texts).fill_null(True), dtype=np.bool_)
    return answers


def _rows(wrong: Bools, array: pa.Array) -> Rows:
    """Numbers of the wrong rows that have a value: a null's slot may hold anything."""
    present = validity(array)
    return np.flatnonzero(wrong if present is None else wrong & present)


def _range_text(column: Column) -> str:
    low, high = column.minimum, column.maximum
    parts = [] if low is None else [f"{'>' if column.is_minimum_exclusive else '>='} {low}"]
    parts += [] if high is None else [f"<= {high}"]
    parts += ["finite"] if column.arrow.startswith("float") else []
    return " and ".join(parts) + (f" ({column.unit})" if column.unit else "")


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """A rule: which columns it applies to, which rows break it, and what it expects."""

    name: str
    applies: Callable[[Column], bool]
    offenders: Callable[[Column, pa.Array], Rows]
    expected: Callable[[Column], str]


# The order matters: an index outside its dictionary makes every later question meaningless.
COLUMN_CHECKS = (
    ColumnCheck(
        "index",
        lambda c: c.is_dictionary,
        outside_dictionary,
        lambda c: "an index into the dictionary",
    ),
    ColumnCheck("null", lambda c: not c.nullable, nulls, lambda c: "a value"),
    ColumnCheck(
        "range",
        lambda c: c.minimum is not None or c.maximum is not None or c.arrow.startswith("float"),
        outside_range,
        _range_text,
    ),
    ColumnCheck(
        "multiple",
        lambda c: c.multiple_of is not None,
        not_multiples,
        lambda c: f"a multiple of {c.multiple_of}",
    ),
    ColumnCheck(
        "enum",
        lambda c: c.enum is not None,
        not_in_enum,
        lambda c: f"one of {', '.join(c.enum or ())}",
    ),
    ColumnCheck(
        "pattern",
        lambda c: c.pattern is not None,
        not_matching,
        lambda c: f"text matching {c.pattern}",
    ),
    ColumnCheck(
        "constant",
        lambda c: c.constant is not None,
        not_constant,
        lambda c: str(c.constant).lower(),
    ),
)
