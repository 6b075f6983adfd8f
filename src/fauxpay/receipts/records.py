"""Records: the documents that seal worlds, partitions and runs, and their digests.

Reads    nothing
Writes   world.json, part-*.json, receipt.json (contract run.yaml)
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any

from fauxpay.contracts.documents import check_plain
from fauxpay.errors import ContractError
from fauxpay.foundations.canonical import canonical_json, document_digest
from fauxpay.foundations.version import VERSION
from fauxpay.gates.segments import (
    ACTIVITY,
    CATALOG,
    FRAUD,
    LABELS,
    READS,
    SEGMENT_OF,
    SealedInput,
    segment_verdict,
)
from fauxpay.gates.verdicts import Evidence, Verdict
from fauxpay.receipts.identity import MODEL_VERSION, Window
from fauxpay.receipts.segments import segment_entry

WORLD_SCHEMA = "fauxpay.world/2"
PARTITION_SCHEMA = "fauxpay.partition/2"
RECEIPT_SCHEMA = "fauxpay.receipt/2"
NOTHING = document_digest([])
"""The digest of an input that was not written."""
# What can change the bytes of a file, though not its values.
PACKAGES = ("fauxpay", "numpy", "pyarrow", "xxhash")


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A file of one table: name of the table, path below the root, rows, size, digests."""

    name: str
    path: str
    rows: int
    bytes: int
    file_sha256: str
    logical_digest: str


@dataclass(frozen=True, slots=True)
class PartitionReceipt:
    """What stands beside one event day of one shard (contract run.yaml#/$defs/partition).

    A plan has one too; its `event_day` is the day that it ends before. `seconds` is how long the
    making took here and now, None where the partition was found; no document holds it.
    """

    world_id: str
    seed: int
    event_day: str
    shard: int
    tables: tuple[TableEntry, ...]
    counts: Mapping[str, int]
    findings: tuple[Mapping[str, Any], ...]
    seconds: float | None = field(default=None, compare=False)

    @property
    def verdict(self) -> Verdict:
        """FAIL with any finding; UNKNOWN where no table was written."""
        if self.findings:
            return Verdict.FAIL
        return Verdict.PASS if self.tables else Verdict.UNKNOWN

    @property
    def rows(self) -> dict[str, int]:
        """Rows written, by table."""
        return {entry.name: entry.rows for entry in self.tables}

    def document(self) -> dict[str, Any]:
        """As contract run.yaml#/$defs/partition."""
        return {
            "schema": PARTITION_SCHEMA,
            "world_id": self.world_id,
            "seed": self.seed,
            "event_day": self.event_day,
            "shard": self.shard,
            "segments": self.segments(),
            "tables": [asdict(entry) for entry in self.tables],
            "counts": dict(self.counts),
            "findings": [dict(finding) for finding in self.findings],
            "verdict": self.verdict.name,
        }

    def segments(self) -> list[dict[str, Any]]:
        """What each segment read here, and its verdict (contract run.yaml#/$defs/segment_state)."""
        written = {entry.name: entry.logical_digest for entry in self.tables}
        failed = {str(finding["table"]) for finding in self.findings}
        world = SealedInput("world", self.world_id, CATALOG, Verdict.PASS)
        verdicts: dict[str, Verdict] = {}
        states = []
        for segment in (ACTIVITY, FRAUD, LABELS) if "transactions" in written else (FRAUD,):
            inputs = [world] + [
                SealedInput(table, written.get(table, NOTHING), owner, verdicts[owner])
                for table in READS[segment]
                if (owner := SEGMENT_OF[table]) in verdicts
            ]
            verdicts[segment] = segment_verdict(segment, inputs, written, failed)
            states.append(
                {
                    "segment": segment,
                    "inputs": [one.document() for one in inputs],
                    "verdict": verdicts[segment].name,
                }
            )
        return states

    def evidence(self) -> Evidence:
        """What the gates ask of it."""
        return Evidence(self.event_day, self.shard, self.rows, self.counts, self.findings)

    def entry(self) -> dict[str, Any]:
        """As contract run.yaml#/$defs/partition_entry."""
        tables = [asdict(entry) for entry in self.tables]
        return {"event_day": self.event_day, "shard": self.shard, "tables": tables}


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to be: its identity and that of its world."""

    run_id: str
    world_id: str
    parameter_hash: str
    seed: int
    window: Window


def partition_receipt(data: bytes) -> PartitionReceipt:
    """A sidecar as it was written. Raises ContractError where it is torn or says other things."""
    document = read_document("run.yaml#/$defs/partition", data)
    receipt = PartitionReceipt(
        document["world_id"],
        document["seed"],
        document["event_day"],
        document["shard"],
        tuple(TableEntry(**entry) for entry in document["tables"]),
        document["counts"],
        tuple(document["findings"]),
    )
    if receipt.verdict.name != document["verdict"]:
        raise ContractError(
            f"partition receipt of {receipt.event_day}: verdict {document['verdict']} with "
            f"{len(receipt.findings)} findings; expected {receipt.verdict.name}"
        )
    if receipt.segments() != document["segments"]:
        raise ContractError(
            f"partition receipt of {receipt.event_day}: its segments do not follow from its "
            f"tables and findings; expected {[one['verdict'] for one in receipt.segments()]}"
        )
    return receipt


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a run holds: world.json, a plan per shard, partitions by day and shard."""

    world: Mapping[str, Any]
    plans: Sequence[PartitionReceipt]
    partitions: Sequence[PartitionReceipt]


def receipt_document(
    request: Request,
    created_utc: str,
    contents: Contents,
    gate: Mapping[str, Any],
    segments: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The sealed record of a run, with the digest of itself (contract run.yaml#/$defs/receipt).

    created_utc  "2026-03-02T10:20:30Z", stamped once
    contents     the tables of plans are named after those of the catalog
    gate         gate.json; its verdict is the run's
    segments     gate receipts of the run's own segments
    """
    world, window = contents.world, request.window.document()
    rows: Counter[str] = Counter()
    tables = list(world["tables"])
    for plan in contents.plans:
        tables += [asdict(entry) for entry in plan.tables]
    for entry in tables:
        rows[entry["name"]] += entry["rows"]
    for partition in contents.partitions:
        rows.update(partition.rows)
    document: dict[str, Any] = {
        "schema": RECEIPT_SCHEMA,
        "run_id": request.run_id,
        "world_id": request.world_id,
        "parameter_hash": request.parameter_hash,
        "parameters_digest": document_digest(world["parameters"]),
        "model_version": MODEL_VERSION,
        "config": {**world["config"], "run": {"seed": request.seed, **window}},
        "inputs": list(world["inputs"]),
        "seed": request.seed,
        "window": window,
        "created_utc": created_utc,
        "verdict": gate["verdict"],
        "rows": dict(rows),
        "packages": package_versions(),
        "catalog": tables,
        "partitions": [partition.entry() for partition in contents.partitions],
        "segments": [segment_entry(one) for one in (world["segment"], *segments)],
        "gate_digest": document_digest(gate),
    }
    return {**document, "receipt_digest": document_digest(document)}


def check_receipt(document: Mapping[str, Any], place: str) -> None:
    """Raises ContractError unless the receipt's digest is its own."""
    body = {key: value for key, value in document.items() if key != "receipt_digest"}
    if document_digest(body) != document["receipt_digest"]:
        raise ContractError(
            f"{place}: the receipt was changed after it was sealed (its digest is another); "
            f"expected the bytes that `fauxpay generate` wrote. Restore it or make the run again."
        )


def document_bytes(reference: str, document: Mapping[str, Any]) -> bytes:
    """The bytes of a document, checked against its contract. Raises ContractError."""
    data = canonical_json(document)
    check_plain(reference, json.loads(data))
    return data


def read_document(reference: str, data: bytes) -> dict[str, Any]:
    """A document from its bytes, checked against its contract. Raises ContractError."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{reference}: not a JSON document: {error}") from error
    check_plain(reference, document)
    assert isinstance(document, dict)
    return document


def package_versions() -> dict[str, str]:
    """Versions of what a file's bytes may depend on, and of Python."""
    versions = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **versions}


def _version(name: str) -> str:
    if name == "fauxpay":
        return VERSION
    return metadata.version(name)
