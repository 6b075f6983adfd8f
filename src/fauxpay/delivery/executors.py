"""Executors: they run partitions, in any order, on any number of workers, and nothing else.

Ours and those of others are looked up by the same function. `fauxpay.testing.check_executor` says
whether one keeps the rules; what workers of an engine do is `delivery.remote.make_block`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from fauxpay.config.executors import executor_point
from fauxpay.delivery.workers import open_world
from fauxpay.errors import ConfigError

if TYPE_CHECKING:
    from fauxpay.delivery.task import Context, Stretch
    from fauxpay.receipts.records import PartitionReceipt

OnRows = Callable[[int], None]


@runtime_checkable
class Executor(Protocol):
    """Runs tasks; a context manager that leaves nothing running.

    It is made by a call with the number of workers that are wanted, 0 for as many as there are
    cores, which the package offers as an entry point of the group `fauxpay.executors`.
    """

    @property
    def worker_count(self) -> int:
        """Stretches that are made at a time, at least 1; work is cut by it."""
        ...

    def warm(self, task_count: int) -> None:
        """Gets ready for about so many tasks while the caller does something else."""
        ...

    def run(
        self, stretches: Sequence[Stretch], context: Context, on_rows: OnRows
    ) -> Iterator[PartitionReceipt]:
        """A receipt for each partition, in any order. Closing the iterator stops the work.

        on_rows  is told of rows as they are made
        Raises FauxpayError; then what was made so far stays published.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def executor(name: str, workers: int) -> Executor:
    """The executor of a config, not started yet. Raises ConfigError, MissingExtraError.

    name     one that the config knows, ours or an installed package's
    workers  stretches at a time; 0 is one per core. One process is run in this one.
    """
    if name == "processes":
        workers = workers or core_count()
        name = "serial" if workers == 1 else name
    point = executor_point(name)
    make = point.load()
    made = make(workers) if callable(make) else None
    if not isinstance(made, Executor):
        raise ConfigError(
            f"run.executor: {point.value} is not the executor {name!r}; expected what makes one "
            "when it is called with a number of workers: see fauxpay.delivery.executors.Executor"
        )
    return made


def core_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Closed:
    """What every executor of ours has of a context manager: it is closed when it is left."""

    def close(self) -> None:
        """Leaves nothing running; here there is nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        self.close()


class SerialExecutor(Closed):
    """One task after the other, in this process."""

    def __init__(self, workers: int = 1) -> None:
        del workers  # There is one, whatever is wanted.

    @property
    def worker_count(self) -> int:
        """This process."""
        return 1

    def warm(self, task_count: int) -> None:
        """Nothing to get ready."""
        del task_count

    def run(
        self, stretches: Sequence[Stretch], context: Context, on_rows: OnRows
    ) -> Iterator[PartitionReceipt]:
        """See `Executor.run`; errors come as they are."""
        if not stretches:
            return
        from fauxpay.delivery.partition import begin_partitions, outbox_of

        workshop = open_world(context)
        with closing(outbox_of(context)) as outbox:
            for stretch in sorted(stretches):
                yield from begin_partitions(context, workshop, stretch, on_rows, outbox)
            yield from outbox.rest()
