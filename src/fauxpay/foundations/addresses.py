"""Addresses: of servers and places, as they may be shown.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from urllib.parse import urlsplit


def masked(target: str) -> str:
    """A target as it may be shown: without user, password and query."""
    parts = urlsplit(target)
    if not parts.netloc:
        return target
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
