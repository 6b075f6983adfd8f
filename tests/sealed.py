"""Sealed roots for tests: what is asked for, and where its files are."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fauxpay.receipts.listing import Listed, resolve_run

SEALED_AT = 1_772_500_000  # 2026-03-03T01:06:40Z
SMALL = {"cards": 500, "merchants": 400, "places": 12}
WINDOW = {"from": "2026-03-01", "to": "2026-03-04"}
KINDS = {
    "receipt": "runs/utc_day=*/*/receipt.json",
    "gate": "runs/utc_day=*/*/gate.json",
    "segment of activity": "runs/utc_day=*/*/segments/activity.json",
    "segment of labels": "runs/utc_day=*/*/segments/labels.json",
    "draw tables": "worlds/*/derived/draw_tables.npz",
    "mark": "runs/utc_day=*/*/_PASSED",
    "stamp": "runs/created/*.json",
    "world": "worlds/*/world.json",
    "contract pack": "worlds/*/contracts/fraud.yaml",
    "catalog table": "worlds/*/catalog/cards.parquet",
    "plan": "worlds/*/seed=1/reissues/*/*.parquet",
    "transactions": "worlds/*/seed=1/transactions/event_day=2026-03-02/*.parquet",
    "postings": "worlds/*/seed=1/postings/event_day=2026-03-02/*.parquet",
    "truth": "worlds/*/seed=1/truth/event_day=2026-03-03/*.parquet",
    "labels": "worlds/*/seed=1/labels/event_day=2026-03-01/*.parquet",
    "sidecar of a day": "worlds/*/seed=1/partitions/event_day=2026-03-02/*.json",
    "sidecar of a plan": "worlds/*/seed=1/partitions/until=*/*.json",
}
FIRST = "worlds/*/seed=1/transactions/event_day=2026-03-01/part-0000.parquet"
SECOND = "worlds/*/seed=1/transactions/event_day=2026-03-02/part-0000.parquet"


def request(root: Path | str, **run: object) -> dict[str, Any]:
    """A small run in two shards, with more fraud than usual, below a folder or an address."""
    return {
        "catalog": SMALL,
        "fraud": {"card_testing_per_card_year": 3.0},
        "output": {"cards_per_shard": 250, "row_group_rows": 256},
        "run": {**WINDOW, "out": str(root), "executor": "serial", "report": False, **run},
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
