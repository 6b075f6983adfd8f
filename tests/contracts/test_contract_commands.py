"""Commands: `fauxpay contracts ...` as a user types it, with its exit codes and what it prints."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from contract_examples import example
from test_own_packs import MINE
from typer.testing import CliRunner

from fauxpay.cli.app import app
from fauxpay.contracts.tables import table
from fauxpay.errors import ConfigError, ContractError, FauxpayError, StorageError

PLACES = table("catalog.yaml#/$defs/places")


def run(*arguments: object) -> tuple[int, str]:
    """(exit code, standard output) of a command; errors of ours have their own codes."""
    done = CliRunner().invoke(app, ["contracts", *map(str, arguments)])
    if isinstance(done.exception, FauxpayError):
        return done.exception.exit_code, done.stdout
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_check_prints_each_fault_and_fails(tmp_path):
    """Exit 3 with a line for each fault, exit 0 with what was counted."""
    (tmp_path / "a.yaml").write_text("$ref: b.yaml\nitems: {$ref: '#/$defs/x'}\n")
    code, text = run("check", tmp_path)
    assert code == ContractError.exit_code
    assert [line.split(":")[0] for line in text.splitlines()] == ["a.yaml", "a.yaml#/items"]
    (tmp_path / "a.yaml").write_text("type: string\n")
    code, text = run("check", tmp_path)
    assert code == 0
    assert "1 files, 1 resources, 0 references" in text
    assert run("check", tmp_path / "none")[0] == StorageError.exit_code


def test_check_prints_json_for_programs(tmp_path):
    """The report is one document, with place, kind, reference and what is known."""
    (tmp_path / "a.yaml").write_text("$ref: '#/$defs/y'\n$defs: {x: {}}\n")
    code, text = run("check", tmp_path, "--json")
    document = json.loads(text)
    assert (code, document["ok"], document["references"]) == (3, False, 1)
    assert document["faults"] == [
        {
            "kind": "missing",
            "file": "a.yaml",
            "pointer": "",
            "reference": "#/$defs/y",
            "message": "a.yaml#/$defs has no part 'y'",
            "known": ["x"],
            "nearest": "",
        }
    ]


def test_check_says_which_draft_it_read(tmp_path):
    """A pack of another draft is resolved by its rules, and that is said."""
    (tmp_path / "a.json").write_text('{"$schema": "http://json-schema.org/draft-07/schema#"}')
    assert "a.json is written in draft-07" in run("check", tmp_path)[1]


def test_list_names_tables_and_documents(tmp_path):
    """As a table and as JSON, with a user's own."""
    code, text = run("list")
    assert code == 0
    assert any(line.split()[:3] == ["cards", "table", "catalog.yaml"] for line in text.splitlines())
    (tmp_path / "mine.yaml").write_text(MINE)
    listed = json.loads(run("list", "--json", "--packs", tmp_path)[1])
    (mine,) = [one for one in listed if one["pack"] == "mine.yaml"]
    assert (mine["name"], mine["key"], mine["columns"]) == ("visits", ["visit_id"], 3)


@pytest.mark.parametrize("form", ["table", "yaml", "json"])
@pytest.mark.parametrize("name", ["labels", "labels.yaml#/$defs/labels", "receipt"])
def test_show_prints_a_contract(name, form):
    """Tables by name or reference, and documents, in each format."""
    code, text = run("show", name, "--format", form)
    assert code == 0
    assert ("known_at" if "labels" in name else "receipt_digest") in text
    if form == "json":
        json.loads(text)


def test_show_names_what_is_near():
    """An unknown table is exit 3."""
    assert run("show", "lables")[0] == ContractError.exit_code


@pytest.mark.parametrize("form", ["json-schema", "markdown", "odcs"])
def test_export_prints_or_writes_and_overwrites_nothing(form, tmp_path):
    """The same text on the screen and in a file, which is never written over."""
    path = tmp_path / "out"
    printed = run("export", "--format", form)[1]
    assert run("export", "--format", form, "-o", path)[0] == 0
    assert path.read_text() == printed
    assert run("export", "--format", form, "-o", path)[0] == ConfigError.exit_code


def test_export_writes_arrow_files(tmp_path):
    """A file for each table; without a folder it says what to do."""
    assert run("export", "--format", "arrow")[0] == ConfigError.exit_code
    assert run("export", "--format", "arrow", "-o", tmp_path / "arrow")[0] == 0
    assert len(list((tmp_path / "arrow").iterdir())) == 16
    with pa.OSFile(str(tmp_path / "arrow" / "places.arrow")) as file:
        assert pa.ipc.open_file(file).schema.names == list(PLACES.names)


def test_validate_says_what_holds_and_what_does_not(tmp_path):
    """Exit 0 only when all holds; each finding has file, column, count, row and value."""
    data = example(PLACES)
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.csv"
    pq.write_table(data, good)
    code, text = run("validate", "places", good)
    assert code == 0
    assert f"{data.num_rows} rows in 1 files" in text
    bad.write_text("place_id,city\nx,y\n")
    code, text = run("validate", "places", bad)
    assert code == ContractError.exit_code
    assert f"{bad}: places.country: no such column" in text
    document = json.loads(run("validate", "places", good, bad, "--json")[1])
    assert (document["ok"], document["rows"], document["files"]) == (False, data.num_rows, 2)
    assert run("validate", "places", tmp_path / "none.csv")[0] == StorageError.exit_code


def test_validate_with_another_table(tmp_path):
    """--with asks the foreign keys; what it names must be one of them."""
    merchants = table("catalog.yaml#/$defs/merchants")
    data = example(merchants)
    other = example(PLACES, rows=10)
    ours, places = tmp_path / "merchants.parquet", tmp_path / "places.parquet"
    pq.write_table(data, ours)
    pq.write_table(other, places)
    assert "not asked: foreign_key place_id" in run("validate", "merchants", ours)[1]
    code, text = run("validate", "merchants", ours, "--with", f"places={places}")
    assert code == ContractError.exit_code
    assert "foreign_key" in text
    for wrong in ("places", "places=", f"cards={places}"):
        code = run("validate", "merchants", ours, "--with", wrong)[0]
        assert code == ConfigError.exit_code


def test_validate_a_table_of_one_s_own(tmp_path):
    """--packs brings a contract that only the user has."""
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "mine.yaml").write_text(MINE)
    path = tmp_path / "visits.csv"
    path.write_text("visit_id,country,score\n1,DE,0.5\n2,fr,\n2,JP,7\n")
    code, text = run("validate", "visits", path, "--packs", packs)
    assert code == ContractError.exit_code
    expected = {"'pattern'; first at row 1: fr", "'range'; first at row 2: 7.0", "'unique'; first"}
    assert all(part in text for part in expected)


def test_commands_import_nothing_heavy_for_help():
    """`fauxpay contracts --help` brings neither pyarrow nor numpy."""
    import subprocess
    import sys

    script = (
        "import sys\nfrom fauxpay.cli.app import app\n"
        "try:\n    app(['contracts', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('pyarrow', 'numpy', 'jsonschema_rs') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
