"""Samplers against theory: counts, quantiles, alias tables and slots."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.foundations.alias import AliasPool, alias_pool, slots
from fauxpay.foundations.counts import (
    count_tables,
    grid_position,
    grid_rates,
    poisson_probabilities,
)
from fauxpay.foundations.draws import draw, stream_key
from fauxpay.foundations.quantiles import lognormal_table, look_up, tail_index

COUNT = 400_000
WORDS = draw(stream_key(17, "samplers"), np.arange(COUNT, dtype=np.uint64))


@pytest.mark.parametrize("rate", [0.003, 0.05, 0.7, 2.0, 11.4, 25.0])
def test_counts_follow_poisson(rate):
    """Mean, variance and the share of zeros of drawn counts are Poisson's, at any rate."""
    tables = count_tables()
    step = np.rint(grid_position(np.array([rate]))).astype(np.int64)
    rate = float(grid_rates()[step][0])
    count = tables.draw(np.full(COUNT, step[0]), WORDS)
    noise = 5 * math.sqrt(rate / COUNT)
    assert abs(float(count.mean()) - rate) < noise + 1e-4
    assert float(count.var()) == pytest.approx(rate, rel=0.05, abs=noise)
    assert abs(float((count == 0).mean()) - math.exp(-rate)) < 5 * 0.5 / COUNT**0.5
    assert count.max() < rate + 12 * math.sqrt(rate) + 6


def test_poisson_probabilities_sum_to_one():
    """The probabilities behind the tables are exact."""
    for rate in (0.01, 1.0, 20.0):
        p = poisson_probabilities(rate)
        assert p.sum() == pytest.approx(1.0)
        assert (p * np.arange(p.size)).sum() == pytest.approx(rate, rel=1e-9)


def test_quantiles_keep_the_tail():
    """A lognormal by table has the median, mean and far upper quantiles of the law.

    Below the 1/64 quantile the table runs straight to the law's floor: small amounts are dull.
    """
    median, log_sd = 2500.0, 1.1
    table = lognormal_table(median, log_sd, 0.0, 1e12)
    index, fraction = tail_index(WORDS & np.uint64(0xFFFFFFFF))
    value = look_up(table, np.zeros(COUNT, dtype=np.int64), index, fraction)
    assert np.median(value) == pytest.approx(median, rel=0.01)
    assert value.mean() == pytest.approx(median * math.exp(log_sd**2 / 2), rel=0.03)
    for share in (0.02, 0.1, 0.9, 0.99, 0.9999):
        theory = median * math.exp(log_sd * NormalDist().inv_cdf(share))
        allowed = 0.12 if share > 0.999 else 0.03
        assert np.quantile(value, share) == pytest.approx(theory, rel=allowed)


def test_quantile_index_covers_all_draws():
    """The least and the greatest draw have a place in the table."""
    index, fraction = tail_index(np.array([0, 1, 2, 2**32 - 1], dtype=np.uint64))
    assert index.tolist() == [0, 0, 32, 1023]
    assert 0.0 <= fraction.min() <= fraction.max() < 1.0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=12))
def test_alias_pools_pick_in_proportion(weights):
    """Property: shares of picks are the weights', in a segment that stands between others."""
    size = len(weights)
    segment = np.array([0] + [1] * size + [2])
    member = np.arange(size + 2)
    weight = np.array([1.0, *weights, 1.0])
    pool = alias_pool(segment, member, weight, 3)
    picked = pool.pick(np.ones(40_000, dtype=np.int64), WORDS[:40_000])
    share = np.bincount(picked, minlength=size + 2)[1:-1] / 40_000
    assert abs(share - weight[1:-1] / weight[1:-1].sum()).max() < 0.015
    assert picked.min() >= 1
    assert picked.max() <= size


@given(st.lists(st.floats(0, 10), min_size=1, max_size=30).filter(lambda w: sum(w) > 0.1))
def test_slots_are_exact_to_one(weights):
    """Property: each choice has its share of slots to within one, and all slots are taken."""
    table = slots(weights, 1024)
    count = np.bincount(table, minlength=len(weights))
    exact = np.array(weights) / np.sum(weights) * 1024
    assert table.size == 1024
    assert np.abs(count - exact).max() < 1.0 + 1e-6


@given(
    st.integers(1, 9).flatmap(
        lambda n: st.lists(
            st.lists(st.floats(0.01, 10), min_size=n, max_size=n), min_size=1, max_size=6
        )
    )
)
def test_tables_of_slots_stand_end_to_end(weights):
    """Property: many tables at once are those made one by one."""
    singly = [slots(own, 64) for own in weights]
    assert slots(weights, 64).tolist() == np.concatenate(singly).tolist()


def shares_of(pool: AliasPool, segment: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(draws of 65,536 that each member has in a segment, buckets that can lead to it)."""
    start, length = int(pool.segment[segment]) >> 32, int(pool.segment[segment]) & 0xFFFFFFFF
    entry = pool.entry[start : start + length]
    kept = (entry >> np.uint64(48)).astype(np.int64)
    own, other = ((entry >> np.uint64(s) & np.uint64(0xFFFFFF)).astype(np.int64) for s in (24, 0))
    draws = np.bincount(own, kept, count) + np.bincount(other, 2**16 - kept, count)
    return draws / length, np.bincount(own, None, count) + np.bincount(other, None, count)


WEIGHTS = st.lists(st.floats(1e-6, 1e6) | st.integers(1, 3).map(float), min_size=1, max_size=40)


@given(st.lists(WEIGHTS, min_size=1, max_size=5))
def test_alias_tables_hold_the_shares(segments):
    """Property: in each of some segments every member has its share, to a draw for each bucket."""
    segment = np.repeat(np.arange(len(segments)), [len(own) for own in segments])
    weight = np.concatenate(segments)
    pool = alias_pool(segment, np.arange(weight.size), weight, len(segments))
    for number in range(len(segments)):
        own = segment == number
        draws, buckets = shares_of(pool, number, weight.size)
        wanted = np.where(own, weight, 0.0) / weight[own].sum() * 2**16
        assert (np.abs(draws - wanted) * own.sum() <= 1.01 * buckets).all()


def test_rows_of_a_pool_need_no_order():
    """The same rows in another order make another table of the same shares."""
    segment = np.array([1, 0, 1, 0, 1, 3])
    weight = np.array([1.0, 5.0, 2.0, 1.0, 4.0, 1.0])
    pool = alias_pool(segment, np.arange(6), weight, 4)
    assert pool.segment.tolist() == [2, 2 << 32 | 3, 5 << 32, 5 << 32 | 1]
    assert shares_of(pool, 1, 6)[0] / 2**16 == pytest.approx(
        [1 / 7, 0, 2 / 7, 0, 4 / 7, 0], abs=1e-4
    )


@pytest.mark.parametrize(("low", "high"), [(1.0, 10080.0), (8.0, 12.0), (30.0, 40.0)])
def test_a_bounded_lognormal_has_no_heap_at_its_bounds(low, high):
    """What a law has beyond its bounds is spread between them, and no value is met again."""
    table = lognormal_table(10.0, 2.4, low, high)
    words = np.linspace(1, 2**32 - 1, 20_000).astype(np.uint64)
    drawn = look_up(table, np.zeros(words.size, dtype=np.int64), *tail_index(words))
    assert low <= drawn.min() < low * 1.01
    assert high * 0.9 < drawn.max() <= high
    assert np.unique(drawn).size == drawn.size
