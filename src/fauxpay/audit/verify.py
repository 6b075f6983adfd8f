"""Verification: everything that a receipt names, read again and held against it.

Reads    a run's folder, its world, its partitions
Writes   nothing
Draws    nothing
Sources  nothing

From the outside in: the receipt against itself, gate and world against the receipt, sidecars
against the receipt, files against their entries, rows against their contracts, and last the gate
against what the sidecars add up to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fauxpay.audit.contents import (
    Entry,
    Part,
    catalog_entries,
    entry_differences,
    extra_files,
    parts_of,
    read_sidecar,
)
from fauxpay.audit.differences import Difference, Proof, unequal
from fauxpay.audit.documents import (
    gate_differences,
    pack_differences,
    place_differences,
    read_checked,
    receipt_differences,
    sealed_packs,
    world_differences,
)
from fauxpay.audit.rows import PartReader, derived_digests, open_books
from fauxpay.audit.segments import (
    catalog_segment_differences,
    derived_differences,
    segment_differences,
)
from fauxpay.audit.strays import package_differences, stray_notes
from fauxpay.audit.tables import Sealed
from fauxpay.audit.verdicts import Documents, recomputed_differences
from fauxpay.delivery.progress import Progress, Report, silent
from fauxpay.errors import ContractError, FauxpayError
from fauxpay.gates.verdicts import Verdict
from fauxpay.receipts import layout
from fauxpay.receipts.identity import contract_packs

if TYPE_CHECKING:
    from fauxpay.receipts.listing import Listed
    from fauxpay.receipts.records import PartitionReceipt


@dataclass(slots=True)
class _Tally:
    """Counts of what was looked at, told as progress."""

    report: Report
    total: int = 0
    done: int = 0
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def add_rows(self, count: int) -> None:
        self.rows += count
        self.tell()

    def add_part(self) -> None:
        self.done += 1
        self.tell()

    def tell(self) -> None:
        self.report(Progress("partitions", self.done, self.total, self.rows))


def verify_run(run: Listed, report: Report = silent) -> Proof:
    """Every difference between a run and its receipt; `Proof.holds` says whether there is none.

    Nothing is raised for what is wrong with the run, only for what stops us from looking.
    """
    path = run.folder / layout.RECEIPT
    receipt, found = read_checked(path, "run.yaml#/$defs/receipt")
    tally = _Tally(report)
    if receipt is None:
        return Proof("verify", run.run_id, run.folder, tuple(found), {})
    found += receipt_differences(path, receipt) + package_differences(path, receipt)
    found += unequal("verdict", path, Verdict.PASS.name, receipt["verdict"])
    found += place_differences(run.root, run.folder, receipt)
    gate, more = read_checked(run.folder / layout.GATE, "run.yaml#/$defs/gate")
    found += more
    if gate is not None:
        found += gate_differences(run.folder / layout.GATE, receipt, gate)
    world, faults = _world(run, receipt)
    found += faults
    is_sound = not any(one.is_error for one in faults)
    segments, more = segment_differences(run.folder, receipt, world)
    found += more + stray_notes(run.root, run.folder, receipt, world)
    try:
        documents = Documents(world, gate, segments, is_sound)
        found += _contents(run, receipt, documents, tally)
    except ContractError as error:
        found.append(Difference("request", str(path), "a window and a config", str(error)))
    counts = {"partitions": tally.done, "rows": tally.rows, **tally.counts}
    return Proof("verify", run.run_id, run.folder, tuple(found), counts)


def _world(
    run: Listed, receipt: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, list[Difference]]:
    """world.json and the contract packs."""
    path = run.root / layout.world_name(receipt["world_id"], "world.json")
    world, found = read_checked(path, "run.yaml#/$defs/world")
    if world is not None:
        found += world_differences(path, receipt, world)
        is_own = _own_packs(run, receipt) is None
        found += catalog_segment_differences(path, world, is_own=is_own)
    return world, found + pack_differences(path.parent / "contracts", receipt)


def _contents(
    run: Listed,
    receipt: Mapping[str, Any],
    documents: Documents,
    tally: _Tally,
) -> list[Difference]:
    """Sidecars and files of the catalog, the plans and the days. Raises ContractError: window."""
    path = run.folder / layout.RECEIPT
    parts = parts_of(receipt)
    entries, found = catalog_entries(receipt, path)
    found += entry_differences(receipt, parts, path)
    found += extra_files(run.root, parts, receipt)
    sidecars: dict[str, PartitionReceipt] = {}
    for part in parts:
        sidecar, differences = read_sidecar(run.root, part, receipt)
        found += differences
        if sidecar is not None and not differences:
            sidecars[part.sidecar] = sidecar
    found += _files(run, receipt, documents.world, (entries, parts), tally)
    if documents.is_sound and len(sidecars) == len(parts):
        told = [(part, sidecars[part.sidecar]) for part in parts]
        found += recomputed_differences(run, receipt, documents, told)
    return found


def _files(
    run: Listed,
    receipt: Mapping[str, Any],
    world: Mapping[str, Any] | None,
    named: tuple[Sequence[Entry], Sequence[Part]],
    tally: _Tally,
) -> list[Difference]:
    """Bytes and rows of every file of the catalog, the plans and the days.

    named  (entries of the catalog, parts)
    """
    entries, parts = named
    files = [*entries, *(entry for part in parts for entry in part.entries.values())]
    paths = {entry["file_sha256"]: entry["path"] for entry in files}
    sealed = Sealed(run.root, paths, receipt["packages"].get("pyarrow", "?"))
    tally.total = len(parts)
    tally.counts.update(files=len(files), bytes=sum(entry["bytes"] for entry in files))
    books, found = open_books(sealed, receipt, entries, _own_packs(run, receipt))
    if world is not None:
        found += derived_differences(run.root, world, derived_digests(books, receipt, world))
    reader = PartReader(books)
    for part in parts:  # Plans come first: the rows of days point to them.
        found += reader.differences(part, tally.add_rows)
        tally.add_part()
    return found


def _own_packs(run: Listed, receipt: Mapping[str, Any]) -> Mapping[str, bytes] | None:
    """The packs that the world was sealed with; None where they are this package's, or lost."""
    folder = run.root / layout.world_name(receipt["world_id"], "contracts")
    try:
        packs = sealed_packs(folder, receipt)
    except FauxpayError:
        return None
    return None if packs == contract_packs() else packs
