"""Corrections: rates, fraud and structure move as what they make asks for, and no further."""

from __future__ import annotations

import math
from typing import Any

import pytest
from told_cells import NOTE, WINDOW, knobs_of, told

from fauxpay.calibration.estimate import Fitted
from fauxpay.calibration.knobs import Knobs, Note
from fauxpay.calibration.rates import (
    RATE_RULES,
    WEEK,
    correct_rates,
    fraud_settings,
    put_fraud,
    put_labels,
)
from fauxpay.calibration.render import config_yaml
from fauxpay.calibration.shapes import ONLINE
from fauxpay.calibration.statistics import Cell, Statistics
from fauxpay.calibration.structure import TURNED, correct_structure, slopes, turned
from fauxpay.config.model import Config
from fauxpay.foundations.parameters import load_parameters


@pytest.mark.parametrize("name", RATE_RULES)
def test_a_rate_moves_by_the_ratio_and_says_why_it_does_not(name):
    """Half as much seen as made is half the knob; beyond its largest value it does not go."""
    key, largest, _ = RATE_RULES[name]
    shipped = Knobs().setting(key)
    for ratio in (0.5, 1.25):
        knobs = Knobs()
        correct_rates(knobs, told({(name,): 0.4 * ratio}), told({(name,): 0.4}))
        assert knobs.values[key] == pytest.approx(shipped * ratio, rel=1e-3)
        assert knobs.notes[key].cards == 500
    correct_rates(knobs, told({(name,): 4000.0}), told({(name,): 0.4}))
    assert knobs.values[key] == largest
    for seen, made, why in (
        (told({}), told({(name,): 0.4}), "its columns are not there"),
        (told({}, (name,)), told({(name,): 0.4}), "too few cards"),
        (told({(name,): 0.4}), told({}), "the mirror made none"),
    ):
        left = Knobs()
        correct_rates(left, seen, made)
        assert why in left.left[key]
        assert key not in left.values
        correct_rates(knobs, seen, made)
        assert key not in knobs.left, "what was fitted once is not left"


def test_spreads_add_as_their_squares():
    """Of log rates the variances, of weeks the squared coefficients of variation."""
    knobs = Knobs()
    own, weekly = knobs.setting("activity.rate_log_sd"), knobs.parameter(WEEK)
    seen = told({("rate_log_sd",): 1.0, ("week_excess",): 0.5})
    made = told({("rate_log_sd",): 0.8, ("week_excess",): 0.3})
    correct_rates(knobs, seen, made)
    expected = math.sqrt(own**2 + 1.0**2 - 0.8**2)
    assert knobs.values["activity.rate_log_sd"] == pytest.approx(expected, rel=1e-3)
    excess = math.expm1(weekly**2) + 0.5 - 0.3
    assert knobs.parameter(WEEK) == pytest.approx(math.sqrt(math.log1p(excess)), rel=1e-3)
    # A table without any spread of its own is no error, nor one beyond the knob's range.
    for low, high, expected in ((0.0, 5.0, 0.0), (5.0, 0.0, 2.0)):
        seen = told({("rate_log_sd",): low, ("week_excess",): low - 1})
        correct_rates(knobs, seen, told({("rate_log_sd",): high, ("week_excess",): high}))
        assert knobs.values["activity.rate_log_sd"] == expected
    assert knobs.parameter(WEEK) >= 0


FRAUD = ("fraud", "all", "all")


def fraud_of(seen: Statistics, mirrors: list[dict[str, float]]) -> Knobs:
    """Knobs after fraud was put, of mirrors that were asked for .1 and .3 of each kind."""
    knobs, keys = Knobs(), fraud_settings().values()
    made = [told({("fraud", "typology", n): v for n, v in one.items()}) for one in mirrors]
    put_fraud(knobs, seen, made, [dict.fromkeys(keys, 0.1), dict.fromkeys(keys, 0.3)])
    return knobs


def test_compromises_are_as_many_as_make_the_frauds():
    """Mirrors made 4 frauds of .4 compromises: 2 frauds are .2 of them, by whatever name."""
    testing, lost = "fraud.card_testing_per_card_year", "fraud.lost_stolen_per_card_year"
    mirrors = [{"card_testing": 1.5, "lost_stolen": 3.0}, {"card_testing": 2.5, "lost_stolen": 5.0}]
    named = told({FRAUD: 2.0, ("fraud", "typology", "card_testing"): 2.0})
    knobs = fraud_of(named, mirrors)
    assert knobs.values[testing] == pytest.approx(0.2)
    assert knobs.values["fraud.drift"] is False
    assert "no fraud of its kind" in knobs.left[lost]
    of_others = {("fraud", "typology", "their_own_name"): 6.0}
    presence = {("fraud", "presence", "remote"): 2.0, ("fraud", "presence", "present"): 4.0}
    knobs = fraud_of(told({FRAUD: 6.0} | of_others | presence), mirrors)
    assert knobs.values[testing] == pytest.approx(0.2)
    assert knobs.values[lost] == pytest.approx(0.2)
    knobs = fraud_of(told({FRAUD: 6.0} | of_others), mirrors)
    assert knobs.values[testing] == pytest.approx(0.3)
    assert knobs.values[lost] == pytest.approx(0.15)
    assert fraud_of(told({FRAUD: 600.0}), mirrors).values[testing] == 5.0
    assert "the mirror made none" in fraud_of(named, [{}, {}]).left[testing]
    assert fraud_of(told({}, FRAUD), mirrors).left[testing] == "too few cards"


def test_what_the_bank_learns_is_taken_over_within_the_bounds_of_its_laws():
    """Medians are those of the logs; where all fraud is known nothing is said of the rest."""
    knobs, shipped = Knobs(), load_parameters().value("labels.delay_days")
    seen = {
        ("found",): 0.6,
        ("delay", "analyst"): Cell(math.log(12.0), 90, 40, 0.5),
        ("delay", "chargeback"): Cell(math.log(4000.0), 700, 300, 1.1),
        ("delay", "whistleblower"): Cell(math.log(3.0), 90, 40, 0.5),
    }
    put_labels(knobs, told(seen))
    assert knobs.values["labels.found_share"] == 0.6
    now = knobs.parameter("labels.delay_days")
    assert now["analyst"] == {**shipped["analyst"], "median": 12.0, "log_sd": 0.5}
    assert now["chargeback"]["median"] == shipped["chargeback"]["max"]
    assert now["issuer_alert"] == shipped["issuer_alert"]
    assert set(now) == set(shipped)
    assert knobs.notes["labels.delay_days"] == Note(
        "days from fraud to knowledge, of analyst, chargeback", 790, 300
    )
    put_labels(knobs := Knobs(), told({("found",): 1.0}))
    assert "labels.found_share" not in knobs.values
    assert "every fraud" in knobs.left["labels.found_share"]


@pytest.mark.parametrize("key", TURNED)
def test_structure_steps_between_mirrors_or_by_the_slope(key):
    """Between two that bracket what is seen by the chord, else by Newton, inside of its range."""
    statistic, turn, least, largest, _ = TURNED[key]
    start, other = float(Knobs().setting(key)), turned(Knobs())
    step = float(other.setting(key)) - start
    assert abs(step) == pytest.approx(turn)
    assert least <= float(other.setting(key)) <= largest
    plain = told({statistic: -2.0})
    slope = slopes(plain, told({statistic: -2.0 + 0.5 * step}), (Knobs(), other))
    assert slope[key] == pytest.approx(0.5)
    slight = slopes(plain, told({statistic: -2.0 + 0.06 * step}), (Knobs(), other))
    assert slight[key] == pytest.approx(0.06)
    assert key not in slopes(plain, told({statistic: -2.0 + 0.04 * step}), (Knobs(), other))

    def stepped(wanted: float, before: Any = None) -> float:
        knobs = Knobs()
        correct_structure(knobs, told({statistic: wanted}), plain, slope, before)
        return float(knobs.setting(key))

    assert stepped(-1.95) == pytest.approx(start + 0.1, abs=6e-3)
    assert stepped(-1.95) == stepped(-1.95, (other, told({})))
    assert stepped(90.0) == largest
    assert stepped(-90.0) == least
    # The mirror before had the knob a turn away, and lay on the other side of what is seen.
    before = (other, told({statistic: -1.6}))
    assert stepped(-1.9, before) == pytest.approx(start + step / 4, abs=6e-3)
    assert stepped(-1.6, before) == pytest.approx(start + step, abs=6e-3)
    beyond = min(max(start - 0.1, least), largest)
    assert stepped(-2.05, before) == pytest.approx(beyond, abs=6e-3)
    assert stepped(-2.0, (other, plain)) == pytest.approx(start, abs=6e-3)
    correct_structure(knobs := Knobs(), told({statistic: -1.0}), plain, {})
    assert "does not answer" in knobs.left[key]


def test_structure_is_turned_into_its_range():
    """A knob near its largest value is turned the other way."""
    knobs = Knobs()
    for key, (_, turn, _, largest, _) in TURNED.items():
        knobs.values[key] = largest - turn / 2
    for key, (_, turn, _, largest, _) in TURNED.items():
        assert turned(knobs).setting(key) == pytest.approx(largest - turn / 2 - turn)


def test_the_file_has_each_value_as_it_was_fitted(tmp_path):
    """Norway is no false, a day is a day, and what a loader reads is what was fitted."""
    knobs = knobs_of({"NO": 0.25, "GB": 0.75})
    knobs.put_setting("fraud.drift", False, NOTE)
    knobs.values["run.from"], knobs.values["run.to"] = WINDOW.start, WINDOW.end
    online = load_parameters().value(ONLINE) | {"NO": 0.3}
    assert knobs.put_parameter(ONLINE, online, NOTE)
    assert knobs.put_parameter(WEEK, 0.25, NOTE)
    knobs.leave("catalog.places", "a table does not say where a city ends")
    fitted = Fitted(knobs, told({}), WINDOW, ("at", "card"), 9, 9, 9, 20, ())
    path = tmp_path / "world.yaml"
    path.write_text(text := config_yaml(fitted, {"rows": 9, "columns": []}))
    loaded = Config.load(path)
    assert loaded.catalog.countries == {"GB": 0.75, "NO": 0.25}
    assert loaded.parameters == knobs.overrides
    assert loaded.fraud.drift is False
    assert (loaded.run.start_day, loaded.run.end_day) == (WINDOW.start, WINDOW.end)
    assert '"NO": 0.3' in text
    assert "# columns: none" in text
    assert "# as a test; 100 rows, 50 cards" in text
    assert "# * catalog.places: a table does not say where a city ends" in text
