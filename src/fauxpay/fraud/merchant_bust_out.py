"""Merchant bust-out: a shop charges many stolen cards for some days, and is gone.

Reads    cards, online merchants, devices
Writes   compromises, attacks
Draws    fraud/merchant_bust_out/*
Sources  parameters.yaml [merchant_bust_out]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.activity.rows import ONLINE
from fauxpay.fraud.exposure import online_exposure
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, Ground
from fauxpay.fraud.manner import attacks_of, remote
from fauxpay.fraud.shops import fresh_shop, where_of
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, compromises_of

_LAST_CHARGE_DAYS = 60


@dataclass(frozen=True, slots=True)
class MerchantBustOut:
    """A young merchant with customers of its own lends its terminal to thieves."""

    name: str = "merchant_bust_out"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """One merchant a campaign; each card is charged once or twice there."""
        facts = ground.facts
        victims = ground.victims(*online_exposure(ground))
        campaign = ground.campaign(victims)
        dormant = ground.span_ms("dormant", victims.address, facts["dormant_hours"], HOUR_MS)
        start = victims.moment_ms + dormant
        start = ground.at_hours(victims.card, start, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["uses"], "gap": facts["use_gap_minutes"]}
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": MINUTE_MS})
        noticed = ground.span_ms("noticed", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, start + noticed)
        own = campaign[uses.compromise]
        day = ground.campaign_first_days(victims)[uses.compromise]
        days = (day - 5, day + int(facts["campaign_days"]) + _LAST_CHARGE_DAYS)
        merchant = fresh_shop(ground, own.view(np.uint64), int(facts["of_candidates"]), days)
        where = where_of(ground, np.full(own.size, ONLINE), merchant, uses.address)
        attacks = attacks_of(ground, uses, where, facts["dearer_share"])
        return Story(compromises, remote(ground, attacks, own), empty(Disputes))
