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
from fauxpay.activity.outcomes import APPROVED, answer_case, answers, authentications
from fauxpay.activity.rows import (
    CASH,
    DEVICE,
    ECOMMERCE,
    LOCAL,
    MAGSTRIPE,
    NO_AUTHENTICATION,
    ONLINE,
    OTP,
    PIN,
)
from fauxpay.catalog.world import Bool
from fauxpay.contracts.tables import table
from fauxpay.foundations.draws import I64, U64, bits
from fauxpay.fraud.ground import MINUTE_MS, Ground
from fauxpay.fraud.manner import within_limits
from fauxpay.fraud.story import NO_ORIGINAL, NOT_BLOCKED, Attacks, Compromises, Story, chosen

_CODE_SLOT_BITS = 12
_AUTHENTICATION_SLOT_BITS = 8


def code_of(name: str) -> int:
    """Position of an ISO 8583 response code in the contract."""
    codes = table("activity.yaml#/$defs/transactions").column("response_code").enum or ()
    return [code for code in codes if code is not None].index(name)


def answered(ground: Ground, story: Story) -> Story:
    """The story with every attack answered, and the cards blocked where an alarm was raised."""
    attacks, law = story.attacks, ground.common["issuer"]
    if not attacks.card.size:
        return story
    attacks = within_limits(ground, attacks)
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
    authentication = np.where(challenged & passes, OTP, _asked(ground, attacks))
    knows = knows_pin(ground, story.compromises.address)[attacks.compromise]
    code = _pins(ground, attacks, (code, authentication, knows), int(law["pin_tries"]))
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


def knows_pin(ground: Ground, compromise: U64) -> Bool:
    """Whether the thieves of compromises know the PIN: once and for all, not at every till anew."""
    share = float(ground.facts.get("pin_share", 0.0))
    knows: Bool = ground.chance("pin", compromise, share)
    return knows


def _asked(ground: Ground, attacks: Attacks) -> I64:
    """How the holder is asked where the card is there: as customers of the card's country are.

    A card that was found is tapped itself; only who enrolled it on a phone is known by the phone.
    """
    country = ground.activity.world.cards.country[attacks.card].astype(np.int64)
    is_cash = attacks.kind == CASH
    slot = bits(ground.word("asked", attacks.address), 0, _AUTHENTICATION_SLOT_BITS)
    tables = ground.activity.tables.outcomes
    usual = authentications(tables, country, (attacks.entry_mode, is_cash), slot)
    by_phone = ground.chance(
        "phone", attacks.address, float(ground.facts.get("phone_tap_share", 1.0))
    )
    usual = np.where((usual == DEVICE) & ~by_phone, NO_AUTHENTICATION, usual)
    open_ = (is_cash | (attacks.kind == LOCAL)) & (attacks.authentication < 0)
    return np.where(open_, usual, attacks.authentication)


def _pins(ground: Ground, attacks: Attacks, given: tuple[I64, I64, Bool], tries: int) -> I64:
    """Whoever is asked for a PIN and does not know it is refused, until nobody counts any more.

    given  (codes, authentications, whether the thief knows the PIN)
    """
    code, authentication, knows = given
    wrong = (authentication == PIN) & ~knows & (code == APPROVED)
    over = _so_far(attacks, wrong) >= tries
    code = np.where(wrong, np.where(over, code_of("75"), code_of("55")), code)
    # As for customers: nobody mistypes a PIN that was not asked.
    without = ground.activity.tables.outcomes.without_pin[code]
    return np.where(authentication == PIN, code, without)


def _so_far(attacks: Attacks, which: Bool) -> I64:
    """How many attacks of the same compromise were such before each."""
    counted = which.astype(np.int64)
    total = np.cumsum(counted) - counted
    first = np.searchsorted(attacks.compromise, attacks.compromise, side="left")
    so_far: I64 = total - total[first]
    return so_far


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
    before = _so_far(attacks, attacks.response != APPROVED)
    patience = int(ground.facts.get("patience", law["patience"]))
    kept: Attacks = chosen(attacks, np.flatnonzero(before < patience))
    return kept
