"""Account takeover: a stranger logs in as the customer, from a new device, and buys dear.

Reads    cards(online_share, level), online merchants, devices
Writes   compromises, attacks
Draws    fraud/account_takeover/*
Sources  parameters.yaml [account_takeover]
"""

from __future__ import annotations

from dataclasses import dataclass

from fauxpay.fraud.exposure import online_exposure
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, Ground
from fauxpay.fraud.manner import attacks_of, remote, scaled, worthwhile
from fauxpay.fraud.shops import Choice, countries, remote_shops
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, compromises_of


@dataclass(frozen=True, slots=True)
class AccountTakeover:
    """Address and number are changed first, so codes go to the thief; the customer learns late."""

    name: str = "account_takeover"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """A few large purchases with the stored card, one by one, over days."""
        facts = ground.facts
        victims = ground.victims(*online_exposure(ground))
        campaign = ground.campaign(victims)
        quiet = ground.span_ms("quiet", victims.address, facts["quiet_hours"], HOUR_MS)
        start = victims.moment_ms + quiet
        start = ground.at_hours(victims.card, start, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["uses"], "gap": facts["use_gap_minutes"]}
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": MINUTE_MS})
        noticed = ground.span_ms("noticed", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, start + noticed)
        country = countries(ground, uses.card, uses.address, facts["abroad_share"])
        where = remote_shops(
            ground, country, Choice(uses.address, campaign[uses.compromise], uses.at_ms)
        )
        attacks = worthwhile(ground, attacks_of(ground, uses, where, facts["dearer_share"]))
        attacks = scaled(attacks, facts["amount_factor"])
        attacks = remote(ground, attacks, campaign[uses.compromise])
        return Story(compromises, attacks, empty(Disputes))
