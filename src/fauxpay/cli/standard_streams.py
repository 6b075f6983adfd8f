"""Standard streams that a scheduler closed, filled up or stopped reading must end no command.

Progress, log lines and messages go to standard error; what cannot be told there changes neither
what is done nor the exit code. Results go to standard output, where a full disk stays an error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

_STANDARD = (0, 1, 2)


@contextmanager
def streams_kept() -> Iterator[None]:
    """Within the block all three are there, and standard error takes whatever is told."""
    before = sys.stdout, sys.stderr
    _fill_handles()
    # None where Python found the handle closed.
    sys.stdout = before[0] or os.fdopen(1, "w", closefd=False)
    sys.stderr = cast("TextIO", _Forgiving(before[1] or os.fdopen(2, "w", closefd=False)))
    try:
        yield
    finally:
        sys.stderr.flush()
        if before[0] is not None:
            sys.stdout = before[0]
        if before[1] is not None:
            sys.stderr = before[1]


def _fill_handles() -> None:
    """Closed ones lead nowhere: else the next file has the number, and warnings in it."""
    for handle in _STANDARD:
        try:
            os.fstat(handle)
        except OSError:
            # The lowest free number is given out: those below are taken.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


class _Forgiving:
    """A stream whose writer does not notice that nobody reads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes what can be written."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Empties the buffer, where it can be."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
