"""Shapes: each list or share of a world moves as the cells ask for, and stays what it is."""

from __future__ import annotations

import math
from typing import Any

import pytest
from told_cells import NOTE, OWN, knobs_of, told

from fauxpay.calibration.knobs import SHARE_MAX, Knobs
from fauxpay.calibration.shapes import (
    ALONE,
    CLASSES,
    COUNTRIES,
    DECLINES,
    HOURS,
    ONLINE,
    correct_shapes,
    put_countries,
)
from fauxpay.calibration.statistics import Cell
from fauxpay.foundations.parameters import load_parameters


def shaped(seen: dict[Any, Any], made: dict[Any, Any], knobs: Knobs | None = None) -> Knobs:
    """Knobs after the shapes were corrected once."""
    knobs = knobs or knobs_of()
    correct_shapes(knobs, told(seen), told(made))
    return knobs


def test_shares_move_by_the_ratio_and_stay_shares():
    """Of all countries one by one, of a country by its own ratio, else by that of all."""
    for key, (name, _) in ALONE.items():
        now = load_parameters().value(name)
        assert shaped({key: 0.3}, {key: 0.2}).parameter(name) == pytest.approx(now * 1.5, rel=1e-3)
        assert shaped({key: 1.0}, {key: 1e-4}).parameter(name) == SHARE_MAX
        assert "the mirror made none" in shaped({key: 0.3}, {}).left[name]
    packs = load_parameters()
    atm, ecom = ("channel", "atm"), ("channel", "ecom")
    for country in OWN:
        name = f"activity.countries.{country}.payment.atm_share"
        now = packs.value(name)
        assert shaped({atm: 0.06}, {atm: 0.04}).parameter(name) == pytest.approx(
            now * 1.5, rel=0.01
        )
    seen, made = {atm: 0.06, (*atm, "GB"): 0.02}, {atm: 0.04, (*atm, "GB"): 0.04}
    knobs = shaped(seen, made)
    of_gb, of_us = (packs.of_country(one)["payment"]["atm_share"] for one in ("GB", "US"))
    assert knobs.parameter("activity.countries.GB.payment.atm_share") == of_gb / 2
    assert knobs.parameter("activity.countries.US.payment.atm_share") == of_us
    now = packs.value(ONLINE)
    found = shaped({ecom: 0.3}, {ecom: 0.2}).parameter(ONLINE)
    assert found["GB"] == pytest.approx(now["GB"] * 1.5, rel=1e-3)
    assert found["default"] == pytest.approx(now["default"] * 1.5, rel=1e-3)


def test_countries_move_by_the_cards_that_were_seen():
    """Twice the share of cards that the mirror had is twice the weight; they sum to 1."""
    seen = {("country", "GB"): 600.0, ("country", "US"): 200.0, ("country", "FR"): 99.0}
    made = {("country", "GB"): 300.0, ("country", "US"): 500.0}
    found = shaped(seen, made).values[COUNTRIES]
    gb, us = 0.5 * (600 / 899) / (300 / 800), 0.5 * (200 / 899) / (500 / 800)
    assert found["GB"] == pytest.approx(gb / (gb + us), abs=1e-5)
    assert sum(found.values()) == pytest.approx(1, abs=1e-9)
    put_countries(knobs := Knobs(), {"GB": 1.0, "FR": 1.0, "US": 1.0}, NOTE)
    assert sum(knobs.values[COUNTRIES].values()) == 1


def test_weeks_years_and_hours_keep_their_sums():
    """A busier Friday, December and noon: the others give way, and the list weighs what it did."""
    packs = load_parameters()
    days = [str(day) for day in range(1, 8)]
    flat = {("weekday", day): 1.0 for day in days}
    own = {("weekday", "GB", day): 1.0 for day in days}
    friday = {("weekday", "GB", "5"): 1.5}
    knobs = shaped(flat | own | friday, flat | own)
    for country in OWN:
        was = packs.of_country(country)["week"]["day_of_week"]
        name = f"activity.countries.{country}.week.day_of_week"
        now = knobs.parameter(name)
        assert sum(now) == pytest.approx(sum(was), rel=1e-3)
        busier = (now[4] / now[0]) / (was[4] / was[0])
        assert busier == pytest.approx(1.5 if country == "GB" else 1.0, rel=2e-3)
    # A country of which a day has too few cards has the ratios of all.
    del own["weekday", "GB", "2"]
    knobs = shaped(flat | {("weekday", "5"): 1.5} | own, flat | own)
    was, now = (
        packs.of_country("GB")["week"]["day_of_week"],
        knobs.parameter("activity.countries.GB.week.day_of_week"),
    )
    assert (now[4] / now[0]) / (was[4] / was[0]) == pytest.approx(1.5, rel=2e-3)
    year = {("month", str(month)): 1.0 for month in range(1, 13)}
    knobs = shaped(year | {("month", "12"): 2.0}, year)
    was, now = (
        packs.of_country("GB")["week"]["month"],
        knobs.parameter("activity.countries.GB.week.month"),
    )
    assert sum(now) == pytest.approx(sum(was), rel=1e-3)
    assert (now[11] / now[0]) / (was[11] / was[0]) == pytest.approx(2, rel=2e-3)
    day = {("hour", kind, str(h)): 0.04 for kind in ("workday", "weekend") for h in range(24)}
    knobs = shaped(day | {("hour", "workday", "12"): 0.08}, day)
    for name, kinds in packs.value(HOURS).items():
        for kind, was in kinds.items():
            now = knobs.parameter(HOURS)[name][kind]
            hours = [h for h in range(24) if was[h] > 100 and h != 12]
            if kind not in ("workday", "weekend") or was[12] < 100 or not hours:
                continue
            busier = (now[12] / now[hours[0]]) / (was[12] / was[hours[0]])
            assert busier == pytest.approx(2 if kind == "workday" else 1, rel=0.02), (name, kind)
            assert max(now) == 1000
            assert min(now) >= 1


def test_a_week_that_does_not_end_on_sunday_is_left():
    """The packs count a week up to the last day of rest, a table from Monday: they do not mix."""
    flat = {("weekday", str(day)): 1.0 for day in range(1, 8)}
    knobs = shaped(flat, flat, knobs_of({"SA": 0.4, "AE": 0.3, "IR": 0.1, "GB": 0.2}))
    left = {name.split(".")[2] for name, why in knobs.left.items() if "end on Sunday" in why}
    assert left == {"SA", "IR"}


def test_declines_by_channel_move_each_by_itself():
    """Of channels that were seen declined, no share above .95; the others stay."""
    now = load_parameters().value(DECLINES)
    pos, ecom = ("decline", "pos"), ("decline", "ecom")
    found = shaped({pos: 0.04, ecom: 0.9}, {pos: 0.02, ecom: 0.01}).parameter(DECLINES)
    assert found == {**now, "pos": now["pos"] * 2, "ecom": 0.95}


def amounts(
    of_class: str, values: dict[str, tuple[float, float, int]]
) -> dict[tuple[str, ...], Cell]:
    """Cells of a class by currency, of (mean log, spread, rows)."""
    return {
        ("amount", of_class, money): Cell(mean, rows, 400, spread)
        for money, (mean, spread, rows) in values.items()
    }


def test_amounts_move_by_the_logs_within_a_currency():
    """A class ten per cent dearer in each currency, and wider: its median and spread follow."""
    now = load_parameters().value(CLASSES)
    seen = amounts("grocery", {"USD": (3.1, 1.0, 300), "JPY": (7.4, 0.9, 100)})
    made = amounts("grocery", {"USD": (3.0, 0.8, 1), "JPY": (7.3, 0.9, 900), "GBP": (9, 9, 9)})
    found = shaped(seen, made).parameter(CLASSES)
    law, was = found["grocery"], now["grocery"]
    assert law["median"] == round(was["median"] * math.exp(0.1))
    spread = math.sqrt(was["log_sd"] ** 2 + (1.0 - 0.64) * 300 / 400)
    assert law["log_sd"] == pytest.approx(spread, rel=5e-3)
    assert {name: one for name, one in found.items() if name != "grocery"} == {
        name: one for name, one in now.items() if name != "grocery"
    }
    wide = amounts("grocery", {"USD": (3.0, 1.5, 300)})
    narrow = shaped(amounts("grocery", {"USD": (3.0, 0.0, 300)}), wide).parameter(CLASSES)
    assert narrow["grocery"]["log_sd"] == 0.05


def test_amounts_without_categories_or_currencies_are_held_against_all():
    """Where a table knows no categories all classes move alike, still within their currency."""
    now = load_parameters().value(CLASSES)
    made = amounts("grocery", {"USD": (3.0, 0.6, 300), "JPY": (7.6, 0.6, 100)})
    made |= amounts("fuel", {"USD": (4.0, 0.6, 100)})
    # Yen are of too few cards: what is left is of dollars alone, and like the mirror's dollars.
    found = shaped(amounts("all", {"USD": (3.25, 0.7, 500)}), made).parameter(CLASSES)
    assert found == now
    dearer = shaped(amounts("all", {"USD": (3.35, 0.7, 500)}), made).parameter(CLASSES)
    for name, law in dearer.items():
        assert law["median"] == max(round(now[name]["median"] * math.exp(0.1)), 1)
        assert law["log_sd"] == now[name]["log_sd"]
    # Without currencies a class is held against all of its rows, whose currencies spread them.
    mean = (3.0 * 300 + 7.6 * 100) / 400
    square = (300 * (0.36 + (3.0 - mean) ** 2) + 100 * (0.36 + (7.6 - mean) ** 2)) / 400
    seen = amounts("grocery", {"?": (mean, math.sqrt(square), 500)})
    assert shaped(seen, made).parameter(CLASSES) == now


def test_endings_stay_shares_and_keep_what_they_never_had():
    """More whole prices: the other endings give way, nought stays nought, the sum is 1."""
    kinds = ("exact", "whole", "99", "95", "50", "90")
    flat = {("ending", "shelf", kind): 0.2 for kind in kinds}
    knobs = shaped(flat | {("ending", "shelf", "whole"): 0.6}, flat)
    for country in OWN:
        was = load_parameters().of_country(country)["endings"]["shelf"]
        now = knobs.parameter(f"activity.countries.{country}.endings.shelf")
        assert math.fsum(now) == pytest.approx(1, abs=1e-9)
        assert [bool(one) for one in now] == [bool(one) for one in was]
        assert (now[1] / now[0]) / (was[1] / was[0]) == pytest.approx(3, rel=0.01)
