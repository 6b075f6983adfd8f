"""Gift-card drain: a stolen app account buys gift cards with the stored card, several in a row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fauxpay.activity.rows import CREDENTIAL_ON_FILE
from fauxpay.fraud.exposure import online_exposure
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, Ground
from fauxpay.fraud.manner import attacks_of, remote
from fauxpay.fraud.shops import Choice, remote_shops
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, compromises_of

FACTS: dict[str, Any] = {
    # Each with its unit; where they come from is the package's to say: all are assumptions here.
    "delay_hours": {"median": 5, "log_sd": 1.0, "min": 0.1, "max": 240},
    "hours": [6, 6, 6, 5, 4, 3, 2, 2, 2, 3, 3, 4, 4, 4, 4, 4, 5, 5, 6, 6, 7, 7, 7, 6],
    "uses": [0.2, 0.3, 0.3, 0.2],  # share of accounts with 1, 2, .. purchases
    "gap_minutes": {"median": 4, "log_sd": 0.9, "min": 0.5, "max": 240},
    "detection_hours": {"median": 30, "log_sd": 1.0, "min": 1, "max": 720},
    "mcc": {"5815": 6.0, "5816": 6.0, "5311": 2.0},  # where gift cards are sold
}


@dataclass(frozen=True, slots=True)
class GiftCardDrain:
    """Found by the entry point; asked by the plan as fauxpay's own typologies are."""

    name: str = "gift_card_drain"
    facts: dict[str, Any] = field(default_factory=lambda: FACTS)

    def plan(self, ground: Ground) -> Story:
        """Some purchases within minutes, a while after the account was stolen."""
        facts = ground.facts
        victims = ground.victims(*online_exposure(ground))
        campaign = ground.campaign(victims)
        delay = ground.span_ms("delay", victims.address, facts["delay_hours"], HOUR_MS)
        start = victims.moment_ms + delay
        start = ground.at_hours(victims.card, start, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["uses"], "gap": facts["gap_minutes"]}
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": MINUTE_MS})
        found = ground.span_ms("found", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, start + found)
        country = ground.activity.world.cards.country[uses.card]
        where = remote_shops(
            ground, country, Choice(uses.address, campaign[uses.compromise], uses.at_ms)
        )
        attacks = remote(ground, attacks_of(ground, uses, where), campaign[uses.compromise])
        stored = np.full(uses.card.size, CREDENTIAL_ON_FILE)
        return Story(compromises, replace(attacks, entry_mode=stored), empty(Disputes))
