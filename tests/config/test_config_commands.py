"""Commands: config init, show and schema, cite; and what rendering must keep."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fauxpay.cli import config as commands
from fauxpay.config.messages import fields_of
from fauxpay.config.model import Config
from fauxpay.config.render import commented_yaml, json_schema, yaml_value, yaml_with_origins
from fauxpay.config.sources import resolve
from fauxpay.errors import ConfigError, StorageError
from fauxpay.foundations.strict_yaml import read_value, read_yaml
from fauxpay.storage.objects import object_path

app = typer.Typer()
app.add_typer(commands.app, name="config")
app.command("cite")(commands.cite)


def run(*arguments: str) -> Any:
    """The result of a command line."""
    return CliRunner().invoke(app, list(arguments), env={}, catch_exceptions=True)


def test_what_init_writes_loads_to_the_defaults(tmp_path: Path) -> None:
    """The commented config is the default config."""
    path = tmp_path / "fauxpay.yaml"
    result = run("config", "init", str(path))
    assert result.exit_code == 0
    assert f"fauxpay generate --config {path}" in result.output
    assert Config.load(path) == Config()


def test_init_explains_every_key() -> None:
    """Every key of the model stands in the text below its description and its default."""
    text = run("config", "init").output
    assert text == commented_yaml(Config())
    flowed = " ".join(line.strip().removeprefix("# ") for line in text.splitlines())
    document = read_yaml(text, "init")
    for key, field in fields_of(Config):
        assert tuple(key.split(".")) in document.lines, key
        assert field.description is not None
        assert field.description[1:] in flowed, key
        assert f"Default: {yaml_value(field.default)}" in flowed, key
    assert max(map(len, text.splitlines())) <= 98


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    """A file that exists stays as it is."""
    path = tmp_path / "mine.yaml"
    path.write_text("run: {seed: 4}\n", encoding="utf-8")
    result = run("config", "init", str(path))
    assert isinstance(result.exception, ConfigError)
    assert "exists and is not overwritten" in str(result.exception)
    assert path.read_text(encoding="utf-8") == "run: {seed: 4}\n"


def test_init_says_why_it_cannot_write(tmp_path: Path) -> None:
    """A folder that is not there is named."""
    result = run("config", "init", str(tmp_path / "none" / "x.yaml"))
    assert isinstance(result.exception, StorageError)
    assert "x.yaml: cannot be written: No such file" in str(result.exception)


def test_show_says_where_values_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolved config with origins, and again as JSON."""
    path = tmp_path / "f.yaml"
    path.write_text("catalog: {cards: 7}\n", encoding="utf-8")
    monkeypatch.setenv("FAUXPAY_RUN__SEED", "3")
    shown = run("config", "show", "--config", str(path), "--set", "run.workers=2").output
    assert f"  cards: 7  # {path}:1\n" in shown
    assert "  seed: 3  # environment variable FAUXPAY_RUN__SEED\n" in shown
    assert "  workers: 2  # --set run.workers\n" in shown
    assert "  places: 400  # default\n" in shown
    as_json = json.loads(run("config", "show", "--config", str(path), "--json").output)
    assert as_json["config"]["catalog"]["cards"] == 7
    assert as_json["origins"]["catalog.cards"] == f"{path}:1"


def test_what_show_prints_loads_to_the_same(tmp_path: Path) -> None:
    """The shown config is a config file."""
    settings = (
        "catalog.countries.US=0.3",
        "catalog.countries.NO=0.1",
        "parameters.activity.channels.moto_share=0.5",
        "run.out=a: #b",
    )
    resolved = resolve(None, {}, settings, {})
    path = tmp_path / "shown.yaml"
    path.write_text(yaml_with_origins(resolved), encoding="utf-8")
    assert Config.load(path) == resolved.config
    assert "NO from --set catalog.countries.NO" in path.read_text(encoding="utf-8")


def test_show_refuses_a_broken_config() -> None:
    """An unknown key is refused here too."""
    result = run("config", "show", "--set", "run.sead=2")
    assert isinstance(result.exception, ConfigError)
    assert "did you mean run.seed?" in str(result.exception)


SCHEMA_FAULTS: list[dict[str, Any]] = [
    {"catalog": {"crads": 5}},
    {"catalog": {"cards": 0}},
    {"catalog": {"cards": "5"}},
    {"catalog": {"countries": {"US": 2}}},
    {"activity": {"trip_share": 1.5}},
    {"activity": {"realism": "v3"}},
    {"fraud": {"enabled": 1}},
    {"run": {"start_day": "2026-03-01"}},
    {"fruad": {}},
]


def test_the_schema_is_a_json_schema_of_the_config() -> None:
    """The printed schema is valid 2020-12 and accepts the default config."""
    schema = json.loads(run("config", "schema").output)
    assert schema == json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate({})
    validator.validate(Config().model_dump(mode="json", by_alias=True))


@pytest.mark.parametrize("document", SCHEMA_FAULTS, ids=str)
def test_schema_and_model_refuse_alike(document: dict[str, Any]) -> None:
    """What one of the two refuses, the other does too."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema(), jsonschema.Draft202012Validator)
    with pytest.raises(ConfigError):
        Config(**document)


def test_cite_lists_sources_assumptions_and_reference_data() -> None:
    """Every parameter of the world is sourced or assumed, and every reference table named."""
    document = json.loads(run("cite", "--json").output)
    named = [name for one in document["sources"] for name in one["parameters"]]
    named += [one["parameter"] for one in document["assumptions"]]
    assert len(named) == len(set(named)) > 40
    assert all(one["title"] for one in document["sources"])
    assert "reference/places.parquet" in [one["name"] for one in document["reference"]]
    text = run("cite").output
    assert all(one["title"] in text for one in document["sources"])


def test_cite_leaves_out_what_the_world_does_not_use() -> None:
    """Without fraud and labels their parameters are not cited."""
    settings = ("--set", "fraud.enabled=false", "--set", "labels.enabled=false")
    document = json.loads(run("cite", "--json", *settings).output)
    named = [name for one in document["sources"] for name in one["parameters"]]
    assert named
    assert not [name for name in named if name.startswith(("fraud.", "labels."))]


def test_cite_names_the_packs_of_the_world_s_countries() -> None:
    """A world of Japan rests on the pack of Japan and the default, not on that of the Emirates."""
    document = json.loads(run("cite", "--json", "--set", "catalog.countries={JP: 1.0}").output)
    named = [one["parameter"] for one in document["assumptions"]]
    packs = {name.split(".")[2] for name in named if name.startswith("activity.countries.")}
    assert packs == {"JP", "default"}
    assert "activity.channels.moto_share" in named
    reference = {one["name"] for one in document["reference"]}
    assert {"reference/seasons.parquet", "reference/weekends.parquet"} <= reference


def test_cite_says_which_values_are_the_users_own() -> None:
    """A replaced parameter no longer rests on its source."""
    settings = ("--set", "parameters.activity.channels.moto_share=0.5")
    document = json.loads(run("cite", "--json", *settings).output)
    assert document["replaced"] == [{"parameter": "activity.channels.moto_share", "value": 0.5}]
    assert "activity.channels.moto_share = 0.5" in run("cite", *settings).output


def test_the_commands_import_nothing_heavy() -> None:
    """`fauxpay --help` needs no pydantic, YAML or Arrow."""
    code = (
        "import sys, fauxpay.cli.config; heavy = {'pydantic', 'ruamel', 'pyarrow', 'numpy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.dates()
        | st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=8)
        | st.sampled_from(
            ["NO", "true", "null", "~", "1e5", ".5", "2026-03-01", "a: b", "", "- x"]
        ),
        lambda inner: st.lists(inner, max_size=2),
        max_leaves=4,
    )
)
def test_a_rendered_value_reads_back(value: object) -> None:
    """Property: YAML that we write is the value that we meant, with its type."""
    assert repr(read_value(yaml_value(value), "x")) == repr(value)


def test_a_config_in_a_store_is_shown() -> None:
    """`config show` and `cite` read an address as `generate` does."""
    place = object_path("memory://configs/shown/c.yaml")
    place.store.put(place.key, b"catalog: {cards: 77}")
    shown = run("config", "show", "-c", "memory://configs/shown/c.yaml")
    assert shown.exit_code == 0, shown.output
    assert "cards: 77  # memory://configs/shown/c.yaml:1" in shown.output
    assert run("cite", "-c", "memory://configs/shown/c.yaml").exit_code == 0
