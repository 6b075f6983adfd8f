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
    assert member.max(initial=0) <= int(_MEMBER_MASK), "a pool numbers at most 2**24 members"
    order = np.argsort(segment, kind="stable")
    segment, member, weight = segment[order], member[order], weight[order]
    length = np.bincount(segment, minlength=segment_count)
    start = np.concatenate(([0], np.cumsum(length)[:-1]))
    total = np.bincount(segment, weight, segment_count)
    left, other = _shared_out(segment, weight / total[segment] * length[segment])
    kept = np.minimum(np.rint(left * 2.0**16), _KEEP_ALL).astype(np.uint64)
    members = member.astype(np.uint64) << _MEMBER_BITS | member[other].astype(np.uint64)
    return AliasPool(
        segment=start.astype(np.uint64) << _HALF | length.astype(np.uint64),
        entry=kept << _KEEP_SHIFT | members,
    )


def _shared_out(segment: I64, share: F64) -> tuple[F64, I64]:
    """(part of its bucket that each row keeps, the row that has the rest) of sorted segments.

    share  of all draws of the segment, in buckets: below 1 a row is poor, else it is rich

    Vose's method without its loop. From the last row to the first, the rich fill the buckets of the
    poor; who is left with less than 1 is poor too, and is served at once by the next of the rich.
    So running sums tell who serves whom: of what the rich have over, of what the poor lack. At the
    ends of segments both are the same but for rounding, so one pass does for all of them.
    """
    rows = np.arange(share.size)[::-1]
    poor, rich = rows[share[::-1] < 1.0], rows[share[::-1] >= 1.0]
    lacked, over = np.cumsum(1.0 - share[poor]), np.cumsum(share[rich] - 1.0)
    left, other = np.ones(share.size), np.arange(share.size)
    rich_in = np.append(segment[rich], -1)
    server = np.searchsorted(over, np.append(0.0, lacked)[:-1])
    server = np.maximum(server, np.searchsorted(-rich_in, -segment[poor]))
    is_served = rich_in[server] == segment[poor]
    left[poor[is_served]] = share[poor[is_served]]
    other[poor[is_served]] = rich[server[is_served]]
    # The first of the poor for whom each of the rich had not enough.
    ruin = np.searchsorted(lacked, over, side="right")
    is_ruined = np.append(segment[poor], -1)[ruin] == segment[rich]
    is_ruined &= rich_in[1:] == segment[rich]
    at = np.flatnonzero(is_ruined)
    left[rich[at]] = 1.0 + over[at] - lacked[ruin[at]]
    other[rich[at]] = rich[at + 1]
    return left, other


def slots(weights: Any, size: int) -> NDArray[np.uint8]:
    """Tables of `size` entries in which choice i stands in proportion to weights[.., i].

    weights  [tables, choices], or [choices] of one table
    returns  u8[tables * size], end to end

    Largest remainders get the left-over slots, so each table is exact to 1/size.
    """
    share = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    tables, choices = share.shape
    assert choices <= 256
    exact = share / share.sum(axis=1, keepdims=True) * size
    count = np.floor(exact).astype(np.int64)
    left_over = size - count.sum(axis=1, keepdims=True)
    # Rounded before ordering: equal remainders must tie the same way on every machine.
    order = np.argsort(-np.round(exact - count, 9), axis=1, kind="stable")
    more = np.arange(choices) < left_over
    np.put_along_axis(count, order, np.take_along_axis(count, order, axis=1) + more, axis=1)
    return np.repeat(np.tile(np.arange(choices, dtype=np.uint8), tables), count.reshape(-1))
