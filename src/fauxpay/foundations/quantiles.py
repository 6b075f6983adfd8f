"""Quantile tables: a draw from any distribution by table, log-spaced in the upper tail.

Equal steps would cut the tail. Here a 32-bit draw u is the upper-tail probability u / 2**32, and
the table is indexed by the exponent and leading mantissa bits of float64(u): every halving of the
tail has the same number of points. Between points the value is interpolated; only IEEE additions,
multiplications and exact conversions are used, which are the same on every CPU.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from fauxpay.foundations.draws import F64, I64, U64
from fauxpay.foundations.rounding import rounded

MANTISSA_BITS = 5
OCTAVES = 32
TABLE_SIZE = OCTAVES << MANTISSA_BITS
_LEAST_BETWEEN = 1e-6
_SHIFT = np.int64(52 - MANTISSA_BITS)
_BIAS = np.int64(1023 << MANTISSA_BITS)
_FRACTION_MASK = np.int64((1 << (52 - MANTISSA_BITS)) - 1)
_FRACTION_UNIT = 2.0 ** -(52 - MANTISSA_BITS)


def tail_probabilities() -> F64:
    """Upper-tail probability at each table point and one beyond: f64[TABLE_SIZE + 1]."""
    index = np.arange(TABLE_SIZE + 1)
    octave, step = index >> MANTISSA_BITS, index & ((1 << MANTISSA_BITS) - 1)
    draw: F64 = np.ldexp(1.0 + step / (1 << MANTISSA_BITS), octave)
    return draw / 2.0**32


@lru_cache(maxsize=256)
def _normal_scores(beyond: float, within: float) -> F64:
    """Standard normal value at each of `tail_probabilities`, laid between two tails.

    beyond < within; values are at most 7 deviations away.
    """
    tails = beyond + tail_probabilities() * (within - beyond)
    below = np.clip(1.0 - tails, 1e-12, 1 - 1e-12)
    return np.array(list(map(NormalDist().inv_cdf, below.tolist())))


def _tail(median: float, log_sd: float, bound: float) -> float:
    """Share of a lognormal law above a bound."""
    if bound <= 0.0:
        return 1.0
    # Rounded: it must not hang on the last bit of a machine's logarithm.
    return round(1.0 - NormalDist().cdf(math.log(bound / median) / log_sd), 9)


@lru_cache(maxsize=256)
def lognormal_table(median: float, log_sd: float, low: float, high: float) -> F64:
    """Quantiles of a lognormal law between low and high: f64[1, TABLE_SIZE + 1], read only.

    Drawn between the bounds, not cut at them: else all that lies beyond would be alike to the last
    digit, and gaps between payments cut at a minute gave thieves away. A law that has hardly
    anything between its bounds is cut. Rounded to 9 significant digits, so that it can be sealed;
    built once a process.
    """
    beyond, within = 0.0, 1.0
    if log_sd > 0.0:
        tails = _tail(median, log_sd, high), _tail(median, log_sd, low)
        beyond, within = tails if tails[1] - tails[0] > _LEAST_BETWEEN else (beyond, within)
    value = median * np.exp(log_sd * _normal_scores(beyond, within))
    table = rounded(np.clip(value, low, high), 9)[None, :]
    table.flags.writeable = False
    return table


def tail_index(draw32: U64) -> tuple[I64, F64]:
    """(index, fraction in [0, 1)) of 32-bit draws; a draw of 0 counts as 1."""
    as_float = np.maximum(draw32, np.uint64(1)).astype(np.float64)
    pattern = as_float.view(np.int64)
    index = (pattern >> _SHIFT) - _BIAS
    fraction = (pattern & _FRACTION_MASK).astype(np.float64)
    fraction *= _FRACTION_UNIT
    return index, fraction


def look_up(tables: F64, row: I64, index: I64, fraction: F64) -> F64:
    """Interpolated values; tables f64[rows, TABLE_SIZE + 1], row i64[n]."""
    flat = tables.reshape(-1)
    position = row * np.int64(TABLE_SIZE + 1)
    position += index
    low = flat.take(position, mode="clip")
    position += 1
    high = flat.take(position, mode="clip")
    high -= low
    high *= fraction
    high += low
    return high
