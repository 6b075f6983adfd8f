"""Knobs: scaling by country, shapes that are not known, and statistics of too few cards."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.calibration.estimate import _fit_places, _put_request, _start
from fauxpay.calibration.knobs import SHARE_MAX, Knobs, Note, behind, ratios_of, scaled_by_country
from fauxpay.calibration.mirror import WARM_DAYS, epoch_of, place_window
from fauxpay.calibration.shapes import put_countries
from fauxpay.calibration.statistics import Cell, Statistics
from fauxpay.config.combinations import MERCHANTS_PER_PLACE_MIN
from fauxpay.config.model import CARD_INDEX_MAX, FIRST_DAY, LAST_DAY, Config
from fauxpay.drift.windows import Window

NOTE = Note("as a test", 100, 50)
SHIPPED = {"default": 0.2, "US": 0.1, "GB": 0.4}


def test_countries_are_scaled_each_by_itself():
    """A country of the data moves, one that is not in it stays, one not listed gets an entry."""
    moved = scaled_by_country(SHIPPED, {"GB": 1.5, "CA": 2.0}, 1.1)
    assert moved == {"default": 0.22, "US": 0.1, "GB": 0.6, "CA": 0.4}
    assert scaled_by_country(SHIPPED, {"GB": 9.0}, 1.0)["GB"] == SHARE_MAX


@given(
    st.dictionaries(st.sampled_from(["US", "GB", "DE", "NO", "IN"]), st.floats(1, 1e6), min_size=1)
)
def test_countries_sum_to_one(weights):
    """Property: whatever the weights, the shares are a config's: above 0, and sum to 1."""
    knobs = Knobs()
    put_countries(knobs, weights, NOTE)
    shares = knobs.values["catalog.countries"]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-9)
    assert min(shares.values()) > 0


def test_what_does_not_fit_a_parameter_is_left_and_said():
    """A list of another length is not written into the config; the reason is."""
    knobs = Knobs()
    name = "activity.countries.GB.week.day_of_week"
    assert not knobs.put_parameter(name, [1.0, 2.0], NOTE)
    assert not knobs.overrides
    assert "7 values" in knobs.left[name]
    assert knobs.put_parameter("activity.rhythm.week_log_sd", 0.2, NOTE)
    assert knobs.parameter("activity.rhythm.week_log_sd") == 0.2
    assert knobs.parameter("activity.no.such") is None


def test_cells_of_few_cards_are_not_kept():
    """A cell of k - 1 cards is not among the statistics, one of k is."""
    window = Window(date(2026, 3, 2), date(2026, 3, 9))
    found = Statistics(window)
    found.put(("channel", "ecom"), Cell(0.2, 1000, 19), 20)
    found.put(("channel", "atm"), Cell(0.1, 1000, 20), 20)
    assert found.value("channel", "ecom") is None
    assert found.value("channel", "atm") == 0.1
    assert found.suppressed == {("channel", "ecom")}
    found.put(("channel", "atm", "GB"), Cell(0.3, 1000, 20), 20)
    assert found.below("channel") == {"atm": Cell(0.1, 1000, 20)}
    assert found.below("channel", "atm") == {"GB": Cell(0.3, 1000, 20)}


def test_ratios_need_both_sides():
    """No ratio without a mirror, and none beyond the bounds of one round."""
    seen = {"a": Cell(1.0, 9, 9), "b": Cell(1.0, 9, 9), "c": Cell(1000.0, 9, 9)}
    made = {"a": Cell(0.5, 9, 9), "b": Cell(0.0, 9, 9), "c": Cell(1.0, 9, 9)}
    assert ratios_of(seen, made) == {"a": 2.0, "c": 20.0}
    assert ratios_of(made, seen) == {"a": 0.5, "b": 0.05, "c": 0.05}


def test_what_is_fitted_is_not_left_and_a_copy_is_for_itself():
    """A reason goes with the first estimate; a copy that moves leaves its origin alone."""
    knobs = Knobs()
    key, name = "fraud.drift", "activity.rhythm.week_log_sd"
    knobs.leave(key, "no fraud")
    knobs.leave(name, "few weeks")
    other = knobs.copy()
    other.put_setting(key, False, NOTE)
    assert other.put_parameter(name, 0.2, NOTE)
    assert (other.left, sorted(other.notes)) == ({}, sorted((key, name)))
    assert (knobs.values, knobs.overrides, knobs.notes) == ({}, {}, {})
    assert knobs.left == {key: "no fraud", name: "few weeks"}
    cells = {"a": Cell(1.0, 30, 20), "b": Cell(2.0, 50, 25)}
    assert behind(cells, "both") == Note("both", 80, 25)
    assert behind({}, "none") == Note("none", 0, 0)


@pytest.mark.parametrize("year", [1999, 2013, 2017, 2018, 2026, 2035, 2041])
def test_old_and_future_windows_are_placed_alike(year):
    """Days that the engine does not know move by whole weeks, to the same season."""
    own = Window(date(year, 10, 3), date(year, 12, 30))
    placed = place_window(own)
    assert placed.start.weekday() == own.start.weekday()
    assert placed.start >= FIRST_DAY
    assert placed.end <= LAST_DAY
    assert placed.end - placed.start == own.end - own.start
    apart = abs(placed.start.replace(year=2024) - own.start.replace(year=2024)).days
    assert min(apart, 366 - apart) <= 4


def test_windows_that_the_engine_knows_stay_where_they_are():
    """With days before them in which refunds and frauds began; a longer one elsewhere is cut."""
    first, week = FIRST_DAY + timedelta(WARM_DAYS), timedelta(7)
    for own in (Window(first, first + week), Window(LAST_DAY - week, LAST_DAY)):
        assert place_window(own) == own
    early, late = first - timedelta(1), LAST_DAY + timedelta(1)
    for own in (Window(early, early + week), Window(late - week, late)):
        placed = place_window(own)
        assert placed.start >= first
        assert placed.end <= LAST_DAY
    assert place_window(Window(first, LAST_DAY)) == Window(first, LAST_DAY)
    long = place_window(Window(date(1999, 1, 4), date(2004, 1, 4)))
    assert long.end - long.start == timedelta(364)


def test_the_epoch_is_a_year_of_its_own_before_the_window():
    """The first of January of the year before, or the first day there is."""
    assert epoch_of(Window(date(2026, 3, 2), date(2026, 4, 1))) == date(2025, 1, 1)
    assert epoch_of(Window(FIRST_DAY, LAST_DAY)) == FIRST_DAY


@pytest.mark.parametrize("merchants", [30, 900, 60_000])
@pytest.mark.parametrize("countries", [{"GB": 1.0}, {"GB": 0.5, "US": 0.3, "LI": 0.2}])
def test_places_can_be_filled_and_found(merchants, countries):
    """As many merchants as places need, as many places as there are countries, none unknown."""
    cells = {("merchants",): Cell(merchants, 9000, 500), ("cards",): Cell(900.0, 9000, 500)}
    cells |= {("country", name): Cell(share, 9000, 500) for name, share in countries.items()}
    window = Window(date(2026, 3, 2), date(2026, 3, 30))
    knobs = _start(seen := Statistics(window, cells))
    places, own = knobs.setting("catalog.places"), knobs.setting("catalog.merchants")
    assert len(countries) <= places <= Config().catalog.places
    assert own >= merchants
    assert own * 0.8 >= places * MERCHANTS_PER_PLACE_MIN - 1
    _put_request(knobs, seen, window, 1.5)
    assert knobs.values["catalog.cards"] == 600
    assert knobs.values["run.to"] == window.end
    Config().with_values(knobs.values)
    many = Statistics(window, {("cards",): Cell(1e12, 9000, 500)})
    _put_request(knobs, many, window, 1.0)
    assert knobs.values["catalog.cards"] == CARD_INDEX_MAX
    knobs.values["catalog.merchants"] = 4
    _fit_places(knobs)
    assert knobs.values["catalog.merchants"] >= MERCHANTS_PER_PLACE_MIN
