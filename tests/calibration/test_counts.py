"""Counts: the law of the rates is found again, and what was not seen is estimated."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.calibration.counts import rate_law, unseen_merchants


def counted(seed: int, log_mean: float, log_sd: float, cards: int) -> dict[int, int]:
    """Cards by number of purchases, of lognormal rates."""
    random = np.random.default_rng(seed)
    rate = np.exp(random.normal(log_mean, log_sd, cards))
    return {int(n): c for n, c in Counter(random.poisson(rate).tolist()).items()}


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.floats(1.0, 4.5), st.floats(0.3, 1.4))
def test_the_law_is_found_again(seed, log_mean, log_sd):
    """Property: 6,000 cards give log mean and log sd back, zeros unseen, within 5 errors."""
    counts = counted(seed, log_mean, log_sd, 6000)
    counts.pop(0, None)
    law = rate_law(counts)
    assert law.log_mean == pytest.approx(log_mean, abs=0.12)
    assert law.log_sd == pytest.approx(log_sd, abs=0.1)


def test_counting_is_no_spread():
    """Cards of one rate scatter by counting alone: the law says that they do not differ."""
    assert rate_law(counted(1, 3.0, 0.0, 5000)).log_sd < 0.06
    assert float(np.std(np.log(np.random.default_rng(1).poisson(np.e**3, 5000)))) > 0.2


def test_cards_that_did_nothing_are_counted():
    """Half of the cards of a low rate are not in the table, and are said to be there."""
    counts = counted(2, -0.5, 0.9, 20_000)
    unseen = counts.pop(0)
    assert unseen > 5000
    law = rate_law(counts)
    assert 20_000 * law.share_unseen() == pytest.approx(unseen, rel=0.1)


def test_merchants_that_nobody_was_seen_at():
    """Known answers of Chao's estimator: many singletons mean many unseen, none mean none."""
    assert unseen_merchants(100, 20, 9) == pytest.approx(19.0)
    assert unseen_merchants(100, 0, 0) == 0.0


def test_many_purchases_are_counted_as_few_are():
    """Where counts are large their logs stand for them, with what counting adds taken out."""
    for log_mean, log_sd in ((5.0, 0.6), (4.6, 0.05)):
        law = rate_law(counted(5, log_mean, log_sd, 6000))
        assert law.log_mean == pytest.approx(log_mean, abs=0.03)
        assert law.log_sd == pytest.approx(log_sd, abs=0.03)


def test_zeros_are_not_counted():
    """Whether a table lists cards that did nothing or not, the law is the same."""
    counts = counted(3, 0.5, 0.8, 2000)
    listed = {**counts, 0: 10_000}
    counts.pop(0)
    assert rate_law(listed) == rate_law(counts)
