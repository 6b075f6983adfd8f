"""Rounding to significant digits, for what is sealed: no value may hang on a CPU's last bit.

Powers, logarithms and sums differ in their last bits from one machine to the next; six or nine
digits of them do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from fauxpay.foundations.draws import F64

_EXACT_POWER_MAX = 22  # 10**22 is the last power of ten that a float64 holds exactly.
_DOUBT = 1e-6


def sum_in_order(values: Iterable[float]) -> float:
    """The sum of numbers from the first to the last, the same by every Python.

    The built-in `sum` keeps from Python 3.12 on what each addition of floats rounds away: a last
    bit, on which the ninth digit of a share hung, and slots of a draw table on that.
    """
    return reduce(add, values, 0.0)


def rounded(values: Any, digits: int = 6) -> F64:
    """Values at so many significant digits, as `float(f"{value:.{digits}g}")` says: f64[n].

    Where a power of ten is exact, so is the quotient that is nearest to the decimal number. Values
    too near to the middle between two numbers, or out of that range, are written out and read.
    """
    assert 1 <= digits <= 9
    value = np.ravel(np.asarray(values, dtype=np.float64))
    size = np.abs(value)
    # Guessed by a logarithm, and put right below whatever its last bit says.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        places = (digits - 1) - np.floor(np.log10(size))
        up = 10.0 ** np.clip(places, 0, _EXACT_POWER_MAX)
        down = 10.0 ** np.clip(-places, 0, _EXACT_POWER_MAX)
        scaled = size * up / down
        whole = np.rint(scaled)
        told: F64 = np.copysign(whole / up * down, value)
        doubt = np.abs(np.abs(scaled - whole) - 0.5) < _DOUBT
        doubt |= ~((whole > 10.0 ** (digits - 1)) & (whole < 10.0**digits))
        doubt |= ~(np.abs(places) <= _EXACT_POWER_MAX)
    told[doubt] = [float(f"{one:.{digits}g}") for one in value[doubt].tolist()]
    return told
