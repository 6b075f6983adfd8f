"""Who: which run, world, config and segment a file comes from, and whether its bytes are sealed.

Reads    any file; every receipt below a root
Writes   nothing
Draws    nothing
Sources  nothing

A file is known by its digest first, whatever it is called and wherever it lies, then by what it
says of itself: Parquet metadata, or the schema of a document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fauxpay.audit.contents import parts_of, sidecar_differences
from fauxpay.audit.documents import world_differences
from fauxpay.contracts.documents import check_document
from fauxpay.delivery.files import file_sha256
from fauxpay.errors import ContractError, StorageError
from fauxpay.foundations.canonical import document_digest
from fauxpay.foundations.machine import refused
from fauxpay.gates.segments import segment_digest
from fauxpay.gates.verdicts import GATE_SCHEMA
from fauxpay.receipts import layout
from fauxpay.receipts.listing import Listed, listed_runs
from fauxpay.receipts.records import PARTITION_SCHEMA, RECEIPT_SCHEMA, WORLD_SCHEMA
from fauxpay.receipts.segments import segment_entry
from fauxpay.storage.places import Place

MAGIC = b"PAR1"
DOCUMENT_BYTES_MAX = 1 << 28
_KINDS = {
    RECEIPT_SCHEMA: ("receipt", "run.yaml#/$defs/receipt"),
    GATE_SCHEMA: ("gate", "run.yaml#/$defs/gate"),
    WORLD_SCHEMA: ("world", "run.yaml#/$defs/world"),
    PARTITION_SCHEMA: ("sidecar", "run.yaml#/$defs/partition"),
}
"""The schema that a document names, to what it is called and its contract."""
_PREFIX = "fauxpay."
_CHANGED = "its content is not what the receipt was sealed with"
_UNVERIFIED = "no run that it describes can be verified"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a file or a transaction.

    facts      what it says of itself: table, segment, world_id, seed, partition, shard
    runs       the runs below the root that name it
    is_sealed  whether its bytes are those that a receipt seals; None for what is never sealed
    sealed_as  where a file with these bytes, or under this name, is published
    notes      sentences for people
    """

    subject: str
    kind: str
    facts: Mapping[str, Any]
    runs: tuple[Listed, ...] = ()
    is_sealed: bool | None = None
    sealed_as: str = ""
    notes: tuple[str, ...] = ()

    @property
    def config(self) -> Mapping[str, Any]:
        """The config of its run; {} where no run is known."""
        return next((dict(run.receipt.get("config", {})) for run in self.runs), {})

    def document(self) -> dict[str, Any]:
        """The answer for programs."""
        return {
            "subject": self.subject,
            "kind": self.kind,
            **self.facts,
            "is_sealed": self.is_sealed,
            "sealed_as": self.sealed_as or None,
            "runs": [
                {
                    "run_id": run.run_id,
                    "window": run.receipt.get("window"),
                    "verdict": run.verdict.name,
                    "is_verified": not run.fault,
                    "created_utc": run.receipt.get("created_utc"),
                    "receipt": str(run.folder / layout.RECEIPT),
                }
                for run in self.runs
            ],
            "config": self.config,
            "notes": list(self.notes),
        }


def who_made(root: Place, file: Path) -> Answer:
    """What a file is. Raises StorageError where it cannot be read, ContractError: not of ours."""
    try:
        digest = file_sha256(file)
        with file.open("rb") as stream:
            head = stream.read(len(MAGIC))
    except OSError as error:
        raise StorageError(
            f"{file}: cannot read: {error.strerror or error}; expected a file, or the id of a "
            f"transaction"
        ) from error
    runs = listed_runs(root, is_quarantine_too=True)
    told = _parquet_facts(file) if head == MAGIC else _document_facts(file)
    known = _by_digest(file, digest, told, runs)
    if known is not None:
        return known
    if not told:
        raise ContractError(
            f"{file}: not made by fauxpay, or by a run that is not below {root}: no receipt "
            f"names its SHA-256 {digest[:12]}..., and it says nothing of itself; expected one of "
            f"the two. Give the root with --out."
        )
    if head == MAGIC:
        return _unsealed_table(file, told, runs)
    return _document(file, told, runs)


def segment_of(table: str) -> str:
    """The segment that owns a table: the name of its contract pack."""
    known = {**layout.CATALOG_TABLES, **layout.PLAN_TABLES, **layout.DAY_TABLES}
    return known[table].partition(".")[0] if table in known else "?"


def _by_digest(
    file: Path, digest: str, told: Mapping[str, Any], runs: Sequence[Listed]
) -> Answer | None:
    """What receipts say of these very bytes: a table, or an input of a world."""
    tables = [(run, entry) for run in runs for entry in entries_of(run.receipt)]
    named = [(run, entry) for run, entry in tables if entry["file_sha256"] == digest]
    if named:
        own = tuple({run.folder: run for run, _ in named}.values())
        first, entry = named[0]
        facts = {**told, **_world_facts(first), "table": entry["name"]}
        facts["segment"] = segment_of(entry["name"])
        is_sealed = any(not run.fault for run in own)
        return Answer(str(file), "table", facts, own, is_sealed, entry["path"])
    inputs = [(run, one) for run in runs for one in _inputs_of(run) if one["sha256"] == digest]
    if not inputs:
        return None
    own = tuple({run.folder: run for run, _ in inputs}.values())
    facts = {**_world_facts(inputs[0][0]), **inputs[0][1], "segment": "input of the world"}
    return Answer(str(file), "input", facts, own, any(not run.fault for run in own))


def _inputs_of(run: Listed) -> list[dict[str, Any]]:
    """Inputs of a receipt that can be believed; none of any other."""
    return [dict(one) for one in run.receipt["inputs"]] if not run.fault else []


def entries_of(receipt: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every file entry of a receipt; none of one that has another shape."""
    try:
        entries = list(receipt.get("catalog", ()))
        for partition in receipt.get("partitions", ()):
            entries += partition["tables"]
        known = [entry for entry in entries if {"name", "path", "file_sha256"} <= set(entry)]
    except (TypeError, KeyError):
        return
    yield from known


def _parquet_facts(file: Path) -> dict[str, Any]:
    """What a Parquet file says of itself; {} without our metadata. Raises ContractError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(file)
    except (pa.ArrowException, OSError) as error:
        if (refusal := refused(error, file)) is not None:
            raise refusal from error
        text = str(error).partition("\n")[0]
        raise ContractError(
            f"{file}: begins like Parquet but cannot be read ({text}); it is damaged, and no "
            f"receipt names its bytes"
        ) from error
    told = {
        key.decode().removeprefix(_PREFIX): value.decode(errors="replace")
        for key, value in (metadata.metadata or {}).items()
        if key.startswith(_PREFIX.encode())
    }
    if not told:
        return {}
    contract = told.pop("contract", "")
    facts: dict[str, Any] = {**told, "rows": metadata.num_rows, "written_by": metadata.created_by}
    if contract:
        facts |= {"contract": contract, "table": contract.rpartition("/")[2]}
        facts["segment"] = contract.partition(".")[0]
    return facts


def _document_facts(file: Path) -> dict[str, Any]:
    """What a document of ours says of itself; {} for anything else. Raises ContractError: torn."""
    if file.stat().st_size > DOCUMENT_BYTES_MAX:
        return {}
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError, OSError):
        return {}
    known = _KINDS.get(str(document.get("schema"))) if isinstance(document, dict) else None
    if known is None:
        return {}
    kind, reference = known
    try:
        check_document(reference, document)
    except ContractError as error:
        raise ContractError(f"{file}: says that it is a {kind}, but is none: {error}") from error
    return {"kind": kind, "document": document}


def _world_facts(run: Listed) -> dict[str, Any]:
    return {name: run.receipt.get(name) for name in ("world_id", "seed", "parameter_hash")}


def _unsealed_table(file: Path, told: dict[str, Any], runs: Sequence[Listed]) -> Answer:
    """A Parquet file that says what it is, but whose bytes no receipt names."""
    if "run_id" in told:
        return _export(file, told, runs)
    own = [run for run in runs if _is_part_of(run.receipt, told)]
    path = ""
    for run in own:
        wanted = {entry["path"] for entry in entries_of(run.receipt) if _is_entry(entry, told)}
        path = min(wanted, default=path)
    if not own:
        note = "no run below the root names it; give the root that it comes from with --out"
        return Answer(str(file), "table", told, notes=(note,))
    note = "its bytes are not the sealed ones: it was changed, or written again by another program"
    return Answer(str(file), "table", told, tuple(own), False, path, (note,))


def _export(file: Path, told: dict[str, Any], runs: Sequence[Listed]) -> Answer:
    """A flat export: made from sealed files, but no receipt holds its digest."""
    own = tuple(run for run in runs if run.run_id == told["run_id"])
    facts = {**told, "table": "flat export", "segment": "readers"}
    notes = ["a flat export is not sealed; `fauxpay export` writes it again from the run"]
    for run in own:
        facts |= _world_facts(run)
        rows = dict(run.receipt.get("rows", {})).get("transactions")
        if rows != told["rows"]:
            notes.append(f"it has {told['rows']} rows, its run {rows}: it was changed")
    return Answer(str(file), "flat export", facts, own, None, "", tuple(notes))


def _is_part_of(receipt: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    if receipt.get("world_id") != told.get("world_id"):
        return False
    if "seed" in told and str(receipt.get("seed")) != told["seed"]:
        return False
    return any(_is_entry(entry, told) for entry in entries_of(receipt))


def _is_entry(entry: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Whether an entry is the file that the metadata describes."""
    if entry["name"] != told.get("table"):
        return False
    if "partition" not in told:
        return True
    shard = str(told.get("shard", "0"))
    ending = f"/{told['partition']}/part-{shard.zfill(4)}.parquet"
    return str(entry["path"]).endswith(ending)


def _document(file: Path, told: dict[str, Any], runs: Sequence[Listed]) -> Answer:
    """A receipt, gate, world.json or sidecar, against those that are sealed."""
    kind, document = told["kind"], told["document"]
    shown = ("run_id", "world_id", "seed", "event_day", "shard", "window", "verdict")
    facts = {name: document[name] for name in shown if name in document}
    facts["segment"] = {"world": "catalog", "sidecar": "activity, fraud, labels"}.get(kind, "gates")
    own = [run for run in runs if _names(run, kind, document)]
    sealed = [run for run in own if not run.fault and _is_sealed(run, kind, document)]
    if not own:
        return Answer(str(file), kind, facts, notes=("no run below the root is described by it",))
    path = sealed[0].folder if sealed and kind in ("receipt", "gate") else ""
    notes = () if sealed else (_CHANGED if any(not run.fault for run in own) else _UNVERIFIED,)
    return Answer(str(file), kind, facts, tuple(sealed or own), bool(sealed), str(path), notes)


def _names(run: Listed, kind: str, document: Mapping[str, Any]) -> bool:
    if kind in ("receipt", "gate"):
        return bool(run.run_id == document.get("run_id"))
    if run.receipt.get("world_id") != document.get("world_id"):
        return False
    if kind == "world":
        return True
    tables = [entry.get("path") for entry in document.get("tables", ())]
    paths = {entry["path"] for entry in entries_of(run.receipt)}
    return bool(tables) and paths.issuperset(tables)


def _is_sealed(run: Listed, kind: str, document: Mapping[str, Any]) -> bool:
    """Whether the document's content is what the receipt of a verified run covers."""
    receipt = run.receipt
    if kind == "receipt":
        return document_digest(receipt) == document_digest(document)
    if kind == "gate":
        return bool(receipt["gate_digest"] == document_digest(document))
    if kind == "world":
        segment = document["segment"]
        own_entry = segment_entry({**segment, "segment_digest": segment_digest(segment)})
        is_known = own_entry in receipt["segments"]
        return is_known and not world_differences(run.folder, receipt, document)
    own = (document["event_day"], document["shard"])
    part = next((one for one in parts_of(receipt) if (one.day, one.shard) == own), None)
    return part is not None and not sidecar_differences(run.folder, part, receipt, document)
