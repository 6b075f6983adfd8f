"""Friendly fraud: the true customer disputes a purchase that he made himself.

Reads    purchases of cards
Writes   disputes; truth stays genuine
Draws    fraud/friendly_fraud/*
Sources  parameters.yaml [friendly_fraud]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.activity.rows import ONLINE
from fauxpay.fraud.exposure import online_exposure
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.pull import days_before, last_of, purchases
from fauxpay.fraud.story import Attacks, Compromises, Disputes, Story, empty


@dataclass(frozen=True, slots=True)
class FriendlyFraud:
    """Nobody stole anything: only the bank will say fraud."""

    name: str = "friendly_fraud"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """The dearest of the last days' online purchases is the one that is regretted."""
        activity = ground.activity
        victims = ground.victims(*online_exposure(ground))
        owner, day = days_before(activity, victims.moment_ms, int(ground.facts["window_days"]))
        bought = purchases(activity, victims.card[owner], day)
        asked = owner[bought.cell]
        row = np.flatnonzero(bought.is_approved & (bought.kind == ONLINE))
        found = last_of(asked[row], bought.amount[row], victims.card.size)
        chosen = np.unique(row[found[found >= 0]])
        # Two regrets may meet in one purchase: it is disputed once.
        _, first = np.unique(bought.address[chosen], return_index=True)
        chosen = chosen[first]
        count = chosen.size
        disputes = Disputes(
            bought.address[chosen],
            bought.card[chosen],
            bought.day[chosen],
            np.full(count, ground.code),
        )
        return Story(empty(Compromises), empty(Attacks), disputes)
