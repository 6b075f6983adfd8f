"""Data breach: a merchant loses what it stored; every stolen card truly bought there.

Reads    purchases of cards, online merchants, devices
Writes   compromises, attacks
Draws    fraud/data_breach/*
Sources  parameters.yaml [data_breach]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fauxpay.activity.rows import ONLINE
from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import I64, U64
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, Ground, Victims
from fauxpay.fraud.manner import attacks_of, remote, worthwhile
from fauxpay.fraud.pull import days_before, favourites, last_of, purchases
from fauxpay.fraud.shops import (
    Choice,
    countries,
    country_shares,
    listed,
    popular_shop,
    popularity_shares,
    remote_shops,
)
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, callers, compromises_of


@dataclass(frozen=True, slots=True)
class DataBreach:
    """Common-point-of-purchase analysis finds the merchant, for the visits are no invention."""

    name: str = "data_breach"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """Stolen at the visit, sold, and used online weeks later."""
        facts = ground.facts
        victims, campaign, sold = _customers(ground)
        dormant = ground.span_ms("dormant", victims.address, facts["dormant_hours"], HOUR_MS)
        start = ground.at_hours(victims.card, sold + dormant, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["uses"], "gap": facts["use_gap_minutes"]}
        calls = callers(ground, victims)
        law = {**law, "unit_ms": MINUTE_MS, "calls": calls}
        uses = burst(ground, victims, start, "use", law)
        noticed = ground.span_ms("noticed", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, start + noticed)
        own = ground.crew(campaign[uses.compromise], uses.card)
        key = listed(ground, own, uses, facts["merchants"])
        country = countries(ground, uses.card, key, facts["abroad_share"], uses.address)
        choice = Choice(key, own, uses.at_ms)
        where = remote_shops(ground, country, choice, calls[uses.compromise])
        attacks = worthwhile(ground, attacks_of(ground, uses, where, facts["dearer_share"]))
        return Story(compromises, remote(ground, attacks, own), empty(Disputes))


def breached_merchants(ground: Ground, campaign: I64) -> I64:
    """The merchant that each campaign's cards were stolen at."""
    known, of = np.unique(campaign, return_inverse=True)
    candidates = int(ground.facts["of_candidates"])
    return popular_shop(ground, known.view(np.uint64), candidates)[of]


def _customers(ground: Ground) -> tuple[Victims, I64, I64]:
    """(victims at their true visits, campaigns, when the data were sold).

    Many are asked whether they have the merchant among their own, and those whether they went.
    """
    facts, activity = ground.facts, ground.activity
    rate = ground.demand.per_card_year / float(facts["customer_share"])
    # A leak of a large shop or in a large country would be found with many more cards.
    even = float(facts["country_share"]) / np.maximum(country_shares(ground), 1e-9)
    even = np.minimum(even, 1.0)

    def evenly(address: U64, card: I64) -> Bool:
        is_some: Bool = ground.chance("even", address, even[activity.world.cards.country[card]])
        return is_some

    many = replace(ground, demand=replace(ground.demand, per_card_year=rate))
    asked = many.victims(among=evenly)
    campaign = ground.shared_campaign(asked)
    merchant = breached_merchants(ground, campaign)
    evener = float(facts["merchant_share"]) / popularity_shares(ground, merchant)
    some = ground.chance("evener", asked.address, evener)
    asked, campaign, merchant = asked.only(some), campaign[some], merchant[some]
    liked = favourites(activity, asked.card, ONLINE, int(facts["ranks"]))
    knows = (liked == merchant[:, None]).any(axis=1)
    asked, campaign, merchant = asked.only(knows), campaign[knows], merchant[knows]
    owner, day = days_before(activity, asked.moment_ms, int(facts["window_days"]))
    bought = purchases(activity, asked.card[owner], day)
    of = owner[bought.cell]
    there = (bought.kind == ONLINE) & (bought.merchant == merchant[of])
    row = np.flatnonzero(there & (bought.at_ms < asked.moment_ms[of]))
    last = last_of(of[row], bought.at_ms[row], asked.card.size)
    went = np.flatnonzero(last >= 0)
    visits = bought.at_ms[row[last[went]]]
    victims = Victims(asked.address[went], asked.card[went], visits)
    return victims, campaign[went], asked.moment_ms[went]
