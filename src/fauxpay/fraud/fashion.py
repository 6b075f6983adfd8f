"""Fashion: how thieves of all crews work at a time: in haste or not, in few shops or many.

Reads    parameters [fraud.fashion]
Writes   swings, factors and shifts
Draws    fraud/fashion, and the streams that are named
Sources  parameters.yaml

Tools, advice and rules of banks spread at once, so it is the trade that changes, not a crew. Each
measure swings slowly around its law, some ahead of others: so manners go round, and after a
quarter nothing is as it was. All is a pure function of seed and moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.foundations.draws import F64, I64, draw, stream_key, uniform


def swings(law: Mapping[str, Any], seed: int, stream: str, lead: float, day: I64) -> F64:
    """A slow sine by day, the same within a step; to be rounded, as machines differ by a bit.

    law   {period_days: least and most, step_days}; period and phase are the seed's in the stream
    lead  part of the period by which it is ahead
    """
    low, high = law["period_days"]
    own = uniform(draw(stream_key(seed, stream), np.arange(2, dtype=np.uint64)))
    period, phase = low + (high - low) * float(own[0]), float(own[1]) + lead
    step, of = np.unique(day // int(law["step_days"]), return_inverse=True)
    first = (step * int(law["step_days"])).tolist()
    found: F64 = np.array([math.sin(2 * math.pi * (one / period + phase)) for one in first])[of]
    return found


def leanings(law: Mapping[str, Any], seed: int, what: str, at_ms: I64) -> F64:
    """-1..1 at each moment: how far a measure is from its law; the mean of a period is nought."""
    lead = -float(law["lag"][what])
    return np.round(swings(law, seed, "fraud/fashion", lead, at_ms // DAY_MS), 6)


def shifts(law: Mapping[str, Any], seed: int, what: str, at_ms: I64) -> F64:
    """What is added to a probability at each moment; over a period they cancel."""
    return float(law["shares"][what]) * leanings(law, seed, what, at_ms)


def factors(law: Mapping[str, Any], seed: int, what: str, at_ms: I64) -> F64:
    """Factors on a measure at each moment; over a period their logarithms cancel."""
    octaves = float(law["octaves"][what]) * leanings(law, seed, what, at_ms)
    known, of = np.unique(octaves, return_inverse=True)
    # Rounded, as a power too may differ by a bit between machines.
    return np.array([round(2.0**one, 6) for one in known.tolist()], dtype=np.float64)[of]
