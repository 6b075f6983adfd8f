"""Lost or stolen card: used nearby by whoever found it, until the customer calls.

Reads    cards, places, merchants near the card's place of that day
Writes   compromises, attacks
Draws    fraud/lost_stolen/*
Sources  parameters.yaml [lost_stolen]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fauxpay.activity.rows import CASH, CHIP, CONTACTLESS
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, Ground
from fauxpay.fraud.manner import attacks_of
from fauxpay.fraud.shops import Choice, local_shops
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, compromises_of


@dataclass(frozen=True, slots=True)
class LostStolen:
    """A finder shops with the card in hand: taps below the limit, then cash if the PIN is known."""

    name: str = "lost_stolen"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """Any shop of the place that is open, not the customer's favourites."""
        facts = ground.facts
        victims = ground.victims()
        reported = ground.span_ms("report", victims.address, facts["report_hours"], HOUR_MS)
        campaign = victims.address.view(np.int64)
        compromises = compromises_of(ground, victims, campaign, victims.moment_ms + reported)
        first = ground.span_ms("first_use", victims.address, facts["first_use_minutes"], MINUTE_MS)
        start = victims.moment_ms + first
        is_late = ground.chance("waits", victims.address, facts["waits_share"])
        waited = ground.at_hours(victims.card, start, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["uses"], "gap": facts["use_gap_minutes"]}
        start = np.where(is_late, waited, start)
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": MINUTE_MS})
        rows = ground.rows(uses.card, uses.at_ms, uses.address)
        # Cash last: who tries the machine first loses the card in it.
        last = np.append(np.diff(uses.compromise) != 0, True) if uses.card.size else uses.nth > 0
        cash = ground.chance("cash", uses.address, facts["cash_share"]) & last
        era = ground.era(uses.at_ms, ground.common["campaigns"]["days"])
        where = local_shops(
            ground, rows.place, rows.local_quarter, Choice(uses.address, era, uses.at_ms), cash
        )
        attacks = attacks_of(ground, uses, where, facts["dearer_share"])
        # Without the PIN only a tap is free of questions.
        taps = (attacks.entry_mode == CHIP) & ground.chance(
            "taps", uses.address, facts["tap_share"]
        )
        can_tap = ground.activity.world.terminals.is_contactless[attacks.terminal]
        taps &= (
            can_tap & ground.activity.world.cards.is_contactless[uses.card] & (attacks.kind != CASH)
        )
        entry = np.where(taps, CONTACTLESS, attacks.entry_mode)
        return Story(compromises, replace(attacks, entry_mode=entry), empty(Disputes))
