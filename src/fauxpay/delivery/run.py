"""Runs: identity, world, partitions, gates, receipt, in that order.

Reads    a config and its parameters
Writes   a sealed world, partitions, then a sealed run (delivery.sealing), or why there is none
Draws    nothing
Sources  nothing

Each document is durable before the one that seals it: table files, sidecars, the stamp of the
first sealing, gates and receipt, and last the mark that readers ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fauxpay.delivery.engine import Engine
from fauxpay.delivery.executors import Executor, executor
from fauxpay.delivery.progress import Progress, Report, Tally, WorldNews, silent
from fauxpay.delivery.worlds import build_world, find_world, identify
from fauxpay.errors import FauxpayError, StorageError
from fauxpay.gates.verdicts import Verdict
from fauxpay.receipts.records import Contents, PartitionReceipt, Request
from fauxpay.receipts.store import SealedRun, sealed_run
from fauxpay.storage.objects import ObjectPath
from fauxpay.storage.places import Place, is_memory, place_of

if TYPE_CHECKING:
    from fauxpay.config.model import Config
    from fauxpay.delivery.sinks import StagedFile
    from fauxpay.delivery.task import Context, Stretch, Task
    from fauxpay.foundations.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Made:
    """A sealed run, and whether this request made it or found it."""

    sealed: SealedRun
    is_new: bool

    @property
    def folder(self) -> Place:
        """Holds receipt.json, gate.json, segments/ and _PASSED."""
        return self.sealed.folder

    @property
    def run_id(self) -> str:
        """20 hexadecimal digits."""
        return str(self.sealed.receipt["run_id"])


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
    root = place_of(config.run.out, config.run.patience_seconds)
    tell = _signed(report, request)
    found = sealed_run(root, request.run_id)
    if found is not None:
        return Made(found, is_new=False)
    # Not before it is known that there is something to do: it takes longer than to find a run.
    from fauxpay.delivery.failures import forget_failure, keep_failure
    from fauxpay.delivery.sealing import seal
    from fauxpay.delivery.task import Context

    context = Context(root, request, config, parameters, engine)
    if isinstance(root, ObjectPath):
        from fauxpay.delivery.object_sink import require_write_once

        require_write_once(root)
    try:
        with _at_work(root):
            sealed = seal(context, _make_contents(context, tell), tell)
    except FauxpayError as error:
        keep_failure(context, error)
        raise
    forget_failure(context)
    return Made(sealed, is_new=True)


@contextmanager
def _at_work(root: Place) -> Iterator[None]:
    """A staged file from the first look at what is there until the run is sealed.

    Housekeeping takes it for what it is: somebody counts on files that no receipt names yet.
    """
    if isinstance(root, ObjectPath):
        yield
        return
    from fauxpay.delivery.sinks import LocalSink

    with ExitStack() as held:
        # Where no file can be made, whoever needs one says so, and about which.
        with suppress(StorageError):
            sign = LocalSink(root).stage("at-work")
            held.callback(_removed, sign)
            sign.seal()
        yield


def _removed(sign: StagedFile) -> None:
    """What cannot be removed goes as staged by a process that is gone."""
    with suppress(OSError):
        sign.discard()


def _signed(report: Report, request: Request) -> Report:
    """The same report, which says with every word which run it is about."""

    def signed(progress: Progress) -> None:
        report(replace(progress, request=request))

    return signed


def _make_contents(context: Context, report: Report) -> Contents:
    """The sealed world, plans and partitions, sorted; fewer where one failed."""
    from fauxpay.delivery.judging import tasks_of

    with executor(_executor_name(context), context.config.run.workers) as running:
        world = _make_world(context, running, report)
        tasks = tasks_of(context, world)
        tally = Tally(report, len(tasks))
        found = _found(context, tasks, tally)
        missing = [task for task in tasks if task not in found]
        left = _stretches(context, world, missing, running) if missing else []
        made = list(found.values())
        for partition in running.run(left, context, tally.add_rows):
            made.append(partition)
            tally.add_partition(partition, is_found=partition.seconds is None)
            if partition.verdict is not Verdict.PASS:
                break  # One is enough to fail the run; do not fill the disk with more.
    made.sort(key=lambda one: (one.event_day, one.shard))
    end_day = context.request.window.end.isoformat()
    plans = [one for one in made if one.event_day == end_day]
    return Contents(world, plans, [one for one in made if one.event_day != end_day])


def _executor_name(context: Context) -> str:
    """The executor that is wanted; what lies in this process's memory is made in this process."""
    name = context.config.run.executor
    return "serial" if name == "processes" and is_memory(context.root) else name


def _make_world(context: Context, running: Executor, report: Report) -> dict[str, Any]:
    """The world, found or built while the workers start."""
    report(Progress("world", 0, 1, 0))
    try:
        world = find_world(context.root, context.request.world_id)
        is_built = world is None
        if world is None:
            running.warm(len(context.request.window.days()))
            world = build_world(
                context.root, context.request, context.config, context.parameters, context.engine
            )
    except FauxpayError as error:
        error.located(segment="catalog")
        raise
    rows = {entry["name"]: entry["rows"] for entry in world["tables"]}
    report(Progress("world", 1, 1, 0, news=WorldNews(rows, is_built)))
    return world


def _stretches(
    context: Context, world: Mapping[str, Any], missing: Sequence[Task], running: Executor
) -> list[Stretch]:
    """The partitions to make, as many at a time as suits the size of a shard."""
    from fauxpay.delivery.judging import card_count
    from fauxpay.delivery.task import first_day_early, stretch_days, stretches

    cards = min(card_count(world), context.config.output.cards_per_shard)
    days = stretch_days(cards, len(missing), running.worker_count)
    return list(first_day_early(stretches(missing, days)))


def _found(context: Context, tasks: Sequence[Task], tally: Tally) -> dict[Task, PartitionReceipt]:
    """What earlier runs left, of this window or of one that overlaps it."""
    from fauxpay.delivery.partition import find_partition, listed_sidecars
    from fauxpay.delivery.task import sidecar

    found = {}
    listed = listed_sidecars(context)
    for task in tasks:
        if listed is not None and sidecar(context, task) not in listed:
            continue
        partition = find_partition(context, task)
        if partition is not None:
            found[task] = partition
            tally.add_rows(partition.rows.get("transactions", 0))
            tally.add_partition(partition, is_found=True)
    return found
