"""Application fraud: an invented customer builds up trust, then spends all at once.

Reads    cards(opened_day), places, merchants, devices
Writes   compromises, attacks
Draws    fraud/application_fraud/*
Sources  parameters.yaml [application_fraud]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.activity.rows import CASH
from fauxpay.fraud.exposure import new_card_exposure
from fauxpay.fraud.ground import HOUR_MS, Ground
from fauxpay.fraud.manner import attacks_of, own_sessions, scaled
from fauxpay.fraud.shops import Choice, countries, local_shops, remote_shops
from fauxpay.fraud.story import Disputes, Story, chosen, empty, merged
from fauxpay.fraud.uses import burst, compromises_of


@dataclass(frozen=True, slots=True)
class ApplicationFraud:
    """The card's honest life so far was the build-up. Nobody calls: there is nobody."""

    name: str = "application_fraud"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """Dear purchases with card, PIN and device in hand, over days; never blocked in time."""
        facts = ground.facts
        victims = ground.victims(*new_card_exposure(ground))
        campaign = victims.address.view(np.int64)
        compromises = compromises_of(ground, victims, campaign, None)
        start = victims.moment_ms
        start = ground.at_hours(victims.card, start, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["uses"], "gap": facts["use_gap_hours"]}
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": HOUR_MS})
        era = ground.era(uses.at_ms, ground.common["campaigns"]["days"])
        is_online = ground.chance("online", uses.address, facts["online_share"])
        here, there = uses.only(~is_online), uses.only(is_online)
        rows = ground.rows(here.card, here.at_ms, here.address)
        cash = ground.chance("cash", here.address, facts["cash_share"])
        here_choice, quarter = Choice(here.address, era[~is_online], here.at_ms), rows.local_quarter
        where = local_shops(ground, rows.place, quarter, here_choice, cash)
        present = attacks_of(ground, here, where, facts["dearer_share"])
        country = countries(ground, there.card, there.address, facts["abroad_share"])
        where = remote_shops(ground, country, Choice(there.address, era[is_online], there.at_ms))
        online = own_sessions(ground, attacks_of(ground, there, where, facts["dearer_share"]))
        attacks = merged([present, online])
        attacks = scaled(attacks, np.where(attacks.kind == CASH, 1.0, facts["amount_factor"]))
        order = np.lexsort((attacks.at_ms, attacks.compromise))
        return Story(compromises, chosen(attacks, order), empty(Disputes))
