"""Store: sealed runs on disk, and whether they may be read.

Reads    receipt.json, gate.json, _PASSED under <root>/runs
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fauxpay.errors import ContractError, FauxpayError, GateError, StorageError
from fauxpay.foundations.canonical import document_digest
from fauxpay.gates.verdicts import Verdict, worst
from fauxpay.receipts import layout
from fauxpay.receipts.identity import RUN_ID_DIGITS
from fauxpay.receipts.records import check_receipt, read_document
from fauxpay.storage.places import Place, have_sizes

_RUN_ID = re.compile(rf"[0-9a-f]{{{RUN_ID_DIGITS}}}")


@dataclass(frozen=True, slots=True)
class SealedRun:
    """A run that passed: its folder, its receipt and its gate, all agreeing."""

    root: Place
    folder: Place
    receipt: Mapping[str, Any]
    gate: Mapping[str, Any]


def find_run(root: Place, run_id: str) -> Place | None:
    """Folder of a run, wherever it is filed; None where there is no receipt of it."""
    if not _RUN_ID.fullmatch(run_id):
        return None
    # Runs may be copied without their stamp; then look through all days.
    with suppress(OSError, ContractError):
        created = created_utc((root / layout.stamp_name(run_id)).read_bytes())
        receipt = root / layout.run_name(created, run_id, layout.RECEIPT)
        if receipt.is_file():
            return receipt.parent
    found: list[Place] = sorted(root.glob(f"{layout.RUNS}/utc_day=*/{run_id}/{layout.RECEIPT}"))
    return found[0].parent if found else None


def created_utc(stamp: bytes) -> str:
    """The instant in the bytes of a stamp. Raises ContractError where it is torn."""
    try:
        text = json.loads(stamp)["created_utc"]
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ContractError(f"not a stamp: {stamp[:80]!r}") from error
    return str(text)


def read_receipt(folder: Place) -> dict[str, Any]:
    """receipt.json of a folder, as it was sealed, whatever its verdict. Raises ContractError."""
    receipt = _read(folder / layout.RECEIPT, "run.yaml#/$defs/receipt")
    check_receipt(receipt, str(folder / layout.RECEIPT))
    return receipt


def read_gate(folder: Place) -> dict[str, Any]:
    """gate.json of a folder, as its contract wants it, whatever it says. Raises ContractError."""
    return _read(folder / layout.GATE, "run.yaml#/$defs/gate")


def read_failure(folder: Place) -> dict[str, Any] | None:
    """failure.json of a folder in quarantine; None where there is none that its contract wants."""
    with suppress(FauxpayError):
        return _read(folder / layout.FAILURE, "run.yaml#/$defs/failure")
    return None


def read_run(root: Place, folder: Place) -> SealedRun:
    """A run that passed. Raises GateError where it did not, ContractError where it was changed.

    root    what the names in the receipt are relative to
    folder  holds receipt.json, gate.json and _PASSED
    """
    receipt = read_receipt(folder)
    gate = read_gate(folder)
    if document_digest(gate) != receipt["gate_digest"] or gate["run_id"] != receipt["run_id"]:
        raise ContractError(
            f"{folder / layout.GATE}: not the gate that the receipt was sealed with; expected "
            f"digest {receipt['gate_digest'][:12]}... Restore it or make the run again."
        )
    _require_pass(folder, receipt, gate)
    return SealedRun(root, folder, receipt, gate)


def is_whole(run: SealedRun) -> bool:
    """Whether every file of the receipt stands there with its size."""
    entries = list(run.receipt["catalog"])
    for partition in run.receipt["partitions"]:
        entries += partition["tables"]
    return have_sizes(run.root, ((entry["path"], entry["bytes"]) for entry in entries))


def sealed_run(root: Place, run_id: str) -> SealedRun | None:
    """The run where it passed and all its files are there; None otherwise."""
    folder = find_run(root, run_id)
    if folder is None:
        return None
    try:
        run = read_run(root, folder)
    except FauxpayError:
        return None  # Making it again either mends it or says what stands in the way.
    return run if is_whole(run) else None


def judged(gate: Mapping[str, Any]) -> Verdict:
    """The verdict that the checks of a gate document add up to, whatever it says itself."""
    return worst(
        worst(Verdict[check["verdict"]] for check in entry["checks"]) for entry in gate["gates"]
    )


def _require_pass(folder: Place, receipt: Mapping[str, Any], gate: Mapping[str, Any]) -> None:
    """Both documents say PASS, the checks add up to it, and the mark names the receipt."""
    verdict = worst([Verdict[receipt["verdict"]], Verdict[gate["verdict"]], judged(gate)])
    if verdict is not Verdict.PASS:
        raise GateError(
            f"{folder}: the run's verdict is {verdict.name}; expected PASS. Its gate.json says "
            f"which checks did not hold; nothing of it should be used."
        )
    try:
        mark = (folder / layout.PASSED).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        mark = ""
    if mark != receipt["receipt_digest"]:
        raise GateError(
            f"{folder}: no {layout.PASSED} mark of this receipt, so the run was not sealed; "
            f"expected {receipt['receipt_digest'][:12]}... The same `fauxpay generate` seals it."
        )


def _read(path: Place, reference: str) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{path}: cannot read: {error.strerror or error}. Restore it or make the run again."
        ) from error
    try:
        return read_document(reference, data)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
