"""Dask: an executor of one's own. Partitions are made by the workers of a Dask cluster.

Reads    DASK_SCHEDULER_ADDRESS; without it a cluster is started on this machine
Writes   nothing of its own; workers write partitions
Draws    nothing
Sources  nothing

A task makes a block of stretches with `fauxpay.delivery.remote.make_block` and answers with
receipts. Dask gives the task of a worker that went away to another one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from distributed import Client, KilledWorker, LocalCluster, as_completed

from fauxpay.delivery.blocks import Block, blocks
from fauxpay.delivery.engines import EngineExecutor
from fauxpay.delivery.executors import core_count
from fauxpay.delivery.remote import Answer, Errand, make_block, receipts_of
from fauxpay.errors import ResourceError

if TYPE_CHECKING:
    from fauxpay.delivery.executors import OnRows
    from fauxpay.delivery.task import Context, Stretch
    from fauxpay.receipts.records import PartitionReceipt


def answers_of(errand: Errand, block: Block) -> list[Answer]:
    """In a worker: the answers for a block."""
    return list(make_block(errand, block))


class DaskExecutor(EngineExecutor):
    """Dask futures, on a cluster that is connected to or started by the first word of work."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._cluster: Any = None
        self._client: Any = None

    def cores(self) -> int:
        """The threads of all workers."""
        return sum(self._client.nthreads().values())

    def run(
        self, stretches: Sequence[Stretch], context: Context, on_rows: OnRows
    ) -> Iterator[PartitionReceipt]:
        """See `fauxpay.delivery.executors.Executor.run`; rows are told of block by block."""
        if not stretches:
            return
        count, client = self.worker_count, self._client
        errand = client.scatter(Errand(context), broadcast=True)
        waiting = list(blocks(stretches, count))[::-1]
        futures: Any = as_completed()
        try:
            for _ in range(min(count, len(waiting))):
                futures.add(client.submit(answers_of, errand, waiting.pop(), pure=False))
            for future in futures:
                for answer in _result(future):
                    yield from receipts_of(answer, on_rows)
                if waiting:
                    futures.add(client.submit(answers_of, errand, waiting.pop(), pure=False))
        finally:
            self._cancel(list(futures.futures))

    def close(self) -> None:
        """Lets go of the cluster; ends it where it is ours."""
        for one in (self._client, self._cluster):
            if one is not None:
                one.close()
        self._client = self._cluster = None

    def _cancel(self, futures: list[Any]) -> None:
        """Stops what is under way.

        A task that runs cannot be interrupted, but its process can: where the workers are ours.
        Those of a cluster of others end their block, which nobody asks for any more.
        """
        if futures:
            self._client.cancel(futures)
            if self._cluster is not None:
                self._client.restart()

    def connect(self) -> None:
        """Connects to the scheduler that is named, else starts workers on this machine."""
        if self._client is None:
            address = os.environ.get("DASK_SCHEDULER_ADDRESS")
            if not address:
                # One thread each: a workshop serves one task at a time.
                self._cluster = LocalCluster(
                    n_workers=self.wanted or core_count(),
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address=None,
                )
            self._client = Client(address or self._cluster)


def _result(future: Any) -> list[Answer]:
    try:
        answers: list[Answer] = future.result()
    except KilledWorker as error:
        raise ResourceError(
            f"Dask gave up a task: {error}. Look at the workers; the same command resumes."
        ) from error
    return answers
