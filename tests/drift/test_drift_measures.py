"""Measures: what any distance must obey, and values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.drift.measures import (
    difference,
    jensen_shannon,
    log_ratio,
    population_stability,
    total_variation,
)

SHAPES = (population_stability, jensen_shannon, total_variation)
weights = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 1000), min_size=n, max_size=n)] * 2)
)


def shares(counts: list[int]) -> np.ndarray:
    """Counts as shares; all alike where there are none."""
    total = np.array(counts, dtype=np.float64) + (0.0 if sum(counts) else 1.0)
    return total / total.sum()


@given(weights)
def test_a_distance_of_a_shape_from_itself_is_zero(pair):
    """Property: equal shares are at distance 0 by every measure."""
    p = shares(pair[0])
    for measure in SHAPES:
        assert measure(p, p) == pytest.approx(0.0, abs=1e-12)


@given(weights)
def test_distances_are_symmetric_and_not_negative(pair):
    """Property: which side is the baseline changes no distance, and none is below 0."""
    p, q = shares(pair[0]), shares(pair[1])
    for measure in SHAPES:
        assert measure(p, q) == pytest.approx(measure(q, p), abs=1e-12)
        assert measure(p, q) >= 0


@given(weights, st.randoms(use_true_random=False))
def test_the_order_of_bins_changes_nothing(pair, random):
    """Metamorphic: the same permutation of both sides leaves every distance."""
    p, q = shares(pair[0]), shares(pair[1])
    order = list(range(p.size))
    random.shuffle(order)
    for measure in SHAPES:
        assert measure(p[order], q[order]) == pytest.approx(measure(p, q), abs=1e-9)


@given(weights)
def test_divergence_lies_between_bounds_of_total_variation(pair):
    """Property: (Lin 1991) Jensen-Shannon in bits is at most the total variation, and at most 1."""
    p, q = shares(pair[0]), shares(pair[1])
    assert jensen_shannon(p, q) <= total_variation(p, q) + 1e-12
    assert total_variation(p, q) <= 1 + 1e-12


def test_known_values():
    """Known answers: worked out by hand."""
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    assert population_stability(p, q) == pytest.approx(0.25 * np.log(3), rel=1e-12)
    assert total_variation(p, q) == pytest.approx(0.25)
    apart = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert jensen_shannon(*apart) == pytest.approx(1.0)
    assert log_ratio(np.array([2.0]), np.array([1.0])) == pytest.approx(np.log(2))
    assert difference(np.array([0.2]), np.array([0.5])) == pytest.approx(0.3)


def test_a_value_that_one_side_lacks_has_a_finite_distance():
    """A missing value is far, and not infinitely."""
    far = population_stability(np.array([0.9, 0.1]), np.array([1.0, 0.0]))
    assert far == pytest.approx(0.1 * np.log(1 / 0.9) + 0.0999 * np.log(1000))
    nothing = log_ratio(np.array([0.0]), np.array([1e-6]))
    assert 10 < nothing < np.inf, "farther than any rate from another"


def test_many_rows_are_measured_at_once():
    """Rows of numbers give one distance each, the same as one by one."""
    p, q = np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([[0.4, 0.6], [0.3, 0.7]])
    for measure in SHAPES:
        assert measure(p, q).tolist() == [measure(p[0], q[0]), measure(p[1], q[1])]
