"""Documents: receipt, gate, mark, stamp, world.json and contract packs, each against the others.

Reads    the run's folder, the world's folder
Writes   nothing
Draws    nothing
Sources  nothing

Every identity is computed again from what it covers, so that a digest made again by whoever
edited a document does not help: the id, the sidecars or the files still say otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fauxpay.audit.differences import REBUILD, RESTORE, Difference, unequal, unequal_members
from fauxpay.errors import ContractError, StorageError
from fauxpay.foundations.canonical import canonical_json, document_digest, sha256_hex
from fauxpay.gates.verdicts import Verdict, worst
from fauxpay.receipts import layout
from fauxpay.receipts.identity import Window, hash_of, run_id, world_id
from fauxpay.receipts.records import read_document
from fauxpay.receipts.store import judged
from fauxpay.storage.places import Place

FORGED = "it was changed after it was sealed; " + RESTORE
CONTRACTS = "contracts/"
_RUN_FILES = (layout.RECEIPT, layout.GATE, layout.PASSED, "segments")

Document = dict[str, Any]


def read_checked(path: Place, reference: str) -> tuple[Document | None, list[Difference]]:
    """A document that its contract accepts, or what is wrong with it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return None, [Difference("readable", str(path), "a file", error.strerror or str(error))]
    try:
        document = read_document(reference, data)
        # Other bytes can say the same; what was written says it in one way only. Some, such as
        # NaN and half of a surrogate pair, say what no canonical JSON says.
        own = spelling(data, document)
    except ContractError as error:
        return None, [Difference("contract", str(path), f"as {reference}", str(error))]
    return document, unequal("bytes", path, "canonical JSON", own, FORGED)


def spelling(data: bytes, document: Mapping[str, Any]) -> str:
    """Whether bytes are the only spelling of a document. Raises ContractError: it has none."""
    return "canonical JSON" if data == canonical_json(document) else "another spelling"


def window_of(receipt: Mapping[str, Any]) -> Window:
    """The window of a receipt. Raises ContractError for days that are none or not in order."""
    from datetime import date

    try:
        first, end = (date.fromisoformat(receipt["window"][key]) for key in ("from", "to"))
    except ValueError as error:
        raise ContractError(f"window {receipt['window']}: {error}; expected two days") from error
    if first >= end:
        raise ContractError(f"window {receipt['window']}: expected an end after its beginning")
    return Window(first, end)


def receipt_differences(path: Place, receipt: Mapping[str, Any]) -> list[Difference]:
    """The receipt against its own digest, and every id against what it covers."""
    body = {key: value for key, value in receipt.items() if key != "receipt_digest"}
    found = unequal(
        "receipt digest", path, receipt["receipt_digest"], document_digest(body), FORGED
    )
    config = {key: value for key, value in receipt["config"].items() if key != "run"}
    hashed = hash_of(config, receipt["parameters_digest"])
    found += unequal("parameter_hash", path, receipt["parameter_hash"], hashed, FORGED)
    world = world_id(receipt["parameter_hash"], receipt["inputs"], receipt["model_version"])
    found += unequal("world_id", path, receipt["world_id"], world, FORGED)
    try:
        own = run_id(receipt["world_id"], receipt["seed"], window_of(receipt))
        found += unequal("run_id", path, receipt["run_id"], own, FORGED)
    except ContractError as error:
        found.append(Difference("window", str(path), "UTC days in order", str(error), FORGED))
    request = {"seed": receipt["seed"], **receipt["window"]}
    found += unequal("config.run", path, request, receipt["config"]["run"], FORGED)
    return found + unequal("rows", path, receipt["rows"], _row_totals(receipt), FORGED)


def place_differences(root: Place, folder: Place, receipt: Mapping[str, Any]) -> list[Difference]:
    """The mark, the stamp, and where the folder is filed."""
    found: list[Difference] = []
    mark, wanted = folder / layout.PASSED, f"{receipt['receipt_digest']}\n"
    try:
        found += unequal("mark", mark, wanted.encode(), mark.read_bytes())
    except OSError as error:
        found.append(Difference("mark", str(mark), wanted.strip(), error.strerror or str(error)))
    stamp = root / layout.stamp_name(receipt["run_id"])
    stamped = {"created_utc": receipt["created_utc"], "run_id": receipt["run_id"]}
    try:
        found += unequal("stamp", stamp, canonical_json(stamped), stamp.read_bytes(), FORGED)
    except OSError as error:
        remedy = "a run that was copied without it is as good; nothing to do"
        found.append(_note("stamp", stamp, "a file", error.strerror or str(error), remedy))
    filed = layout.run_name(receipt["created_utc"], receipt["run_id"], layout.RECEIPT)
    if folder != (root / filed).parent:
        remedy = "a copy is as good as what it was copied from"
        found.append(_note("filed under", folder, filed, str(folder), remedy))
    strange = sorted(path.name for path in folder.iterdir() if path.name not in _RUN_FILES)
    return found + [
        _note(
            "extra file", folder / name, ", ".join(_RUN_FILES), name, "remove it if it is no report"
        )
        for name in strange
        if name != layout.REPORT
    ]


def gate_differences(
    path: Place, receipt: Mapping[str, Any], gate: Mapping[str, Any]
) -> list[Difference]:
    """gate.json against the receipt, and each verdict against the checks below it."""
    found = unequal("gate digest", path, receipt["gate_digest"], document_digest(gate), FORGED)
    found += unequal_members("gate", path, receipt, gate, ("run_id", "world_id", "verdict"))
    for entry in gate["gates"]:
        own = worst(Verdict[check["verdict"]] for check in entry["checks"]).name
        found += unequal(f"verdict of gate {entry['name']}", path, own, entry["verdict"], FORGED)
    return found + unequal("verdict", path, judged(gate).name, gate["verdict"], FORGED)


def world_differences(
    path: Place, receipt: Mapping[str, Any], world: Mapping[str, Any]
) -> list[Difference]:
    """world.json against its own identity and against the receipt."""
    digest = document_digest(world["parameters"])
    hashed = hash_of(world["config"], digest)
    own = world_id(hashed, world["inputs"], world["model_version"])
    found = unequal("parameter_hash", path, world["parameter_hash"], hashed, FORGED)
    found += unequal("world_id", path, world["world_id"], own, FORGED)
    config = {key: value for key, value in receipt["config"].items() if key != "run"}
    stated = {
        **{name: receipt[name] for name in ("world_id", "parameter_hash", "model_version")},
        "inputs": receipt["inputs"],
        "config": config,
        "tables": receipt["catalog"][: len(layout.CATALOG_TABLES)],
    }
    found += unequal_members("world.json", path, stated, world, stated)
    return found + unequal("parameters_digest", path, receipt["parameters_digest"], digest, FORGED)


def pack_differences(folder: Place, receipt: Mapping[str, Any]) -> list[Difference]:
    """The sealed contract packs against the digests that the world's id covers."""
    wanted = _pack_digests(receipt)
    found: list[Difference] = []
    for name, digest in wanted.items():
        try:
            own = sha256_hex((folder / name).read_bytes())
        except OSError as error:
            own = error.strerror or str(error)
        found += unequal("contract pack", folder / name, digest, own, REBUILD)
    listed: list[Place] = sorted(folder.iterdir()) if folder.is_dir() else []
    return found + [
        _note("extra file", path, "the packs of the world", path.name, "remove it")
        for path in listed
        if path.name not in wanted
    ]


def sealed_packs(folder: Place, receipt: Mapping[str, Any]) -> dict[str, bytes]:
    """File name to bytes of a world's own contract packs. Raises StorageError."""
    try:
        return {name: (folder / name).read_bytes() for name in _pack_digests(receipt)}
    except OSError as error:
        raise StorageError(f"{folder}: cannot read the packs: {error}; {RESTORE}") from error


def _pack_digests(receipt: Mapping[str, Any]) -> dict[str, str]:
    """File name to digest of the packs; a name that leads elsewhere is no pack's."""
    named = {
        entry["name"].removeprefix(CONTRACTS): entry["sha256"]
        for entry in receipt["inputs"]
        if entry["name"].startswith(CONTRACTS)
    }
    return {name: digest for name, digest in named.items() if Path(name).name == name}


def _row_totals(receipt: Mapping[str, Any]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for entry in receipt["catalog"]:
        totals[entry["name"]] += entry["rows"]
    for partition in receipt["partitions"]:
        for entry in partition["tables"]:
            totals[entry["name"]] += entry["rows"]
    return dict(totals)


def _note(what: str, path: Place, expected: str, found: str, remedy: str) -> Difference:
    return Difference(what, str(path), expected, found, remedy, is_error=False)
