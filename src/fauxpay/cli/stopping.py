"""Stopping: Ctrl-C and SIGTERM end a command alike: tidied up, said in one line, code 128 + signal.

SIGTERM is what Airflow, Kubernetes, systemd and `kill` send. Python would die of it on the spot and
leave workers and staged files behind, so it is raised here like a Ctrl-C.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fauxpay.foundations import stops

PATIENCE_SECONDS = 3.0
AGAIN_SECONDS = 0.01
_IMPORTING = "<frozen importlib"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the command to end. No Exception, so that nothing takes it for a fault."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)
        self.exit_code = 128 + number


@contextmanager
def stops_raised() -> Iterator[None]:
    """Within the block the first signal raises `Stopped`.

    One that follows soon finds us tidying up, which it would only spoil; a later one is raised
    again, in case something hangs. An import is let end, unless it takes as long.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last, was_stopped = -PATIENCE_SECONDS, False
    asked: float | None = None
    again = _Repeats()
    stops.forget()

    def strike(number: int, frame: FrameType | None) -> None:
        nonlocal last, asked, was_stopped
        if _is_held(number):
            # Another thread took it: it waits for the main one, which starts workers meanwhile.
            _send(signal.Signals(number))
            return
        now = time.monotonic()
        if now - last < PATIENCE_SECONDS:
            return
        asked = now if asked is None else asked
        if now - asked < PATIENCE_SECONDS and _must_wait(frame):
            again.begin(signal.Signals(number))
            return
        last, asked, was_stopped = now, None, True
        again.end()
        stop = Stopped(number)
        stops.note(stop)
        raise stop

    def raise_again(lost: sys.UnraisableHookArgs) -> None:
        # Python drops what is raised in a destructor, such as that of a Parquet writer.
        nonlocal last
        if not isinstance(lost.exc_value, Stopped):
            hook(lost)
            return
        last = -PATIENCE_SECONDS
        again.begin(lost.exc_value.number)

    hook, sys.unraisablehook = sys.unraisablehook, raise_again
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    # Who started us with a signal ignored, as nohup and a shell's & do, does not want it.
    raised = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
    for number in raised:
        signal.signal(number, strike)
    try:
        yield
    finally:
        again.end()
        stops.forget()
        sys.unraisablehook = hook
        for number in raised:
            # Who was stopped is on the way out: a signal on its last steps would only spoil them.
            signal.signal(number, signal.SIG_IGN if was_stopped else before[number])


def _is_held(number: int) -> bool:
    """Whether the main thread, where handlers run, does not want the signal now."""
    if not hasattr(signal, "pthread_sigmask"):
        return False
    return number in signal.pthread_sigmask(signal.SIG_BLOCK, ())


class _Repeats:
    """Sends a signal again, from a thread of its own, until it has struck."""

    def __init__(self) -> None:
        self._is_over = True

    def begin(self, number: signal.Signals) -> None:
        """Begins, where it is not under way."""
        if not self._is_over:
            return
        # Before the thread is there: the first signal may strike before it is known to run.
        self._is_over = False
        threading.Thread(target=self._repeat, args=(number,), daemon=True).start()

    def end(self) -> None:
        """Sends no more."""
        self._is_over = True

    def _repeat(self, number: signal.Signals) -> None:
        while True:
            time.sleep(AGAIN_SECONDS)
            if self._is_over:
                return
            _send(number)


def _must_wait(frame: FrameType | None) -> bool:
    """Whether an exception would do harm, or be lost, where the main thread is now.

    An import that breaks off may keep its lock, for which another thread waits for ever, or make an
    exception of its own of ours; what our own hook raises is only printed.
    """
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_IMPORTING):
            return True
        if code.co_filename == __file__ and code.co_name in ("begin", "raise_again"):
            return True
        frame = frame.f_back
    return False


def _send(number: signal.Signals) -> None:
    """The signal once more, to the main thread, so that it wakes from whatever it waits for."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        _thread.interrupt_main(signal.Signals(number))
