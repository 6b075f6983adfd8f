"""Streams of fraud: every random decision of a compromise and its attacks, by name."""

from __future__ import annotations

from fauxpay.foundations.draws import U64, draw, stream_key


def word(seed: int, name: str, address: U64) -> U64:
    """64 bits of a named decision of fraud at each address."""
    return draw(stream_key(seed, f"fraud/{name}"), address)
