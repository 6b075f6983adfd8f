"""Card testing, then cash-out: stolen e-commerce credentials tried small and used large.

Reads    cards(online_share, level), online merchants, devices
Writes   compromises, attacks
Draws    fraud/card_testing/*
Sources  parameters.yaml [card_testing]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.fraud.exposure import online_exposure
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, SECOND_MS, Ground
from fauxpay.fraud.manner import attacks_of, remote, small_tickets, worthwhile
from fauxpay.fraud.shops import Choice, countries, listed, remote_shops
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, callers, compromises_of, joined, last_ms


@dataclass(frozen=True, slots=True)
class CardTesting:
    """The classic of remote fraud."""

    name: str = "card_testing"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """A test or three, then as much as goes through until somebody notices."""
        facts = ground.facts
        victims = ground.victims(*online_exposure(ground))
        campaign = ground.campaign(victims)
        dormant = ground.span_ms("dormant", victims.address, facts["dormant_hours"], HOUR_MS)
        start = ground.at_hours(
            victims.card, victims.moment_ms + dormant, victims.address, facts["hours"]
        )
        law = {"first": 0, "shares": facts["tests"], "gap": facts["test_gap_seconds"]}
        tests = burst(ground, victims, start, "test", {**law, "unit_ms": SECOND_MS})
        delay = ground.span_ms("delay", victims.address, facts["cash_out_delay_minutes"], MINUTE_MS)
        begin = last_ms(tests, victims.card.size) + delay
        law = {"first": 16, "shares": facts["cash_outs"], "gap": facts["cash_out_gap_minutes"]}
        calls = callers(ground, victims)
        law = {**law, "unit_ms": MINUTE_MS, "calls": calls}
        large = burst(ground, victims, begin, "cash_out", law)
        uses, is_test = joined(tests, large)
        noticed = ground.span_ms("noticed", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, begin + noticed)

        sizes = np.where(is_test, facts["merchants"]["test"], facts["merchants"]["cash_out"])
        owner = campaign[uses.compromise] * 2 + is_test
        key = listed(ground, owner, uses, sizes)
        country = countries(ground, uses.card, key, facts["abroad_share"], uses.address)
        choice = Choice(key, campaign[uses.compromise], uses.at_ms)
        by_phone = calls[uses.compromise] & ~is_test
        where = remote_shops(ground, country, choice, by_phone, is_test)
        attacks = worthwhile(ground, attacks_of(ground, uses, where, facts["dearer_share"]))
        attacks = small_tickets(ground, attacks, is_test, facts["test_ticket"])
        attacks = remote(ground, attacks, campaign[uses.compromise])
        return Story(compromises, attacks, empty(Disputes))
