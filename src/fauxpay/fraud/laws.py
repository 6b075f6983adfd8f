"""Laws: spans, counts and choices of fraud, drawn from tables that are built once and rounded.

Reads    parameters
Writes   nothing
Draws    nothing of its own: words are given
Sources  nothing
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from fauxpay.foundations.draws import F64, I64, U64, threshold, uniform
from fauxpay.foundations.quantiles import lognormal_table, look_up, tail_index

_POISSON_SPREAD, _POISSON_SLACK = 9.0, 24


def spans_ms(word: U64, law: Mapping[str, float], unit_ms: float) -> I64:
    """Milliseconds from a lognormal law {median, log_sd, min, max} in a unit of so many ms."""
    table = lognormal_table(
        float(law["median"]) * unit_ms,
        float(law["log_sd"]),
        float(law["min"]) * unit_ms,
        float(law["max"]) * unit_ms,
    )
    index, fraction = tail_index(word >> np.uint64(32))
    value = look_up(table, np.zeros(index.size, dtype=np.int64), index, fraction)
    return np.rint(value).astype(np.int64)


def choices(word: U64, shares: Any) -> I64:
    """A whole number 0.. with the shares given, which need not sum to one."""
    edges = np.array([threshold(float(s), 32) for s in np.cumsum(shares)[:-1] / np.sum(shares)])
    return np.searchsorted(edges, (word >> np.uint64(32)).view(np.int64), side="right").astype(
        np.int64
    )


def chances(word: U64, probability: Any) -> Any:
    """Whether an event of a probability (a number or f64[n]) happens, bool[n]."""
    limit = np.rint(np.clip(probability, 0.0, 1.0) * 2.0**32).astype(np.int64)
    return (word >> np.uint64(32)).view(np.int64) < limit


@lru_cache(maxsize=512)
def _poisson_edges(mean: float) -> tuple[int, F64]:
    """(least count of the table, cumulative probabilities from it on)."""
    spread = _POISSON_SPREAD * math.sqrt(mean) + _POISSON_SLACK
    low, high = max(0, math.floor(mean - spread)), math.ceil(mean + spread)
    logs = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(low, high + 1)]
    # Rounded: what is compared must not hang on the last bit of a machine's logarithm.
    return low, np.round(np.cumsum([math.exp(value) for value in logs]), 10)


def poisson_counts(word: U64, mean: float) -> I64:
    """A Poisson count for each word; a greater mean never gives a smaller count."""
    if mean <= 0.0:
        return np.zeros(word.size, dtype=np.int64)
    low, edges = _poisson_edges(float(mean))
    return low + np.searchsorted(edges, uniform(word), side="right").astype(np.int64)


def running_totals(owner: I64, gap: I64) -> I64:
    """Sum of an owner's gaps up to and including each of its things."""
    total = np.cumsum(gap)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    before = np.repeat(total[first] - gap[first], np.diff(np.append(first, owner.size)))
    return total - before
