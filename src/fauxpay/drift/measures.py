"""Measures: how far apart two distributions or two rates are.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing

Each measure takes rows of numbers and gives one distance per row, so that thousands of exchanges
are measured in one call. All are 0 for equal rows, at least 0, and the same whichever comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np

from fauxpay.foundations.draws import F64

# A value that one side lacks would make the index infinite; a share below this is taken for it.
SHARE_MIN = 1e-4
# A rate of nothing is this: far from any other, and finite.
RATE_MIN = 1e-12


class Measure(StrEnum):
    """What a family is measured by."""

    PSI = "psi"
    RATIO = "ratio"
    DIFFERENCE = "difference"


def population_stability(first: F64, second: F64) -> F64:
    """Population stability index of shares f64[..., bins]: sum of (q - p) ln(q / p)."""
    p = np.maximum(first, SHARE_MIN)
    q = np.maximum(second, SHARE_MIN)
    index: F64 = ((q - p) * np.log(q / p)).sum(axis=-1)
    return index


def jensen_shannon(first: F64, second: F64) -> F64:
    """Jensen-Shannon divergence of shares f64[..., bins], in bits: 0 alike, 1 nothing in common."""
    middle = (first + second) / 2
    divergence: F64 = (_bits(first, middle) + _bits(second, middle)) / 2
    # Rounding may leave a hair below zero.
    return np.maximum(divergence, 0.0)


def total_variation(first: F64, second: F64) -> F64:
    """Share of the rows that would have to change bins: half the sum of the differences."""
    distance: F64 = np.abs(first - second).sum(axis=-1) / 2
    return distance


def log_ratio(first: F64, second: F64) -> F64:
    """Distance of rates f64[..., 1]: the absolute log of their ratio."""
    p = np.maximum(first[..., 0], RATE_MIN)
    q = np.maximum(second[..., 0], RATE_MIN)
    ratio: F64 = np.abs(np.log(q) - np.log(p))
    return ratio


def difference(first: F64, second: F64) -> F64:
    """Absolute difference of f64[..., 1]."""
    distance: F64 = np.abs(second[..., 0] - first[..., 0])
    return distance


def _bits(p: F64, middle: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log2(p / middle), 0.0)
    total: F64 = terms.sum(axis=-1)
    return total


DISTANCES: dict[Measure, Callable[[F64, F64], F64]] = {
    Measure.PSI: population_stability,
    Measure.RATIO: log_ratio,
    Measure.DIFFERENCE: difference,
}
