"""Blocks: confidence intervals by leaving out parts of a table in turn (delete-one jackknife).

Reads    sums by block, or values of cards and the block of each
Writes   measured values with their intervals
Draws    nothing
Sources  nothing

Blocks of days are right for what adds up over days. What depends on the length of the window (Gini,
Fano, first merchants) would be another quantity on fewer days: there the blocks are cards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCKS_MIN = 6
"""With fewer an interval would say more of the blocks than of the table."""

Sums = NDArray[np.float64]
Values = NDArray[Any]

# Student's t at 97.5 % for 1..30 degrees of freedom, then in steps up to the normal law.
_T: tuple[float, ...] = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_T += (2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)
_T += (2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)
_T_BEYOND = 1.98


@dataclass(frozen=True, slots=True)
class Measured:
    """A value, or why there is none."""

    value: float | None
    interval: tuple[float, float] | None = None
    reason: str = ""


def without(reason: str) -> Measured:
    """Nothing was measured."""
    return Measured(None, None, reason)


def finite(measured: Measured) -> Measured:
    """The same, or that there is none where it was divided by nothing."""
    if measured.value is None or np.isfinite(measured.value):
        return measured
    return without("what it is compared with has no value")


def from_sums(sums: Sums, statistic: Callable[[Sums], float], reason: str) -> Measured:
    """A statistic of sums that add up over blocks.

    sums       float64[blocks, sums]
    statistic  of float64[sums]; may divide by zero, which is no value
    reason     why there is no value, where there is none
    """
    total = sums.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(total))
        if not np.isfinite(value):
            return without(reason)
        kept = sums[sums.any(axis=1)]
        left_out = [float(statistic(total - one)) for one in kept]
    return Measured(value, interval_of(value, left_out))


def from_cards(
    values: tuple[Values, ...],
    blocks: NDArray[np.int64],
    statistic: Callable[..., float],
    reason: str,
) -> Measured:
    """A statistic of arrays with one entry for each card.

    blocks  the block of each card
    """
    if not blocks.size:
        return without(reason)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(*values))
        if not np.isfinite(value):
            return without(reason)
        numbers = np.unique(blocks)
        if numbers.size < BLOCKS_MIN:  # Of a single block nothing would be left to ask.
            return Measured(value)
        left_out = [
            float(statistic(*(array[blocks != block] for array in values))) for block in numbers
        ]
    return Measured(value, interval_of(value, left_out))


def interval_of(value: float, left_out: list[float]) -> tuple[float, float] | None:
    """95 % interval from the values without each block; None with too few blocks."""
    count = len(left_out)
    if count < BLOCKS_MIN or not np.isfinite(left_out).all():
        return None
    spread = np.asarray(left_out)
    error = float(np.sqrt((count - 1) / count * np.square(spread - spread.mean()).sum()))
    half = error * (_T[count - 2] if count - 2 < len(_T) else _T_BEYOND)
    return value - half, value + half
