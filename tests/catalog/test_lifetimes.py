"""Lifetimes: what begins or ends in the years that are told does so within them, at its rate."""

from __future__ import annotations

import numpy as np
import pytest

from fauxpay.catalog.lifetimes import DAYS_PER_YEAR, NO_END, beginnings, begins_within, endings
from fauxpay.foundations.draws import draw, stream_key

EPOCH = 20_000
FACTS = {"told_years": 4.0, "days_min": 30}
LAST = EPOCH + int(4 * DAYS_PER_YEAR)
WORDS = draw(stream_key(7, "lifetimes"), np.arange(200_000, dtype=np.uint64))


def test_beginnings_are_spread_over_the_years_told():
    """From the day after the epoch to the last day told, every part of it alike."""
    day = beginnings(WORDS, EPOCH, FACTS)
    assert day.min() == EPOCH + 1
    assert day.max() == LAST
    quarters = np.bincount((day - EPOCH - 1) * 4 // (LAST - EPOCH), minlength=4)
    assert quarters / day.size == pytest.approx([0.25] * 4, abs=0.01)


def test_as_many_begin_as_the_rate_says():
    """Of all there ever are, so many begin in the years told: 0.1 a year of those there before."""
    share = begins_within(WORDS, np.full(WORDS.size, 0.1), FACTS).mean()
    assert share == pytest.approx(0.4 / 1.4, abs=0.005)
    assert not begins_within(WORDS, np.zeros(WORDS.size), FACTS).any()


def test_endings_are_exponential_and_within_the_years_told():
    """Nobody ends in the first days; a rate of nothing ends nothing; what ends later has no end."""
    start = np.full(WORDS.size, EPOCH - 500)
    end = endings(WORDS, start, np.full(WORDS.size, 0.5), (EPOCH, FACTS))
    told = end[end != NO_END]
    assert told.min() == EPOCH + 30
    assert told.max() <= LAST
    expected = 1 - np.exp(-0.5 * (LAST - EPOCH - 30) / DAYS_PER_YEAR)
    assert told.size / end.size == pytest.approx(expected, abs=0.005)
    assert (endings(WORDS, start, np.zeros(WORDS.size), (EPOCH, FACTS)) == NO_END).all()


def test_what_begins_later_ends_later():
    """The rate holds from the beginning on: days_min is counted from there."""
    start = np.array([EPOCH + 100, EPOCH + 700])
    end = endings(np.zeros(2, dtype=np.uint64), start, np.full(2, 1.0), (EPOCH, FACTS))
    assert end.tolist() == [EPOCH + 130, EPOCH + 730]
