"""Stopping: Ctrl-C and SIGTERM end a command alike: tidied up, said in one line, code 128 + signal.

SIGTERM is what Airflow, Kubernetes, systemd and `kill` send. Python would die of it on the spot and
leave workers and staged files behind, so it is raised here like a Ctrl-C.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 3.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the command to end. No Exception, so that nothing takes it for a fault."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def stops_raised() -> Iterator[None]:
    """Within the block the first signal raises `Stopped`.

    One that follows soon finds us tidying up, which it would only spoil; a later one is raised
    again, in case something hangs or has swallowed the first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last = -PATIENCE_SECONDS

    def stop(number: int, frame: object) -> None:
        nonlocal last
        del frame
        now = time.monotonic()
        if now - last < PATIENCE_SECONDS:
            return
        last = now
        raise Stopped(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    # Who started us with a signal ignored, as nohup and a shell's & do, does not want it.
    raised = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
    for number in raised:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in raised:
            signal.signal(number, before[number])
