"""Engines: what the executors of Ray, Spark, Dask and others of their kind have in common.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from fauxpay.delivery.executors import Closed


class EngineExecutor(Closed, ABC):
    """An executor on a cluster that is there already, or is started by the first word of work.

    wanted  tasks at a time, 0 for as many as the cluster has cores
    """

    def __init__(self, workers: int) -> None:
        self.wanted = workers

    @abstractmethod
    def connect(self) -> None:
        """Connects, or starts a cluster, which takes some seconds; nothing the second time."""

    @abstractmethod
    def cores(self) -> int:
        """Cores of the cluster that is connected to."""

    @property
    def worker_count(self) -> int:
        """Tasks at a time: the cores of the cluster, and no more than are wanted."""
        self.connect()
        cores = max(1, self.cores())
        return min(self.wanted, cores) if self.wanted else cores

    def warm(self, task_count: int) -> None:
        """Connects while the caller builds the world."""
        if task_count:
            self.connect()
