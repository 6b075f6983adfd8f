"""Ray: the executor of a Ray cluster, or of one that is started here for the run.

Reads    RAY_ADDRESS; a cluster that this process is connected to already is used as it is
Writes   nothing of its own; workers write partitions
Draws    nothing
Sources  nothing

A task is a block of stretches and streams an answer for each. A killed worker or a lost node is
Ray's to notice: it runs the task again elsewhere, which finds what the first one published and
tells the caller only of what it has not heard.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fauxpay.delivery.blocks import blocks
from fauxpay.delivery.engines import EngineExecutor
from fauxpay.delivery.executors import core_count
from fauxpay.delivery.remote import RETRIES_MAX, Errand, make_block, receipts_of
from fauxpay.delivery.signals import signals_kept
from fauxpay.errors import MissingExtraError, ResourceError
from fauxpay.foundations.machine import RESUMES

if TYPE_CHECKING:
    from fauxpay.delivery.executors import OnRows
    from fauxpay.delivery.task import Context, Stretch
    from fauxpay.receipts.records import PartitionReceipt

# Answers are receipts of a few kilobytes; the least that Ray starts well with.
OBJECT_STORE_BYTES = 500_000_000
PATIENCE_SECONDS = 5.0
CONNECT_SECONDS = 10.0


class RayExecutor(EngineExecutor):
    """Ray tasks, started by the first word of work."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._ray = _loaded()
        self._is_ours = False
        self._is_started = False

    def cores(self) -> int:
        """As Ray counts them, of all nodes."""
        return int(self._ray.cluster_resources().get("CPU", 1))

    def run(
        self, stretches: Sequence[Stretch], context: Context, on_rows: OnRows
    ) -> Iterator[PartitionReceipt]:
        """See `Executor.run`; rows are told of when they are published."""
        if not stretches:
            return
        count = self.worker_count
        task = self._ray.remote(make_block).options(
            num_cpus=1, max_retries=RETRIES_MAX, num_returns="streaming"
        )
        errand = self._ray.put(Errand(context))
        # More than run at a time, so that no worker waits for us; the rest when there is room.
        waiting = deque(blocks(stretches, count))
        ahead = count if self.wanted else 2 * count
        running: list[Any] = []
        try:
            while waiting or running:
                while waiting and len(running) < ahead:
                    running.append(task.remote(errand, waiting.popleft()))
                ready, _ = self._ray.wait(running, num_returns=1)
                for answers in ready:
                    answer = self._next_of(answers)
                    if answer is None:
                        running.remove(answers)
                    else:
                        yield from receipts_of(answer, on_rows)
        finally:
            self._cancel(running)

    def close(self) -> None:
        """Ends the cluster that was started here."""
        if self._is_ours:
            self._ray.shutdown()
        self._is_ours = self._is_started = False

    def connect(self) -> None:
        """Connects to the cluster that there is, else starts one on this machine."""
        if self._is_started:
            return
        if not self._ray.is_initialized():
            address = os.environ.get("RAY_ADDRESS")
            try:
                with signals_kept():
                    self._begin(address)
            except Exception as error:
                place = f"the Ray cluster {address}" if address else "a Ray cluster on this machine"
                raise ResourceError(
                    f"{place} cannot be used: {error}. Correct RAY_ADDRESS, start the cluster, or "
                    f"use --executor processes; {RESUMES}."
                ) from error
            self._is_ours = True
        self._is_started = True

    def _begin(self, address: str | None) -> None:
        settings: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": True}
        if address:
            _require_somebody(address)
            self._ray.init(address=address, **settings)
            return
        self._ray.init(
            address="local",
            num_cpus=self.wanted or core_count(),
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            **settings,
        )

    def _next_of(self, answers: Any) -> Any:
        """The next answer of a task; None after its last. Raises ResourceError for a lost one."""
        try:
            return self._ray.get(next(answers))
        except StopIteration:
            return None
        except self._ray.exceptions.RayError as error:
            raise ResourceError(
                f"Ray gave up a task after {RETRIES_MAX} more tries: {_first_line(error)}; perhaps "
                f"for want of memory, or because workers keep going away. Look at the cluster; "
                f"{RESUMES}."
            ) from error

    def _cancel(self, running: Sequence[Any]) -> None:
        """Stops what is under way: politely, so that staged files are discarded, then surely."""
        if not running or not self._ray.is_initialized():
            return
        for force in (False, True):
            for answers in running:
                # Cancelling what ended meanwhile is no error of ours.
                with suppress(self._ray.exceptions.RayError, ValueError):
                    self._ray.cancel(answers, force=force)
            ends = [answers.completed() for answers in running]
            _, left = self._ray.wait(ends, num_returns=len(ends), timeout=PATIENCE_SECONDS)
            if not left:
                return


def _require_somebody(address: str) -> None:
    """Raises OSError where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()


def _loaded() -> Any:
    """The package. Raises MissingExtraError."""
    # Our runs tell nobody of themselves, and change nobody's devices.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "Ray is not installed, which run.executor=ray needs; `pip install 'fauxpay[ray]'`, or "
            "use --executor processes"
        ) from error
    return ray


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
