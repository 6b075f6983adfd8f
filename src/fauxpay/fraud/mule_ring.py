"""Mule ring: cards of hired customers are loaded from shared machines, then emptied for cash.

Reads    cards, places, merchants, devices
Writes   compromises, attacks
Draws    fraud/mule_ring/*
Sources  parameters.yaml [mule_ring]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, Ground
from fauxpay.fraud.manner import attacks_of, remote
from fauxpay.fraud.shops import Choice, listed, local_shops, remote_shops
from fauxpay.fraud.story import Disputes, Story, chosen, empty, merged
from fauxpay.fraud.uses import burst, compromises_of, last_ms


@dataclass(frozen=True, slots=True)
class MuleRing:
    """Each ring has a few machines and lines; its cards meet there and nowhere else."""

    name: str = "mule_ring"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """Purchases that turn into money, from the ring's machines; cash within hours."""
        facts = ground.facts
        victims = ground.victims()
        campaign = ground.campaign(victims)
        start = victims.moment_ms
        start = ground.at_hours(victims.card, start, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["loads"], "gap": facts["load_gap_minutes"]}
        loads = burst(ground, victims, start, "load", {**law, "unit_ms": MINUTE_MS})
        delay = ground.span_ms("delay", victims.address, facts["cash_delay_minutes"], MINUTE_MS)
        begin = last_ms(loads, victims.card.size) + delay
        law = {"first": 16, "shares": facts["withdrawals"], "gap": facts["cash_gap_minutes"]}
        cash = burst(ground, victims, begin, "withdrawal", {**law, "unit_ms": MINUTE_MS})
        found = ground.span_ms("found", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, begin + found)
        own = campaign[loads.compromise]
        key = listed(ground, own, loads, facts["merchants"])
        where = remote_shops(
            ground, ground.activity.world.cards.country[loads.card], Choice(key, own, loads.at_ms)
        )
        online = attacks_of(ground, loads, where, facts["dearer_share"])
        online = remote(ground, online, own, near_share=0.0)
        rows = ground.rows(cash.card, cash.at_ms, cash.address)
        era = campaign[cash.compromise]
        is_cash = np.ones(cash.card.size, dtype=np.bool_)
        where = local_shops(
            ground, rows.place, rows.local_quarter, Choice(cash.address, era, cash.at_ms), is_cash
        )
        attacks = merged([online, attacks_of(ground, cash, where, facts["dearer_share"])])
        order = np.lexsort((attacks.at_ms, attacks.compromise))
        return Story(compromises, chosen(attacks, order), empty(Disputes))
