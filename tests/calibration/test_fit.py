"""Fit: a world made with other parameters is found again, and what it makes is like the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from fitted_worlds import COUNTRIES, SCALED_CLASSES, WEEK, made, unlike

from fauxpay.calibration.estimate import Fitted, fit
from fauxpay.calibration.render import config_yaml, provenance_of
from fauxpay.calibration.statistics import COLUMNS
from fauxpay.config.model import Config
from fauxpay.drift.compare import compare
from fauxpay.foundations.parameters import Parameters, load_parameters
from fauxpay.scorecard.card_table import open_card_table

# Tolerances of docs/calibration.md: of 3,000 cards over 60 days, of 20,000 over 90.
RELATIVE = {
    "activity.purchases_per_card_day": (0.08, 0.04),
    "activity.recurring_per_card": (0.12, 0.06),
    "activity.refund_share": (0.08, 0.04),
    "activity.reversal_share": (0.10, 0.05),
    "catalog.cards": (0.08, 0.04),
    "catalog.merchants": (0.08, 0.12),
    "fraud.card_testing_per_card_year": (0.35, 0.15),
    "fraud.lost_stolen_per_card_year": (0.35, 0.15),
}
ABSOLUTE = {
    "activity.rate_log_sd": (0.05, 0.02),
    "activity.trip_share": (0.03, 0.02),
    "activity.favourite_zipf_exponent": (0.08, 0.05),
    "catalog.merchant_zipf_exponent": (0.6, 0.3),
    "labels.found_share": (0.06, 0.05),
}
SHARES = {
    # Where .8 is true, .835 to .841 was found: what taps when nearly all do is hard to tell.
    "payment.contactless_share": (0.06, 0.05),
    "payment.atm_share": (0.015, 0.008),
    # 690 cards of one country: four seeds were .117 to .158 where .1 is true.
    "abroad.online_share": (0.08, 0.03),
}


@pytest.fixture(scope="session")
def pair(tmp_path_factory) -> tuple[Config, Fitted]:
    """The unlike world of 3,000 cards over 60 days, and what is fitted to its table."""
    config = unlike(3000, ("2026-03-02", "2026-05-01"), tmp_path_factory.mktemp("fit") / "root")
    return config, fit(open_card_table(made(config)))


def setting(config: Config, key: str) -> float:
    """A setting by its dotted key."""
    section, _, name = key.partition(".")
    return float(getattr(getattr(config, section), name))


def require_recovered(config: Config, fitted: Fitted, column: int) -> None:
    """Every knob within its tolerance, by the column of the table."""
    own, found = load_parameters(config.parameters), fitted.knobs.parameters()
    for key, tolerance in RELATIVE.items():
        value = float(fitted.knobs.setting(key))
        assert value == pytest.approx(setting(config, key), rel=tolerance[column]), key
    for key, tolerance in ABSOLUTE.items():
        value = float(fitted.knobs.setting(key))
        assert value == pytest.approx(setting(config, key), abs=tolerance[column]), key
    for country in COUNTRIES:
        for fact, tolerance in SHARES.items():
            name = f"activity.countries.{country}.{fact}"
            assert found.value(name) == pytest.approx(own.value(name), abs=tolerance[column]), name
        name = "catalog.countries.online_share"
        value, expected = found.value(name)[country], own.value(name)[country]
        assert value == pytest.approx(expected, abs=(0.04, 0.025)[column]), f"{name}.{country}"
    for country, share in COUNTRIES.items():
        assert fitted.knobs.setting("catalog.countries")[country] == pytest.approx(share, abs=0.04)
    require_shapes(own, found)


def require_shapes(own: Parameters, found: Parameters) -> None:
    """Weekdays, hours, amounts and answers, at the tolerances of both sizes."""
    for country in COUNTRIES:
        week = found.value(f"activity.countries.{country}.week.day_of_week")
        for mine, theirs in zip(WEEK, week, strict=True):
            expected, value = mine / sum(WEEK), theirs / sum(week)
            assert 7 * value == pytest.approx(7 * expected, abs=0.07), country
    assert found.value("activity.rhythm.week_log_sd") == pytest.approx(0.3, abs=0.15)
    for name in ("activity.entry.credential_on_file_share", "activity.channels.moto_share"):
        assert found.value(name) == pytest.approx(own.value(name), rel=0.15)
    classes = own.value("activity.amounts.classes"), found.value("activity.amounts.classes")
    for mine in SCALED_CLASSES:
        assert classes[1][mine]["median"] == pytest.approx(classes[0][mine]["median"], rel=0.15)
        assert classes[1][mine]["log_sd"] == pytest.approx(classes[0][mine]["log_sd"], abs=0.08)
    declines = own.value("activity.outcome.decline_share")
    for channel in ("pos", "ecom"):
        value = found.value("activity.outcome.decline_share")[channel]
        assert value == pytest.approx(declines[channel], rel=0.1)


@pytest.mark.slow
def test_other_parameters_are_found_again(pair):
    """3,000 cards over 60 days, made unlike the default in every knob: each is recovered."""
    require_recovered(*pair, 0)


@pytest.mark.slow
def test_the_tolerances_could_fail(pair):
    """Negative space: the default world, from which the fit starts, is outside of most of them."""
    config, _ = pair
    default = Config()
    far = [
        key
        for key, tolerance in (RELATIVE | ABSOLUTE).items()
        if abs(setting(default, key) - setting(config, key))
        > tolerance[0] * max(setting(config, key) if key in RELATIVE else 1.0, 1e-9)
    ]
    assert len(far) == len(RELATIVE | ABSOLUTE)


@pytest.mark.slow
def test_the_fitted_world_is_like_the_table(pair, tmp_path):
    """A world made by the fitted file agrees with the table; one of the defaults does not."""
    config, fitted = pair
    path = tmp_path / "world.yaml"
    path.write_text(config_yaml(fitted, provenance_of(fitted, {})))
    table = open_card_table(Path(config.run.out))
    moved = {}
    window = {"run.from": config.run.start_day, "run.to": config.run.end_day}
    for name, base in (("fitted", Config.load(path)), ("default", Config())):
        own = {"run.out": str(tmp_path / name), "run.executor": "serial"}
        sizes = {"catalog.cards": 3000} if name == "default" else {}
        run = made(base.with_values({**window, **own, **sizes}))
        moved[name] = {
            move.family.key: (move.distance or 0.0) / move.family.threshold
            for move in compare((table, open_card_table(run))).moves
        }
    for family in ("rows_per_day", "channel", "entry_mode", "kind", "response", "recurring"):
        assert moved["fitted"][family] < 1.5, family
    for family in ("hour_of_week", "amounts", "new_merchants", "fraud_rate", "amount_level"):
        assert moved["fitted"][family] < 3, family
    better = [key for key, far in moved["default"].items() if far > 3 * moved["fitted"][key]]
    assert len(better) >= 8


@pytest.mark.slow
def test_the_file_says_what_was_used(pair, tmp_path):
    """The config loads, and names rows, days, columns, k, and each knob's evidence."""
    config, fitted = pair
    provenance = provenance_of(fitted, {"1 file": "ab" * 32})
    text = config_yaml(fitted, provenance)
    (tmp_path / "world.yaml").write_text(text)
    loaded = Config.load(tmp_path / "world.yaml")
    assert loaded.catalog.cards == fitted.knobs.setting("catalog.cards")
    assert loaded.run.start_day == config.run.start_day
    assert provenance["rows"] > 100_000
    assert set(provenance["columns"]) == set(COLUMNS)
    assert "ab" * 32 in text
    for name in fitted.knobs.notes:
        assert name.rpartition(".")[2] in text
    assert "Left at its default" in text
    assert text.count(" cards\n") >= 20


@pytest.mark.slow
def test_many_cards_are_found_more_exactly(tmp_path):
    """20,000 cards over 90 days: the tighter tolerances hold."""
    config = unlike(20_000, ("2026-03-02", "2026-05-31"), tmp_path / "root")
    require_recovered(config, fit(open_card_table(made(config)), mirror_cards=8000), 1)
