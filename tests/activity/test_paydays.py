"""Paydays: rules fall on the right days, in any window, and average to one."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.activity.paydays import LIFESTYLE_OF_PROFILE, payday_factors, rules_of
from fauxpay.catalog.world import PROFILES
from fauxpay.errors import ConfigError
from fauxpay.foundations.reference import EPOCH
from worlds import parameters

FIRST = date(2026, 1, 1)


def paid_on(country: str, text: str, first: date = FIRST, count: int = 365) -> list[date]:
    """Days on which a rule pays."""
    factor = payday_factors(country, text, [2.0], np.arange(count) + (first - EPOCH).days)
    return [first + timedelta(days=int(p)) for p in np.flatnonzero(factor > factor.min() + 1e-9)]


@pytest.mark.parametrize(
    ("country", "rule", "month", "day"),
    [
        ("JP", "1.0 day 25 before", 1, 23),  # the 25th is a Sunday
        ("JP", "1.0 day 25", 1, 25),
        ("US", "1.0 day 1 after", 2, 2),  # a Sunday
        ("US", "1.0 day 1 after", 1, 2),  # New Year's Day
        ("BR", "1.0 workday 5", 1, 8),
        ("GB", "1.0 workday -1", 5, 29),
        ("DE", "1.0 workday 1", 1, 2),
        ("US", "1.0 Wednesday 2", 7, 8),
        ("ES", "1.0 day 31", 2, 28),
        ("AE", "1.0 day 31 before", 1, 30),
    ],
)
def test_rules_fall_on_their_days(country, rule, month, day):
    """Each rule pays on the day that a calendar on the wall would show."""
    assert date(2026, month, day) in paid_on(country, rule)
    assert sum(one.month == month for one in paid_on(country, rule)) == 1


def test_every_second_friday_never_misses():
    """Fourteen days lie between paydays, over the end of the year too."""
    paid = paid_on("US", "1.0 every 14 days from 2025-01-03", date(2025, 12, 1), 90)
    assert {one.weekday() for one in paid} == {4}
    assert {(b - a).days for a, b in itertools.pairwise(paid)} == {14}


@given(st.integers(0, 700), st.integers(1, 60))
def test_a_day_has_its_factor_in_any_window(start, count):
    """Metamorphic: a window's factors are those of two years, cut."""
    text = "0.6 day 25 before; 0.2 workday -1; 0.3 Friday 2; 0.1 every 14 days from 2025-01-03"
    lift = [1.6, 1.4, 1.2, 1.1]
    whole = np.arange(760) + (FIRST - EPOCH).days
    expected = payday_factors("US", text, lift, whole)[start : start + count]
    assert np.array_equal(payday_factors("US", text, lift, whole[start : start + count]), expected)


def test_factors_average_to_one_in_every_country():
    """Paydays move spending within the month, and add none: within one per cent over four years."""
    day = np.arange(1461) + (FIRST - EPOCH).days
    lift = parameters().value("activity.rhythm.payday_lift")
    for country in ("US", "GB", "DE", "FR", "ES", "JP", "BR", "IN", "ZA", "AE", "IT"):
        for life, text in parameters().of_country(country)["paydays"].items():
            mean = payday_factors(country, text, lift, day).mean()
            assert mean == pytest.approx(1.0, abs=0.01), (country, life)


def test_every_lifestyle_has_a_way_of_being_paid():
    """No profile of the catalog is without a rule."""
    assert set(LIFESTYLE_OF_PROFILE) == set(PROFILES)
    assert set(LIFESTYLE_OF_PROFILE.values()) == set(parameters().of_country("US")["paydays"])


@pytest.mark.parametrize(
    "text",
    [
        "payday",
        "0.5 day 32",
        "1.5 day 25",
        "0.5 day 25 sideways",
        "0.5 workday 0",
        "0.5 Freitag 2",
        "0.5 every 14 days from 2025-02-30",
        "0.5 day 25, 0.5 day 1",
    ],
)
def test_what_is_no_payday_is_refused(text):
    """The message names country, text and what was expected."""
    with pytest.raises(ConfigError, match=r"activity\.countries\.JP\.paydays: .*expected `SHARE"):
        rules_of("JP", text)


def test_no_rule_changes_nothing():
    """An empty text is a country without paydays."""
    day = np.arange(10) + (FIRST - EPOCH).days
    assert payday_factors("US", "", [1.5, 1.2], day).tolist() == [1.0] * 10
