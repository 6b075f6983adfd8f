"""Outbox: publications that go out while the next partitions are made.

Reads    nothing
Writes   what it is given, in order
Draws    nothing
Sources  nothing

A folder takes files as fast as they are made, so there each is published at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fauxpay.receipts.records import PartitionReceipt

Receipts = Sequence["PartitionReceipt"]
# What waits is held in memory.
WAITING_MAX = 2


class Outbox:
    """Takes publications one after the other; a context manager that waits for the last."""

    def __init__(self, *, is_slow: bool) -> None:
        self._thread = ThreadPoolExecutor(1) if is_slow else None
        self._waiting: deque[Future[Receipts]] = deque()

    def post(self, publish: Callable[[], Receipts]) -> list[PartitionReceipt]:
        """Publishes now or soon; returns what has become public meanwhile.

        Raises what an earlier publication raised.
        """
        if self._thread is None:
            return list(publish())
        self._waiting.append(self._thread.submit(publish))
        return self._taken(lambda: self._waiting[0].done() or len(self._waiting) > WAITING_MAX)

    def rest(self) -> list[PartitionReceipt]:
        """Waits for all that was posted; returns what has become public."""
        return self._taken(lambda: True)

    def close(self) -> None:
        """Drops what has not begun, and waits for what has."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def _taken(self, is_due: Callable[[], bool]) -> list[PartitionReceipt]:
        taken: list[PartitionReceipt] = []
        while self._waiting and is_due():
            taken += self._waiting.popleft().result()
        return taken
