"""Processes: the executor of one machine. Spawned workers of the standard library.

Why not concurrent.futures: it hands out tasks to whoever is free, but consecutive days of a shard
belong to one worker, whose maker keeps what the next day needs; and a queue for progress beside
it is a lock that a killed worker may take to its grave.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from typing import TYPE_CHECKING

from fauxpay.delivery.blocks import OUT_OF_ORDER_DAYS_MIN
from fauxpay.delivery.executors import Closed
from fauxpay.delivery.signals import held
from fauxpay.delivery.workers import Failed, Finished, Idle, Left, Rows, raised, work
from fauxpay.errors import FauxpayError, ResourceError
from fauxpay.foundations.machine import OUT_OF_MEMORY, require_working_folder

if TYPE_CHECKING:
    from fauxpay.delivery.executors import OnRows
    from fauxpay.delivery.task import Context, Stretch
    from fauxpay.receipts.records import PartitionReceipt

PATIENCE_SECONDS = 5.0


class Agenda:
    """Who makes what: a block of consecutive days for each, and the end of another's when done.

    Source: Blumofe and Leiserson 1999, "Scheduling multithreaded computations by work stealing".
    """

    def __init__(self, stretches: Sequence[Stretch], workers: Sequence[Connection]) -> None:
        ordered = sorted(stretches)
        bounds = [len(ordered) * number // len(workers) for number in range(len(workers) + 1)]
        self._blocks = {
            worker: deque(ordered[first:end])
            for worker, (first, end) in zip(workers, pairwise(bounds), strict=True)
        }

    def next_for(self, worker: Connection) -> Stretch | None:
        """The next stretch of a worker; None when too little is left to share."""
        own = self._blocks[worker]
        if not own:
            longest = max(self._blocks.values(), key=len)
            if sum(len(stretch) for stretch in longest) < OUT_OF_ORDER_DAYS_MIN:
                return None
            own.extendleft(longest.pop() for _ in range(-(-len(longest) // 2)))
        return own.popleft() if own else None


class ProcessExecutor(Closed):
    """Spawned processes of the standard library, each with a pipe."""

    def __init__(self, workers: int) -> None:
        assert workers >= 1
        self._workers = workers
        self._running: dict[Connection, BaseProcess] = {}

    @property
    def worker_count(self) -> int:
        """Processes at work at a time."""
        return self._workers

    def warm(self, task_count: int) -> None:
        """Starts the workers that so many tasks can keep busy; they import while we build."""
        missing = min(self._workers, task_count) - len(self._running)
        require_working_folder()  # Children begin in it.
        with _interrupts_held(), _file_that_is_none_hidden():
            for _ in range(missing):
                self._start()

    def run(
        self, stretches: Sequence[Stretch], context: Context, on_rows: OnRows
    ) -> Iterator[PartitionReceipt]:
        """See `Executor.run`; a worker's own traceback is part of the message."""
        if not stretches:
            return
        self.warm(len(stretches))
        agenda = Agenda(stretches, list(self._running))
        for connection in self._running:
            self._send(connection, context)
        busy = set(self._running)
        while busy:
            ready = wait(list(busy))
            for connection in [one for one in busy if one in ready]:
                match self._receive(connection):
                    case Rows(count):
                        on_rows(count)
                    case Finished(receipts):
                        yield from receipts
                    case Failed() as failed:
                        raise raised(failed)
                    case Idle():
                        self._send(connection, agenda.next_for(connection))
                    case Left():
                        busy.discard(connection)

    def close(self) -> None:
        """Ends every worker: politely, then surely."""
        for process in self._running.values():
            process.terminate()
        for connection, process in self._running.items():
            process.join(PATIENCE_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            connection.close()
            process.close()
        self._running.clear()

    def _start(self) -> None:
        spawn = get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=work, args=(theirs,), daemon=True, name="fauxpay-worker")
        process.start()
        theirs.close()
        self._running[ours] = process

    def _send(self, connection: Connection, message: object) -> None:
        try:
            connection.send(message)
        except OSError as error:
            raise self._death(connection) from error

    def _receive(self, connection: Connection) -> object:
        try:
            return connection.recv()
        except (EOFError, OSError) as error:
            raise self._death(connection) from error

    def _death(self, connection: Connection) -> FauxpayError:
        """What a worker that went away without a word is called."""
        process = self._running[connection]
        process.join(PATIENCE_SECONDS)
        code = process.exitcode
        if code is not None and code < 0:
            return ResourceError(
                f"worker {process.pid} was killed by {signal.Signals(-code).name}, perhaps for "
                f"want of memory; {OUT_OF_MEMORY}"
            )
        return FauxpayError(
            f"worker {process.pid} ended with exit code {code} before its work was done; a Python "
            f"script must call fauxpay.generate below `if __name__ == '__main__':`, or use "
            f"run.executor=serial. The same command resumes."
        )


@contextmanager
def _file_that_is_none_hidden() -> Iterator[None]:
    """A script that came by standard input says that its file is <stdin>.

    Children would try to run it again; without a file they leave it alone, as with `python -c`.
    """
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is None or os.path.exists(file):
        yield
        return
    del main.__file__
    try:
        yield
    finally:
        main.__file__ = file


def _interrupts_held() -> AbstractContextManager[None]:
    """Children inherit that Ctrl-C is held, so that none prints a traceback while it starts."""
    if hasattr(signal, "pthread_sigmask"):
        # It lets all signals through again when it starts, so it has to be there already.
        ensure_running()
    return held(signal.SIGINT)
