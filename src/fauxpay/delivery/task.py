"""Tasks: which partition to make, in which run, and what its files are called.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fauxpay.delivery.engine import Engine
from fauxpay.receipts import layout
from fauxpay.receipts.identity import day_text
from fauxpay.receipts.records import Request
from fauxpay.storage.places import Place

if TYPE_CHECKING:
    from fauxpay.config.model import Config
    from fauxpay.foundations.parameters import Parameters

PLAN_DAY = -1
# Cards times days that are made in one go: enough to share what a call costs, little enough to
# keep memory flat. A world with more cards makes one day at a time.
STRETCH_CELLS = 262_144
STRETCH_DAYS_MAX = 16
STRETCHES_PER_WORKER_MIN = 4


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


Stretch = tuple[Task, ...]
"""Partitions of consecutive days of one shard, or one plan: what a worker makes in one go."""


@dataclass(frozen=True, slots=True)
class Context:
    """All that a worker needs to make partitions of a run."""

    root: Place
    request: Request
    config: Config
    parameters: Parameters
    engine: Engine


def stretches(tasks: Iterable[Task], days_max: int) -> Iterator[Stretch]:
    """Tasks in order, in runs of at most so many consecutive days of a shard."""
    assert days_max >= 1
    run: list[Task] = []
    for task in sorted(tasks):
        follows = bool(run) and task == Task(run[-1].shard, run[-1].day + 1)
        if run and (not follows or run[0].is_plan or len(run) == days_max):
            yield tuple(run)
            run = []
        run.append(task)
    if run:
        yield tuple(run)


def first_day_early(made: Iterable[Stretch]) -> Iterator[Stretch]:
    """The same stretches, but the first day of them alone: who waits for a day has one early."""
    is_waiting = True
    for stretch in made:
        if is_waiting and not stretch[0].is_plan:
            is_waiting = False
            yield stretch[:1]
            stretch = stretch[1:]
        if stretch:
            yield stretch


def stretch_days(cards: int, days: int, workers: int) -> int:
    """How many days to make in one go, at least one.

    cards    of a shard
    days     to make in all, over all shards; every worker is to have some stretches of them
    """
    by_size = STRETCH_CELLS // max(1, cards)
    by_share = -(-days // (max(1, workers) * STRETCHES_PER_WORKER_MIN))
    return max(1, min(by_size, by_share, STRETCH_DAYS_MAX))


def described_day(context: Context, task: Task) -> str:
    """The day in the receipt: the event day, or for a plan the day that it ends before."""
    return context.request.window.end.isoformat() if task.is_plan else day_text(task.day)


def partition_key(context: Context, task: Task) -> str:
    """The Hive key of the partition."""
    day = described_day(context, task)
    return layout.plan_key(day) if task.is_plan else layout.day_key(day)


def seed_folder(context: Context) -> str:
    """The folder of all that the world does under the run's seed."""
    return layout.seed_name(context.request.world_id, context.request.seed)


def sidecar(context: Context, task: Task) -> str:
    """Name of the partition's own receipt."""
    return layout.sidecar_name(seed_folder(context), partition_key(context, task), task.shard)
