"""Partitions: one event day of one shard, made, checked, digested, published.

Reads    what a maker makes
Writes   a file per table of receipts.layout.PARTITION_TABLES, then the sidecar that names them
Draws    nothing
Sources  nothing

The sidecar is published after the files are durable, so it never names what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fauxpay.contracts.checks import Finding
from fauxpay.contracts.members import Members
from fauxpay.contracts.tables import table
from fauxpay.delivery.engine import Engine, Maker, PartitionStream, read_error
from fauxpay.delivery.inspection import Inspector
from fauxpay.delivery.sinks import LocalSink, Staged
from fauxpay.delivery.tables import Law, TableFile
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
TRANSACTIONS = layout.PARTITION_TABLES["transactions"]


@dataclass(frozen=True, slots=True, order=True)
class Task:
    """A partition to make: shard of cards, day since 1970-01-01."""

    shard: int
    day: int

    def __str__(self) -> str:
        return f"{day_text(self.day)} part {self.shard:04d}"


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
    try:
        data = (context.root / _sidecar(context, task)).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise read_error(context.root / _sidecar(context, task), error) from error
    try:
        receipt = partition_receipt(data)
    except ContractError:
        return None
    return receipt if _is_reusable(context, task, receipt) else None


def make_partition(
    context: Context, maker: Maker, task: Task, on_rows: Callable[[int], None]
) -> PartitionReceipt:
    """The partition, found or made.

    on_rows  is told of every batch, in rows
    returns  a receipt; FAIL means that its files stand in the quarantine and nothing is published
    Raises StorageError, ConflictError; leaves no staged file behind.
    """
    found = find_partition(context, task)
    if found is not None:
        on_rows(found.rows["transactions"])
        return found
    sink = LocalSink(context.root)
    draft = _Draft(context, maker, task, sink)
    try:
        receipt = draft.fill(maker.make(task.day, task.shard), on_rows)
        if receipt.verdict is not Verdict.PASS:
            _quarantine(context, sink, draft.staged, receipt)
            return receipt
        sink.publish(draft.staged)
        sidecar = document_bytes(SIDECAR_CONTRACT, receipt.document())
        sink.mend(_sidecar(context, task), sidecar, partition_receipt)
    except BaseException:
        draft.discard()
        raise
    return receipt


class _Draft:
    """The files of one partition under way."""

    def __init__(self, context: Context, maker: Maker, task: Task, sink: LocalSink) -> None:
        self._context = context
        self._task = task
        self._sink = sink
        self._maker = maker
        self._files: list[TableFile] = []

    @property
    def staged(self) -> list[Staged]:
        return [file.staged for file in self._files]

    def fill(self, stream: PartitionStream, on_rows: Callable[[int], None]) -> PartitionReceipt:
        """Streams every table through checks, digest and encoder."""
        inspector = Inspector(self._task.day)
        transactions = self._file("transactions", self._maker.members)
        for batch in stream.transactions():
            transactions.write(batch, inspector.inspect)
            on_rows(batch.num_rows)
        transactions.note(inspector.finish())
        self._write_side_tables(stream, inspector)
        entries = tuple(file.close() for file in self._files)
        findings = [finding for file in self._files for finding in file.findings]
        request = self._context.request
        return PartitionReceipt(
            request.world_id,
            request.seed,
            day_text(self._task.day),
            self._task.shard,
            entries,
            dict(stream.counts()),
            tuple(asdict(finding) for finding in findings),
        )

    def discard(self) -> None:
        for file in self._files:
            file.discard()

    def _write_side_tables(self, stream: PartitionStream, inspector: Inspector) -> None:
        tables = stream.side_tables()
        wanted = [name for name in layout.PARTITION_TABLES if name != "transactions"]
        assert sorted(tables) == sorted(wanted), f"side tables are {sorted(tables)}"
        members = {
            **self._maker.members,
            TRANSACTIONS: Members.of(inspector.identifiers()),
        }
        for name in wanted:
            self._file(name, members).write(tables[name])

    def _file(self, name: str, members: Mapping[str, Members]) -> TableFile:
        config, request = self._context.config, self._context.request
        day = day_text(self._task.day)
        path = layout.table_name(request.world_id, request.seed, name, day, self._task.shard)
        law = Law(self._maker.domains, members, config.output.compression)
        metadata = {
            "fauxpay.world_id": request.world_id,
            "fauxpay.seed": str(request.seed),
            "fauxpay.event_day": day,
            "fauxpay.shard": str(self._task.shard),
        }
        contract = table(layout.PARTITION_TABLES[name])
        staged = self._sink.stage(path)
        try:
            file = TableFile(contract, staged, law, metadata)
        except BaseException:
            staged.discard()
            raise
        self._files.append(file)
        return file


def findings_text(findings: tuple[Mapping[str, object], ...] | list[Finding]) -> str:
    """The first finding in words, and how many there are."""
    first = findings[0]
    document = asdict(first) if isinstance(first, Finding) else first
    return (
        f"{len(findings)} findings; first {document['table']}.{document['column']} "
        f"({document['check']}): {document['offenders']} of {document['rows']} rows, row "
        f"{document['first_row']}: {document['first_value']}; expected {document['expected']}"
    )


def _sidecar(context: Context, task: Task) -> str:
    request = context.request
    return layout.sidecar_name(request.world_id, request.seed, day_text(task.day), task.shard)


def _is_reusable(context: Context, task: Task, receipt: PartitionReceipt) -> bool:
    """It is the sidecar of this partition, says PASS, and its files are there, whole."""
    request, day = context.request, day_text(task.day)
    described = (receipt.world_id, receipt.seed, receipt.event_day, receipt.shard)
    if described != (request.world_id, request.seed, day, task.shard):
        return False
    if receipt.verdict is not Verdict.PASS or set(receipt.rows) != set(layout.PARTITION_TABLES):
        return False
    return all(
        entry.path == layout.table_name(request.world_id, request.seed, entry.name, day, task.shard)
        and has_size(context.root / entry.path, entry.bytes)
        for entry in receipt.tables
    )


def _quarantine(
    context: Context, sink: LocalSink, staged: list[Staged], receipt: PartitionReceipt
) -> None:
    """Keeps files and receipt for inspection, outside of what readers look at."""
    folder = layout.quarantine_name(context.request.run_id)
    name = layout.sidecar_name(receipt.world_id, receipt.seed, receipt.event_day, receipt.shard)
    for file in staged:
        sink.move(file, folder)
    sidecar = sink.stage(name)
    sidecar.write(document_bytes(SIDECAR_CONTRACT, receipt.document()))
    sink.move(sidecar, folder)
