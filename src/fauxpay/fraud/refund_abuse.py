"""Refund abuse: money is taken back for goods that are kept.

Reads    purchases and returns of cards
Writes   compromises, attacks that point back to a purchase
Draws    fraud/refund_abuse/*
Sources  parameters.yaml [refund_abuse]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fauxpay.activity.addresses import is_return
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.outcomes import APPROVED
from fauxpay.activity.returns import is_paid_back
from fauxpay.activity.rows import CASH, LOCAL, NO_AUTHENTICATION, Where
from fauxpay.activity.shops import finds_open
from fauxpay.activity.visits import spread_out
from fauxpay.foundations.draws import I64, U64
from fauxpay.fraud.ground import Ground, Victims, nth_addresses
from fauxpay.fraud.manner import attacks_of
from fauxpay.fraud.pull import Purchases, days_before, last_of, purchases
from fauxpay.fraud.story import Disputes, Story, chosen, empty
from fauxpay.fraud.uses import Uses, compromises_of


@dataclass(frozen=True, slots=True)
class RefundAbuse:
    """The customer, or a clerk with the customer's slip, has an honest purchase paid back."""

    name: str = "refund_abuse"
    facts: None = None

    def plan(self, ground: Ground) -> Story:
        """The dearest late purchase that its shop pays back and that nobody took back yet."""
        facts, activity = ground.facts, ground.activity
        victims = ground.victims()
        at_ms = ground.at_hours(victims.card, victims.moment_ms, victims.address, facts["hours"])
        owner, day = days_before(activity, victims.moment_ms, int(facts["window_days"]))
        bought = purchases(activity, victims.card[owner], day)
        asked = owner[bought.cell]
        good = bought.is_approved & (bought.kind != CASH)
        good &= bought.at_ms < victims.moment_ms[asked]
        good &= _is_open(ground, bought, at_ms[asked])
        # Where customers get nothing back, a refund would be a thief's.
        paid = ground.word("paid_back", bought.address)
        good &= is_paid_back(activity.tables.returns, bought.merchant, paid)
        row = np.flatnonzero(good)
        found = last_of(asked[row], bought.amount[row], victims.card.size)
        has = np.flatnonzero(found >= 0)
        source = chosen(bought, row[found[has]])
        # Of two who have the same purchase paid back the earlier one does; never the later.
        early = np.argsort(at_ms[has], kind="stable")
        _, first = np.unique(source.address[early], return_index=True)
        is_first = np.isin(np.arange(has.size), early[first])
        kept = np.flatnonzero(is_first & ~_taken_back(ground, source, at_ms[has]))
        source, has = chosen(source, kept), has[kept]
        return _story(ground, victims.only(has), at_ms[has], source)


def _is_open(ground: Ground, bought: Purchases, at_ms: I64) -> Any:
    """Whether nobody stands at the counter of a shop that is never open at that hour."""
    activity, merchant = ground.activity, bought.merchant
    last_day = activity.epoch_day + activity.calendar.days - 1
    day = np.minimum(at_ms // DAY_MS, last_day)
    place = activity.world.merchants.place[merchant]
    at = (day, activity.local_quarters(place, day, at_ms % DAY_MS))
    least = np.zeros(merchant.size, dtype=np.int64)
    return (bought.kind != LOCAL) | finds_open(activity.tables.where, merchant, at, least)


def _taken_back(ground: Ground, source: Purchases, at_ms: I64) -> Any:
    """Whether a genuine refund or reversal came before the abuse; what comes later is its own."""
    activity = ground.activity
    last = np.minimum(at_ms // DAY_MS, activity.epoch_day + activity.calendar.days - 1)
    owner, nth = spread_out(np.maximum(last - source.day + 1, 0))
    events = activity.cell_events(source.card[owner], source.day[owner] + nth)
    repeats = events.repeats
    of = owner[events.cell[events.cell.size - repeats.card.size :]]
    back = is_return(repeats.code.view(np.uint64)) & (source.address[of] == repeats.source)
    taken = np.zeros(source.card.size, dtype=np.bool_)
    taken[of[back]] = True
    return taken


def _story(ground: Ground, victims: Victims, at_ms: I64, source: Purchases) -> Story:
    count = victims.card.size
    address: U64 = nth_addresses(victims.address, np.zeros(count, dtype=np.int64))
    nth = np.zeros(count, dtype=np.int64)
    uses = Uses(np.arange(count), victims.card, address, at_ms, nth)
    traits = ground.activity.tables.traits.merchant[source.merchant]
    where = Where(source.kind, source.merchant, source.terminal, traits)
    attacks = attacks_of(ground, uses, where)
    attacks = replace(
        attacks,
        entry_mode=source.entry_mode,
        amount=source.amount,
        tail_octave=source.tail_octave,
        authentication=np.full(count, NO_AUTHENTICATION),
        response=np.full(count, APPROVED),
        original=source.address,
    )
    compromises = compromises_of(ground, victims, victims.address.view(np.int64), None)
    return Story(compromises, attacks, empty(Disputes))
