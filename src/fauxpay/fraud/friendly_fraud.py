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
from fauxpay.foundations.draws import F64
from fauxpay.fraud.exposure import online_exposure
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.pull import Purchases, days_after, last_of, purchases
from fauxpay.fraud.story import Attacks, Compromises, Disputes, Story, empty


@dataclass(frozen=True, slots=True)
class FriendlyFraud:
    """Nobody stole anything: only the bank will say fraud."""

    name: str = "friendly_fraud"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """The first online purchase of the next days that is dear enough to be regretted."""
        activity, facts = ground.activity, ground.facts
        victims = ground.victims(*online_exposure(ground))
        days = int(facts["window_days"])
        owner, day = days_after(activity, victims.moment_ms, days, ground.end_day)
        bought = purchases(activity, victims.card[owner], day)
        asked = owner[bought.cell]
        regretted = bought.is_approved & (bought.kind == ONLINE)
        # What was cancelled within the day is never on the bill.
        regretted &= ~bought.is_reversed
        regretted &= bought.at_ms >= victims.moment_ms[asked]
        regretted &= ground.chance("dear", bought.address, _dearness(ground, bought))
        row = np.flatnonzero(regretted)
        # The first, so that a later end of the window changes nothing before it.
        found = last_of(asked[row], -bought.at_ms[row], victims.card.size)
        chosen = row[found[found >= 0]]
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


def _dearness(ground: Ground, bought: Purchases) -> F64:
    """Chance that a purchase is worth a quarrel, rising with its size in reference cents."""
    cents = bought.amount / ground.activity.tables.tickets.scale[bought.merchant]
    return np.minimum(cents / float(ground.facts["dear_cents"]), 1.0)
