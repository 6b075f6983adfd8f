"""Measures of days and hours against tables whose answers are known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from card_tables import FIRST, instants, prepared, write
from fauxpay.scorecard.measures.rhythm import (
    Days,
    around,
    black_friday,
    days_of,
    december,
    first_of_month,
    hours,
    payday,
    rhythm,
)
from fauxpay.scorecard.staging import EPOCH


def days_from(first: date, value) -> Days:
    """Days with a value each."""
    return Days((first - EPOCH).days, np.asarray(value, np.float64))


def year_of(value_of) -> Days:
    """The days of 2026 with the value that a function gives their date."""
    dates = [date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(365)]
    return days_from(dates[0], [value_of(day) for day in dates])


def test_weekdays_of_a_flat_table_are_even_and_a_raised_friday_shows(tmp_path):
    """Known answer: Fridays twice as dear make 2 over the mean of 6 x 1 and 2."""
    days = np.arange(70)
    table = {"card": days % 5, "at": instants(days + 0.5)}
    flat = write(tmp_path / "flat.parquet", {**table, "amount": 10.0})
    raised = write(
        tmp_path / "raised.parquet",
        {**table, "amount": [20.0 if d % 7 == 4 else 10.0 for d in days]},
    )
    with prepared(flat) as ready:
        assert rhythm(ready)["friday"].value == pytest.approx(1)
        assert rhythm(ready)["sunday"].value == pytest.approx(1)
    with prepared(raised) as ready:
        found = rhythm(ready)["friday"]
    assert found.value == pytest.approx(2 / (8 / 7))
    assert found.interval == pytest.approx((found.value, found.value))


def test_the_outer_days_are_left_out(tmp_path):
    """A table that is cut by UTC has parts of days at its ends."""
    path = write(
        tmp_path / "t.parquet", {"card": 3 * [1], "at": instants([0, 1, 2]), "amount": 5.0}
    )
    with prepared(path) as ready:
        found = days_of(ready)
    assert found.value.tolist() == [5.0]
    assert found.first == (FIRST - EPOCH).days + 1


@pytest.mark.parametrize(("year", "day"), [(2019, 29), (2024, 29), (2025, 28), (2026, 27)])
def test_black_friday_follows_thanksgiving(year, day):
    """Known answers of the calendar."""
    assert black_friday(year) == (11, day)


def test_a_day_is_held_against_the_days_around():
    """Known answer: 1.3 on December 23; none without 28 days around it."""
    days = year_of(lambda day: 13.0 if (day.month, day.day) == (12, 23) else 10.0)
    assert around(days, lambda year: (12, 23)).value == pytest.approx(1.3)
    alone = days_from(date(2026, 12, 20), [1.0] * 8)
    assert around(alone, lambda year: (12, 23)).value is None


def test_december_is_held_against_the_other_months():
    """Known answer: 1.15 in December; a table without it has no value and a reason."""
    days = year_of(lambda day: 11.5 if day.month == 12 else 10.0)
    assert december(days).value == pytest.approx(1.15)
    spring = december(days_from(date(2026, 3, 1), np.ones(100)))
    assert spring.value is None
    assert "December" in spring.reason


def test_the_first_of_the_month_is_held_against_its_weekday():
    """Known answer: 1.2 on first days, whatever weekdays they are and weekdays do."""
    weekday = [1, 1, 1, 1, 2, 1.5, 0.5]
    days = year_of(lambda day: weekday[day.weekday()] * (1.2 if day.day == 1 else 1))
    assert first_of_month(days).value == pytest.approx(1.2)


def test_payday_is_found_where_there_is_one():
    """Known answer: 1.3 in the week from the 25th."""
    paid = {25, 26, 27, 28, 29, 30, 31}
    days = year_of(lambda day: 1.3 if day.day in paid else 1.0)
    assert payday({"JP": days})["payday"].value == pytest.approx(1.3, abs=0.03)


def test_chance_makes_no_payday():
    """Distribution: noise chooses a week in some months and is not paid for it in the others."""
    rng = np.random.default_rng(5)
    found = [
        payday({"": days_from(date(2026, 1, 1), rng.normal(100, 10, 180))})["payday"].value
        for _ in range(40)
    ]
    assert np.mean(found) == pytest.approx(1, abs=0.01)
    assert max(found) < 1.15


def test_countries_without_a_payday_are_left_out():
    """A country whose halves of the months disagree does not thin the others out."""
    rng = np.random.default_rng(6)
    paid = year_of(lambda day: 1.4 if 1 <= day.day <= 7 else 1.0)
    even = year_of(lambda day: 1.0 + (0.2 if day.month % 2 and 8 <= day.day <= 14 else 0))
    noise = Days(even.first, even.value + rng.normal(0, 0.001, 365))
    both = payday({"AA": paid, "BB": noise})
    assert both["payday"].value == pytest.approx(1.4, abs=0.01)
    assert both["payday_BB"].value == pytest.approx(1, abs=0.05)


def test_hours_are_those_of_the_wall_clock(tmp_path):
    """Known answer: a payment each hour but 4 h, three at noon; local time where it is told."""
    local = [h for h in range(24) if h != 4] + [12, 12]
    one_week = np.concatenate([np.array(local) / 24 + day + 0.01 for day in range(8)])
    shifted = one_week + 5 / 24
    table = {"card": [1] * len(one_week), "at": instants(shifted)}
    path = write(tmp_path / "t.parquet", {**table, "local_at": instants(one_week)})
    with prepared(path) as ready:
        found = hours(ready)
    assert found["trough_hour"].value == 4
    assert found["trough_share"].value == 0
    assert found["peak_share"].value == pytest.approx(3 / 25)
    path = write(tmp_path / "utc.parquet", table)
    with prepared(path) as ready:
        assert hours(ready)["trough_hour"].value == 9


def test_days_without_hours_have_no_rhythm(tmp_path):
    """Negative: a table of days is skipped, not taken for payments at midnight."""
    path = write(tmp_path / "t.parquet", {"card": [1] * 30, "at": instants(np.arange(30))})
    with prepared(path) as ready:
        assert {each.value for each in hours(ready).values()} == {None}
