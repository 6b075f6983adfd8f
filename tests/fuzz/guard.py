"""Guard: what no execution may do - touch files elsewhere, reach for the network, or hang."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import fauxpay

SECONDS_MAX = 5.0
_NEVER = (
    *("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system"),
    *("os.exec", "os.posix_spawn", "os.fork", "pty.spawn", "ctypes.dlopen"),
)
_READABLE = tuple(
    os.path.realpath(folder)
    for folder in (
        sys.prefix,
        sys.base_prefix,
        sysconfig.get_path("stdlib"),
        Path(fauxpay.__file__).parent,
        Path(__file__).parents[1],
        "/usr/share/zoneinfo",
    )
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class Hang(BaseException):
    """An execution took longer than it may; no handler of Exception can swallow it."""


@dataclass
class _Watch:
    folder: str = ""
    violations: list[str] = field(default_factory=list)
    is_installed: bool = False


_WATCH = _Watch()


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if not _WATCH.folder:
        return
    if event in _NEVER:
        _WATCH.violations.append(f"{event} {arguments!r}"[:300])
    elif event in ("open", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink"):
        path = arguments[1 if event == "os.symlink" else 0]
        if isinstance(path, int) or path is None:
            return
        whole = os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]
        parent, name = os.path.split(whole)
        # What names a link does not touch what it leads to; what opens it does.
        real = os.path.realpath(whole) if event == "open" else f"{os.path.realpath(parent)}/{name}"
        flags = arguments[2] if event == "open" else _WRITES
        is_read = isinstance(flags, int) and not flags & _WRITES
        if not real.startswith((_WATCH.folder, *(_READABLE if is_read else ()))):
            _WATCH.violations.append(f"{event} {real}"[:300])


def _ring(number: int, frame: object) -> None:
    raise Hang(f"longer than {SECONDS_MAX} s")


@contextmanager
def guarded(folder: Path) -> Iterator[list[str]]:
    """Watch one execution; what it touches beyond `folder` is listed in what this yields."""
    if not _WATCH.is_installed:
        sys.addaudithook(_audit)
        signal.signal(signal.SIGALRM, _ring)
        _WATCH.is_installed = True
    _WATCH.violations = []
    _WATCH.folder = os.path.realpath(folder)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_MAX)
    try:
        yield _WATCH.violations
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _WATCH.folder = ""
