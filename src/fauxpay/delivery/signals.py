"""Signals: held back where they must not strike, kept where others take them.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")


@contextmanager
def held(*numbers: signal.Signals) -> Iterator[None]:
    """Held, not ignored: what comes within the block strikes after it. Children inherit it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


@contextmanager
def signals_kept() -> Iterator[None]:
    """Engines take signals for themselves when they start; what they meant before they mean on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, meaning in kept.items():
            signal.signal(number, meaning)


def submitted(
    pool: ThreadPoolExecutor, work: Callable[..., Result], *given: object
) -> Future[Result]:
    """Gives a pool work, as a whole or not at all.

    A pool that is broken off while it starts a thread does not know it and does not wait for it:
    what the thread stages would stay.
    """
    with held(signal.SIGINT, signal.SIGTERM):
        return pool.submit(work, *given)
