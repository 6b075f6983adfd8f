"""Offered: what installed packages offer, and what to say of a name that nobody does.

Reads    entry points of a group
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from importlib.metadata import EntryPoint, entry_points

NEAR_ENOUGH = 0.6


def offered(group: str, ours: Collection[str]) -> dict[str, EntryPoint]:
    """Entry points of installed packages by name, but for names that are ours.

    Ours are no package metadata, so that a plain checkout has them; nor is this asked where they
    do, for it reads the metadata of every installed package.
    """
    return {point.name: point for point in entry_points(group=group) if point.name not in ours}


def one_of(name: str, ours: Iterable[str], others: Iterable[str], group: str) -> str:
    """What is allowed in place of an unknown name, with the nearest known one."""
    known = [*ours, *sorted(others)]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=NEAR_ENOUGH)
    hint = f"; did you mean {near[0]}?" if near else ""
    return (
        f"one of {', '.join(known)}, or what an installed package offers in the group {group}{hint}"
    )
