"""Corpus: sound packs, texts, documents, tables and runs, from which fuzzing sets out."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

import fauxpay
from contracts.contract_examples import example
from fauxpay.contracts.registry import built_in, pack_texts
from fauxpay.contracts.tables import Table, table

PACKS: dict[str, Any] = {
    "a.yaml": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "a.yaml",
        "$defs": {
            "a": {"type": "string", "$anchor": "here"},
            "tree": {
                "$dynamicAnchor": "node",
                "properties": {"kids": {"items": {"$dynamicRef": "#node"}}},
            },
            "s/l~": True,
            "inner": {"$id": "https://x.example/inner.json", "$defs": {"z": {"type": "null"}}},
            "loop": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/tree"}]},
        },
        "properties": {
            "p": {"$ref": "#here"},
            "q": {"$ref": "sub/b.json#/definitions/b"},
            "r": {"$ref": "#/%24defs/s~1l~0"},
            "s": {"$ref": "https://x.example/inner.json#/$defs/z"},
            "t": {"$ref": "https://fauxpay.example/contracts/common.yaml#/$defs/hex64"},
        },
    },
    "sub/b.json": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"b": {"$ref": "../a.yaml#/$defs/a"}, "c": {"$id": "#c", "type": "array"}},
        "items": [{"$ref": "#c"}, {"$ref": "../a.yaml"}],
        "dependencies": {"x": ["y"], "z": {"$ref": "#/definitions/b"}},
    },
    "c.yml": {
        "openapi": "3.0.0",
        "components": {"schemas": {"X": {"$ref": "#/components/schemas/Y"}, "Y": {"enum": [1]}}},
    },
}
GATE = {
    "schema": "fauxpay.gate/1",
    "run_id": "0" * 20,
    "world_id": "0" * 64,
    "verdict": "PASS",
    "gates": [],
}
SMALL = {"cards": 200, "merchants": 300, "places": 10}


@cache
def yaml_texts() -> tuple[bytes, ...]:
    """Packs as they are shipped, a commented config, and some of YAML's own oddities."""
    from fauxpay.config.model import Config
    from fauxpay.config.render import commented_yaml

    odd = b'a: &x [1, "\\u00e9", ~]\nb: {c: *x, ? d : 0x1F}\ne: |\n  text\n'
    odd += b"f: >-\n  more\ng: 2026-03-01\n"
    short = b"catalog: {cards: 5000, countries: {US: 0.6, GB: 0.4}}\nrun: {from: 2026-03-01}\n"
    packs = [text[:1500] for text in pack_texts().values()]
    return (odd, short, commented_yaml(Config()).encode()[:2500], *packs)


@cache
def tables() -> tuple[tuple[Table, bytes, bytes], ...]:
    """Some tables, each as Parquet and as CSV of a few rows."""
    made: list[tuple[Table, bytes, bytes]] = []
    for name in (
        "labels.yaml#/$defs/labels",
        "catalog.yaml#/$defs/places",
        "fraud.yaml#/$defs/compromises",
        "activity.yaml#/$defs/transactions",
    ):
        found = table(name)
        rows = example(found, rows=12)
        for options in ({"compression": "zstd"}, {"use_dictionary": False, "compression": None}):
            sink, text = io.BytesIO(), io.BytesIO()
            pq.write_table(rows, sink, row_group_size=7, **options)
            plain = [
                one.dictionary_decode() if pa.types.is_dictionary(one.type) else one
                for one in (column.combine_chunks() for column in rows.columns)
            ]
            pyarrow.csv.write_csv(pa.table(plain, names=rows.schema.names), text)
            made.append((found, sink.getvalue(), text.getvalue()))
    return tuple(made)


@cache
def run_files(root: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files of a small sealed run, made below a folder, and its documents by name."""
    run = {"to": "2026-03-02", "executor": "serial", "report": False, "out": str(root / "made")}
    fauxpay.generate({"catalog": SMALL, "run": run})
    made = {
        str(path.relative_to(root / "made")): path.read_bytes()
        for path in sorted((root / "made").rglob("*"))
        if path.is_file()
    }
    documents = {
        name: json.loads(content) for name, content in made.items() if name.endswith(".json")
    }
    return made, documents


@cache
def short_documents(root: Path) -> dict[str, Any]:
    """The documents of that run with lists cut to one entry: the shorter, the more executions."""
    return {name: _short(document) for name, document in run_files(root)[1].items()}


def _short(node: Any) -> Any:
    if isinstance(node, dict):
        kept = {key: one for key, one in node.items() if key not in ("parameters", "config")}
        emptied = {key: {} for key in node if key not in kept}
        return {**{key: _short(one) for key, one in kept.items()}, **emptied}
    return [_short(one) for one in node[:1]] if isinstance(node, list) else node


@cache
def built_in_documents() -> dict[str, Any]:
    """The packs that are shipped."""
    return {name: built_in().document(name) for name in ("common.yaml", "labels.yaml")}
