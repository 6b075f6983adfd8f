"""Sources: precedence, origins, and how texts are read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from fauxpay.config.messages import key_paths
from fauxpay.config.model import Config
from fauxpay.config.sources import environment_name, resolve

FILE = """\
catalog:
  cards: 100
  countries: {US: 0.5, NO: 0.5}
run:
  seed: 2
  workers: 3
parameters:
  activity.trips.gap_log_sd: 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A config file."""
    path = tmp_path / "world.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_nothing_given_is_the_defaults() -> None:
    """Without any source each key has its default and says so."""
    resolved = resolve(None, {"HOME": "/x"}, (), {"run.seed": None})
    assert resolved.config == Config()
    assert resolved.origins == dict.fromkeys(key_paths(Config), "default")


@pytest.mark.parametrize("text", ["", "# nothing\n", "catalog:\nrun:\n", "---\n", "\ufeff"])
def test_an_empty_file_is_the_defaults(text: str, tmp_path: Path) -> None:
    """No keys, or sections without keys, change nothing."""
    path = tmp_path / "empty.yaml"
    path.write_text(text, encoding="utf-8")
    assert Config.load(path) == Config()


def test_the_nearer_source_counts(file: Path) -> None:
    """Flag before --set before environment before file before default, each with its origin."""
    environ = {
        "FAUXPAY_RUN__SEED": "3",
        "FAUXPAY_RUN__WORKERS": "4",
        "FAUXPAY_RUN__CHUNK_ROWS": "512",
    }
    settings = ("run.seed=4", "run.chunk_rows=300", "run.chunk_rows=400")
    resolved = resolve(file, environ, settings, {"run.seed": 5})
    run = resolved.config.run
    assert (run.seed, run.chunk_rows, run.workers, resolved.config.catalog.cards) == (
        5,
        400,
        4,
        100,
    )
    assert resolved.config.catalog.merchants == 10_000
    assert resolved.origins["run.seed"] == "flag --seed"
    assert resolved.origins["run.chunk_rows"] == "--set run.chunk_rows"
    assert resolved.origins["run.workers"] == "environment variable FAUXPAY_RUN__WORKERS"
    assert resolved.origins["catalog.cards"] == f"{file}:2"
    assert resolved.origins["catalog.merchants"] == "default"


@pytest.mark.parametrize("key", key_paths(Config))
def test_every_key_has_an_environment_name(key: str) -> None:
    """Each default, given through the environment, is read back and marked as from there."""
    from fauxpay.config.render import yaml_value

    section, _, name = key.partition(".")
    defaults = Config().model_dump(by_alias=True)
    value = defaults[section][name] if name else defaults[section]
    resolved = resolve(None, {environment_name(key): yaml_value(value)}, (), {})
    assert resolved.config == Config()
    if value != {}:
        assert resolved.origins[key] == f"environment variable {environment_name(key)}"


def test_a_mapping_replaces_and_an_entry_merges(file: Path) -> None:
    """Countries of a file replace the default; a single one by --set joins them."""
    resolved = resolve(file, {}, ("catalog.countries.US=0.25", "catalog.countries.JP=0.25"), {})
    assert resolved.config.catalog.countries == {"JP": 0.25, "NO": 0.5, "US": 0.25}
    assert resolved.origins["catalog.countries.NO"] == f"{file}:3"
    assert resolved.origins["catalog.countries.JP"] == "--set catalog.countries.JP"
    whole = resolve(file, {}, ("catalog.countries={FR: 1.0}",), {})
    assert whole.config.catalog.countries == {"FR": 1.0}
    assert "catalog.countries.NO" not in whole.origins


def test_an_entry_merges_into_the_default() -> None:
    """A country given alone joins the default countries, and leaves the default alone."""
    environ = {"FAUXPAY_CATALOG__COUNTRIES__NO": "0.1", "FAUXPAY_CATALOG__COUNTRIES__US": "0.3"}
    assert resolve(None, environ, (), {}).config.catalog.countries["NO"] == 0.1
    assert "NO" not in Config().catalog.countries


def test_parameters_merge_by_name(file: Path) -> None:
    """Each parameter has its own precedence, and any source may name it."""
    environ = {"FAUXPAY_PARAMETERS__ACTIVITY__CHANNELS__MOTO_SHARE": "0.5"}
    resolved = resolve(file, environ, ("parameters.activity.trips.gap_minutes_min=4",), {})
    assert resolved.config.parameters == {
        "activity.channels.moto_share": 0.5,
        "activity.trips.gap_log_sd": 1,
        "activity.trips.gap_minutes_min": 4,
    }
    assert resolved.origins["parameters.activity.trips.gap_log_sd"] == f"{file}:8"


def test_the_environment_names_countries_in_any_case() -> None:
    """A country of a parameter is written large whatever the shell did to the variable."""
    environ = {
        "FAUXPAY_PARAMETERS__ACTIVITY__COUNTRIES__IT__PAYMENT__ATM_SHARE": "0.09",
        "FAUXPAY_PARAMETERS__ACTIVITY__COUNTRIES__DEFAULT__PAYMENT__ATM_SHARE": "0.04",
    }
    assert resolve(None, environ, (), {}).config.parameters == {
        "activity.countries.IT.payment.atm_share": 0.09,
        "activity.countries.default.payment.atm_share": 0.04,
    }


def test_a_section_may_be_set_whole() -> None:
    """A mapping for a section merges key by key."""
    resolved = resolve(None, {"FAUXPAY_RUN": "{seed: 8}"}, ("run={workers: 2}",), {})
    assert (resolved.config.run.seed, resolved.config.run.workers) == (8, 2)


@pytest.mark.parametrize("text", ["2026", "true", "a: #b", "[x", "-", "x y"])
def test_folder_names_are_taken_as_they_stand(text: str) -> None:
    """A folder name from --set is no YAML: what looks like a number is a name."""
    assert resolve(None, {}, (f"run.out={text}",), {}).config.run.out == text


@pytest.mark.parametrize("text", ["null", "~", ""])
def test_a_folder_can_be_taken_away(text: str) -> None:
    """Null takes back the catalog folder that a file names."""
    resolved = resolve(None, {"FAUXPAY_CATALOG__PATH": "x"}, (f"catalog.path={text}",), {})
    assert resolved.config.catalog.path is None


def test_texts_of_flags_are_read_like_settings() -> None:
    """A flag may bring a text or a value; None was not given."""
    flags = {"run.from": "2026-03-05", "run.to": date(2026, 3, 9), "run.seed": "7", "run.out": None}
    run = resolve(None, {}, (), flags).config.run
    assert (run.start_day, run.end_day, run.seed) == (date(2026, 3, 5), date(2026, 3, 9), 7)
    assert run.out == "./fauxpay-out"


def test_flags_may_have_names_of_their_own() -> None:
    """An origin says what the user typed."""
    names = {"run.chunk_rows": "--chunk-size"}
    resolved = resolve(None, {}, (), {"run.chunk_rows": 512, "run.workers": 1}, names)
    assert resolved.origins["run.chunk_rows"] == "flag --chunk-size"
    assert resolved.origins["run.workers"] == "flag --workers"


def test_the_environment_may_be_in_small_letters() -> None:
    """Some systems do not keep the case of environment names."""
    assert resolve(None, {"fauxpay_run__seed": "6"}, (), {}).config.run.seed == 6
