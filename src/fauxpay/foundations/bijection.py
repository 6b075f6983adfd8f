"""Ids: keyed bijections of addresses on 63 bits. Stable, unique without a registry, opaque.

Each step (odd multiplication, xor with an own right shift, xor with a key) can be undone modulo
2**63, so no two addresses share an id; the keys come from the seed, so an id tells nobody the
card, the day or the order. Positive int64, because that is what every reader has.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from fauxpay.foundations.draws import I64, U64

_MASK = np.uint64(2**63 - 1)
_SHIFTS = (np.uint64(32), np.uint64(29), np.uint64(32))


@dataclass(frozen=True, slots=True)
class IdLaw:
    """Three odd multipliers, their inverses modulo 2**63, and a whitening key."""

    multipliers: tuple[np.uint64, ...]
    inverses: tuple[np.uint64, ...]
    whitening: np.uint64

    @staticmethod
    def of(seed: int, name: str) -> IdLaw:
        """The law of a table's ids under a seed."""
        digest = hashlib.sha512(f"fauxpay-id/{seed}/{name}".encode()).digest()
        words = [int.from_bytes(digest[i : i + 8], "little") % 2**63 for i in range(0, 32, 8)]
        odd = [word | 1 for word in words[:3]]
        return IdLaw(
            multipliers=tuple(np.uint64(word) for word in odd),
            inverses=tuple(np.uint64(pow(word, -1, 2**63)) for word in odd),
            whitening=np.uint64(words[3]),
        )

    def ids(self, address: U64, out: I64 | None = None) -> I64:
        """Ids of addresses (u64[n], each < 2**63) as non-negative int64[n]."""
        word = np.bitwise_xor(
            address, self.whitening, out=None if out is None else out.view(np.uint64)
        )
        scratch = np.empty_like(word)
        for multiplier, shift in zip(self.multipliers, _SHIFTS, strict=True):
            np.multiply(word, multiplier, out=word)
            np.bitwise_and(word, _MASK, out=word)
            np.right_shift(word, shift, out=scratch)
            np.bitwise_xor(word, scratch, out=word)
        return word.view(np.int64)

    def addresses(self, ids: I64) -> U64:
        """The addresses that `ids` would turn into these ids."""
        word = ids.astype(np.uint64)
        for inverse, shift in zip(reversed(self.inverses), reversed(_SHIFTS), strict=True):
            word ^= (word >> shift) ^ (word >> np.uint64(2 * int(shift)))
            word *= inverse
            word &= _MASK
        return word ^ self.whitening
