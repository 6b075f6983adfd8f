"""Confidence intervals: coverage, and where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.scorecard.blocks import BLOCKS_MIN, from_cards, from_sums, interval_of
from fauxpay.scorecard.staging import WEEK, day_blocks


def ratio(total):
    """Share of the first in the second."""
    return total[0] / total[1]


def test_the_interval_of_a_mean_is_that_of_the_textbook():
    """Known answer: for a mean the jackknife is the usual standard error, with Student's t."""
    values = np.array([3.0, 5.0, 4.0, 8.0, 6.0, 7.0, 2.0])
    found = from_sums(np.column_stack((values, np.ones(7))), ratio, "")
    half = 2.447 * values.std(ddof=1) / np.sqrt(7)
    assert found.value == pytest.approx(5)
    assert found.interval == pytest.approx((5 - half, 5 + half))


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Distribution: of 400 tables of noisy weeks about 95 % have the true share inside."""
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(400):
        rows = rng.poisson(1000, 12)
        sums = np.column_stack((rng.binomial(rows, rng.normal(0.3, 0.02, 12)), rows)).astype(float)
        low, high = from_sums(sums, ratio, "").interval
        inside += low <= 0.3 <= high
    assert 0.91 <= inside / 400 <= 0.985


def test_blocks_of_cards_give_the_interval_of_blocks_of_sums():
    """Metamorphic: a mean over cards, left out by card or by sum, has the same interval."""
    rng = np.random.default_rng(4)
    values, blocks = rng.normal(10, 2, 320), np.repeat(np.arange(16), 20)
    by_card = from_cards((values,), blocks, lambda array: float(array.mean()), "")
    sums = np.array([[values[blocks == b].sum(), 20.0] for b in range(16)])
    by_sum = from_sums(sums, ratio, "")
    assert by_card.value == pytest.approx(by_sum.value)
    assert by_card.interval == pytest.approx(by_sum.interval)


def test_few_blocks_have_no_interval_and_nothing_has_no_value():
    """Negative: five blocks say nothing; 0 of 0 is no share, with the reason given."""
    sums = np.column_stack((np.arange(1.0, BLOCKS_MIN), np.full(BLOCKS_MIN - 1, 9.0)))
    assert from_sums(sums, ratio, "").interval is None
    nothing = from_sums(np.zeros((9, 2)), ratio, "no such rows")
    assert (nothing.value, nothing.reason) == (None, "no such rows")
    assert from_cards((np.empty(0),), np.empty(0, int), np.median, "no cards").reason == "no cards"
    assert interval_of(1.0, [1.0] * 8 + [float("nan")]) is None


@given(st.integers(1, 2000))
def test_blocks_of_days_are_weeks_where_there_are_weeks_enough(days):
    """Property: every day lies in a block; from six weeks on blocks are whole weeks, at most 27."""
    length, blocks = day_blocks(days)
    if days >= BLOCKS_MIN:
        assert (days - 1) // length < blocks
        assert blocks >= BLOCKS_MIN
    else:
        assert blocks == 0
    if days >= BLOCKS_MIN * WEEK:
        assert length % WEEK == 0
        assert blocks <= 27


@pytest.mark.parametrize("count", range(1, BLOCKS_MIN))
def test_few_cards_have_a_value_and_no_interval(count):
    """A statistic that cannot do without its last card is never asked to."""

    def last(values: np.ndarray) -> float:
        return float(values[-1])

    found = from_cards((np.arange(count),), np.arange(count), last, "no cards")
    assert (found.value, found.interval) == (count - 1, None)
