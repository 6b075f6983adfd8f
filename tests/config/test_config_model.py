"""The model: defaults, identity, and use from Python."""

from __future__ import annotations

import pickle
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import fauxpay
from fauxpay.config.messages import allowed, fields_of, unit_of
from fauxpay.config.model import FIRST_DAY, LAST_DAY, Config
from fauxpay.errors import ConfigError

FIELDS = dict(fields_of(Config))
BOUNDED = (int, float)


@pytest.mark.parametrize("key", FIELDS)
def test_every_key_says_what_it_is(key: str) -> None:
    """Each setting has a description and a unit, and each number has both bounds."""
    field = FIELDS[key]
    assert field.description
    assert unit_of(field)
    if field.annotation in BOUNDED:
        names = [
            name
            for item in field.metadata
            for name in ("gt", "ge", "lt", "le")
            if hasattr(item, name)
        ]
        assert len(names) == 2, key
    assert allowed(field)


def test_the_defaults_are_allowed() -> None:
    """Every default passes the checks that a given value passes."""
    given_values = Config().model_dump(by_alias=True)
    assert Config(**given_values) == Config()


def test_a_config_is_built_from_nested_mappings() -> None:
    """Sections are mappings; what is not named has its default."""
    config = Config(catalog={"cards": 10, "merchants": 9000}, run={"from": "2026-03-02"})
    assert (config.catalog.cards, config.catalog.places) == (10, 400)
    assert config.run.start_day == date(2026, 3, 2)
    assert config.run.end_day == date(2026, 4, 1)


def test_folders_may_be_path_objects(tmp_path: Path) -> None:
    """A pathlib path is kept as its text."""
    assert Config(run={"out": tmp_path}).run.out == str(tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"catalog": {"cards": np.float64(5)}},
        {"catalog": {"cards": True}},
        {"run": {"from": datetime(2026, 3, 1)}},
        {"run": {"from": 1_772_323_200}},
        {"run": {"out": None}},
        {"run": {"out": b"x"}},
        {"catalog": {"countries": {1: 1.0}}},
        {"catalog": {"countries": {"US": True}}},
        {"carts": {}},
    ],
)
def test_python_values_are_not_converted(values: dict[str, object]) -> None:
    """A wrong type is a ConfigError with exit code 2, never pydantic's own error."""
    with pytest.raises(ConfigError) as caught:
        Config(**values)
    assert str(caught.value).startswith("the config has 1 problem:\n* ")
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


def test_validation_from_a_mapping_raises_the_same() -> None:
    """Pydantic's own entry gives the same error class."""
    with pytest.raises(ConfigError, match=r"run\.seed = -1"):
        Config.model_validate({"run": {"seed": -1}})


def test_a_config_does_not_change() -> None:
    """Setting an attribute is refused."""
    with pytest.raises(ValidationError, match="frozen"):
        Config().run.seed = 5  # type: ignore[misc]


def test_with_values_gives_a_checked_copy() -> None:
    """Dotted keys are put in, mappings merge by entry, and the original stays."""
    config = Config()
    changed = config.with_values(
        {"run.seed": 2, "catalog.countries.US": 0.3, "catalog.countries.NO": 0.1}
    )
    assert changed.run.seed == 2
    assert changed.catalog.countries["NO"] == 0.1
    assert config == Config()
    with pytest.raises(ConfigError, match=r"sum to 0\.9"):
        config.with_values({"catalog.countries.US": 0.3})
    with pytest.raises(ConfigError, match=r"run\.sead = 2: there is no such key"):
        config.with_values({"run.sead": 2})


def test_a_config_can_be_sent_to_workers() -> None:
    """A pickled copy is equal."""
    config = Config(run={"seed": 7})
    assert pickle.loads(pickle.dumps(config)) == config


def test_the_request_is_no_part_of_the_world(tmp_path: Path) -> None:
    """Run settings, catalog mode and where own files lie leave the world's document alone."""
    here = Config(catalog={"mode": "load", "path": tmp_path}, run={"seed": 9, "out": tmp_path})
    assert here.world_document() == Config().world_document()


@pytest.mark.parametrize("key", [key for key in FIELDS if not key.startswith("run.")])
def test_everything_else_is_part_of_the_world(key: str) -> None:
    """Each other key stands in the world's document."""
    section, _, name = key.partition(".")
    document = Config().world_document()
    hidden = key in ("catalog.mode", "catalog.path")
    assert (section in document and (not name or name in document[section])) is not hidden


def test_the_order_of_countries_is_no_part_of_the_world() -> None:
    """Two files that list countries in another order give one world, in content and in order."""
    first = Config(catalog={"countries": {"US": 0.5, "GB": 0.5}})
    second = Config(catalog={"countries": {"GB": 0.5, "US": 0.5}})
    assert repr(first.world_document()) == repr(second.world_document())


def test_a_whole_number_for_a_fraction_is_the_same_world() -> None:
    """1 and 1.0 are one value of a fraction."""
    whole = Config(catalog={"merchant_zipf_exponent": 1})
    fraction = Config(catalog={"merchant_zipf_exponent": 1.0})
    assert repr(whole.world_document()) == repr(fraction.world_document())


@given(st.floats(0.01, 0.99))
def test_two_shares_that_sum_to_one_are_allowed(share: float) -> None:
    """Property: any split between two countries passes, and nine tenths of one do not."""
    assert Config(catalog={"countries": {"US": share, "NO": 1 - share}})
    with pytest.raises(ConfigError, match="shares that sum to 1"):
        Config(catalog={"countries": {"US": 0.9 * share, "NO": 0.9 * (1 - share)}})


@pytest.mark.parametrize(("first", "end"), [(FIRST_DAY, 2), (LAST_DAY, -2)])
def test_the_first_and_the_last_day_can_be_made(tmp_path, first, end):
    """What the bounds of days allow, the reference tables cover, local dates at the edges too."""
    days = sorted([first, first + timedelta(days=end)])
    run = {
        "from": days[0],
        "to": days[1],
        "out": str(tmp_path),
        "executor": "serial",
        "report": False,
    }
    small = {"cards": 60, "merchants": 100, "places": 6}
    made = fauxpay.generate({"catalog": small, "activity": {"epoch": days[0]}, "run": run})
    assert made.rows["transactions"] > 0
