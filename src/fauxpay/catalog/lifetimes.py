"""Lifetimes: when merchants and cards begin and end.

Reads    nothing
Writes   merchants(opened_on, closed_on), cards(opened_day, closed_on)
Draws    those of the caller
Sources  parameters.yaml [merchants.lifetimes], [cards.lifetimes]

Openings and closings are told for some years from the epoch on. In these years as many begin as
end, so that a world keeps its size; before and after nothing is told, because nobody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fauxpay.foundations.draws import F64, I64, U64, below, uniform

DAYS_PER_YEAR = 365.25
NO_END = np.int64(-1)


def begins_within(word: U64, rate: F64, facts: Mapping[str, Any]) -> Any:
    """bool[n]: which begin in the years that are told, at so many a year per one that is there.

    rate  f64[n] per year
    """
    told = rate * float(facts["told_years"])
    return uniform(word) < np.round(told / (1.0 + told), 9)


def beginnings(word: U64, epoch_day: int, facts: Mapping[str, Any]) -> I64:
    """Days after the epoch at which those begin that begin in the years that are told."""
    return epoch_day + 1 + below(word, _told_days(facts))


def endings(word: U64, start_day: I64, rate: F64, span: tuple[int, Mapping[str, Any]]) -> I64:
    """First day on which each is no more, NO_END where that is not in the years that are told.

    start_day  i64[n] from when on the rate holds;  rate f64[n] per year
    span       (day of the epoch, the section of parameters)
    """
    epoch_day, facts = span
    safe = np.maximum(rate, 1e-9)
    days = -np.log1p(-uniform(word)) / safe * DAYS_PER_YEAR
    # Rounded first: a day must not hang on the last bit of a logarithm.
    days = np.floor(np.round(np.minimum(days, 1e6), 6)).astype(np.int64)
    end = np.maximum(start_day, epoch_day) + int(facts["days_min"]) + days
    return np.where(end <= epoch_day + _told_days(facts), end, NO_END)


def _told_days(facts: Mapping[str, Any]) -> int:
    return int(float(facts["told_years"]) * DAYS_PER_YEAR)
