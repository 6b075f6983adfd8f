"""Measures of activity against tables whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_tables import instants, poisson_world, prepared, write
from fauxpay.scorecard.measures.activity import (
    activity,
    fano,
    gini,
    log_sd,
    merchant_slope,
    merchants,
    top_share,
    zipf_slope,
)
from fauxpay.scorecard.measures.slices import RANKS, burstiness_memory, card_slices

counts = st.lists(st.integers(1, 1000), min_size=1, max_size=60)


@given(counts, st.integers(2, 9))
def test_gini_knows_no_scale_and_no_order(values, factor):
    """Property: 0..1, the same for multiples and for any order."""
    one = np.array(values)
    assert 0 <= gini(one) + 1e-12 < 1
    assert gini(one) == pytest.approx(gini(one[::-1] * factor), abs=1e-9)


def test_gini_of_equals_is_0_and_of_one_who_has_all_is_nearly_1():
    """Known answers: all equal, and one of a hundred with everything."""
    assert gini(np.full(50, 7)) == pytest.approx(0)
    assert gini(np.array([0] * 99 + [1])) == pytest.approx(0.99)


@pytest.mark.parametrize("slope", [0.5, 0.95, 1.3])
def test_an_exact_zipf_law_gives_its_slope(slope):
    """Known answer: counts of rank to the minus slope, in any order."""
    visits = 1e6 / np.arange(1, 3001) ** slope
    assert merchant_slope(visits[::-1]) == pytest.approx(slope)
    assert zipf_slope(1e6 / np.arange(1, RANKS + 1) ** slope) == pytest.approx(slope)


def test_a_few_merchants_have_no_slope_and_no_top():
    """Negative: with fewer than 100 merchants there is nothing to measure."""
    assert np.isnan(merchant_slope(np.ones(99)))
    assert np.isnan(top_share(np.ones(99)))


def test_top_share_is_that_of_one_in_a_hundred():
    """Known answer: 2 of 200 merchants with 100 visits each, the others with one."""
    visits = np.concatenate((np.full(2, 100.0), np.ones(198)))
    assert top_share(visits) == pytest.approx(200 / 398)


def test_fano_and_log_sd_by_hand():
    """Known answers: counts 1 and 3 have variance 1 and mean 2; e and 1/e are 1 from their mean."""
    assert fano(np.array([2.0, 4.0, 10.0])) == pytest.approx(0.5)
    assert log_sd(np.exp([1.0, -1.0])) == pytest.approx(1.0)


def test_burstiness_and_memory_by_hand():
    """Known answers: a clock has B -1; gaps 1, 3, 1, 3 turn each time; two trains make M high."""
    clock, turning = np.arange(30.0), np.cumsum(np.tile([1.0, 3.0], 15))
    trains = np.cumsum(np.concatenate((np.ones(15), np.full(15, 9.0))))
    times = np.concatenate((clock, turning, trains))
    burst, memory = burstiness_memory(times, np.array([30, 30, 30]))
    assert burst[0] == pytest.approx(-1)
    assert memory[0] == 0
    assert burst[1] == pytest.approx((1 - 2) / (1 + 2), abs=0.01)
    assert memory[1] == pytest.approx(-1)
    assert memory[2] > 0.8


@given(st.integers(0, 2**32 - 1))
def test_cards_side_by_side_are_the_cards_alone(seed):
    """Metamorphic: B and M of a card do not depend on its neighbours."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(20, 40, 3)
    parts = [np.cumsum(rng.exponential(1, n)) for n in lengths]
    together = burstiness_memory(np.concatenate(parts), lengths)
    for nth, part in enumerate(parts):
        alone = burstiness_memory(part, lengths[nth : nth + 1])
        assert together[0][nth] == pytest.approx(alone[0][0])
        assert together[1][nth] == pytest.approx(alone[1][0])


def test_a_poisson_world_is_flat(tmp_path):
    """Distribution: nothing but chance has Fano 1, hardly a Gini, B about 0."""
    path = poisson_world(tmp_path / "flat.parquet", cards=400, days=60, rate=1.0)
    with prepared(path) as ready:
        cards = card_slices(ready)
        measured = activity(ready, cards) | merchants(cards)
    assert measured["fano"].value == pytest.approx(1, abs=0.15)
    assert measured["gini"].value < 0.12
    assert measured["payments_per_month"].value == pytest.approx(30.4, rel=0.03)
    assert measured["merchant_zipf"].value < 0.3
    assert measured["top_merchants"].value < 0.03
    assert measured["burstiness_seconds"].value == pytest.approx(0, abs=0.03)
    assert measured["memory_seconds"].value == pytest.approx(0, abs=0.05)
    low, high = measured["fano"].interval
    assert low < measured["fano"].value < high


def test_a_visit_is_a_card_a_merchant_and_a_day(tmp_path):
    """Known answer: 21 days at one shop, however often a day, against 9 days at three others."""
    days = [*range(21), *range(9)]
    shops = [1] * 21 + [2, 2, 2, 2, 3, 3, 3, 4, 4]
    path = write(
        tmp_path / "visits.parquet",
        {
            "card": [7] * 60,
            "merchant": shops * 2,
            "at": instants([day + 0.2 for day in days] + [day + 0.7 for day in days]),
        },
    )
    with prepared(path) as ready:
        measured = merchants(card_slices(ready))
    assert measured["top_1_share"].value == pytest.approx(21 / 30)
    assert measured["top_3_share"].value == pytest.approx(28 / 30)
    assert measured["top_10_share"].value == pytest.approx(1)


def test_declined_rows_and_withdrawals_are_no_visits(tmp_path):
    """Only approved purchases count as payments."""
    kinds = ["purchase", "purchase", "withdrawal", "refund"] * 15
    path = write(
        tmp_path / "kinds.parquet",
        {
            "card": [1] * 60,
            "at": instants(np.arange(60) / 2 + 0.1),
            "kind": kinds,
            "is_approved": [n % 8 != 1 for n in range(60)],
        },
    )
    with prepared(path) as ready:
        assert card_slices(ready).counts.tolist() == [30 - 8]


def test_slices_change_nothing(tmp_path, monkeypatch):
    """Metamorphic: cards taken some at a time are the cards taken at once."""
    path = poisson_world(tmp_path / "world.parquet", cards=120, days=45)
    with prepared(path) as ready:
        whole = card_slices(ready)
        monkeypatch.setattr("fauxpay.scorecard.measures.slices.ROWS_PER_SLICE", 700)
        parts = card_slices(ready)
    assert sorted(whole.counts) == sorted(parts.counts)
    assert np.allclose(whole.months, parts.months)
    assert np.allclose(whole.ranks, parts.ranks)
    assert np.array_equal(whole.popularity.sum(axis=1), parts.popularity.sum(axis=1))
    order = [np.lexsort(each.gaps.T) for each in (whole, parts)]
    assert np.allclose(whole.gaps[order[0]], parts.gaps[order[1]])
