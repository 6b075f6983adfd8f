"""Forgeries: what somebody does to a sealed root who makes digests again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fauxpay.audit.rows import domains_of
from fauxpay.audit.verdicts import request_of
from fauxpay.contracts.digests import LogicalDigest
from fauxpay.contracts.tables import table
from fauxpay.foundations.canonical import canonical_json, document_digest
from fauxpay.partitions.compose import world_of
from fauxpay.receipts import layout
from fauxpay.receipts.records import Contents, PartitionReceipt, TableEntry
from fauxpay.receipts.segments import run_segments
from sealed import file_of


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
    reforge_segments(root)
    reseal(root, sealed)


def reforge_segments(root: Path) -> None:
    """Makes the segments of all sidecars, their gate receipts and their digests follow again."""
    plans, days = [], []
    for path in sorted(root.glob("worlds/*/seed=1/partitions/*/*.json")):
        document = json.loads(path.read_text())
        tables = tuple(TableEntry(**entry) for entry in document["tables"])
        names = ("world_id", "seed", "event_day", "shard")
        rest = (document["counts"], tuple(document["findings"]))
        receipt = PartitionReceipt(*(document[name] for name in names), tables, *rest)
        path.write_bytes(canonical_json(receipt.document()))
        (plans if path.parent.name.startswith("until") else days).append(receipt)
    world = json.loads(file_of(root, "worlds/*/world.json").read_text())
    folder = file_of(root, "runs/utc_day=*/*/receipt.json").parent
    gate = json.loads((folder / "gate.json").read_text())
    days.sort(key=lambda one: (one.event_day, one.shard))
    request = request_of(json.loads((folder / "receipt.json").read_text()))
    digests = {}
    for document in run_segments(request, Contents(world, plans, days), gate):
        file = folder / "segments" / f"{document['segment']}.json"
        file.write_bytes(canonical_json(document))
        digests[document["segment"]] = document["segment_digest"]

    def follow(receipt: dict[str, Any]) -> None:
        for entry in receipt["segments"]:
            entry["digest"] = digests.get(entry["segment"], entry["digest"])

    reseal(root, follow)


def written(path: Path, rows: pa.Table) -> None:
    """Rows with the metadata that the file had."""
    schema = pq.read_schema(path)
    pq.write_table(rows.cast(schema), path)


def changed_amount(path: Path, entry: dict) -> None:
    """One more minor unit in the first row."""
    rows = pq.read_table(path, partitioning=None)
    own = pc.equal(pa.array(range(rows.num_rows)), 0)
    at = rows.schema.get_field_index("amount_minor")
    more = pc.if_else(own, pc.add(rows["amount_minor"], 1), rows["amount_minor"])
    written(path, rows.set_column(at, rows.schema.field(at), more))


def with_logical_digest(root: Path, change):
    """A forger that makes the logical digest again, too."""
    entries = {path.stem: pq.read_table(path) for path in root.glob("worlds/*/catalog/*.parquet")}
    domains = domains_of(world_of({k: v.combine_chunks() for k, v in entries.items()}))

    def forged(path: Path, entry: dict) -> None:
        change(path, entry)
        rows = pq.read_table(path, partitioning=None).replace_schema_metadata(None)
        digest = LogicalDigest(table(layout.DAY_TABLES[entry["name"]]), domains)
        digest.update(rows)
        entry["logical_digest"] = digest.hexdigest()
        entry["rows"] = rows.num_rows

    return forged
