"""Phishing: the customer is talked into a one-time password, and strong authentication is passed.

Reads    cards(online_share, level), online merchants, devices
Writes   compromises, attacks
Draws    fraud/phishing/*
Sources  parameters.yaml [phishing]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fauxpay.activity.rows import CREDENTIAL_ON_FILE, ECOMMERCE, OTP
from fauxpay.fraud.exposure import online_exposure
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, Ground
from fauxpay.fraud.manner import attacks_of, remote, worthwhile
from fauxpay.fraud.shops import Choice, countries, listed, remote_shops
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, compromises_of


@dataclass(frozen=True, slots=True)
class Phishing:
    """The code is typed into a false page within minutes, while the customer is awake."""

    name: str = "phishing"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """One to a few purchases that the issuer believes in."""
        facts = ground.facts
        victims = ground.victims(*online_exposure(ground))
        awake = ground.at_hours(victims.card, victims.moment_ms, victims.address, facts["hours"])
        campaign = ground.campaign(victims)
        typed = ground.span_ms("typed", victims.address, facts["typed_minutes"], MINUTE_MS)
        start = awake + typed
        law = {"first": 0, "shares": facts["uses"], "gap": facts["use_gap_minutes"]}
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": MINUTE_MS})
        noticed = ground.span_ms("noticed", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, start + noticed)
        key = listed(ground, campaign[uses.compromise], uses, facts["merchants"])
        country = countries(ground, uses.card, key, facts["abroad_share"], uses.address)
        where = remote_shops(ground, country, Choice(key, campaign[uses.compromise], uses.at_ms))
        attacks = worthwhile(ground, attacks_of(ground, uses, where, facts["dearer_share"]))
        attacks = remote(ground, attacks, campaign[uses.compromise])
        with_code = ground.chance("code", uses.address, facts["code_share"])
        entry = np.where(with_code, ECOMMERCE, CREDENTIAL_ON_FILE)
        code = np.where(with_code, OTP, attacks.authentication)
        attacks = replace(attacks, entry_mode=entry, authentication=code)
        return Story(compromises, attacks, empty(Disputes))
