"""Partitions: event days of one shard, made, checked, digested, published. Plans likewise.

Reads    what a maker makes
Writes   a file per table of receipts.layout.DAY_TABLES or PLAN_TABLES, then the sidecar
Draws    nothing
Sources  nothing

The sidecars are published after the files are durable, so they never name what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from time import perf_counter

from fauxpay.delivery.draft import Draft, sound_tables, take_window
from fauxpay.delivery.engine import read_error
from fauxpay.delivery.outbox import Outbox
from fauxpay.delivery.sinks import Document, Sink, sink_of
from fauxpay.delivery.task import (
    Context,
    Stretch,
    Task,
    described_day,
    partition_key,
    seed_folder,
    sidecar,
    stretches,
)
from fauxpay.delivery.workshop import Workshop
from fauxpay.errors import ContractError, FauxpayError
from fauxpay.gates.verdicts import Verdict
from fauxpay.receipts import layout
from fauxpay.receipts.records import PartitionReceipt, document_bytes, partition_receipt
from fauxpay.storage.objects import ObjectPath
from fauxpay.storage.places import have_sizes

SIDECAR_CONTRACT = "run.yaml#/$defs/partition"
OnRows = Callable[[int], None]


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


def listed_sidecars(context: Context) -> Container[str] | None:
    """Names of the sidecars in an object store, by one listing; None in a folder, which is quick.

    To ask for each costs a request, and most of a new run's are not there.
    """
    if not isinstance(context.root, ObjectPath):
        return None
    folder = f"{seed_folder(context)}/partitions"
    return {f"{folder}/{name}" for name in (context.root / folder).sizes()}


def make_partitions(
    context: Context, workshop: Workshop, stretch: Stretch, on_rows: OnRows
) -> list[PartitionReceipt]:
    """The partitions of a stretch, found or made, all published on return.

    on_rows  is told of every row group of transactions, in rows
    returns  a receipt for each; FAIL means that its files stand in the quarantine
    Raises StorageError, ConflictError; leaves no staged file behind.
    """
    with closing(Outbox(sink_of(context.root), is_threaded=False)) as outbox:
        return begin_partitions(context, workshop, stretch, on_rows, outbox)


def outbox_of(context: Context) -> Outbox:
    """What takes the partitions of a run, and publishes them while the next ones are made."""
    return Outbox(sink_of(context.root), is_threaded=True)


def begin_partitions(
    context: Context, workshop: Workshop, stretch: Stretch, on_rows: OnRows, outbox: Outbox
) -> list[PartitionReceipt]:
    """As `make_partitions`, but what is made may still wait in the outbox.

    returns  receipts of what is public by now, of this stretch or of earlier ones
    """
    receipts, missing = [], []
    for task in stretch:
        found = find_partition(context, task)
        if found is None:
            missing.append(task)
            continue
        on_rows(found.rows.get("transactions", 0))
        receipts.append(found)
    for run in stretches(missing, max(1, len(missing))):
        begun = perf_counter()
        drafts, made = _made(context, workshop, run, on_rows, outbox.sink)
        each = (perf_counter() - begun) / len(made)
        made = [replace(receipt, seconds=each) for receipt in made]
        receipts += outbox.post(
            partial(_published, context, outbox.sink, drafts, made), partial(_give_up, drafts)
        )
    return receipts


def _made(
    context: Context, workshop: Workshop, run: Stretch, on_rows: OnRows, sink: Sink
) -> tuple[list[Draft], list[PartitionReceipt]]:
    """Drafts of partitions that were made together, finished, and what each holds."""
    drafts = {task.day: Draft(context, workshop, task, sink) for task in run}
    try:
        if run[0].is_plan:
            tables = workshop.books(run[0].shard).plan
            counts = {name: tables[name].num_rows for name in layout.PLAN_TABLES}
            drafts[run[0].day].take_tables(tables, counts)
        else:
            _stream(workshop, drafts, on_rows)
        receipts = [draft.receipt() for draft in drafts.values()]
    except BaseException as error:
        _give_up(drafts.values())
        if isinstance(error, FauxpayError):
            error.located(partition=str(run[0]))  # Where no draft knew it better.
        raise
    return list(drafts.values()), receipts


def _published(
    context: Context, sink: Sink, drafts: Sequence[Draft], receipts: Sequence[PartitionReceipt]
) -> Sequence[PartitionReceipt]:
    """The receipts, once the drafts are public."""
    begun = perf_counter()
    try:
        _publish(context, sink, drafts, receipts)
    except FauxpayError as error:
        error.located(partition=str(drafts[0].task))
        raise
    finally:
        _give_up(drafts)
    each = (perf_counter() - begun) / len(receipts)
    return [replace(receipt, seconds=each + (receipt.seconds or 0.0)) for receipt in receipts]


def _give_up(drafts: Iterable[Draft]) -> None:
    for draft in drafts:
        draft.discard()


def _stream(workshop: Workshop, drafts: dict[int, Draft], on_rows: OnRows) -> None:
    """Streams the tables of consecutive event days through checks, digest and encoder."""
    days = range(min(drafts), max(drafts) + 1)
    assert len(days) == len(drafts)
    stream = workshop.maker.make(days, drafts[days.start].task.shard)
    for window in stream.windows():
        take_window(drafts, window, workshop)
        on_rows(window.batch.num_rows)
    side = stream.side_tables()
    assert {"transactions", *side} == set(layout.DAY_TABLES), sorted(side)
    names = [name for name in layout.DAY_TABLES if name != "transactions"]
    sound = sound_tables(side, workshop.books(drafts[days.start].task.shard))
    for nth, (day, counts) in enumerate(zip(days, stream.counts(), strict=True)):
        drafts[day].take_tables({name: side[name][nth] for name in names}, counts, sound)


def _publish(
    context: Context, sink: Sink, drafts: Sequence[Draft], receipts: Sequence[PartitionReceipt]
) -> None:
    """What passed under its public names, then the sidecars; the rest into quarantine."""
    staged, sidecars = [], []
    for draft, receipt in zip(drafts, receipts, strict=True):
        name = sidecar(context, draft.task)
        data = document_bytes(SIDECAR_CONTRACT, receipt.document())
        if receipt.verdict is Verdict.PASS:
            staged += draft.staged
            sidecars.append(Document(name, data, partition_receipt))
            continue
        # Kept for inspection, outside of what readers look at.
        folder = layout.quarantine_name(context.request.run_id)
        for file in draft.staged:
            sink.move(file, folder)
        sink.keep(name, data, folder)
    sink.publish(staged)
    sink.mend(sidecars)


def _is_reusable(context: Context, task: Task, receipt: PartitionReceipt) -> bool:
    """It is the sidecar of this partition, says PASS, and its files are there, whole."""
    request, folder, key = context.request, seed_folder(context), partition_key(context, task)
    described = (receipt.world_id, receipt.seed, receipt.event_day, receipt.shard)
    if described != (request.world_id, request.seed, described_day(context, task), task.shard):
        return False
    names = layout.PLAN_TABLES if task.is_plan else layout.DAY_TABLES
    if receipt.verdict is not Verdict.PASS or list(receipt.rows) != list(names):
        return False
    return all(
        entry.path == layout.table_name(folder, entry.name, key, task.shard)
        for entry in receipt.tables
    ) and have_sizes(context.root, ((entry.path, entry.bytes) for entry in receipt.tables))
