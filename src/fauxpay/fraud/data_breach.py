"""Data breach: a merchant loses what it stored; every stolen card truly bought there.

Reads    purchases of cards, online merchants, devices
Writes   compromises, attacks
Draws    fraud/data_breach/*
Sources  parameters.yaml [data_breach]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.activity.rows import ONLINE
from fauxpay.foundations.draws import I64, U64, bits
from fauxpay.fraud.ground import GROUP_BITS, HOUR_MS, MINUTE_MS, Ground, Victims
from fauxpay.fraud.manner import attacks_of, remote
from fauxpay.fraud.pull import days_before, favourites, last_of, purchases
from fauxpay.fraud.shops import countries, listed, online_shops, popular_shop
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, compromises_of


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
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": MINUTE_MS})
        noticed = ground.span_ms("noticed", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, start + noticed)
        own = campaign[uses.compromise]
        key = listed(ground, own, uses.address, facts["merchants"])
        country = countries(ground, uses.card, key, facts["abroad_share"])
        where = online_shops(ground, country, key, own)
        attacks = attacks_of(ground, uses, where, facts["dearer_share"])
        return Story(compromises, remote(ground, attacks, own), empty(Disputes))


def breached_merchants(ground: Ground, campaign: I64) -> I64:
    """The merchant that each campaign's cards were stolen at."""
    return popular_shop(ground, campaign.view(np.uint64), int(ground.facts["of_candidates"]))


def _customers(ground: Ground) -> tuple[Victims, I64, I64]:
    """(victims at their true visits, campaigns, when the data were sold).

    Some cards of an opening's group are asked whether they have the merchant among their own, and
    the first few of those whether they went there. The lowest card wins, so that a card more in
    the world displaces nobody.
    """
    facts, activity = ground.facts, ground.activity
    name, group, moment = ground.openings()
    none = np.zeros(name.size, dtype=np.int64)
    campaign = ground.campaign(Victims(name, none, moment))
    merchant = breached_merchants(ground, campaign)
    slot, card = _askable(ground, name, group, merchant)
    owner, day = days_before(activity, moment[slot], int(facts["window_days"]))
    bought = purchases(activity, card[owner], day)
    asked = owner[bought.cell]
    there = (bought.kind == ONLINE) & (bought.merchant == merchant[slot[asked]])
    there &= bought.at_ms < moment[slot[asked]]
    row = np.flatnonzero(there)
    last = last_of(asked[row], bought.at_ms[row], slot.size)
    visited = np.flatnonzero(last >= 0)
    # Lowest card first, so the last of the reversed order is the winner of its slot.
    order = visited[np.lexsort((-card[visited], slot[visited]))]
    winner = np.full(name.size, -1, dtype=np.int64)
    winner[slot[order]] = order
    own = np.flatnonzero(winner >= 0)
    found = winner[own]
    is_ours = (card[found] >= activity.first_card) & (card[found] < activity.last_card)
    own, found = own[is_ours], found[is_ours]
    visits = bought.at_ms[row[last[found]]]
    return Victims(name[own], card[found], visits), campaign[own], moment[own]


def _askable(ground: Ground, name: U64, group: I64, merchant: I64) -> tuple[I64, I64]:
    """(opening, card) of the first few cards that have the merchant among their favourites."""
    facts, activity = ground.facts, ground.activity
    tries = int(facts["tries"])
    nth = np.arange(tries, dtype=np.uint64)
    drawn = ground.word("try", ((name[:, None] << np.uint64(7)) | nth).reshape(-1))
    card = (np.repeat(group, tries) << GROUP_BITS) | bits(drawn, 0, GROUP_BITS)
    slot = np.repeat(np.arange(name.size), tries)
    exists = card < activity.world.cards.id.size
    card, slot = card[exists], slot[exists]
    liked = favourites(activity, card, ONLINE, int(facts["ranks"]))
    match = (liked == merchant[slot][:, None]).any(axis=1)
    pair = np.unique((slot[match] << np.int64(32)) | card[match])
    slot, card = pair >> np.int64(32), pair & np.int64((1 << 32) - 1)
    rank = np.arange(slot.size) - np.searchsorted(slot, slot, side="left")
    asked = rank < int(facts["asked"])
    return slot[asked], card[asked]
