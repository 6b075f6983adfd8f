"""Skimming: a till or cash machine reads the stripe; the copy is used where no chip is asked.

Reads    purchases of cards, places, merchants
Writes   compromises, attacks
Draws    fraud/skimming/*
Sources  parameters.yaml [skimming]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.rows import CASH, CHIP, LOCAL, MAGSTRIPE
from fauxpay.foundations.draws import I64, below
from fauxpay.fraud.ground import HOUR_MS, MINUTE_MS, Ground, Victims
from fauxpay.fraud.issuer import knows_pin
from fauxpay.fraud.manner import attacks_of, swiped
from fauxpay.fraud.pull import days_before, last_of, purchases
from fauxpay.fraud.shops import Choice, local_shops, places_abroad
from fauxpay.fraud.story import Disputes, Story, empty
from fauxpay.fraud.uses import burst, compromises_of

_MERCHANT_BITS = 24


@dataclass(frozen=True, slots=True)
class Skimming:
    """The machine was really visited, with the card inserted; cards of one town share machines."""

    name: str = "skimming"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """Copied, carried to another place, and used by stripe until somebody notices."""
        facts, activity = ground.facts, ground.activity
        victims, campaign, harvest = _inserted(ground)
        dormant = ground.span_ms("dormant", victims.address, facts["dormant_hours"], HOUR_MS)
        start = harvest + dormant
        start = ground.at_hours(victims.card, start, victims.address, facts["hours"])
        law = {"first": 0, "shares": facts["uses"], "gap": facts["use_gap_minutes"]}
        uses = burst(ground, victims, start, "use", {**law, "unit_ms": MINUTE_MS})
        noticed = ground.span_ms("noticed", victims.address, facts["detection_hours"], HOUR_MS)
        compromises = compromises_of(ground, victims, campaign, start + noticed)
        place = _places(ground, victims)[uses.compromise]
        day, of_day = np.divmod(uses.at_ms, DAY_MS)
        last_day = activity.epoch_day + activity.calendar.days - 1
        quarter = activity.local_quarters(place, np.minimum(day, last_day), of_day)
        # A copy without its PIN is no good at a machine.
        cash = ground.chance("cash", uses.address, facts["cash_share"])
        cash &= knows_pin(ground, victims.address)[uses.compromise]
        era = ground.era(uses.at_ms, ground.common["campaigns"]["days"])
        where = local_shops(ground, place, quarter, Choice(uses.address, era, uses.at_ms), cash)
        attacks = attacks_of(ground, uses, where, facts["dearer_share"])
        return Story(compromises, swiped(attacks), empty(Disputes))


def _places(ground: Ground, victims: Victims) -> I64:
    """One place for all uses of a copy, so that the copy itself travels at no speed."""
    world, key = ground.activity.world, victims.address
    country, count = world.cards.country[victims.card], len(world.countries)
    crosses = ground.chance("crosses", key, ground.facts["abroad_share"])
    shift = 1 + below(ground.word("country", key), max(count - 1, 1))
    other = (country + shift) % count
    return places_abroad(ground, np.where(crosses, other, country), key)


def _inserted(ground: Ground) -> tuple[Victims, I64, I64]:
    """(victims at the visit of the skimmed machine, campaigns by machine, when it was emptied).

    Of the machines that a card was inserted in, the one that comes first in a shuffled list of
    all is the skimmed one: so cards that went to the same machines were robbed at the same.
    """
    facts = ground.facts
    victims = ground.victims()
    activity = ground.activity
    owner, day = days_before(activity, victims.moment_ms, int(facts["window_days"]))
    bought = purchases(activity, victims.card[owner], day)
    asked = owner[bought.cell]
    is_read = np.isin(bought.kind, [LOCAL, CASH]) & np.isin(bought.entry_mode, [CHIP, MAGSTRIPE])
    is_read &= bought.at_ms < victims.moment_ms[asked]
    row = np.flatnonzero(is_read)
    era = ground.era(victims.moment_ms, facts["campaign_days"])
    machine = (era[asked[row]] << _MERCHANT_BITS) | bought.merchant[row]
    # 40 bits of the shuffle, then the time: of visits to one machine the last counts.
    shuffled = ground.word("machine", machine.view(np.uint64)) >> np.uint64(24)
    order = np.lexsort((bought.at_ms[row], shuffled))
    rank = np.empty(row.size, dtype=np.int64)
    rank[order] = np.arange(row.size)
    found = last_of(asked[row], rank, victims.card.size)
    has = np.flatnonzero(found >= 0)
    visit = bought.at_ms[row[found[has]]]
    own = Victims(victims.address[has], victims.card[has], visit)
    return own, machine[found[has]], victims.moment_ms[has]
