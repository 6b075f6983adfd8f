"""Issuer: what the bank answers at the moment of an attack, and when its own alarm stops the card.

Reads    story, tables of genuine outcomes, parameters [fraud.issuer]
Writes   answered attacks, earlier blocks
Draws    fraud/<typology>/{answer,noise,challenge,pin,alarm,..}
Sources  parameters.yaml

A genuine row is judged by channel, border and size alone, by the table of its stage; an attack by
the same table and then by a noisy score of what rules look at: pace, stage, border, size and the
machine. So customers are declined like thieves, and most thieves look like customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.outcomes import APPROVED, answer_case, answers
from fauxpay.activity.rows import CASH, CHIP, ECOMMERCE, LOCAL, MAGSTRIPE, ONLINE, OTP, PIN
from fauxpay.contracts.tables import table
from fauxpay.foundations.draws import I64, bits
from fauxpay.fraud.ground import MINUTE_MS, Ground
from fauxpay.fraud.story import NO_ORIGINAL, NOT_BLOCKED, Attacks, Compromises, Story, chosen

_CODE_SLOT_BITS = 12


def code_of(name: str) -> int:
    """Position of an ISO 8583 response code in the contract."""
    codes = table("activity.yaml#/$defs/transactions").column("response_code").enum or ()
    return [code for code in codes if code is not None].index(name)


def answered(ground: Ground, story: Story) -> Story:
    """The story with every attack answered, and the cards blocked where an alarm was raised."""
    attacks, law = story.attacks, ground.common["issuer"]
    if not attacks.card.size:
        return story
    usual = _usual_answers(ground, attacks)
    pace = _pace(attacks)
    noise = bits(ground.word("noise", attacks.address), 0, 8) * law["noise_points"] / 255.0
    score = _points(ground, attacks, pace, law["points"]) + noise
    challenged = (attacks.kind == ONLINE) & (attacks.entry_mode == ECOMMERCE)
    challenged &= (score >= law["challenge_from"]) & (score < law["decline_from"])
    passes = ground.chance(
        "challenge", attacks.address, ground.facts.get("otp_share", law["otp_share"])
    )
    refused = (score >= law["decline_from"]) | (challenged & ~passes)
    code = np.where(refused & (usual == APPROVED), _refusals(ground, attacks, law), usual)
    authentication = np.where(challenged & passes, OTP, attacks.authentication)
    code, authentication = _pins(ground, attacks, (code, authentication), law)
    is_open = (attacks.response < 0) & (attacks.original == NO_ORIGINAL)
    attacks = replace(
        attacks,
        response=np.where(is_open, code, attacks.response),
        authentication=np.where(is_open, authentication, attacks.authentication),
    )
    return replace(
        story,
        compromises=_alarmed(ground, story.compromises, attacks, score >= law["alarm_from"]),
        attacks=_given_up(ground, attacks, law),
    )


def _usual_answers(ground: Ground, attacks: Attacks) -> I64:
    """What a customer would have been answered: by the table of the card's own country."""
    world = ground.activity.world
    country = world.cards.country[attacks.card].astype(np.int64)
    crosses = world.merchants.country[attacks.merchant] != country
    case = answer_case(country, attacks.kind, crosses, attacks.tail_octave)
    slot = bits(ground.word("answer", attacks.address), 0, _CODE_SLOT_BITS)
    return answers(ground.activity.tables.outcomes, case, slot).astype(np.int64)


def _pace(attacks: Attacks) -> I64:
    """How many attacks on the card came in the day before each; those of one stand together."""
    key = attacks.compromise * np.int64(1 << 43)
    key = key + attacks.at_ms
    first = np.searchsorted(key, key - DAY_MS, side="left")
    own = np.searchsorted(attacks.compromise, attacks.compromise, side="left")
    return np.arange(key.size) - np.maximum(first, own)


def _points(ground: Ground, attacks: Attacks, pace: I64, points: Mapping[str, Any]) -> Any:
    world = ground.activity.world
    crosses = world.merchants.country[attacks.merchant] != world.cards.country[attacks.card]
    strange = attacks.device != ground.activity.tables.sessions.own_device[attacks.card]
    score = np.minimum(pace, points["pace_max"]) * points["pace"]
    score = score + crosses * points["border"]
    score = score + attacks.tail_octave * points["octave"]
    score = score + ((attacks.kind == ONLINE) & strange) * points["machine"]
    score = score + (attacks.entry_mode == MAGSTRIPE) * points["stripe"]
    return score + (attacks.kind == CASH) * points["cash"]


def _refusals(ground: Ground, attacks: Attacks, law: Mapping[str, Any]) -> I64:
    mix = law["refusal_codes"]
    codes = np.array([code_of(name) for name in mix])
    return codes[ground.choice("refusal", attacks.address, list(mix.values()))]


def _pins(
    ground: Ground, attacks: Attacks, given: tuple[I64, I64], law: Mapping[str, Any]
) -> tuple[I64, I64]:
    """Whoever does not know the PIN fails at machines, and at tills that ask for it."""
    code, authentication = given
    knows = ground.chance("pin", attacks.address, float(ground.facts.get("pin_share", 0.0)))
    asked = attacks.kind == CASH
    till = (attacks.kind == LOCAL) & (attacks.entry_mode == CHIP)
    asked |= till & ground.chance("asked", attacks.address, law["till_asks_share"])
    wrong = asked & ~knows
    code = np.where(wrong & (code == APPROVED), code_of("55"), code)
    authentication = np.where(asked, PIN, authentication)
    # Neither asked for a PIN nor tapped: a signature, which nobody compares.
    authentication = np.where(till & ~asked, law["unasked_authentication"], authentication)
    # As for customers: nobody mistypes a PIN that was not asked.
    without = ground.activity.tables.outcomes.without_pin[code]
    return np.where(authentication == PIN, code, without), authentication


def _alarmed(ground: Ground, compromises: Compromises, attacks: Attacks, alarm: Any) -> Compromises:
    """Blocks that an alarm brings forward: the bank calls, gets an answer, and blocks."""
    law = ground.common["issuer"]
    row = np.flatnonzero(alarm & ground.chance("alarm", attacks.address, law["alarm_share"]))
    if not row.size:
        return compromises
    lag = ground.span_ms("alarm_lag", attacks.address[row], law["alarm_minutes"], MINUTE_MS)
    soonest = np.full(compromises.card.size, np.iinfo(np.int64).max)
    np.minimum.at(soonest, attacks.compromise[row], attacks.at_ms[row] + lag)
    can_be = compromises.blocked_ms != NOT_BLOCKED
    blocked = np.where(can_be, np.minimum(compromises.blocked_ms, soonest), NOT_BLOCKED)
    return replace(compromises, blocked_ms=blocked)


def _given_up(ground: Ground, attacks: Attacks, law: Mapping[str, Any]) -> Attacks:
    """A thief who was refused too often throws the card away."""
    refused = (attacks.response != APPROVED).astype(np.int64)
    total = np.cumsum(refused) - refused
    first = np.searchsorted(attacks.compromise, attacks.compromise, side="left")
    before = total - total[first]
    patience = int(ground.facts.get("patience", law["patience"]))
    kept: Attacks = chosen(attacks, np.flatnonzero(before < patience))
    return kept
