"""Runs: identity, world, partitions, gates, receipt, in that order.

Reads    a config and its parameters
Writes   a sealed world, partitions, then runs/utc_day=.../<run_id>/gate.json, receipt.json, _PASSED
Draws    nothing
Sources  nothing

Each document is durable before the one that seals it: table files, sidecars, the stamp of the
first sealing, gate and receipt, and last the mark that readers ask for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fauxpay.delivery.engine import Engine
from fauxpay.delivery.executors import Executor, executor, worker_count
from fauxpay.delivery.progress import GateNews, Progress, Report, Tally, WorldNews, silent
from fauxpay.delivery.sinks import Document, LocalSink
from fauxpay.delivery.worlds import build_world, find_world, identify
from fauxpay.errors import ContractError, FauxpayError, GateError
from fauxpay.foundations.canonical import canonical_json
from fauxpay.gates.verdicts import (
    Check,
    Gate,
    Verdict,
    completeness,
    conservation,
    gate_document,
    other_checks,
    table_checks,
)
from fauxpay.receipts import layout
from fauxpay.receipts.records import (
    Contents,
    PartitionReceipt,
    Request,
    document_bytes,
    read_document,
    receipt_document,
)
from fauxpay.receipts.store import created_utc, find_run, read_receipt, read_run, sealed_run

if TYPE_CHECKING:
    from fauxpay.config.model import Config
    from fauxpay.delivery.task import Context, Stretch, Task
    from fauxpay.foundations.parameters import Parameters

GATE_CONTRACT = "run.yaml#/$defs/gate"
# Table name to the name under which makers count its rows.
COUNTED = {"transactions": "transactions", "truth": "frauds"}
BROKEN_SHOWN = 5
RECEIPT_CONTRACT = "run.yaml#/$defs/receipt"


@dataclass(frozen=True, slots=True)
class Made:
    """A sealed run: where, and whether this request made it or found it."""

    root: Path
    folder: Path
    run_id: str
    is_new: bool


def make_run(
    config: Config,
    parameters: Parameters,
    engine: Engine | None = None,
    report: Report = silent,
) -> Made:
    """The run that a config asks for, found or made.

    config      resolved; `run` says seed, window, root, executor
    parameters  with the config's overrides in them
    engine      what builds and makes; production's by default
    report      is told of progress
    Raises GateError where a gate does not say PASS (the run is kept in quarantine), ConfigError,
    ContractError, ConflictError, StorageError. What was published before stays, and the same
    request resumes it.
    """
    engine = engine or Engine()
    request = identify(config, parameters, engine.inputs(config))
    root = Path(config.run.out).absolute()
    tell = _signed(report, request)
    found = sealed_run(root, request.run_id)
    if found is not None:
        return Made(root, found.folder, request.run_id, is_new=False)
    from fauxpay.delivery.task import Context

    context = Context(root, request, config, parameters, engine)
    contents = _make_contents(context, tell)
    folder = _seal(context, contents, tell)
    return Made(root, folder, request.run_id, is_new=True)


def _signed(report: Report, request: Request) -> Report:
    """The same report, which says with every word which run it is about."""

    def signed(progress: Progress) -> None:
        report(replace(progress, request=request))

    return signed


def _make_contents(context: Context, report: Report) -> Contents:
    """The sealed world, plans and partitions, sorted; fewer where one failed."""
    run = context.config.run
    with executor(run.executor, run.workers) as running:
        world = _make_world(context, running, report)
        tasks = _tasks(context, world)
        tally = Tally(report, len(tasks))
        found = _found(context, tasks, tally)
        missing = _stretches(context, world, [task for task in tasks if task not in found])
        made = list(found.values())
        for partition in running.run(missing, context, tally.add_rows):
            made.append(partition)
            tally.add_partition(partition, is_found=partition.seconds is None)
            if partition.verdict is not Verdict.PASS:
                break  # One is enough to fail the run; do not fill the disk with more.
    made.sort(key=lambda one: (one.event_day, one.shard))
    end_day = context.request.window.end.isoformat()
    plans = [one for one in made if one.event_day == end_day]
    return Contents(world, plans, [one for one in made if one.event_day != end_day])


def _make_world(context: Context, running: Executor, report: Report) -> dict[str, Any]:
    """The world, found or built while the workers start."""
    report(Progress("world", 0, 1, 0))
    world = find_world(context.root, context.request.world_id)
    is_built = world is None
    if world is None:
        running.warm(len(context.request.window.days()))
        world = build_world(
            context.root, context.request, context.config, context.parameters, context.engine
        )
    rows = {entry["name"]: entry["rows"] for entry in world["tables"]}
    report(Progress("world", 1, 1, 0, news=WorldNews(rows, is_built)))
    return world


def _tasks(context: Context, world: Mapping[str, Any]) -> list[Task]:
    """For every shard of cards its plan, then every day of the window."""
    from fauxpay.delivery.task import PLAN_DAY, Task

    shards = max(1, -(-_cards(world) // context.config.output.cards_per_shard))
    days = [PLAN_DAY, *context.request.window.days()]
    return [Task(shard, day) for shard, day in product(range(shards), days)]


def _cards(world: Mapping[str, Any]) -> int:
    rows: int = next(entry["rows"] for entry in world["tables"] if entry["name"] == "cards")
    return rows


def _stretches(
    context: Context, world: Mapping[str, Any], missing: Sequence[Task]
) -> list[Stretch]:
    """The partitions to make, as many at a time as suits the size of a shard."""
    from fauxpay.delivery.task import stretch_days, stretches

    cards = min(_cards(world), context.config.output.cards_per_shard)
    workers = worker_count(context.config.run.executor, context.config.run.workers)
    return list(stretches(missing, stretch_days(cards, len(missing), workers)))


def _found(context: Context, tasks: Sequence[Task], tally: Tally) -> dict[Task, PartitionReceipt]:
    """What earlier runs left, of this window or of one that overlaps it."""
    from fauxpay.delivery.partition import find_partition

    found = {}
    for task in tasks:
        partition = find_partition(context, task)
        if partition is not None:
            found[task] = partition
            tally.add_rows(partition.rows.get("transactions", 0))
            tally.add_partition(partition, is_found=True)
    return found


def judge(context: Context, contents: Contents) -> dict[str, Any]:
    """gate.json from what the receipts say, so that a resumed run is judged like any other."""
    from fauxpay.contracts.checks import checks_of
    from fauxpay.contracts.tables import table
    from fauxpay.delivery.inspection import INSPECTIONS
    from fauxpay.delivery.task import described_day

    days = [partition.evidence() for partition in contents.partitions]
    plans = [plan.evidence() for plan in contents.plans]
    wanted: dict[bool, list[tuple[str, int]]] = {True: [], False: []}
    for task in _tasks(context, contents.world):
        wanted[task.is_plan].append((described_day(context, task), task.shard))
    plan_shapes = {name: checks_of(table(ref)) for name, ref in layout.PLAN_TABLES.items()}
    shapes = {name: checks_of(table(ref)) for name, ref in layout.DAY_TABLES.items()}
    rules = [*INSPECTIONS, *context.engine.inspection_names()]
    known = {**shapes, "transactions": [*shapes["transactions"], *rules]}
    gates = [
        _catalog_gate(contents.world),
        Gate("plan", (completeness(wanted[True], plans), *table_checks(plan_shapes, plans))),
        Gate("contract", (*table_checks(shapes, days), *other_checks(known, days))),
        Gate(
            "integrity",
            (
                completeness(wanted[False], days),
                *conservation(COUNTED, days),
                *table_checks({"transactions": rules}, days),
            ),
        ),
    ]
    return gate_document(context.request.run_id, context.request.world_id, gates)


def _catalog_gate(world: Mapping[str, Any]) -> Gate:
    """A world is sealed only after its catalog was found consistent."""
    checks = [
        Check(
            f"{entry['name']}: sealed",
            Verdict.PASS,
            entry["rows"],
            0,
            f"logical digest {entry['logical_digest'][:16]}",
        )
        for entry in world["tables"]
    ]
    return Gate("catalog", tuple(checks))


def _seal(context: Context, contents: Contents, report: Report) -> Path:
    """Judges the run, then publishes it or keeps it in quarantine; returns its folder."""
    sink = LocalSink(context.root)
    report(Progress("gates", 0, 1, 0))
    gate = judge(context, contents)
    report(Progress("gates", 1, 1, 0, news=GateNews(gate)))
    if gate["verdict"] != Verdict.PASS.name:
        raise _failed(context, sink, contents, gate)
    report(Progress("receipt", 0, 1, 0))
    created = _created_utc(context, sink)
    receipt = receipt_document(context.request, created, contents, gate)
    _publish(context, sink, created, gate, receipt)
    report(Progress("receipt", 1, 1, 0))
    name = layout.run_name(created, context.request.run_id, layout.RECEIPT)
    return read_run(context.root, (context.root / name).parent).folder


def _publish(
    context: Context,
    sink: LocalSink,
    created: str,
    gate: Mapping[str, Any],
    receipt: Mapping[str, Any],
) -> None:
    """Gate, receipt, mark: each durable before the next."""
    mark = f"{receipt['receipt_digest']}\n".encode()
    for file, contract, document in (
        (layout.GATE, GATE_CONTRACT, gate),
        (layout.RECEIPT, RECEIPT_CONTRACT, receipt),
    ):
        name = layout.run_name(created, context.request.run_id, file)
        read = partial(read_document, contract)
        sink.mend([Document(name, document_bytes(contract, document), read)])
    name = layout.run_name(created, context.request.run_id, layout.PASSED)
    sink.mend([Document(name, mark, partial(_require_same, mark))])


def _require_same(mark: bytes, data: bytes) -> None:
    if data != mark:
        raise ContractError("the mark names another receipt")


def _created_utc(context: Context, sink: LocalSink) -> str:
    """When the run was first sealed; stamped once, so that of two at work both say the same."""
    run_id = context.request.run_id
    folder = find_run(context.root, run_id)
    if folder is not None:
        with suppress(FauxpayError):
            return str(read_receipt(folder)["created_utc"])
    text = _now(context)
    name = layout.stamp_name(run_id)
    stamp = canonical_json({"created_utc": text, "run_id": run_id})
    try:
        return created_utc(sink.claim(name, stamp))
    except ContractError:
        sink.set_aside(name)
        return created_utc(sink.claim(name, stamp))


def _now(context: Context) -> str:
    now = context.engine.clock()
    assert now.tzinfo is not None
    return now.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _failed(
    context: Context, sink: LocalSink, contents: Contents, gate: Mapping[str, Any]
) -> GateError:
    """Keeps gate and receipt of a run that did not pass, and says what did not hold.

    The receipt says FAIL or UNKNOWN and has no mark: it is for inspection and replay.
    """
    folder = layout.quarantine_name(context.request.run_id)
    receipt = receipt_document(context.request, _now(context), contents, gate)
    sink.keep(layout.RECEIPT, document_bytes(RECEIPT_CONTRACT, receipt), folder)
    path = sink.keep(layout.GATE, document_bytes(GATE_CONTRACT, gate), folder)
    broken = [
        f"{check['name']} ({check['verdict']}): {check['evidence']}"
        for entry in gate["gates"]
        for check in entry["checks"]
        if check["verdict"] != Verdict.PASS.name
    ]
    text = "\n".join(f"* {line}" for line in broken[:BROKEN_SHOWN]) or "* no check was made"
    return GateError(
        f"run {context.request.run_id}: the verdict is {gate['verdict']}, {len(broken)} checks did "
        f"not hold; expected PASS. Nothing was sealed; look at {path}:\n{text}"
    )
