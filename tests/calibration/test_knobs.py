"""Knobs: scaling by country, shapes that are not known, and statistics of too few cards."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.calibration.knobs import SHARE_MAX, Knobs, Note, ratios_of, scaled_by_country
from fauxpay.calibration.mirror import place_window
from fauxpay.calibration.shapes import put_countries
from fauxpay.calibration.statistics import Cell, Statistics
from fauxpay.config.model import FIRST_DAY, LAST_DAY
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


def test_ratios_need_both_sides():
    """No ratio without a mirror, and none beyond the bounds of one round."""
    seen = {"a": Cell(1.0, 9, 9), "b": Cell(1.0, 9, 9), "c": Cell(1000.0, 9, 9)}
    made = {"a": Cell(0.5, 9, 9), "b": Cell(0.0, 9, 9), "c": Cell(1.0, 9, 9)}
    assert ratios_of(seen, made) == {"a": 2.0, "c": 20.0}


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
