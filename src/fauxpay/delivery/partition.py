"""Partitions: one event day of one shard, made, checked, digested, published. Plans likewise.

Reads    what a maker makes
Writes   a file per table of receipts.layout.DAY_TABLES or PLAN_TABLES, then the sidecar
Draws    nothing
Sources  nothing

The sidecar is published after the files are durable, so it never names what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from fauxpay.contracts.members import Members
from fauxpay.contracts.tables import table
from fauxpay.delivery.engine import Engine, read_error
from fauxpay.delivery.inspection import Inspector
from fauxpay.delivery.sinks import LocalSink, Staged
from fauxpay.delivery.tables import Law, TableFile
from fauxpay.delivery.workshop import Workshop
from fauxpay.errors import ContractError
from fauxpay.gates.verdicts import Verdict
from fauxpay.receipts import layout
from fauxpay.receipts.identity import day_text
from fauxpay.receipts.records import (
    PartitionReceipt,
    Request,
    document_bytes,
    partition_receipt,
)
from fauxpay.receipts.store import has_size

if TYPE_CHECKING:
    from fauxpay.config.model import Config
    from fauxpay.foundations.parameters import Parameters

SIDECAR_CONTRACT = "run.yaml#/$defs/partition"
PLAN_DAY = -1
OnRows = Callable[[int], None]


@dataclass(frozen=True, slots=True, order=True)
class Task:
    """A partition to make: shard of cards, day since 1970-01-01; PLAN_DAY is the shard's plan."""

    shard: int
    day: int

    @property
    def is_plan(self) -> bool:
        """Whether it is the plan of the shard."""
        return self.day == PLAN_DAY

    def __str__(self) -> str:
        day = "the plan" if self.is_plan else day_text(self.day)
        return f"{day} part {self.shard:04d}"


@dataclass(frozen=True, slots=True)
class Context:
    """All that a worker needs to make partitions of a run."""

    root: Path
    request: Request
    config: Config
    parameters: Parameters
    engine: Engine


def find_partition(context: Context, task: Task) -> PartitionReceipt | None:
    """The partition that an earlier run left; None where it must be made (again)."""
    path = context.root / sidecar(context, task)
    try:
        receipt = partition_receipt(path.read_bytes())
    except (FileNotFoundError, ContractError):
        return None
    except OSError as error:
        raise read_error(path, error) from error
    return receipt if _is_reusable(context, task, receipt) else None


def make_partition(
    context: Context, workshop: Workshop, task: Task, on_rows: OnRows
) -> PartitionReceipt:
    """The partition, found or made.

    on_rows  is told of every batch of transactions, in rows
    returns  a receipt; FAIL means that its files stand in the quarantine and nothing is published
    Raises StorageError, ConflictError; leaves no staged file behind.
    """
    found = find_partition(context, task)
    if found is not None:
        on_rows(found.rows.get("transactions", 0))
        return found
    begun = perf_counter()
    sink = LocalSink(context.root)
    draft = _Draft(context, workshop, task, sink)
    try:
        receipt = draft.plan() if task.is_plan else draft.day(on_rows)
        name = sidecar(context, task)
        data = document_bytes(SIDECAR_CONTRACT, receipt.document())
        if receipt.verdict is Verdict.PASS:
            sink.publish(draft.staged)
            sink.mend(name, data, partition_receipt)
        else:
            # Kept for inspection, outside of what readers look at.
            folder = layout.quarantine_name(context.request.run_id)
            for staged in draft.staged:
                sink.move(staged, folder)
            sink.keep(name, data, folder)
    finally:
        draft.discard()
    return replace(receipt, seconds=perf_counter() - begun)


def sidecar(context: Context, task: Task) -> str:
    """Name of the partition's own receipt."""
    return layout.sidecar_name(_folder(context), _key(context, task), task.shard)


def described_day(context: Context, task: Task) -> str:
    """The day in the receipt: the event day, or for a plan the day that it ends before."""
    return context.request.window.end.isoformat() if task.is_plan else day_text(task.day)


class _Draft:
    """The files of one partition under way."""

    def __init__(self, context: Context, workshop: Workshop, task: Task, sink: LocalSink) -> None:
        self._context = context
        self._workshop = workshop
        self._task = task
        self._sink = sink
        self._files: list[TableFile] = []

    @property
    def staged(self) -> list[Staged]:
        return [file.staged for file in self._files]

    def day(self, on_rows: OnRows) -> PartitionReceipt:
        """Streams the tables of an event day through checks, digest and encoder."""
        task, known = self._task, self._workshop.members(self._task.shard)
        stream = self._workshop.maker.make(task.day, task.shard)
        inspector = Inspector(task.day, self._workshop.inspector(task.shard))
        transactions = self._file("transactions", known)
        for batch in stream.transactions():
            transactions.write(batch, inspector.inspect)
            on_rows(batch.num_rows)
        transactions.note_all(inspector.finish())
        tables = stream.side_tables()
        assert {"transactions", *tables} == set(layout.DAY_TABLES), sorted(tables)
        own = layout.DAY_TABLES["transactions"]
        known = {**known, own: Members.of(inspector.identifiers())}
        for name in layout.DAY_TABLES:
            if name != "transactions":
                self._file(name, known).write(tables[name])
        return self._receipt(dict(stream.counts()))

    def plan(self) -> PartitionReceipt:
        """Writes the tables that couple many days."""
        tables = self._workshop.plan(self._task.shard)
        known = self._workshop.members(self._task.shard)
        for name in layout.PLAN_TABLES:
            self._file(name, known).write(tables[name])
        return self._receipt({name: tables[name].num_rows for name in layout.PLAN_TABLES})

    def discard(self) -> None:
        """Removes what has still no public name."""
        for file in self._files:
            file.discard()

    def _receipt(self, counts: Mapping[str, int]) -> PartitionReceipt:
        entries = tuple(file.close() for file in self._files)
        findings = [finding for file in self._files for finding in file.findings]
        request = self._context.request
        return PartitionReceipt(
            request.world_id,
            request.seed,
            described_day(self._context, self._task),
            self._task.shard,
            entries,
            counts,
            tuple(finding.document() for finding in findings),
        )

    def _file(self, name: str, known: Mapping[str, Members]) -> TableFile:
        context, task = self._context, self._task
        key = _key(context, task)
        metadata = {
            "fauxpay.world_id": context.request.world_id,
            "fauxpay.seed": str(context.request.seed),
            "fauxpay.partition": key,
            "fauxpay.shard": str(task.shard),
        }
        contract = table({**layout.DAY_TABLES, **layout.PLAN_TABLES}[name])
        law = Law(self._workshop.domains, known, context.config.output.compression)
        staged = self._sink.stage(layout.table_name(_folder(context), name, key, task.shard))
        try:
            file = TableFile(contract, staged, law, metadata)
        except BaseException:
            staged.discard()
            raise
        self._files.append(file)
        return file


def _folder(context: Context) -> str:
    return layout.seed_name(context.request.world_id, context.request.seed)


def _key(context: Context, task: Task) -> str:
    day = described_day(context, task)
    return layout.plan_key(day) if task.is_plan else layout.day_key(day)


def _is_reusable(context: Context, task: Task, receipt: PartitionReceipt) -> bool:
    """It is the sidecar of this partition, says PASS, and its files are there, whole."""
    request, folder, key = context.request, _folder(context), _key(context, task)
    described = (receipt.world_id, receipt.seed, receipt.event_day, receipt.shard)
    if described != (request.world_id, request.seed, described_day(context, task), task.shard):
        return False
    names = layout.PLAN_TABLES if task.is_plan else layout.DAY_TABLES
    if receipt.verdict is not Verdict.PASS or list(receipt.rows) != list(names):
        return False
    return all(
        entry.path == layout.table_name(folder, entry.name, key, task.shard)
        and has_size(context.root / entry.path, entry.bytes)
        for entry in receipt.tables
    )
