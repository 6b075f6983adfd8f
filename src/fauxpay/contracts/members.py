"""Members: which values stand in a set, and which rows repeat another. Exact, without sorting.

Both scatter into a table of 2**k slots by a multiplicative hash, gather back and compare: a row
that finds itself is settled, and the few that do not go on to a smaller table under another
multiplier. Sorting, which costs 20 times more, is left for what six tables did not settle.

Source: Dietzfelbinger et al. 1997, "A reliable randomized algorithm for the closest-pair
problem" (multiplicative hashing by the high bits).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

# Odd: the golden ratio, then the square roots of 3 to 13, the fraction's first 64 bits of each.
_MULTIPLIERS = tuple(
    np.uint64(constant)
    for constant in (
        0x9E3779B97F4A7C15,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
    )
)
_ROWS_AT_ONCE = 65_536
_ROWS_MAX = 2**31 - 1


def repeats(columns: Sequence[I64]) -> I64:
    """Rows whose values, taken over all columns together, stand in an earlier row.

    columns  i64[n] each, at least one
    returns  i64[m], ascending; empty where every row is unique
    """
    count = len(columns[0])
    assert count <= _ROWS_MAX
    rows = np.arange(count, dtype=np.int32)
    words = _mixed(columns)
    for multiplier in _MULTIPLIERS:
        slots, bits = _slots(words, multiplier, slots_per_entry=4)
        position = np.arange(len(rows), dtype=np.int32)
        # Not initialised: every slot that is read was written by the row that reads it.
        owners = np.empty(1 << bits, np.int32)
        owners[slots] = position
        owner = owners.take(slots, mode="clip")
        lost = np.flatnonzero(owner != position)
        if not lost.size:
            return np.empty(0, np.int64)
        losers, winners = rows[lost], rows[owner[lost]]
        if np.logical_and.reduce([column[losers] == column[winners] for column in columns]).any():
            break
        rows, words = losers, words[lost]
    return _repeats_by_sorting(columns)


def _repeats_by_sorting(columns: Sequence[I64]) -> I64:
    """The same answer by a stable sort: the slow path, which names every offender."""
    order = np.lexsort(columns)
    same = np.ones(max(len(order) - 1, 0), np.bool_)
    for column in columns:
        same &= column[order[1:]] == column[order[:-1]]
    return np.sort(order[1:][same]).astype(np.int64)


def _mixed(columns: Sequence[I64]) -> U64:
    """One word per row; for one column it is the column itself."""
    words = columns[0].view(np.uint64)
    for column in columns[1:]:
        words = words * _MULTIPLIERS[0] + column.view(np.uint64)
    return words


def _slots(words: U64, multiplier: np.uint64, slots_per_entry: int) -> tuple[I64, int]:
    """Slot of each word in a table of 2**bits slots, and bits."""
    bits = max(1, (max(1, len(words)) * slots_per_entry - 1).bit_length())
    return _hashed(words, multiplier, np.uint64(64 - bits)), bits


def _hashed(words: U64, multiplier: np.uint64, shift: np.uint64) -> I64:
    hashed = words * multiplier
    np.right_shift(hashed, shift, out=hashed)
    return hashed.view(np.int64)


@dataclass(frozen=True, slots=True)
class Level:
    """One slot table: `slots[(x * multiplier) >> shift] == x` says that x is a member."""

    multiplier: np.uint64
    shift: np.uint64
    slots: I64

    def lost(self, sought: I64) -> I64:
        """Positions of the values that this table does not hold."""
        found: list[I64] = []
        for start in range(0, len(sought), _ROWS_AT_ONCE):
            part = sought[start : start + _ROWS_AT_ONCE]
            slots = _hashed(part.view(np.uint64), self.multiplier, self.shift)
            absent = self.slots.take(slots, mode="clip") != part
            if absent.any():
                found.append(np.flatnonzero(absent) + start)
        return np.concatenate(found) if found else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Members:
    """A set of integers that answers which of many values it lacks.

    Memory is 20 to 45 bytes a member. `rest` is what the levels displaced, sorted.
    """

    levels: tuple[Level, ...]
    rest: I64

    @staticmethod
    def of(ids: NDArray[np.integer]) -> Members:
        """The set of the given integers; repeats do no harm."""
        left = np.ascontiguousarray(ids, dtype=np.int64)
        levels: list[Level] = []
        for multiplier in _MULTIPLIERS:
            if not left.size:
                break
            at, bits = _slots(left.view(np.uint64), multiplier, slots_per_entry=2)
            # An empty slot holds a member of another slot, so nothing sought there equals it.
            slots = np.full(1 << bits, left[0])
            slots[at] = left
            levels.append(Level(multiplier, np.uint64(64 - bits), slots))
            left = left[slots[at] != left]
        return Members(tuple(levels), np.unique(left))

    def missing(self, sought: NDArray[np.integer], valid: NDArray[np.bool_] | None = None) -> I64:
        """Positions, ascending, of the values that are not members.

        sought  integers [n]
        valid   bool [n]: false where the value is null and not asked for
        """
        values = np.ascontiguousarray(sought, dtype=np.int64)
        lost = np.arange(len(values)) if not self.levels else self.levels[0].lost(values)
        if valid is not None:
            lost = lost[valid[lost]]
        for level in self.levels[1:]:
            if not lost.size:
                return lost
            lost = lost[level.lost(values[lost])]
        if self.rest.size and lost.size:
            at = np.searchsorted(self.rest, values[lost]).clip(max=self.rest.size - 1)
            lost = lost[self.rest[at] != values[lost]]
        return lost
