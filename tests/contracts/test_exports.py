"""Exports: each format is complete, valid by its own rules, and needs nothing but itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import jsonschema_rs
import pyarrow as pa
import pytest
from referencing import Registry, Resource
from test_contract_laws import GATE

import fauxpay
from fauxpay.contracts.documents import check_document
from fauxpay.contracts.exports import arrow_file, json_schema_bundle, markdown_page
from fauxpay.contracts.inventory import find, find_table, inventory
from fauxpay.contracts.odcs import odcs_document, yaml_text
from fauxpay.contracts.registry import BASE, BUILT_IN, built_in
from fauxpay.contracts.tables import table, table_references
from fauxpay.errors import ContractError
from fauxpay.foundations.strict_yaml import Limits, read_yaml
from fauxpay.readers.graph import export_graph

TABLES = [table(reference) for reference in table_references()]


def test_the_bundle_is_one_sound_schema():
    """It satisfies the meta-schema and holds every pack under its id."""
    bundle = json_schema_bundle(built_in())
    jsonschema.Draft202012Validator.check_schema(bundle)
    assert list(bundle["$defs"]) == [BASE + name for name in BUILT_IN]
    assert all(one["$id"] == uri for uri, one in bundle["$defs"].items())


def test_the_bundle_resolves_with_nothing_else():
    """Two validators judge a document by the bundle alone, as our own registry does."""
    bundle = json.loads(json.dumps(json_schema_bundle(built_in())))
    entry = {"$ref": BASE + "run.yaml#/$defs/gate"}
    slow = jsonschema.Draft202012Validator(
        entry, registry=Resource.from_contents(bundle) @ Registry()
    )
    whole = {**bundle, **entry}
    quick = jsonschema_rs.Draft202012Validator(whole, retriever=refused)
    check_document("run.yaml#/$defs/gate", GATE)
    assert slow.is_valid(GATE)
    assert quick.is_valid(GATE)
    wrong = {**GATE, "verdict": "MAYBE"}
    assert not slow.is_valid(wrong)
    assert not quick.is_valid(wrong)


def refused(uri: str) -> object:
    """A retriever that may never be asked."""
    raise AssertionError(f"{uri} was asked for")


def test_the_bundle_checks_clean(tmp_path):
    """Our own pack check says the same of it."""
    from fauxpay.contracts.pack_check import check_folder

    (tmp_path / "bundle.json").write_text(json.dumps(json_schema_bundle(built_in())))
    kinds = {one.kind for one in check_folder(tmp_path).faults}
    # It claims the ids of the built-in packs, and it is not their very bytes.
    assert kinds == {"duplicate"}


@pytest.mark.parametrize("owner", TABLES, ids=lambda owner: owner.name)
def test_arrow_files_hold_the_schema(owner, tmp_path):
    """One line of pyarrow reads types, nulls, units and keys."""
    path = tmp_path / "a.arrow"
    path.write_bytes(arrow_file(owner))
    schema = pa.ipc.open_file(str(path)).schema
    assert schema.equals(owner.arrow_schema())
    assert schema.metadata[b"fauxpay.key"].decode() == ", ".join(owner.key)
    for column in owner.columns:
        stated = schema.field(column.name).metadata or {}
        assert stated.get(b"unit", b"").decode() == column.unit


def test_the_page_has_every_column_and_document():
    """Each table is a section, each column a row with as many cells as the head."""
    page = markdown_page(built_in(), TABLES)
    for owner in TABLES:
        section = page.split(f"\n## {owner.name}\n")[1].split("\n## ")[0]
        rows = [line for line in section.splitlines() if line.startswith("|")]
        assert len(rows) == len(owner.columns) + 2
        for column, row in zip(owner.columns, rows[2:], strict=True):
            assert row.startswith(f"| {column.name} |")
            assert row.replace("\\|", "").count("|") == 7
    for entry in inventory(built_in()):
        assert entry.name in page


def test_odcs_says_what_the_contract_says():
    """Every column stands in the data contract with its type, null, limits and keys."""
    document = odcs_document(TABLES, {}, "data/{model}.parquet")
    again = read_yaml(yaml_text(document), "odcs", Limits(values=100_000)).value
    assert again == document
    for owner, schema in zip(TABLES, document["schema"], strict=True):
        assert [one["name"] for one in schema["properties"]] == list(owner.names)
        for column, stated in zip(owner.columns, schema["properties"], strict=True):
            assert stated["required"] != column.nullable
            assert stated.get("primaryKey", False) == (column.name in owner.key)
            options = stated.get("logicalTypeOptions", {})
            assert options.get("maximum") == column.maximum
            assert options.get("pattern") == column.pattern
            if column.enum:
                assert stated["quality"][0]["arguments"]["validValues"] == list(column.enum)
        links = {
            link["to"] for one in schema["properties"] for link in one.get("relationships", ())
        }
        single = {
            f"{key.table.rpartition('/')[2]}.{key.key}"
            for key in owner.foreign_keys
            if not key.also
        }
        assert links == single


def test_the_inventory_names_tables_and_documents():
    """Thirteen tables and the documents that seal a run, each with what it is."""
    entries = {one.name: one for one in inventory(built_in())}
    assert entries["transactions"].columns == 31
    assert entries["labels"].key == ("transaction_id", "known_at")
    assert {"world", "partition", "gate", "receipt"} <= set(entries)
    assert [one.kind for one in inventory(built_in())] == sorted(
        (one.kind for one in entries.values()), reverse=True
    )


def test_names_and_references_find_the_same():
    """A short name stands for its reference; an unknown one names the nearest."""
    assert find("cards", built_in()) == find("catalog.yaml#/$defs/cards", built_in())
    with pytest.raises(ContractError, match="nearest: merchants"):
        find("merchant", built_in())
    with pytest.raises(ContractError, match="is no table"):
        find_table("receipt", built_in())


@pytest.fixture(scope="module")
def data_contract_cli(tmp_path_factory):
    """`datacontract` in an environment of its own, since it holds duckdb back."""
    folder = tmp_path_factory.mktemp("datacontract")
    given = os.environ.get("DATACONTRACT_CLI")
    if given:
        return Path(given)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    wanted = "datacontract-cli[duckdb]>=1.2,<2"
    done = subprocess.run(
        [folder / "venv/bin/pip", "install", "--quiet", wanted], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"datacontract-cli cannot be installed: {done.stderr[-300:]}")
    return folder / "venv/bin/datacontract"


def data_contract(cli: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command of the standard's own tooling, with a home of its own."""
    return subprocess.run(
        [cli, *arguments],
        cwd=home,
        env={**os.environ, "HOME": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_odcs_passes_its_own_linter(data_contract_cli, tmp_path):
    """`datacontract lint` accepts the export, and refuses one that was broken."""
    text = yaml_text(odcs_document(TABLES, {}, "data/{model}.parquet"))
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(text)
    bad.write_text(text.replace("logicalType: integer", "logicalType: whole", 1))
    done = data_contract(data_contract_cli, tmp_path, "lint", str(good))
    assert done.returncode == 0, done.stdout
    assert "Data contract is valid against ODCS v3.1.0" in done.stdout
    assert data_contract(data_contract_cli, tmp_path, "lint", str(bad)).returncode != 0


@pytest.mark.slow
def test_a_run_passes_the_data_contract(data_contract_cli, tmp_path):
    """`datacontract test` asks the Parquet of a real run, without a network; broken rows fail."""
    world = {"cards": 2000, "merchants": 1500, "places": 40}
    place = {
        "to": "2026-03-03",
        "out": str(tmp_path / "out"),
        "executor": "serial",
        "report": False,
    }
    run = fauxpay.generate({"catalog": world, "run": place})
    export_graph(run, tmp_path / "graph")
    made = {path.stem: [path] for path in (tmp_path / "graph").iterdir()}
    for owner in TABLES:
        folder = tmp_path / "data" / owner.name
        folder.mkdir(parents=True)
        for number, path in enumerate(made.get(owner.name) or run.files(owner.name)):
            (folder / f"{number}.parquet").write_bytes(path.read_bytes())
    contract = tmp_path / "contract.yaml"
    where = f"{tmp_path}/data/{{model}}/*.parquet"
    contract.write_text(yaml_text(odcs_document(TABLES, {}, where)))
    done = data_contract(data_contract_cli, tmp_path, *asked(contract))
    checks = json.loads((tmp_path / "result.json").read_text())["checks"]
    results = [one["result"] for one in checks]
    assert done.returncode == 0, [one for one in checks if one["result"] == "failed"]
    assert results.count("passed") > 300
    # Its own words: "Checking types in parquet files is not supported yet."
    assert {one["reason"] for one in checks if one["result"] == "warning"} == {
        "Checking types in parquet files is not supported yet."
    }
    cards = tmp_path / "data" / "cards" / "0.parquet"
    (cards.parent / "1.parquet").write_bytes(cards.read_bytes())
    assert data_contract(data_contract_cli, tmp_path, *asked(contract)).returncode != 0


def asked(contract: Path) -> tuple[str, ...]:
    """Arguments of `datacontract test` that leave its result in a file."""
    return ("test", str(contract), "--output", "result.json", "--output-format", "json")
