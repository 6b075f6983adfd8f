"""Feasts: the library's calendars, asked for days that anybody can look up."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from fauxpay.errors import ContractError
from fauxpay.foundations import feasts
from fauxpay.foundations.reference import EPOCH, reference


def days(first: date, count: int) -> np.ndarray:
    """Consecutive days as whole numbers."""
    return np.arange(count) + (first - EPOCH).days


def season_days(country: str, season: str, year: int) -> dict[int, date]:
    """nth -> day of a season that has its feast in a year."""
    year_days = days(date(year, 1, 1), 365)
    found: dict[int, date] = {}
    for name, position, nth in feasts.seasons_on(country, year_days):
        if name == season:
            found |= {
                int(n): date(year, 1, 1) + (date(2000, 1, 2) - date(2000, 1, 1)) * int(p)
                for n, p in zip(nth, position, strict=True)
            }
    return found


@pytest.mark.parametrize(
    ("country", "season", "year", "feast"),
    [
        ("US", "black_friday", 2026, date(2026, 11, 27)),
        ("US", "easter", 2026, date(2026, 4, 5)),
        ("ES", "easter", 2026, date(2026, 4, 5)),
        ("ES", "christmas", 2022, date(2022, 12, 25)),  # a Sunday
        ("GR", "easter", 2026, date(2026, 4, 12)),
        ("BR", "carnival", 2026, date(2026, 2, 17)),
        ("IN", "diwali", 2025, date(2025, 10, 20)),
        ("IN", "diwali", 2026, date(2026, 11, 8)),
        ("CN", "lunar_new_year", 2026, date(2026, 2, 17)),
        ("AE", "ramadan", 2026, date(2026, 2, 18)),
        ("AE", "eid_al_fitr", 2026, date(2026, 3, 20)),
        ("AE", "eid_al_adha", 2026, date(2026, 5, 27)),
        ("JP", "golden_week", 2026, date(2026, 4, 29)),
        ("ES", "epiphany", 2026, date(2026, 1, 6)),
        ("CN", "singles_day", 2026, date(2026, 11, 11)),
    ],
)
def test_feasts_are_when_they_were(country, season, year, feast):
    """The feast itself is day 0 of its season."""
    assert season_days(country, season, year)[0] == feast


def test_the_fast_has_every_day_up_to_its_feast():
    """Ramadan 2026 in the Emirates has thirty days, the last on the eve of Eid al-Fitr."""
    fast = season_days("AE", "ramadan", 2026)
    assert sorted(fast) == list(range(30))
    assert fast[29] == date(2026, 3, 19)


def test_cyber_monday_and_the_run_up_to_christmas_belong_to_their_seasons():
    """Seasons have the days around their feast, and no more."""
    assert season_days("US", "black_friday", 2026)[3] == date(2026, 11, 30)
    assert sorted(season_days("US", "christmas", 2026)) == list(range(-24, 2))
    assert season_days("JP", "christmas", 2026) == {}
    assert season_days("US", "diwali", 2026) == {}


def test_weekends_are_those_of_the_day():
    """The Emirates rested on Friday and Saturday until 2022; Saudi Arabia still does."""
    week = days(date(2021, 6, 7), 7)  # Monday
    assert feasts.is_rest("AE", week).tolist() == [False] * 4 + [True, True, False]
    later = days(date(2024, 6, 3), 7)
    assert feasts.is_rest("AE", later).tolist() == [False] * 5 + [True, True]
    assert feasts.is_rest("SA", later).tolist() == [False] * 4 + [True, True, False]
    assert feasts.is_rest("US", later).tolist() == [False] * 5 + [True, True]
    assert feasts.last_rest_day("AE", week).tolist() == [6] * 7
    assert feasts.last_rest_day("AE", later).tolist() == [7] * 7


def test_outside_of_the_years_nothing_is_special():
    """Days before 2018 have weekends, but neither holidays nor seasons, and raise nothing."""
    early = days(date(2017, 12, 1), 31)
    assert not feasts.is_holiday("US", early).any()
    assert list(feasts.seasons_on("US", early)) == []
    assert feasts.is_rest("US", early).sum() == 10
    assert feasts.is_holiday("US", early[:0]).size == 0


def test_an_unknown_country_is_named():
    """A country that is none is refused with the nearest."""
    with pytest.raises(ContractError, match="'UK' is not a country"):
        feasts.is_holiday("UK", days(date(2026, 1, 1), 3))


def test_every_season_has_an_effect_in_the_default_pack():
    """No season of the table is without a law, and no law without a season."""
    from worlds import parameters

    known = set(reference("seasons")["season"].to_pylist())
    assert set(parameters().of_country("XX")["seasons"]) == known
