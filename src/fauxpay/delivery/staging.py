"""Staging: names of what is not finished yet, which say who makes it.

Reads    the machine's name and boot, the process's namespace of numbers
Writes   nothing
Draws    nothing
Sources  nothing

A root may be shared by machines and containers, and each counts its processes for itself: a number
alone says nothing to another one, so a name also says whose number it is.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BEGUN = time.time()
"""Before this process staged anything."""

_HOME_DIGITS = 12
_STAGED = re.compile(rf"(\d+)-(?:([0-9a-f]{{{_HOME_DIGITS}}})-)?.+")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NUMBERS = "/proc/self/ns/pid"


@dataclass(frozen=True, slots=True)
class Maker:
    """Who stages something: a process, by its number in a home; "" where the name has none."""

    pid: int
    home: str

    @property
    def is_ours(self) -> bool:
        """Whether this process can ask after it."""
        return self.home in ("", home())


@cache
def home() -> str:
    """Where process numbers mean what they mean here: this boot of this machine or container."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(_BOOT.read_text())
    with suppress(OSError):
        parts.append(os.readlink(_NUMBERS))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_HOME_DIGITS]


def is_alive(pid: int) -> bool:
    """Whether a process of this machine has the number; in doubt it has."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def is_gone(maker: Maker, touched_at: float, elsewhere: float) -> bool:
    """Whether nobody makes any more what a process staged.

    elsewhere  seconds since 1970; what another machine's process touched later may be made still
    """
    if not maker.is_ours:
        return touched_at <= elsewhere
    # In a container all are number 1, one after the other: what is older than we is not ours.
    is_other = maker.pid == os.getpid() and touched_at < BEGUN
    return is_other or not is_alive(maker.pid)


def staged_name(what: str) -> str:
    """A name for something that this process stages."""
    return f"{os.getpid()}-{home()}-{what}"


def maker_of(name: str) -> Maker | None:
    """Who stages what has a name; None for a name that nobody gave."""
    found = _STAGED.fullmatch(name)
    return None if found is None else Maker(int(found[1]), found[2] or "")
