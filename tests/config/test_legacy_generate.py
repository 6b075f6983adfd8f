"""The old command line: what its flags mean now, and what they no longer do."""

from __future__ import annotations

import importlib
from datetime import date
from typing import Any

import pytest
import typer

import fauxpay
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError, GateError
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.sizing import cards_for

function = fauxpay.__dict__["generate"]
legacy = importlib.import_module("fauxpay.generate")

MAPPED: list[tuple[list[str], str, object]] = [
    (["--out", "here"], "run.out", "here"),
    (["--s3", "s3://bucket/x"], "run.out", "s3://bucket/x"),
    (["--seed", "9"], "run.seed", 9),
    (["--num-workers", "2"], "run.workers", 2),
    (["--chunk-size", "1000"], "run.chunk_rows", 1000),
    (["--realism", "v1"], "activity.realism", "v1"),
    (["--realism=v2"], "activity.realism", "v2"),
    (["--start-date", "2026-03-03"], "run.from", date(2026, 3, 3)),
    (["--end-date", "2026-03-09"], "run.to", date(2026, 3, 9)),
    (["--merchants", "9000"], "catalog.merchants", 9000),
    (["--compression", "zstd"], "output.compression", "zstd"),
    (["--customers", "77"], "catalog.cards", 77),
    (["--fraud-rate", "0"], "fraud.enabled", False),
    (["--fraud-rate", "0.01"], "fraud.rate", 0.01),
    (["--fraud-rate", "0.2"], "fraud.rate", 0.05),
    (["--merchants", "300"], "catalog.places", 52),
]

WITHOUT_EFFECT: list[tuple[list[str], str]] = [
    (["--batch-size", "5"], "--batch-size has no effect any more: rows are filled in chunks"),
    (
        ["--log-level", "INFO"],
        "--log-level has no effect any more: progress goes to standard error",
    ),
    (["--timezone", "UTC"], "--timezone has no effect any more: every place has its own time zone"),
    (["--format", "csv"], "--format has no effect any more: tables are Parquet files; use"),
    (["--rows", "900", "--customers", "5"], "--customers has no effect any more beside --rows"),
]

REFUSED: list[tuple[list[str], str]] = [
    (["--s3", "s3://b/x", "--out", "x"], "--s3 and --out name the place twice; give one of them"),
    (["--s3", "b/../x y://"], "run.out = 'b/../x y://' (from flag --s3)"),
    (["--s3", "bucket"], "--s3 = 'bucket': write it as s3://BUCKET/PREFIX"),
    (["--s3", ""], "--s3 = '': write it as s3://BUCKET/PREFIX"),
    (["--s3"], "argument --s3: expected one argument"),
    (["--row", "5"], "--row: no such flag; did you mean --rows?"),
    (["stray"], "stray: no such flag; known are --batch-size,"),
    (["--rows"], "argument --rows: expected one argument; see python -m fauxpay.generate --help"),
    (["--rows", "1e6"], "--rows = '1e6': allowed is a whole number from 1"),
    (["--rows", "0"], "--rows = '0': allowed is a whole number from 1"),
    (["--rows", "-5"], "--rows = '-5': allowed is a whole number from 1"),
    (["--customers", "many"], "--customers = 'many': allowed is a whole number from 1"),
    (["--merchants", "x"], "--merchants = 'x': allowed is a whole number from 1"),
    (["--rows", "9" * 15], "(from flag --rows 999999999999999): allowed is a whole number"),
    (["--fraud-rate", "2"], "--fraud-rate = '2': allowed is a number from 0 to 1"),
    (["--fraud-rate", "2"], "0 turns fraud off, and more than 0.05 is lowered to that"),
    (["--fraud-rate", "nan"], "--fraud-rate = 'nan': allowed is a number from 0 to 1"),
    (
        ["--realism", "v3"],
        "activity.realism = 'v3' (from flag --realism): allowed is one of v1, v2",
    ),
    (["--seed", "x"], "run.seed = 'x' (from flag --seed)"),
    (["--num-workers", "-1"], "run.workers = -1 (from flag --num-workers)"),
    (["--chunk-size", "1"], "run.chunk_rows = 1 (from flag --chunk-size)"),
    (["--end-date", "2026-01-01"], "run.to = 2026-01-01 (from flag --end-date)"),
    (["--config", "none.yaml"], "none.yaml: cannot be read"),
]


def value_of(config: Config, key: str) -> object:
    """The value of a dotted key."""
    section, name = key.split(".")
    return config.model_dump(by_alias=True)[section][name]


@pytest.mark.parametrize(("argv", "key", "value"), MAPPED)
def test_an_old_flag_sets_its_key(argv: list[str], key: str, value: object) -> None:
    """Each mapped flag changes exactly the keys that it stands for."""
    config, _ = legacy.config_of(argv, {})
    assert value_of(config, key) == value


@pytest.mark.parametrize(("argv", "line"), WITHOUT_EFFECT)
def test_a_flag_without_effect_says_so(argv: list[str], line: str) -> None:
    """The config stays as it was, and one line says why and what to use instead."""
    config, notes = legacy.config_of(argv, {})
    assert [note for note in notes if note.startswith(line)]
    if "--rows" not in argv:
        assert config == Config()


@pytest.mark.parametrize(("argv", "message"), REFUSED)
def test_a_wrong_flag_is_refused(argv: list[str], message: str, capsys: Any) -> None:
    """One message on standard error and exit code 2."""
    assert legacy.main(argv, {}) == ConfigError.exit_code
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("fauxpay: ")
    assert captured.out == ""


@pytest.mark.parametrize("realism", ["v1", "v2"])
def test_rows_set_the_cards(realism: str) -> None:
    """As `fauxpay generate --rows` would, in the window and the realism of the other flags."""
    argv = ["--rows", "9000", "--end-date", "2026-03-05", "--realism", realism]
    config, notes = legacy.config_of(argv, {})
    assert config.catalog.cards == cards_for(9000, config, load_parameters())
    assert 900 < config.catalog.cards < 5000
    assert notes[0].startswith(f"--rows 9000: catalog.cards = {config.catalog.cards}, which make")
    assert len(notes) == 1


def test_file_and_environment_count_here_too(tmp_path: Any) -> None:
    """Flag before environment before file, as everywhere; a file's places are left alone."""
    file = tmp_path / "c.yaml"
    file.write_text("run: {seed: 4, workers: 5}\ncatalog: {places: 20}\n", encoding="utf-8")
    argv = ["--config", str(file), "--seed", "6", "--merchants", "200"]
    config, notes = legacy.config_of(argv, {"FAUXPAY_RUN__WORKERS": "7"})
    assert (config.run.seed, config.run.workers, config.catalog.places) == (6, 7, 20)
    assert notes == []


def test_help_names_every_flag(capsys: Any) -> None:
    """--help exits well and says what became of each flag."""
    with pytest.raises(SystemExit) as stop:
        legacy.main(["--help"], {})
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for flag in (*legacy._MAPPED, *legacy._WITHOUT_EFFECT, *legacy._SPECIAL):
        assert flag in text


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """Configs that reached the code that makes runs."""
    from fauxpay.cli import generate

    configs: list[Config] = []
    monkeypatch.setattr(generate, "run_config", configs.append)
    return configs


def test_the_run_is_made_by_the_same_code(asked: list[Config], capsys: Any) -> None:
    """The command hands its config on, with its notes on standard error."""
    assert legacy.main(["--seed", "5", "--batch-size", "3"], {}) == 0
    assert asked == [Config(run={"seed": 5})]
    captured = capsys.readouterr()
    assert captured.err.startswith("fauxpay: --batch-size has no effect any more")
    assert captured.out == ""


@pytest.mark.parametrize(("raised", "code"), [(GateError("no"), 4), (typer.Exit(130), 130)])
def test_failures_become_exit_codes(
    raised: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors and interruption end with their own codes."""
    from fauxpay.cli import generate

    def fail(config: Config) -> None:
        raise raised

    monkeypatch.setattr(generate, "run_config", fail)
    assert legacy.main([], {}) == code


def test_the_module_is_callable_as_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing fauxpay.generate leaves fauxpay.generate(config) working."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(legacy, "_function", lambda *told, **named: calls.append((told, named)))
    config = Config()
    fauxpay.generate(config)
    legacy(config, print, rows=5)
    legacy()
    assert calls == [((config,), {}), ((config, print), {"rows": 5}), ((), {})]


def test_the_module_kept_the_function() -> None:
    """What the module calls is the public function itself, not the module."""
    assert callable(legacy._function)
    assert legacy._function is not legacy
    assert legacy._function.__name__ == "generate"


@pytest.mark.parametrize("merchants", [66, 80, 150])
def test_few_old_merchants_live_in_as_few_places_as_they_can_fill(merchants):
    """Online merchants of each country are no shops of a place."""
    config, _ = legacy.config_of(["--merchants", str(merchants)], {})
    assert config.catalog.merchants == merchants
