"""Rounding to significant digits: what Python's own formatting says, for all numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.foundations.rounding import rounded, sum_in_order


def as_written(values: list[float], digits: int) -> np.ndarray:
    """The same by writing each number and reading it."""
    return np.array([float(f"{value:.{digits}g}") for value in values])


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Bit by bit, so that -0.0 is not 0.0."""
    return first.view(np.int64).tolist() == second.view(np.int64).tolist()


@given(st.lists(st.floats(allow_nan=False), max_size=30), st.integers(1, 9))
def test_any_number(values, digits):
    """Property: infinities, subnormal numbers, zeros and signs included."""
    found = rounded(np.array(values, dtype=np.float64), digits)
    assert same(found, as_written(values, digits))


@given(st.lists(st.integers(0, 10**7), max_size=30), st.integers(0, 9), st.integers(1, 9))
def test_middles(numbers, places, digits):
    """Property: numbers of few decimals, many of which lie in the middle between two others."""
    values = [(number + 0.5) / 10**places for number in numbers]
    values += [math.nextafter(value, way) for value in values for way in (0.0, math.inf)]
    assert same(rounded(np.array(values), digits), as_written(values, digits))


@pytest.mark.parametrize("digits", [6, 9])
def test_many_numbers_of_the_sizes_that_are_sealed(digits):
    """Lognormal numbers, as amounts and rates are."""
    values = np.exp(np.random.default_rng(5).normal(0.0, 8.0, 100_000))
    assert same(rounded(values, digits), as_written(values.tolist(), digits))


def test_a_power_of_ten_guessed_wrong_is_put_right():
    """Just below and at powers of ten, where a logarithm may say either."""
    powers = [10.0**power for power in range(-30, 31)]
    values = powers + [math.nextafter(power, 0.0) for power in powers]
    assert same(rounded(np.array(values)), as_written(values, 6))


def test_sums_are_the_same_by_every_python():
    """Each addition is rounded, as `sum` did it before Python 3.12; nothing is nothing."""
    assert sum_in_order([0.1] * 10) == 0.9999999999999999
    assert sum_in_order(share for share in (0.25, 0.5)) == 0.75
    assert sum_in_order([]) == 0.0
