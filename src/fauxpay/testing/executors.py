"""Executors: the conformance suite of what runs partitions, for ours and for those of others.

`check_executor(make)` runs a small world by an executor in several ways, holds each against what
the serial executor makes, and raises ExecutorError with every rule that is broken, or returns what
it saw. Ours pass it in our tests.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fauxpay.config.model import Config
from fauxpay.delivery.engine import Engine, default_inspector, default_maker
from fauxpay.delivery.executors import Executor, SerialExecutor
from fauxpay.delivery.judging import tasks_of
from fauxpay.delivery.task import Context, Stretch, Task, described_day, sidecar, stretches
from fauxpay.delivery.worlds import build_world, identify
from fauxpay.errors import ExecutorError, FauxpayError, StorageError
from fauxpay.foundations.parameters import Parameters, load_parameters
from fauxpay.receipts.records import PartitionReceipt
from fauxpay.storage.places import Place, folder_of, name_below

if TYPE_CHECKING:
    from fauxpay.delivery.engine import DaysStream, InspectorOf, Maker, Tables

Make = Callable[[int], Executor]
_WORKERS = 2
_DAYS, _SHARDS = 8, 3
_REQUEST: dict[str, Any] = {
    "catalog": {"cards": 600, "merchants": 400, "places": 12},
    "fraud": {"card_testing_per_card_year": 3.0},
    "output": {"cards_per_shard": 200},
}
_WINDOW = {"from": "2026-03-01", "to": f"2026-03-{1 + _DAYS:02d}"}
_SLOW_SECONDS = 0.1
_QUIET_SECONDS = 1.0
_PLANTED = "planted by fauxpay.testing: expected to come back to the caller. Nothing to do."
_PLANTED_ABOUT = "planted.txt"


@dataclass(frozen=True, slots=True)
class ExecutorConformance:
    """What the suite saw of an executor that keeps the rules."""

    partitions: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Stage:
    """A sealed world in a folder, what there is to make, and what the serial executor made."""

    folder: Path
    context: Context
    stretches: Sequence[Stretch]
    wanted: Mapping[tuple[str, int], PartitionReceipt]
    digests: Mapping[str, str]

    def again(self, name: str, engine: Engine | None = None) -> Context:
        """The same world in a folder of its own, with nothing made yet."""
        root = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        shutil.copytree(self.folder / "sealed", root, dirs_exist_ok=True)
        return replace(self.context, root=root, engine=engine or self.context.engine)


@dataclass(slots=True)
class _Seen:
    """Receipts and rows that an executor has told of."""

    receipts: list[PartitionReceipt]
    rows: int = 0

    def add_rows(self, count: int) -> None:
        self.rows += count


def check_executor(make: Make, folder: Path | None = None) -> ExecutorConformance:
    """Holds an executor against every rule. Raises ExecutorError that names those it breaks.

    make    what the entry point loads: called with a number of workers, it makes an executor
    folder  where to work, a place that all workers see; a temporary one where None
    """
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fauxpay-", dir=folder) as name:
        stage = _stage(Path(name))
        faults = [fault for rule in RULES for fault in _judged(rule, make, stage)]
    if faults:
        lines = "\n".join(f"* {fault}" for fault in faults)
        raise ExecutorError(f"the executor breaks {len(faults)} rules:\n{lines}")
    rows = sum(one.rows.get("transactions", 0) for one in stage.wanted.values())
    return ExecutorConformance(len(stage.wanted), rows, time.perf_counter() - begun)


def _judged(rule: Callable[[Make, _Stage], Iterator[str]], make: Make, stage: _Stage) -> list[str]:
    try:
        return list(rule(make, stage))
    except Exception as error:
        return [f"{(rule.__doc__ or '').rstrip('.')}: raised {error!r}; expected no error"]


def _stage(folder: Path) -> _Stage:
    """Seals the world once; the serial executor says what is to be made of it."""
    parameters = load_parameters()
    config = Config(**_REQUEST, run={**_WINDOW, "out": str(folder), "executor": "serial"})
    engine = Engine()
    request = identify(config, parameters, engine.inputs(config))
    context = Context(folder / "sealed", request, config, parameters, engine)
    world = build_world(context.root, request, config, parameters, engine)
    made = list(stretches(tasks_of(context, world), 1))
    assert len(made) == _SHARDS * (_DAYS + 1)
    stage = _Stage(folder, context, made, {}, {})
    own = stage.again("serial")
    wanted = {_key(one): one for one in _ran(SerialExecutor, own, made).receipts}
    return replace(stage, wanted=wanted, digests=_digests(own.root))


def _ran(make: Make, context: Context, wanted: Sequence[Stretch]) -> _Seen:
    seen = _Seen([])
    with make(_WORKERS) as executor:
        executor.warm(len(wanted))
        seen.receipts += executor.run(wanted, context, seen.add_rows)
    return seen


def _makes_what_serial_makes(make: Make, stage: _Stage) -> Iterator[str]:
    """A run, and the same again after half of its sidecars are lost."""
    context = stage.again("whole")
    pairs = [tuple(task for one in pair for task in one) for pair in _pairs(stage.stretches)]
    seen = _ran(make, context, pairs)
    yield from _receipts(stage, seen, "a run")
    made = sum(one.rows.get("transactions", 0) for one in stage.wanted.values())
    if seen.rows != made:
        yield f"a run: on_rows was told of {seen.rows} rows; expected {made}, each once"
    before = _digests(context.root)
    if before != stage.digests:
        yield "a run: the files differ from those of the serial executor; expected the same bytes"
    for number, one in enumerate(stage.stretches):
        if number % 2:
            (context.root / sidecar(context, one[0])).unlink(missing_ok=True)
    yield from _receipts(stage, _ran(make, context, stage.stretches), "tasks tried again")
    if _digests(context.root) != before:
        yield "tasks tried again: files were changed; expected that nothing is written twice"


def _brings_errors_back(make: Make, stage: _Stage) -> Iterator[str]:
    """An error in a task."""
    context = stage.again("failing", Engine(make_maker=failing_maker, make_inspector=_inspector))
    try:
        _ran(make, context, stage.stretches)
    except FauxpayError as error:
        place = (error.about, error.partition)
        if type(error) is not StorageError or str(error) != _PLANTED:
            yield f"an error in a task: came back as {error!r}; expected the StorageError itself"
        elif place != (_PLANTED_ABOUT, str(_failing_task())):
            yield f"an error in a task: its place is {place}; expected what the worker knew"
    except Exception as error:
        yield f"an error in a task: came back as {error!r}; expected the StorageError itself"
    else:
        yield "an error in a task: nothing was raised; expected the StorageError itself"


def _wait() -> None:
    time.sleep(_QUIET_SECONDS)


def _stops_and_resumes(make: Make, stage: _Stage) -> Iterator[str]:
    """A run that is closed after its first receipt, and resumed."""
    context = stage.again("stopped", Engine(make_maker=slow_maker, make_inspector=_inspector))
    with make(_WORKERS) as executor, closing(_closable(executor, stage, context)) as receipts:
        first = next(receipts, None)
    if first is None:
        yield "closing: there was no receipt; expected one for each partition"
    before = _made(context, stage)
    _wait()
    if len(before) == len(stage.stretches):
        yield "closing: all partitions are made; expected that closing stops the work"
    if _made(context, stage) != before:
        yield "closing: partitions came into being afterwards; expected that nothing runs on"
    resumed = stage.context.engine
    seen = _ran(make, replace(context, engine=resumed), stage.stretches)
    yield from _receipts(stage, seen, "a resumed run")
    after = _made(context, stage)
    if any(after.get(name) != stamp for name, stamp in before.items()):
        yield "a resumed run: made again what was there; expected that it is kept"


def _is_modest(make: Make, stage: _Stage) -> Iterator[str]:
    """Nothing to do, and as many workers as are wanted."""
    if (seen := _ran(make, stage.again("empty"), ())).receipts:
        yield f"no stretches: there are {len(seen.receipts)} receipts; expected none"
    with make(_WORKERS) as executor:
        count = executor.worker_count
        if count not in range(1, _WORKERS + 1):
            yield f"worker_count: {count!r} when {_WORKERS} are wanted; expected 1..{_WORKERS}"


RULES = (_makes_what_serial_makes, _brings_errors_back, _stops_and_resumes, _is_modest)


def _receipts(stage: _Stage, seen: _Seen, when: str) -> Iterator[str]:
    """Faults of the receipts of a whole run."""
    counts = Counter(_key(one) for one in seen.receipts)
    twice = [key for key, count in counts.items() if count > 1]
    missing = sorted(stage.wanted.keys() - counts.keys())
    if twice:
        yield f"{when}: {len(twice)} receipts came twice, first {twice[0]}; expected each once"
    if missing:
        yield f"{when}: {len(missing)} receipts are missing, first {missing[0]}; expected all"
    if foreign := sorted(counts.keys() - stage.wanted.keys()):
        yield f"{when}: receipts of others came, first {foreign[0]}; expected what was asked for"
    other = [_key(one) for one in seen.receipts if stage.wanted.get(_key(one), one) != one]
    if other:
        yield (
            f"{when}: {len(other)} receipts differ from those of the serial executor, first "
            f"{min(other)}; expected the same digests"
        )


def _pairs(singles: Sequence[Stretch]) -> Iterator[Sequence[Stretch]]:
    """Days two at a time; plans alone."""
    plans = [one for one in singles if one[0].is_plan]
    days = [one for one in singles if not one[0].is_plan]
    yield from ((plan,) for plan in plans)
    yield from (days[first : first + 2] for first in range(0, len(days), 2))


def _closable(executor: Executor, stage: _Stage, context: Context) -> Any:
    return executor.run(stage.stretches, context, lambda rows: None)


def _made(context: Context, stage: _Stage) -> dict[str, tuple[int, int]]:
    """Sidecars that are there, with what changes when one is written again."""
    found = {}
    for (task,) in stage.stretches:
        path = folder_of(context.root, "executors are tried in one") / sidecar(context, task)
        if path.exists():
            found[path.name + described_day(context, task)] = (
                path.stat().st_ino,
                path.stat().st_mtime_ns,
            )
    return found


def _digests(root: Place) -> dict[str, str]:
    """SHA-256 of every published file of the worlds below a root."""
    files: list[Place] = sorted((root / "worlds").rglob("*"))
    return {
        name_below(path, root): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file()
    }


def _key(receipt: PartitionReceipt) -> tuple[str, int]:
    return receipt.event_day, receipt.shard


def _failing_task() -> Task:
    first = Config(run=_WINDOW).run.start_day
    return Task(1, (first - type(first)(1970, 1, 1)).days + 3)


class _Hindered:
    """A maker that is slow, or fails on one day."""

    def __init__(self, maker: Maker, seconds: float, *, is_failing: bool) -> None:
        self.maker = maker
        self._seconds = seconds
        self._failing = _failing_task() if is_failing else None

    @property
    def domains(self) -> Mapping[str, Sequence[str]]:
        return self.maker.domains

    def make(self, days: range, shard: int) -> DaysStream:
        """The honest days, later or never."""
        time.sleep(self._seconds * len(days))
        if self._failing and shard == self._failing.shard and self._failing.day in days:
            raise StorageError(_PLANTED).located(_PLANTED_ABOUT)
        return self.maker.make(days, shard)

    def plan_tables(self, shard: int) -> Mapping[str, Any]:
        """The honest plan."""
        return self.maker.plan_tables(shard)


def slow_maker(
    tables: Tables, derived: Mapping[str, bytes], config: Config, parameters: Parameters
) -> Maker:
    """A maker that takes its time, so that a run can be stopped under way."""
    maker = default_maker(tables, derived, config, parameters)
    return _Hindered(maker, _SLOW_SECONDS, is_failing=False)


def failing_maker(
    tables: Tables, derived: Mapping[str, bytes], config: Config, parameters: Parameters
) -> Maker:
    """A maker that cannot make one day."""
    maker = default_maker(tables, derived, config, parameters)
    return _Hindered(maker, 0.0, is_failing=True)


def _inspector(maker: Maker) -> InspectorOf:
    assert isinstance(maker, _Hindered)
    return default_inspector(maker.maker)
