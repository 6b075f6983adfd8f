"""Sealed roots for tests, and what an attacker does to them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from fauxpay.foundations.canonical import canonical_json, document_digest
from fauxpay.receipts.listing import Listed, resolve_run

SEALED_AT = 1_772_500_000  # 2026-03-03T01:06:40Z
SMALL = {"cards": 500, "merchants": 400, "places": 12}
WINDOW = {"from": "2026-03-01", "to": "2026-03-04"}


def request(root: Path, **run: object) -> dict[str, Any]:
    """A small run in two shards, with more fraud than usual, below a root."""
    return {
        "catalog": SMALL,
        "fraud": {"card_testing_per_card_year": 3.0},
        "output": {"cards_per_shard": 250, "row_group_rows": 256},
        "run": {**WINDOW, "out": str(root), "executor": "serial", **run},
    }


def settings() -> list[str]:
    """The same as flags of the command line."""
    own = request(Path())
    pairs = [(part, own[part]) for part in ("catalog", "fraud", "output")]
    return [f"--set={part}.{key}={value}" for part, group in pairs for key, value in group.items()]


def run_of(root: Path, text: str = "latest") -> Listed:
    """A run below a root."""
    return resolve_run(root, text)


def file_of(root: Path, pattern: str) -> Path:
    """The first file that a pattern names."""
    found = sorted(path for path in root.glob(pattern) if path.is_file())
    assert found, pattern
    return found[0]


def digests(root: Path, part: str = "") -> dict[str, str]:
    """SHA-256 of every file below a root whose name holds a text."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and part in (name := path.relative_to(root).as_posix())
    }


def edit(path: Path, change: Any) -> dict[str, Any]:
    """Edits a document in place, in its canonical spelling; returns it."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_bytes(canonical_json(document))
    return document


def reseal(root: Path, change: Any = lambda receipt: None) -> None:
    """Edits the receipt and makes its digest and its mark again, as a forger would."""
    path = file_of(root, "runs/utc_day=*/*/receipt.json")

    def sealed_again(receipt: dict[str, Any]) -> None:
        change(receipt)
        receipt.pop("receipt_digest")
        receipt["receipt_digest"] = document_digest(receipt)

    receipt = edit(path, sealed_again)
    (path.parent / "_PASSED").write_text(f"{receipt['receipt_digest']}\n")


def forge(root: Path, name: str, change: Any) -> None:
    """Replaces a partition file, and its entry in sidecar and receipt with all digests made again.

    change  (path, entry): writes other bytes and puts right what the entry says of the rows
    """
    path = root / name
    *folders, _, key, file = name.split("/")
    sidecar = root.joinpath(*folders, "partitions", key, file.replace(".parquet", ".json"))

    made: dict[str, Any] = {}

    def forged(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            if entry["path"] == name and made:
                entry.update(made)
            elif entry["path"] == name:
                change(path, entry)
                entry["bytes"] = path.stat().st_size
                entry["file_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
                made.update(entry)

    def sealed(receipt: dict[str, Any]) -> None:
        forged(receipt["catalog"])
        for partition in receipt["partitions"]:
            forged(partition["tables"])

    edit(sidecar, lambda document: forged(document["tables"]))
    reseal(root, sealed)
