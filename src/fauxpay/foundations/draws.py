"""Draws: randomness as an address. A pure function of (seed, stream, address), never a state.

Each decision has its own named stream, so a new decision never moves an old one. The function is
splitmix64's finaliser (Stafford's variant 13) over an affine map whose odd multiplier and offset
are taken from SHA-256 of the seed and the stream's name. `docs/decisions/0002` says why not Philox.

Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_FACTOR_1, _FACTOR_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class StreamKey:
    """The affine map of one stream: address * multiplier + offset, modulo 2**64."""

    multiplier: np.uint64
    offset: np.uint64


def stream_key(seed: int, stream: str) -> StreamKey:
    """Key of a named stream under a seed (0 <= seed < 2**63)."""
    assert 0 <= seed < 2**63
    digest = hashlib.sha256(f"fauxpay/{seed}/{stream}".encode()).digest()
    multiplier = int.from_bytes(digest[:8], "little") | 1
    return StreamKey(np.uint64(multiplier), np.uint64(int.from_bytes(digest[8:16], "little")))


def draw(key: StreamKey, address: U64, out: U64 | None = None, scratch: U64 | None = None) -> U64:
    """64 uniform bits per address; `out` and `scratch` may be buffers of the same length.

    address  u64[n]   returns  u64[n]
    """
    out = np.multiply(address, key.multiplier, out=out)
    scratch = np.empty_like(out) if scratch is None else scratch
    np.add(out, key.offset, out=out)
    np.right_shift(out, _SHIFT_1, out=scratch)
    np.bitwise_xor(out, scratch, out=out)
    np.multiply(out, _FACTOR_1, out=out)
    np.right_shift(out, _SHIFT_2, out=scratch)
    np.bitwise_xor(out, scratch, out=out)
    np.multiply(out, _FACTOR_2, out=out)
    np.right_shift(out, _SHIFT_3, out=scratch)
    np.bitwise_xor(out, scratch, out=out)
    return out


def bits(word: U64, shift: int, width: int) -> I64:
    """`width` bits of each word from bit `shift` on, as int64 ready to index a table."""
    assert 0 < width < 64
    assert 0 <= shift <= 64 - width
    field = word >> np.uint64(shift) if shift else word
    if shift + width < 64:
        field = field & np.uint64((1 << width) - 1)
    return field.view(np.int64)


def uniform(word: U64) -> F64:
    """A float in [0, 1) with 53 bits from each word."""
    return (word >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(word: U64, limit: Any) -> I64:
    """A whole number in [0, limit) from the top 32 bits of each word; limit < 2**31."""
    scaled = (word >> np.uint64(32)) * np.asarray(limit, dtype=np.uint64)
    return (scaled >> np.uint64(32)).view(np.int64)


def threshold(probability: float, width: int) -> int:
    """The whole number t for which `bits < t` has the probability, to 2**-width."""
    assert 0.0 <= probability <= 1.0
    return round(probability * (1 << width))
