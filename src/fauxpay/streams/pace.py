"""Pace: when each event is due, by the wall clock.

Reads    times of events
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from fauxpay.foundations.draws import F64, I64

TICK_SECONDS = 0.02
SLICE_EVENTS = 5000


@dataclass(slots=True)
class Pace:
    """As fast as the receiver takes them, unless one of both is given.

    speed  seconds of the world in a second of ours
    rate   events a second
    """

    speed: float | None = None
    rate: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _begun: float | None = field(default=None, init=False)
    _first_us: int = field(default=0, init=False)
    _sent: int = field(default=0, init=False)

    def slices(self, time_us: I64) -> Iterator[slice]:
        """Runs of events, each given out when it is due; their times never fall.

        A receiver that is slow is not made up for by a flood: what is due meanwhile comes in slices
        of SLICE_EVENTS, each only when the one before was taken.
        """
        if self._begun is None:
            self._begun, self._first_us = self.clock(), int(time_us[0])
        due, done = self._due(time_us), 0
        while done < time_us.size:
            now = self.clock() - self._begun
            end = min(int(np.searchsorted(due, now, side="right")), done + SLICE_EVENTS)
            if end == done:
                self.sleep(min(float(due[done]) - now, 1.0))
                continue
            yield slice(done, end)
            self._sent += end - done
            done = end
            if self.speed or self.rate:
                # Some at a time: a system call for each event would cost more than the event.
                self.sleep(TICK_SECONDS if end < time_us.size and due[end] > now else 0.0)

    def _due(self, time_us: I64) -> F64:
        """Seconds from the beginning at which each is due."""
        due: F64 = np.zeros(time_us.size)
        if self.rate:
            due = (self._sent + np.arange(time_us.size)) / self.rate
        elif self.speed:
            due = (time_us - self._first_us) / 1e6 / self.speed
        return due
