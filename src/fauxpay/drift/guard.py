"""Guard: whether a distance could be chance, when rows come in clusters.

Reads    blocks: sums of slices of the cards, and of days
Writes   nothing
Draws    drift/slices, drift/days
Sources  families.yaml [guard]

Rows of a card hang together, and so do rows of a day: counted as independent, two seeds of one
world would always differ "significantly". So whole blocks are exchanged between the two sides, and
the distance that is seen must be larger than nearly all that such exchanges make. A block keeps the
weight of the place that it moves to, so sides of different size may be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fauxpay.foundations.draws import F64, I64, draw, stream_key, uniform

Distance = Callable[[F64, F64], F64]
_SEED = 0
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Blocks:
    """Sums of one side by block: part f64[blocks, bins] of whole f64[blocks]."""

    part: F64
    whole: F64

    def mean(self) -> F64:
        """f64[bins]: the side's shares or rate."""
        mean: F64 = self.part.sum(axis=0) / self.whole.sum()
        return mean

    def means(self) -> F64:
        """f64[blocks, bins]; that of the side where a block is empty."""
        filled = self.whole > 0
        divided = self.part / np.where(filled, self.whole, 1.0)[:, None]
        return np.where(filled[:, None], divided, self.mean()[None, :])


def chance_by_slices(
    distance: Distance, first: Blocks, second: Blocks, exchange_count: int
) -> float:
    """Share of exchanges of slices that make at least the distance that is seen.

    Slice k of one side changes places with slice k of the other: where both sides hold the same
    cards, each pair is of the same cards.
    """
    observed = distance(first.mean(), second.mean())
    slice_count = first.whole.size
    swapped = _words("drift/slices", exchange_count, slice_count) < 0.5
    step = second.means() - first.means()
    usable = (first.whole > 0) & (second.whole > 0)
    step[~usable] = 0.0
    moved = swapped.astype(np.float64)
    made = distance(
        first.mean() + moved @ (step * (first.whole / first.whole.sum())[:, None]),
        second.mean() - moved @ (step * (second.whole / second.whole.sum())[:, None]),
    )
    return (1 + int((made >= observed * (1 - _HAIR)).sum())) / (1 + exchange_count)


def chance_by_days(
    distance: Distance,
    first: tuple[Blocks, I64],
    second: tuple[Blocks, I64],
    exchange_count: int,
) -> float | None:
    """The same for exchanges of days within their stratum; None where too few can be made.

    first, second  (blocks by day, stratum of each day): a stratum is a weekday, so that Mondays
                   change places with Mondays
    Only exchanges other than the one that is seen are counted, so with few days the answer is
    whether any of them reaches what is seen.
    """
    strata = sorted({int(one) for one in first[1]} & {int(one) for one in second[1]})
    if possible_exchanges(first[1], second[1]) < 3:
        return None
    sides = [_stratum_means(blocks, of_day, strata) for blocks, of_day in (first, second)]
    observed = distance(_weighted(*sides[0]), _weighted(*sides[1]))
    own, other = (np.zeros((exchange_count, side[1].shape[1])) for side in sides)
    is_other = np.zeros(exchange_count, dtype=np.bool_)
    is_mirror = np.ones(exchange_count, dtype=np.bool_)
    for nth, stratum in enumerate(strata):
        days = np.concatenate(
            [blocks.means()[of_day == stratum] for blocks, of_day in (first, second)]
        )
        count = int((first[1] == stratum).sum())
        order = np.argsort(_words(f"drift/days/{nth}", exchange_count, len(days)), axis=1)
        taken = np.zeros(order.shape)
        np.put_along_axis(taken, order[:, :count], 1.0, axis=1)
        own += sides[0][0][nth] * (taken @ days) / count
        other += sides[1][0][nth] * ((1 - taken) @ days) / (len(days) - count)
        is_other |= ~(taken[:, :count] == 1).all(axis=1)
        is_mirror &= (2 * count == len(days)) & (taken[:, :count] == 0).all(axis=1)
    made = distance(own, other)[is_other & ~is_mirror]
    if not made.size:
        return None
    return float((made >= observed * (1 - _HAIR)).mean())


def possible_exchanges(first: I64, second: I64) -> int:
    """In how many ways the days of two sides, given by stratum, can be dealt out."""
    ways = 1
    for stratum in {int(one) for one in first} & {int(one) for one in second}:
        count = int((first == stratum).sum())
        ways *= math.comb(count + int((second == stratum).sum()), count)
    return ways


def _stratum_means(blocks: Blocks, of_day: I64, strata: Sequence[int]) -> tuple[F64, F64]:
    """(weight of each stratum, its mean f64[strata, bins]): each stratum counts as one day."""
    means = blocks.means()
    weight = np.array([blocks.whole[of_day == one].mean() for one in strata])
    return weight / weight.sum(), np.array([means[of_day == one].mean(axis=0) for one in strata])


def _weighted(weight: F64, means: F64) -> F64:
    total: F64 = weight @ means
    return total


def _words(stream: str, rows: int, columns: int) -> F64:
    address = np.arange(rows * columns, dtype=np.uint64)
    return uniform(draw(stream_key(_SEED, stream), address)).reshape(rows, columns)
