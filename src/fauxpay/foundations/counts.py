"""Counts: Poisson draws for rates on a geometric grid, by two small integer tables.

The first table holds floor(p * 4096) slots for each count; what the floors leave over is drawn
from a second table with 12 further bits. So a tail of 2**-24 is kept and the tables stay small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fauxpay.foundations.alias import slots
from fauxpay.foundations.draws import F64, I64, U64, bits

GRID_STEPS = 256
GRID_STEPS_PER_OCTAVE = 16
GRID_LOWEST_LOG2 = -11.0
SLOT_BITS = 12
COUNT_MAX = 250
_SLOTS = 1 << SLOT_BITS
_ESCAPE = 255


@dataclass(frozen=True, slots=True)
class CountTables:
    """body, tail  u8[GRID_STEPS * 4096]: the count of a slot; 255 in body means: look in tail."""

    body: NDArray[np.uint8]
    tail: NDArray[np.uint8]

    def draw(self, rate_index: I64, word: U64) -> I64:
        """One count per row from bits 0..23 of word; rate_index i64[n] on the grid."""
        row = rate_index << np.int64(SLOT_BITS)
        count = self.body.take(row + bits(word, 0, SLOT_BITS), mode="clip").astype(np.int64)
        rare = np.flatnonzero(count == _ESCAPE)
        if rare.size:
            count[rare] = self.tail[row[rare] + bits(word[rare], SLOT_BITS, SLOT_BITS)]
        return count


def grid_rates() -> F64:
    """The rates of the grid, events per cell: 2**-11 to about 30."""
    step = np.arange(GRID_STEPS) / GRID_STEPS_PER_OCTAVE
    return np.exp2(GRID_LOWEST_LOG2 + step)


def grid_position(rate: F64) -> F64:
    """Position of rates on the grid, unrounded and unclipped; adding positions multiplies rates."""
    octaves: F64 = np.log2(rate) - GRID_LOWEST_LOG2
    return octaves * GRID_STEPS_PER_OCTAVE


@lru_cache(maxsize=1)
def _log_factorials() -> F64:
    return np.array([math.lgamma(count + 1) for count in range(COUNT_MAX + 1)])


def poisson_probabilities(rate: float) -> F64:
    """P(count) for 0..COUNT_MAX, the rest of the tail in the last entry."""
    p: F64 = np.exp(np.arange(COUNT_MAX + 1) * math.log(rate) - rate - _log_factorials())
    p[-1] += max(0.0, 1.0 - p.sum())
    shares: F64 = p / p.sum()
    return shares


def count_tables() -> CountTables:
    """Tables for every rate of the grid."""
    body = np.empty((GRID_STEPS, _SLOTS), dtype=np.uint8)
    residues = []
    for row, rate in enumerate(grid_rates().tolist()):
        p = np.round(poisson_probabilities(rate), 12)
        whole = np.floor(p * _SLOTS).astype(np.int64)
        filled = np.repeat(np.arange(COUNT_MAX + 1, dtype=np.uint8), whole)
        body[row, : filled.size] = filled
        body[row, filled.size :] = _ESCAPE
        residues.append(np.maximum(np.round(p * _SLOTS - whole, 9), 0.0))
    return CountTables(body.reshape(-1), slots(residues, _SLOTS))
