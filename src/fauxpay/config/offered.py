"""Offered: what to say of a name that neither we nor an installed package offers.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NEAR_ENOUGH = 0.6


def one_of(name: str, ours: Iterable[str], others: Iterable[str], group: str) -> str:
    """What is allowed in place of an unknown name, with the nearest known one."""
    known = [*ours, *sorted(others)]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=NEAR_ENOUGH)
    hint = f"; did you mean {near[0]}?" if near else ""
    return (
        f"one of {', '.join(known)}, or what an installed package offers in the group {group}{hint}"
    )
