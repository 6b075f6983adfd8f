"""Alias tables: one weighted choice in two look-ups, for many segments in one pool.

Source: Vose 1991, "A linear algorithm for generating random numbers with a given distribution".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.foundations.draws import F64, I64, U64

_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_KEEP_SHIFT, _KEEP_MASK, _KEEP_ALL = np.uint64(48), np.uint64(0xFFFF), 0xFFFF
_MEMBER_BITS, _MEMBER_MASK = np.uint64(24), np.uint64(0xFFFFFF)


@dataclass(frozen=True, slots=True)
class AliasPool:
    """Weighted choices of many segments, laid end to end.

    segment  u64[segments]  start << 32 | length of a segment in the pool
    entry    u64[pool]      16 bits: keep the own member when the draw is below this; 24 bits of
                            own member; 24 bits of what is chosen instead. One look finds all.
    """

    segment: U64
    entry: U64

    def pick(self, segment: I64, word: U64) -> I64:
        """One member of each row's segment; word is u64[n]. A segment must not be empty."""
        where = self.segment.take(segment, mode="clip")
        bucket = word >> _HALF
        bucket *= where & _LOW
        bucket >>= _HALF
        bucket += where >> _HALF
        entry = self.entry.take(bucket.view(np.int64), mode="clip")
        kept = (word & _KEEP_MASK) < (entry >> _KEEP_SHIFT)
        entry >>= kept.view(np.uint8) * _MEMBER_BITS
        entry &= _MEMBER_MASK
        return entry.view(np.int64)


def alias_pool(segment: I64, member: I64, weight: F64, segment_count: int) -> AliasPool:
    """A pool from rows (segment, member, weight); rows need no order, weights are > 0."""
    assert segment.size == member.size == weight.size
    order = np.argsort(segment, kind="stable")
    member, weight = member[order], weight[order]
    length = np.bincount(segment, minlength=segment_count)
    start = np.concatenate(([0], np.cumsum(length)[:-1]))
    left: list[float] = []
    others: list[int] = []
    for first, size in zip(start.tolist(), length.tolist(), strict=True):
        if size:
            own_left, own_others = _shared_out(weight[first : first + size])
            left += own_left
            others += own_others
    rows = np.arange(member.size)
    other = np.array(others, dtype=np.int64) + np.repeat(start, length)
    keep = _kept(np.array(left, dtype=np.float64), other, rows)
    assert member.max(initial=0) <= int(_MEMBER_MASK), "a pool numbers at most 2**24 members"
    members = member.astype(np.uint64) << np.uint64(24) | member[other].astype(np.uint64)
    return AliasPool(
        segment=start.astype(np.uint64) << _HALF | length.astype(np.uint64),
        entry=keep << _KEEP_SHIFT | members,
    )


def _shared_out(weights: F64) -> tuple[list[float], list[int]]:
    """(what each keeps of its share, who has the rest) of one segment: Vose's method.

    Lists, because most segments are short: an array call costs more than all of their steps.
    """
    count = weights.size
    left, other = (weights / weights.sum() * count).tolist(), list(range(count))
    small = [number for number, share in enumerate(left) if share < 1.0]
    large = [number for number, share in enumerate(left) if share >= 1.0]
    while small and large:
        low, high = small.pop(), large[-1]
        other[low] = high
        rest = left[high] - (1.0 - left[low])
        left[high] = rest
        if rest < 1.0:
            small.append(large.pop())
    return left, other


def _kept(left: F64, other: I64, own: I64) -> U64:
    """Draws of 65,536 that stay with each: what it had when it got another; all if it got none."""
    kept = np.minimum(np.rint(left * 2.0**16), _KEEP_ALL).astype(np.uint64)
    return np.where(other == own, np.uint64(_KEEP_ALL), kept)


def slots(weights: Any, size: int) -> NDArray[np.uint8]:
    """A table of `size` entries in which choice i (u8) stands in proportion to weights[i].

    Largest remainders get the left-over slots, so the table is exact to 1/size.
    """
    share = np.asarray(weights, dtype=np.float64)
    assert share.size <= 256
    exact = share / share.sum() * size
    count = np.floor(exact).astype(np.int64)
    left_over = size - int(count.sum())
    # Rounded before ordering: equal remainders must tie the same way on every machine.
    remainder = np.round(exact - count, 9)
    count[np.argsort(-remainder, kind="stable")[:left_over]] += 1
    return np.repeat(np.arange(share.size, dtype=np.uint8), count)
