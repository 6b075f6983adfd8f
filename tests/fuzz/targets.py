"""Targets: what is fed, with what, and through which door of fauxpay.

Each is a pure function of a generator and a scratch folder. Whatever it raises besides
FauxpayError is a crash.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import fauxpay
from fauxpay.config.sources import resolve
from fauxpay.contracts.faults import Fault
from fauxpay.contracts.folders import LIMITS, Folder, parsed
from fauxpay.contracts.inventory import find_table, inventory
from fauxpay.contracts.pack_check import check_documents, check_folder
from fauxpay.contracts.registry import BASE, with_packs
from fauxpay.contracts.tables import Table
from fauxpay.contracts.validation import validate
from fauxpay.errors import FauxpayError
from fauxpay.foundations.strict_yaml import read_yaml
from fauxpay.readers.flat import export_flat
from fauxpay.receipts.listing import listed_runs
from fauxpay.receipts.records import check_receipt, partition_receipt, read_document
from fauxpay.receipts.store import created_utc

from . import corpus
from .mutators import mutated_bytes, mutated_tree, value

FOLDER_SHARE = 0.05
TREE_SHARE = 0.6
YAML_SHARE = 0.05
WIDE_SHARE = 0.3


@dataclass(frozen=True)
class Target:
    """A door: its name, its share of all executions, what is done once."""

    name: str
    share: float
    execute: Callable[[Random, Path], None]


def packs(random: Random, scratch: Path) -> None:
    """Contract packs, bent as trees or as bytes, into `contracts check`."""
    texts = {}
    chosen = random.choice((("a.yaml",), ("c.yml", "sub/b.json"), tuple(corpus.PACKS)))
    for name in chosen:
        document = corpus.PACKS[name]
        text = json.dumps(document).encode()
        if random.random() < 0.5:
            if random.random() < TREE_SHARE:
                tree = mutated_tree(random, document)
                text = json.dumps(tree).encode() if random.random() < 0.9 else repr(tree).encode()
            else:
                text = mutated_bytes(random, text, corpus.yaml_texts())
        texts[name] = text
    if random.random() < FOLDER_SHARE:
        _written(scratch / "packs", texts, random)
        check_folder(scratch / "packs").document()
        return
    # JSON is YAML as well, which costs ten times more to read.
    ending = "" if random.random() < YAML_SHARE else ".json"
    read = {name: parsed(f"{name}{ending}", text) for name, text in texts.items()}
    sound = {name: one for name, one in read.items() if not isinstance(one, Fault)}
    faults = tuple(one for one in read.values() if isinstance(one, Fault))
    report = check_documents(Folder(sound, texts, faults))
    for one in report.faults:
        assert str(one).isprintable(), repr(str(one))
    json.dumps(report.document()).encode()


def user_packs(random: Random, scratch: Path) -> None:
    """A pack of one's own with a table, bent, into `--packs`."""
    document = dict(corpus.built_in_documents()["labels.yaml"])
    document = mutated_tree(random, document)
    name = "mine.yaml" if random.random() < YAML_SHARE else "mine.json"
    if isinstance(document, dict):
        document["$id"] = BASE + name
    packs = with_packs({name: json.dumps(document).encode()})
    for entry in inventory(packs):
        if entry.pack == name and entry.kind == "table":
            find_table(entry.ref, packs)


def yaml(random: Random, scratch: Path) -> None:
    """Texts into strict YAML, with and without aliases."""
    texts = corpus.yaml_texts()
    chosen = random.choice(texts)
    start = random.choice((0, random.randrange(len(chosen))))
    part = chosen[start : start + random.choice((20, 80, 400))]
    text = mutated_bytes(random, part, texts[:2]).decode("utf-8", "replace")
    read_yaml(text, "fuzz.yaml", LIMITS) if random.random() < 0.5 else read_yaml(text, "fuzz.yaml")


def config(random: Random, scratch: Path) -> None:
    """Config files, settings and the environment into the config."""
    texts = corpus.yaml_texts()
    file = None
    if random.random() < 0.5:
        file = scratch / "config.yaml"
        file.write_bytes(mutated_bytes(random, texts[random.choice((1, 1, 2))], texts))
    setting = mutated_bytes(random, b"catalog.cards=500").decode("utf-8", "replace")
    shown = json.dumps(value(random)) if random.random() < 0.5 else setting
    environment = {"FAUXPAY_CATALOG__CARDS": shown, f"FAUXPAY_{setting.split('=')[0]}": "1"}
    resolve(file, environment, [setting], {"run.seed": random.choice((None, "x", 1, shown))})


def receipts(random: Random, scratch: Path) -> None:
    """Documents of runs, bent as trees or bytes, into their readers."""
    documents = corpus.short_documents(scratch.parent / "made")
    name = random.choice(tuple(documents))
    if random.random() < TREE_SHARE:
        data = json.dumps(mutated_tree(random, documents[name])).encode()
    else:
        data = mutated_bytes(random, json.dumps(documents[name]).encode())
    if "created" in name:
        created_utc(data)
    elif "part-" in name:
        partition_receipt(data)
    else:
        kind = Path(name).stem
        document = read_document(f"run.yaml#/$defs/{kind}", data)
        if kind == "receipt":
            check_receipt(document, "fuzz")


def parquet(random: Random, scratch: Path) -> None:
    """Parquet files with changed bytes into `contracts validate`."""
    found, content, _ = _table(random)
    path = scratch / "fuzz.parquet"
    path.write_bytes(mutated_bytes(random, content))
    members: dict[str, Any] = {}
    for one in validate(found, [path], members).findings:
        str(one)


def csv(random: Random, scratch: Path) -> None:
    """CSV files with changed bytes into `contracts validate`."""
    found, _, content = _table(random)
    path = scratch / "fuzz.csv"
    path.write_bytes(mutated_bytes(random, content))
    for one in validate(found, [path], {}).findings:
        str(one)


def readers(random: Random, scratch: Path) -> None:
    """A sealed run in which one file was changed, into the readers and the flat export."""
    made, documents = corpus.run_files(scratch.parent / "made")
    root = scratch / "run"
    if not root.exists():
        _written(root, made, random)
    name = random.choice(sorted(made))
    content = made[name]
    if name in documents and random.random() < TREE_SHARE:
        changed = json.dumps(mutated_tree(random, documents[name])).encode()
    else:
        changed = mutated_bytes(random, content)
        # What has another length is refused by that alone.
        changed = (changed + content[len(changed) :])[: len(content)]
    (root / name).write_bytes(changed)
    flat = scratch / "flat.parquet"
    try:
        store = fauxpay.open(root)
        for listed in listed_runs(root, is_quarantine_too=True):
            with contextlib.suppress(FauxpayError):
                store.opened(listed)
        run = store.latest()
        for table in ("cards", "transactions", "labels"):
            run.table(table)
        export_flat(run, flat)
    finally:
        (root / name).write_bytes(content)
        flat.unlink(missing_ok=True)


def _table(random: Random) -> tuple[Table, bytes, bytes]:
    """One of the tables, seldom the wide one, which costs most."""
    tables = corpus.tables()
    return random.choice(tables if random.random() < WIDE_SHARE else tables[:4])


def _written(folder: Path, files: Mapping[str, bytes], random: Random) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if "a.yaml" in files:
        link = folder / "link.json"
        link.unlink(missing_ok=True)
        os.symlink(random.choice(("/etc/passwd", "a.yaml", "link.json", "../..", "nowhere")), link)


TARGETS = {
    target.name: target
    for target in (
        Target("packs", 0.02, packs),
        Target("user_packs", 0.02, user_packs),
        Target("yaml", 0.25, yaml),
        Target("config", 0.015, config),
        Target("receipts", 0.66, receipts),
        Target("parquet", 0.02, parquet),
        Target("csv", 0.014, csv),
        Target("readers", 0.001, readers),
    )
}
