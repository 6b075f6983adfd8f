"""The digest law: a second implementation, from docs/digests.md alone, gives the same digests."""

from __future__ import annotations

import hashlib
import json
import struct
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from fauxpay.audit.rows import domains_of
from fauxpay.contracts.tables import Table, table
from fauxpay.partitions.compose import world_of
from fauxpay.receipts import layout
from fauxpay.receipts.identity import MODEL_VERSION
from sealed import run_of

FORMATS = {
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint32": "I",
    "float32": "f",
    "float64": "d",
    "bool": "?",
    "date32": "i",
    "timestamp[us, UTC]": "q",
}
EPOCH_DAY = date(1970, 1, 1).toordinal()
REFERENCES = {**layout.CATALOG_TABLES, **layout.PLAN_TABLES, **layout.DAY_TABLES}


def law(contract: Table, rows: pa.Table, domains: dict[str, list[str]]) -> str:
    """The logical digest as the page says it, value by value."""
    entries = []
    for column in contract.columns:
        cells = rows[column.name]
        if column.arrow.startswith("timestamp"):
            cells = cells.cast(pa.int64())
        values = cells.to_pylist()
        entry = {
            "name": column.name,
            "type": column.arrow,
            "rows": len(values),
            "nulls": values.count(None),
        }
        if column.encoding == "dictionary":
            domain = domains[column.name] if column.enum is None else list(column.enum)
            spelled = json.dumps(domain, ensure_ascii=False, separators=(",", ":")).encode()
            entry["domain"] = hashlib.sha256(spelled).hexdigest()
            codes = [0 if value is None else domain.index(value) for value in values]
            data = struct.pack(f"<{len(codes)}i", *codes)
        elif column.arrow == "string":
            texts = [(value or "").encode() for value in values]
            lengths = struct.pack(f"<{len(texts)}i", *map(len, texts))
            entry["lengths"] = xxhash.xxh3_128_hexdigest(lengths)
            data = b"".join(texts)
        else:
            plain = [_number(value) for value in values]
            data = struct.pack(f"<{len(plain)}{FORMATS[column.arrow]}", *plain)
        entry["values"] = xxhash.xxh3_128_hexdigest(data)
        if entry["nulls"]:
            bits = bytes(value is not None for value in values)
            entry["validity"] = xxhash.xxh3_128_hexdigest(bits)
        entries.append(entry)
    spelled = json.dumps(entries, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(spelled.encode()).hexdigest()


def _number(value: object) -> object:
    assert not isinstance(value, datetime)
    if isinstance(value, date):
        return value.toordinal() - EPOCH_DAY
    return 0 if value is None else value


@pytest.fixture(scope="module")
def known(sealed) -> dict[str, list[str]]:
    """Domains of the sealed world."""
    tables = {
        name: pq.read_table(next(sealed.glob(f"worlds/*/catalog/{name}.parquet"))).combine_chunks()
        for name in layout.CATALOG_TABLES
    }
    return {name: own.values.to_pylist() for name, own in domains_of(world_of(tables)).items()}


def entries(root: Path) -> list[dict]:
    """All entries of the receipt below a root."""
    receipt = run_of(root).receipt
    return [*receipt["catalog"], *(one for part in receipt["partitions"] for one in part["tables"])]


@pytest.mark.parametrize("name", REFERENCES)
def test_the_page_says_what_the_code_does(sealed, known, name):
    """Every sealed file of every table: the digest by the page is the one in the receipt."""
    own = [entry for entry in entries(sealed) if entry["name"] == name]
    assert own
    for entry in own:
        rows = pq.read_table(sealed / entry["path"], partitioning=None)
        assert law(table(REFERENCES[name]), rows, known) == entry["logical_digest"], entry["path"]


def test_the_page_would_see_another_value(sealed, known):
    """Negative space: one other value, one other null, one row less are other digests."""
    entry = next(one for one in entries(sealed) if one["name"] == "transactions")
    rows = pq.read_table(sealed / entry["path"], partitioning=None)
    contract = table(REFERENCES["transactions"])
    seen = {law(contract, rows, known), law(contract, rows.slice(1), known)}
    for name in ("amount_minor", "device_id"):
        cells = rows[name].to_pylist()
        cells[0] = (cells[0] or 0) + 1
        at = rows.schema.get_field_index(name)
        other = rows.set_column(at, rows.schema.field(at), pa.array(cells, pa.int64()))
        seen.add(law(contract, other, known))
    assert len(seen) == 4


def test_ids_are_digests_of_what_the_page_says(sealed):
    """parameter_hash, world_id and run_id from the receipt by the page alone."""
    receipt = run_of(sealed).receipt

    def digest(document: object) -> str:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    config = {key: value for key, value in receipt["config"].items() if key != "run"}
    hashed = digest({"config": config, "parameters": receipt["parameters_digest"]})
    inputs = sorted([one["name"], one["sha256"]] for one in receipt["inputs"])
    world = digest({"inputs": inputs, "model_version": MODEL_VERSION, "parameter_hash": hashed})
    request = {"seed": 1, "window": receipt["window"], "world_id": world}
    assert receipt["parameter_hash"] == hashed
    assert receipt["world_id"] == world
    assert receipt["run_id"] == digest(request)[:20]
    body = {key: value for key, value in receipt.items() if key != "receipt_digest"}
    assert receipt["receipt_digest"] == digest(body)


def test_floats_keep_their_width():
    """The second implementation packs as the first does: little-endian, whatever the machine."""
    assert struct.pack("<d", 0.1) == np.array([0.1], "<f8").tobytes()
