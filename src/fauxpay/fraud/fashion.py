"""Fashion: how thieves of all crews work at a time: in haste or with patience, dear or cheap.

Reads    parameters [fraud.fashion]
Writes   factors and shifts
Draws    fraud/fashion
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


def leanings(law: Mapping[str, Any], seed: int, what: str, at_ms: I64) -> F64:
    """-1..1 at each moment: how far a measure is from its law; the mean of a period is nought."""
    low, high = law["period_days"]
    own = uniform(draw(stream_key(seed, "fraud/fashion"), np.arange(2, dtype=np.uint64)))
    period = low + (high - low) * float(own[0])
    phase = float(own[1]) - float(law["lag"][what])
    step_days = int(law["step_days"])
    step, of = np.unique(at_ms // (step_days * DAY_MS), return_inverse=True)
    swing = [math.sin(2 * math.pi * (one * step_days / period + phase)) for one in step.tolist()]
    # Rounded: a sine may differ by a bit between machines.
    rounded: F64 = np.round(np.array(swing), 6)
    return rounded[of]


def shifts(law: Mapping[str, Any], seed: int, what: str, at_ms: I64) -> F64:
    """What is added to a probability at each moment; over a period they cancel."""
    return float(law["shares"][what]) * leanings(law, seed, what, at_ms)


def factors(law: Mapping[str, Any], seed: int, what: str, at_ms: I64) -> F64:
    """Factors on a measure at each moment; over a period their logarithms cancel."""
    octaves = float(law["octaves"][what]) * leanings(law, seed, what, at_ms)
    known, of = np.unique(octaves, return_inverse=True)
    # Rounded for the same reason.
    return np.array([round(2.0**one, 6) for one in known.tolist()], dtype=np.float64)[of]
