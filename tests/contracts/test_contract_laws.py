"""Contract laws: one digest however rows are cut, exact sets, strict references, two validators."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pytest
from contract_examples import example
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

import fauxpay
from fauxpay.contracts.digests import LogicalDigest
from fauxpay.contracts.documents import check_document
from fauxpay.contracts.members import Members, repeats
from fauxpay.contracts.registry import BASE, BUILT_IN, built_in, with_packs
from fauxpay.contracts.tables import table, table_references
from fauxpay.errors import ContractError
from fauxpay.receipts.records import read_document

SOURCE = Path(fauxpay.__file__).parent
TRANSACTIONS = table("activity.yaml#/$defs/transactions")
DOMAINS = {
    "mcc": ["5411", "5812", "6011"],
    "currency": ["EUR", "JPY", "USD"],
    "billing_currency": ["EUR", "JPY", "USD"],
    "merchant_country": ["DE", "JP", "US"],
    "merchant_city": ["München", "Oslo", "São Paulo", "東京"],
}
numbers = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=80)


def digest_of(parts: list[pa.Table]) -> str:
    """Digest of transactions that arrive in parts."""
    digest = LogicalDigest(TRANSACTIONS, DOMAINS)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 64), max_size=6))
def test_digest_does_not_know_how_rows_are_cut(cuts):
    """Property: any cuts, the same digest."""
    rows = example(TRANSACTIONS)
    edges = [0, *sorted(cuts), rows.num_rows]
    parts = [rows.slice(a, b - a) for a, b in pairwise(edges)]
    assert digest_of(parts) == digest_of([rows])


def test_digest_does_not_know_the_physical_dictionary():
    """Another order of a dictionary and unused entries give the same digest."""
    rows = example(TRANSACTIONS)
    column = rows.column("channel").combine_chunks()
    names = [*reversed(column.dictionary.to_pylist())]
    codes = [names.index(value) for value in column.to_pylist()]
    other = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(names))
    position = rows.schema.names.index("channel")
    again = rows.set_column(position, rows.schema.field("channel"), other)
    assert digest_of([again]) == digest_of([rows])


@pytest.mark.parametrize("name", ["channel", "mcc", "ip_address"])
def test_digest_takes_plain_texts_for_a_dictionary(name):
    """Whoever reads a file without its dictionaries finds the same digest, nulls included."""
    rows = example(TRANSACTIONS)
    position, field = rows.schema.names.index(name), rows.schema.field(name)
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    plain = rows.column(name).combine_chunks().cast(kind)
    other = rows.set_column(position, field.with_type(kind), plain)
    assert digest_of([other]) == digest_of([rows])


def test_digest_names_a_value_outside_its_domain():
    """Only the stranger is named, not what stands in the domain."""
    rows = example(TRANSACTIONS)
    cells = rows.column("merchant_city").combine_chunks().cast(pa.string()).to_pylist()
    cells[0] = "Atlantis"
    position, field = rows.schema.names.index("merchant_city"), rows.schema.field("merchant_city")
    other = rows.set_column(position, field.with_type(pa.string()), pa.array(cells, pa.string()))
    with pytest.raises(ContractError, match=r"one of \['Atlantis'\]"):
        digest_of([other])


@pytest.mark.parametrize("column", ["amount_minor", "transaction_id", "latitude"])
def test_digest_sees_one_changed_value(column):
    """Negative space: one other value, one other digest."""
    rows = example(TRANSACTIONS)
    cells = rows.column(column).to_pylist()
    row = next(i for i, cell in enumerate(cells) if cell is not None)
    cells[row] = cells[row] + 1
    position, schema = rows.schema.names.index(column), rows.schema.field(column)
    other = rows.set_column(position, schema, pa.array(cells, schema.type))
    assert digest_of([other]) != digest_of([rows])


@settings(max_examples=60, deadline=None)
@given(numbers, numbers)
def test_members_are_exact(known, sought):
    """Property: missing() is what numpy.isin says."""
    ids, wanted = np.array(known, np.int64), np.array(sought + known[:5], np.int64)
    expected = np.flatnonzero(~np.isin(wanted, ids))
    assert np.array_equal(Members.of(ids).missing(wanted), expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=80))
def test_repeats_are_exact(values):
    """Property: repeats() names every row whose value stands in an earlier row."""
    expected = [i for i, value in enumerate(values) if value in values[:i]]
    assert repeats([np.array(values, np.int64)]).tolist() == expected


def oracle(reference: str) -> jsonschema.Draft202012Validator:
    """The slow validator with a registry of its own, over the same packs."""
    packs = built_in()
    resources = [(BASE + name, Resource.from_contents(packs.document(name))) for name in BUILT_IN]
    registry = Registry().with_resources(resources)
    return jsonschema.Draft202012Validator({"$ref": BASE + reference}, registry=registry)


GATE = {
    "schema": "fauxpay.gate/1",
    "run_id": "0" * 20,
    "world_id": "a" * 64,
    "verdict": "PASS",
    "gates": [
        {
            "name": "contract",
            "verdict": "PASS",
            "checks": [
                {"name": "x", "verdict": "PASS", "rows": 1, "offenders": 0, "evidence": "holds"}
            ],
        }
    ],
}


def damaged() -> list[dict[str, object]]:
    """Gates that break their contract, each in one place."""
    cases = []
    for path, value in (
        (("run_id",), "short"),
        (("verdict",), "MAYBE"),
        (("gates", 0, "checks", 0, "rows"), -1),
        (("gates", 0, "name"), ""),
        (("more",), 1),
    ):
        case: dict[str, object] = copy.deepcopy(GATE)
        place: object = case
        for step in path[:-1]:
            place = place[step]  # type: ignore[index]
        place[path[-1]] = value  # type: ignore[index]
        cases.append(case)
    return [*cases, {key: value for key, value in GATE.items() if key != "gates"}]


def test_both_validators_agree():
    """jsonschema-rs and jsonschema say the same of a good document and of broken ones."""
    reference = "run.yaml#/$defs/gate"
    check_document(reference, GATE)
    assert oracle(reference).is_valid(GATE)
    for case in damaged():
        assert not oracle(reference).is_valid(case)
        with pytest.raises(ContractError, match="expected"):
            check_document(reference, case)


@pytest.mark.parametrize("depth", [300, 5_000, 100_000])
def test_documents_nested_too_deep_are_refused(depth):
    """Regression: fuzzing found that the validator gives up at its own depth with a ValueError."""
    text = '{"gates":' + "[" * depth + "]" * depth + "}"
    with pytest.raises(ContractError):
        read_document("run.yaml#/$defs/gate", text.encode())


@pytest.mark.parametrize("name", BUILT_IN)
def test_packs_are_json_schema(name):
    """Every pack satisfies the meta-schema and has an absolute id and no relaxed keyword."""
    document = built_in().document(name)
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$id"] == BASE + name
    assert "nullable" not in json.dumps(document)


def test_a_reference_that_leads_nowhere_names_all():
    """The error has the reference, the holder and what is known."""
    text = (
        "$schema: https://json-schema.org/draft/2020-12/schema\n"
        f"$id: {BASE}mine.yaml\n"
        '$defs: {row: {type: object, properties: {a: {$ref: "common.yaml#/$defs/hex46"}}}}\n'
    )
    with pytest.raises(ContractError) as caught:
        with_packs({"mine.yaml": text.encode()})
    for part in ("common.yaml#/$defs/hex46", "mine.yaml", "hex64"):
        assert part in str(caught.value)


def test_tables_are_plain_data():
    """Tables survive pickling, as workers need them to."""
    for reference in table_references():
        owner = table(reference)
        assert pickle.loads(pickle.dumps(owner)) == owner


SCRIPT = (
    "from fauxpay.contracts.tables import table\n"
    "import fauxpay\n"
    "print(fauxpay.__file__)\n"
    "print(len(table('activity.yaml#/$defs/transactions').columns))\n"
)


def test_packs_are_found_from_a_zip_and_any_folder(tmp_path):
    """The package in a zip, run in another working directory, knows its contracts."""
    archive = tmp_path / "fauxpay.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(SOURCE.rglob("*")):
            if path.suffix in (".py", ".yaml", ".json"):
                packed.write(path, Path("fauxpay") / path.relative_to(SOURCE))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(archive)},
        capture_output=True,
        text=True,
        check=True,
    )
    place, count = done.stdout.split()
    assert ".zip" in place
    assert count == "31"
