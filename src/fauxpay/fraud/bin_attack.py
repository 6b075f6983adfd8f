"""BIN attack: numbers of one issuer range are guessed in sequence; most guesses are refused.

Reads    cards(bin), online merchants, devices
Writes   compromises, attacks
Draws    fraud/bin_attack/*
Sources  parameters.yaml [bin_attack]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fauxpay.activity.outcomes import APPROVED
from fauxpay.foundations.draws import I64, below
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, SECOND_MS, Ground, Victims
from fauxpay.fraud.issuer import code_of
from fauxpay.fraud.manner import attacks_of, remote, small_tickets, worthwhile
from fauxpay.fraud.shops import Choice, listed, remote_shops
from fauxpay.fraud.story import NOT_BLOCKED, Disputes, Story, empty
from fauxpay.fraud.uses import Uses, burst, compromises_of, joined, last_ms

_ERA_SHIFT = 27


@dataclass(frozen=True, slots=True)
class BinAttack:
    """A script runs through a range of numbers: of most it has neither expiry nor code right."""

    name: str = "bin_attack"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """Guesses within hours at one or two shops; the few that pass are used once or twice."""
        facts = ground.facts
        victims = _guessed(ground)
        era = ground.era(victims.moment_ms, facts["campaign_days"])
        campaign = (era << 6) | ground.demand.number
        law = {"first": 0, "shares": facts["guesses"], "gap": facts["guess_gap_seconds"]}
        guesses = burst(ground, victims, victims.moment_ms, "guess", {**law, "unit_ms": SECOND_MS})
        right = ground.chance("right", victims.address, facts["right_share"])
        delay = ground.span_ms("delay", victims.address, facts["cash_out_delay_hours"], HOUR_MS)
        begin = last_ms(guesses, victims.card.size) + delay
        law = {"first": 16, "shares": facts["cash_outs"], "gap": facts["cash_out_gap_minutes"]}
        large = burst(ground, victims, begin, "cash_out", {**law, "unit_ms": MINUTE_MS})
        uses, is_guess = joined(guesses, large.only(right[large.compromise]))
        noticed = ground.span_ms("noticed", victims.address, facts["detection_hours"], HOUR_MS)
        blocked = np.where(right, begin + noticed, NOT_BLOCKED)
        compromises = compromises_of(ground, victims, campaign, blocked)

        own = ground.crew(campaign[uses.compromise], uses.card)
        sizes = np.where(is_guess, facts["merchants"]["guess"], facts["merchants"]["cash_out"])
        key = listed(ground, own * 2 + is_guess, uses, sizes)
        country = ground.activity.world.cards.country[uses.card]
        where = remote_shops(ground, country, Choice(key, own, uses.at_ms), is_test=is_guess)
        attacks = worthwhile(ground, attacks_of(ground, uses, where, facts["dearer_share"]))
        attacks = small_tickets(ground, attacks, is_guess, facts["guess_ticket"])
        attacks = remote(ground, attacks, own)
        answer = np.where(is_guess, _answers(ground, uses, is_guess, right), attacks.response)
        return Story(compromises, replace(attacks, response=answer), empty(Disputes))


def _answers(ground: Ground, uses: Uses, is_guess: Any, right: Any) -> I64:
    """A right guess is the last of its card; of a wrong number none ever passes."""
    mix = ground.facts["wrong_codes"]
    codes = np.array([code_of(name) for name in mix])
    wrong = codes[ground.choice("wrong", uses.address, list(mix.values()))]
    same = uses.compromise[1:] == uses.compromise[:-1]
    guess_follows = np.append(same & is_guess[1:], False)[: uses.card.size]
    passes = right[uses.compromise] & is_guess & ~guess_follows
    return np.where(passes, APPROVED, wrong)


def _guessed(ground: Ground) -> Victims:
    """Cards of the range that a wave goes through, at the hours of the wave."""
    facts, activity = ground.facts, ground.activity
    days, share = int(facts["campaign_days"]), float(facts["range_share"])
    # A wave may fall before the moments of its victims: its whole era is asked for.
    rate = replace(ground.demand, per_card_year=ground.demand.per_card_year / share)
    victims = replace(ground, demand=rate, end_day=ground.end_day + days).victims()
    era = ground.era(victims.moment_ms, days)
    # The range's own digits: its place in the list changes when another range joins.
    digits = np.array([int(issuer) for issuer in activity.world.bins])
    issuer = digits[activity.world.cards.bin[victims.card]]
    in_range = ground.chance("range", ((era << _ERA_SHIFT) | issuer).view(np.uint64), share)
    victims, era = victims.only(in_range), era[in_range]
    moment = victims.moment_ms
    if ground.demand.is_drifting:
        length, span = days * 24 * HOUR_MS, int(facts["wave_hours"]) * HOUR_MS
        start = below(ground.word("wave", era.view(np.uint64)), (length - span) // SECOND_MS)
        within = (moment - era * length) // (length // span)
        moment = era * length + start * SECOND_MS + within
    inside = moment >= max(activity.epoch_day * 24 * HOUR_MS, ground.demand.from_ms)
    inside &= moment < min(ground.end_day * 24 * HOUR_MS, ground.demand.to_ms)
    return Victims(victims.address, victims.card, moment).only(inside)
