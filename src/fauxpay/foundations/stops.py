"""Stops: that a signal has asked the process to end, for whoever meets what a library made of it.

What a signal's handler raises may strike within a library that raises an error of its own instead:
DuckDB's is RuntimeError("Query interrupted").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_asked: list[BaseException] = []


def note(stop: BaseException) -> None:
    """Remembers what is about to be raised."""
    _asked[:] = [stop]


def forget() -> None:
    """Begins anew: nobody has asked yet."""
    _asked.clear()


def asked() -> BaseException | None:
    """What was raised to end the process, or None."""
    return _asked[0] if _asked else None


@contextmanager
def kept() -> Iterator[None]:
    """Within the block, what a library made of a stop is that stop again."""
    try:
        yield
    except Exception as error:
        stop = asked()
        if stop is None:
            raise
        raise stop from error
