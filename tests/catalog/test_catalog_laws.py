"""The laws that turn words into values, against theory at fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.catalog.laws import (
    addresses,
    allot,
    lists_by,
    normal,
    numbers_by,
    pick,
    pick_row,
    repeated,
    significant,
    weights_by,
    weights_of,
    words,
    zipf,
)
from fauxpay.errors import ConfigError

COUNT = 200_000


def test_normal_has_the_moments_of_a_standard_normal():
    """Mean, sd, skewness, kurtosis and a tail of the transform are the normal law's."""
    z = normal(words(1, "test/normal", addresses(COUNT)))
    assert abs(z.mean()) < 0.01
    assert abs(z.std() - 1.0) < 0.01
    assert abs((z**3).mean()) < 0.03
    assert abs((z**4).mean() - 3.0) < 0.08
    assert abs((z > 1.959964).mean() - 0.025) < 0.0015


def test_normal_is_finite_for_any_word():
    """The extreme words give finite numbers."""
    z = normal(np.array([0, 1, 2**32 - 1, 2**63, 2**64 - 1], dtype=np.uint64))
    assert np.isfinite(z).all()


def test_pick_follows_its_weights():
    """Choices come in proportion, and a weight of zero never comes."""
    choice = pick(words(1, "test/pick", addresses(COUNT)), np.array([3.0, 0.0, 1.0]))
    assert np.allclose(np.bincount(choice, minlength=3) / COUNT, [0.75, 0.0, 0.25], atol=0.005)


def test_pick_row_follows_the_weights_of_its_row():
    """Each row has a law of its own."""
    weights = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 4.0]])
    row = np.arange(COUNT) % 2
    choice = pick_row(words(1, "test/pick_row", addresses(COUNT)), row, weights)
    for number, expected in enumerate([[0.5, 0.5, 0.0], [0.0, 0.2, 0.8]]):
        seen = np.bincount(choice[row == number], minlength=3) / (COUNT / 2)
        assert np.allclose(seen, expected, atol=0.01)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_repeated_counts_up_within_each_owner(counts):
    """Property: owner i has count[i] rows, numbered from 0."""
    owner, nth = repeated(np.array(counts))
    assert owner.tolist() == [i for i, count in enumerate(counts) for _ in range(count)]
    assert nth.tolist() == [n for count in counts for n in range(count)]


@given(st.floats(1e-9, 1e9), st.integers(2, 9))
def test_significant_keeps_the_digits(value, digits):
    """Property: the rounded number is within half a unit of the last digit kept."""
    rounded = float(significant(np.array([value]), digits)[0])
    assert abs(rounded - value) <= value * 0.5001 * 10.0 ** (1 - digits)
    assert rounded == pytest.approx(float(f"{value:.{digits - 1}e}"), rel=10.0 ** (1 - digits))


def test_significant_hides_a_last_bit():
    """Two neighbours in float64 are sealed as one number; zero stays zero."""
    value = np.array([0.123456789, 1234.56789, 7.0e-7])
    neighbour = np.nextafter(value, 1e9)
    assert significant(value, 6).tolist() == significant(neighbour, 6).tolist()
    assert significant(np.zeros(1), 6).tolist() == [0.0]


@given(
    st.lists(
        st.tuples(st.floats(0.0, 10.0), st.integers(0, 4), st.integers(0, 20)),
        min_size=1,
        max_size=12,
    ),
    st.floats(0.0, 1.0),
)
def test_allot_meets_total_and_bounds(entries, position):
    """Property: the parts sum to the total and stay within their bounds."""
    weights = np.array([weight for weight, _, _ in entries])
    low = np.array([least for _, least, _ in entries])
    high = low + np.array([room for _, _, room in entries])
    total = int(low.sum() + position * (high.sum() - low.sum()))
    parts = allot(weights, total, low, high)
    assert parts.sum() == total
    assert (parts >= low).all()
    assert (parts <= high).all()


def test_allot_is_proportional_where_bounds_permit():
    """Shares of 5:3:2 of 100 are exact; a floor takes from the others in proportion."""
    free = np.full(3, 100)
    assert allot(np.array([5.0, 3.0, 2.0]), 100, np.zeros(3, int), free).tolist() == [50, 30, 20]
    assert allot(np.array([5.0, 3.0, 0.0]), 100, np.full(3, 20), free).tolist() == [50, 30, 20]


def test_zipf_is_a_power_of_rank():
    """Rank 4 has a quarter of the weight of rank 1 under exponent 1, and as much under 0."""
    assert zipf(np.array([1, 2, 4]), 1.0).tolist() == [1.0, 0.5, 0.25]
    assert zipf(np.array([1, 2, 4]), 0.0).tolist() == [1.0, 1.0, 1.0]


def test_shares_are_brought_to_sum_one():
    """Shares need not sum to 1; a country that is not listed has the default."""
    assert weights_of("x", {"a": 1, "b": 3}, ("b", "c", "a")).tolist() == [0.75, 0.0, 0.25]
    table = weights_by("x", {"default": {"a": 1}, "US": {"b": 2}}, ("FR", "US"), ("a", "b"))
    assert table.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert lists_by("x", {"a": [1, 1]}, ("a",)).tolist() == [[0.5, 0.5]]
    assert numbers_by("x", {"default": 2, "US": 3}, ("US", "FR")).tolist() == [3.0, 2.0]


@pytest.mark.parametrize("shares", [{"a": -0.1, "b": 1.1}, {"a": 0.0}, {}])
def test_impossible_shares_are_refused(shares):
    """Negative shares, and shares that are all zero, are the user's mistake and say so."""
    with pytest.raises(ConfigError, match=r"parameters.catalog.devices.x: .* sum above 0"):
        weights_of("devices.x", shares, ("a", "b"))


def test_negative_numbers_are_refused():
    """A number below zero is refused with its row."""
    with pytest.raises(ConfigError, match=r"parameters.catalog.x: FR is -1"):
        numbers_by("x", {"default": -1, "US": 3}, ("US", "FR"))
