"""Members: which values stand in a set, and which rows repeat another. Exact, without sorting.

Both scatter into a table of 2**k slots by a multiplicative hash, gather back and compare: a row
that finds itself is settled, and the few that do not go on to a smaller table under another
multiplier. Sorting, which costs 20 times more, is left for what six tables did not settle.

Source: Dietzfelbinger et al. 1997, "A reliable randomized algorithm for the closest-pair
problem" (multiplicative hashing by the high bits).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

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
_ROWS_AT_ONCE = 32_768
_WARMED_SLOTS_PER_ROW = 4
_ROWS_MAX = 2**30
_FILTER_BITS = 16
_FILTER_MASK = np.int64((1 << _FILTER_BITS) - 1)
_NO_ROWS: I64 = np.empty(0, np.int64)
_KEPT = threading.local()


def repeats(columns: Sequence[I64]) -> I64:
    """Rows whose values, taken over all columns together, stand in an earlier row.

    columns  i64[n] each, at least one
    returns  i64[m], ascending; empty where every row is unique
    """
    words, left = _mixed(columns), list(columns)
    for multiplier in _MULTIPLIERS:
        losers, winners = _collisions(words, multiplier)
        if not losers.size:
            return _NO_ROWS
        if np.logical_and.reduce([column[losers] == column[winners] for column in left]).any():
            return _repeats_by_sorting(columns)
        words, left = words[losers], [column[losers] for column in left]
    # What six tables did not settle is a handful, unless somebody chose it to collide.
    return _repeats_by_sorting(columns) if _repeats_by_sorting(left).size else _NO_ROWS


def candidates(ids: I64, sought: I64) -> I64:
    """Positions, ascending, of the ids that could equal a sought value: their low bits do.

    For few sought values among many ids this leaves next to nothing to compare, without a table.
    """
    marked = np.zeros(1 << _FILTER_BITS, np.bool_)
    marked[sought & _FILTER_MASK] = True
    return np.flatnonzero(marked.take(ids & _FILTER_MASK, mode="clip"))


def _collisions(words: U64, multiplier: np.uint64) -> tuple[I64, I64]:
    """Positions of words whose slot another word took, and the positions of those others.

    Equal words share a slot, so all but one of them are among the losers.
    """
    assert len(words) <= _ROWS_MAX
    bits = _bits(len(words))
    shift = np.uint64(64 - bits)
    owners = _scratch(1 << bits)
    # Every slot that is read is written first: this only calls the memory into the cache.
    owners.fill(0)
    numbers = _numbers(1 << bits)
    for part in _parts(len(words)):
        owners[_hashed(words[part], multiplier, shift)] = numbers[part]
    losers: list[I64] = []
    winners: list[I64] = []
    for part in _parts(len(words)):
        # Hashed again, because keeping the slots would cost more in memory than in time.
        owner = owners.take(_hashed(words[part], multiplier, shift), mode="clip")
        lost = np.flatnonzero(owner != numbers[part])
        losers.append(lost + part.start)
        winners.append(owner[lost].astype(np.int64))
    return _joined(losers), _joined(winners)


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


def _bits(count: int) -> int:
    """Size of a slot table, 2**bits, for that many entries: two to four slots for each."""
    return max(1, (2 * count - 1).bit_length()) if count else 1


def _hashed(words: U64, multiplier: np.uint64, shift: np.uint64) -> I64:
    """Slot of each word: the high bits of its product."""
    hashed = words * multiplier
    np.right_shift(hashed, shift, out=hashed)
    return hashed.view(np.int64)


def _parts(count: int) -> Iterator[slice]:
    """Slices that keep what is worked on inside the second-level cache."""
    for start in range(0, count, _ROWS_AT_ONCE):
        yield slice(start, min(start + _ROWS_AT_ONCE, count))


def _joined(arrays: list[I64]) -> I64:
    return np.concatenate(arrays) if arrays else _NO_ROWS


@lru_cache(maxsize=8)
def _numbers(count: int) -> NDArray[np.int32]:
    numbers = np.arange(count, dtype=np.int32)
    numbers.flags.writeable = False
    return numbers


def _scratch(count: int) -> NDArray[np.int32]:
    """Memory with anything in it, kept per thread: fresh pages cost more than the work on them."""
    kept: NDArray[np.int32] | None = getattr(_KEPT, "slots", None)
    if kept is None or len(kept) < count:
        kept = np.empty(count, np.int32)
        _KEPT.slots = kept
    return kept[:count]


@dataclass(frozen=True, slots=True)
class Claim:
    """Where each value is said to stand: `ids[position]`, both int64. Believed only where it does.

    A maker knows where it took a key from. To look there costs a third of a search, and proves as
    much: what does not stand where it is said to is searched for like any other.
    """

    ids: I64
    position: I64

    def refuted(self, values: I64) -> I64:
        """Rows whose value does not stand where it is said to."""
        return np.flatnonzero(self.ids.take(self.position, mode="clip") != values)

    def part(self, first: int, end: int) -> Claim:
        """The claim of rows first .. end - 1."""
        return Claim(self.ids, self.position[first:end])


@dataclass(frozen=True, slots=True)
class Level:
    """One slot table: `slots[(x * multiplier) >> shift] == x` says that x is a member."""

    multiplier: np.uint64
    shift: np.uint64
    slots: I64

    def lost(self, sought: I64) -> I64:
        """Positions of the values that this table does not hold."""
        words, lost = sought.view(np.uint64), list[I64]()
        if len(self.slots) <= _WARMED_SLOTS_PER_ROW * len(sought):
            # Called into the cache in order, it costs a third of what it does at random.
            self.slots.max()
        for part in _parts(len(sought)):
            slots = _hashed(words[part], self.multiplier, self.shift)
            absent = self.slots.take(slots, mode="clip") != sought[part]
            lost.append(np.flatnonzero(absent) + part.start)
        return _joined(lost)


@dataclass(frozen=True, slots=True)
class Members:
    """A set of integers that answers which of many values it lacks.

    Memory is 20 to 45 bytes a member. `rest` is what the levels displaced, sorted; `proven` are
    arrays of claims that were found to hold members only.
    """

    levels: tuple[Level, ...]
    rest: I64
    proven: list[I64] = field(default_factory=list, repr=False, compare=False)

    @staticmethod
    def of(ids: NDArray[np.integer]) -> Members:
        """The set of the given integers; repeats do no harm."""
        left = np.ascontiguousarray(ids, dtype=np.int64)
        levels: list[Level] = []
        for multiplier in _MULTIPLIERS:
            if not left.size:
                break
            bits = _bits(len(left))
            at = _hashed(left.view(np.uint64), multiplier, np.uint64(64 - bits))
            # An empty slot holds a member of another slot, so nothing sought there equals it.
            slots = np.full(1 << bits, left[0])
            slots[at] = left
            levels.append(Level(multiplier, np.uint64(64 - bits), slots))
            left = left[slots[at] != left]
        return Members(tuple(levels), np.unique(left))

    def missing(
        self,
        sought: NDArray[np.integer],
        valid: NDArray[np.bool_] | None = None,
        claim: Claim | None = None,
    ) -> I64:
        """Positions, ascending, of the values that are not members.

        sought  integers [n]
        valid   bool [n]: false where the value is null and not asked for
        claim   where the values are said to stand, of n positions
        """
        values = np.ascontiguousarray(sought, dtype=np.int64)
        if claim is not None and self._holds(claim.ids):
            lost = claim.refuted(values)
            if valid is not None and lost.size:
                lost = lost[valid[lost]]
            return lost[self.missing(values[lost])] if lost.size else lost
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

    def _holds(self, ids: I64) -> bool:
        """Whether an array holds members only; asked once of each, which must not change."""
        if any(ids is known for known in self.proven):
            return True
        is_proven = not self.missing(ids).size
        if is_proven:
            self.proven.append(ids)
        return is_proven
