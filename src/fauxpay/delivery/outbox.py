"""Outbox: publications that go out while the next partitions are made.

Reads    nothing
Writes   what it is given, in order
Draws    nothing
Sources  nothing

Waiting for a disk to say that bytes are durable, or for a store to take them, needs no processor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from fauxpay.delivery.signals import submitted

if TYPE_CHECKING:
    from fauxpay.delivery.sinks import Sink
    from fauxpay.receipts.records import PartitionReceipt

Receipts = Sequence["PartitionReceipt"]
# What waits is held in memory, or on the disk below a name that nobody knows.
WAITING_MAX = 2


class Outbox:
    """Takes publications one after the other; `closing` it drops what has not begun.

    sink         where they go
    is_threaded  whether they go out beside the work; at once otherwise
    """

    def __init__(self, sink: Sink, *, is_threaded: bool) -> None:
        self.sink = sink
        self._thread = ThreadPoolExecutor(1) if is_threaded else None
        self._waiting: deque[tuple[Future[Receipts], Callable[[], None]]] = deque()

    def post(
        self, publish: Callable[[], Receipts], give_up: Callable[[], None]
    ) -> list[PartitionReceipt]:
        """Publishes now or soon; returns what has become public meanwhile.

        give_up  is called instead where the outbox is closed before it began
        Raises what an earlier publication raised.
        """
        if self._thread is None:
            return list(publish())
        self._waiting.append((submitted(self._thread, publish), give_up))
        return self._taken(lambda: self._waiting[0][0].done() or len(self._waiting) > WAITING_MAX)

    def rest(self) -> list[PartitionReceipt]:
        """Waits for all that was posted; returns what has become public."""
        return self._taken(lambda: True)

    def close(self) -> None:
        """Drops what has not begun, and waits for what has."""
        if self._thread is None:
            return
        # The last first: else the thread begins the next while the one before is dropped.
        for future, give_up in reversed(self._waiting):
            if future.cancel():
                give_up()
        self._thread.shutdown()

    def _taken(self, is_due: Callable[[], bool]) -> list[PartitionReceipt]:
        taken: list[PartitionReceipt] = []
        while self._waiting and is_due():
            taken += self._waiting.popleft()[0].result()
        return taken
