"""Card not received: a renewed card is taken from the post and used before it is missed.

Reads    cards(opened_day), places, merchants near the card's place
Writes   compromises, attacks
Draws    fraud/card_not_received/*
Sources  parameters.yaml [card_not_received]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.foundations.draws import below
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, YEAR_DAYS, Ground, Victims
from fauxpay.fraud.manner import attacks_of, remote, worthwhile
from fauxpay.fraud.shops import Choice, countries, local_shops, remote_shops
from fauxpay.fraud.story import Disputes, Story, chosen, empty, merged
from fauxpay.fraud.uses import burst, callers, compromises_of

_RENEWAL_SHIFT, _CARD_SHIFT = 6, 12


@dataclass(frozen=True, slots=True)
class CardNotReceived:
    """Cards are renewed every few years; some letters never arrive."""

    name: str = "card_not_received"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """Used near home without a PIN, and online, until the customer asks where the card is."""
        facts = ground.facts
        victims = _robbed(ground)
        missed = ground.span_ms("missed", victims.address, facts["missed_hours"], HOUR_MS)
        campaign = victims.address.view(np.int64)
        compromises = compromises_of(ground, victims, campaign, victims.moment_ms + missed)
        first = ground.span_ms("first_use", victims.address, facts["first_use_hours"], HOUR_MS)
        start = victims.moment_ms + first
        start = ground.at_hours(victims.card, start, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["uses"], "gap": facts["use_gap_minutes"]}
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": MINUTE_MS})
        era = ground.era(uses.at_ms, ground.common["campaigns"]["days"])
        is_online = ground.chance("online", uses.address, facts["online_share"])
        here, there = uses.only(~is_online), uses.only(is_online)
        rows = ground.rows(here.card, here.at_ms, here.address)
        no_cash = np.zeros(here.card.size, dtype=np.bool_)
        here_choice, quarter = Choice(here.address, era[~is_online], here.at_ms), rows.local_quarter
        where = local_shops(ground, rows.place, quarter, here_choice, no_cash)
        present = attacks_of(ground, here, where, facts["dearer_share"])
        country = countries(ground, there.card, there.address, facts["abroad_share"])
        choice = Choice(there.address, era[is_online], there.at_ms)
        by_phone = callers(ground, victims)[there.compromise]
        where = remote_shops(ground, country, choice, by_phone)
        online = worthwhile(ground, attacks_of(ground, there, where, facts["dearer_share"]))
        online = remote(ground, online, campaign[there.compromise])
        attacks = merged([present, online])
        order = np.lexsort((attacks.at_ms, attacks.compromise))
        return Story(compromises, chosen(attacks, order), empty(Disputes))


def _robbed(ground: Ground) -> Victims:
    """Cards whose renewal was stolen in the post, one draw for each renewal."""
    activity = ground.activity
    years = float(ground.facts["renewal_years"])
    step = round(years * YEAR_DAYS)
    card = np.arange(activity.first_card, activity.last_card)
    # The first term is cut short: were renewals anniversaries, a bank that grows had few of them.
    phase = below(ground.word("phase", card.view(np.uint64)), step)
    opened = activity.world.cards.opened_day[card] + phase
    first = np.maximum(-(-(activity.epoch_day - opened) // step), 0)
    last = (ground.end_day - 1 - opened) // step
    most = int(np.max(last - first, initial=-1)) + 1
    found = []
    for more in range(most):
        nth = first + more
        address = ((card << _CARD_SHIFT) | (nth << _RENEWAL_SHIFT)).view(np.uint64)
        address = address | np.uint64(ground.demand.number)
        day = opened + nth * step
        post = ground.span_ms("post", address, ground.facts["post_hours"], HOUR_MS)
        moment = day * DAY_MS + below(ground.word("moment", address), DAY_MS) + post
        inside = (nth <= last) & (moment < ground.end_day * DAY_MS)
        inside &= moment >= activity.epoch_day * DAY_MS
        at = np.clip(moment // DAY_MS - activity.epoch_day, 0, activity.calendar.days - 1)
        chance = np.minimum(ground.demand.per_card_year * years * ground.season[at], 1.0)
        inside &= ground.chance("stolen", address, chance)
        inside &= (moment >= ground.demand.from_ms) & (moment < ground.demand.to_ms)
        inside &= ground.in_use(card, moment // DAY_MS)
        found.append(Victims(address[inside], card[inside], moment[inside]))
    if not found:
        return ground.victims().only(slice(0, 0))
    return Victims(
        np.concatenate([one.address for one in found]),
        np.concatenate([one.card for one in found]),
        np.concatenate([one.moment_ms for one in found]),
    )
