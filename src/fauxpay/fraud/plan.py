"""Plan: all compromises and attacks of a range of cards, and the cards that replace blocked ones.

Reads    activity, typologies
Writes   campaigns, compromises, reissues (contract fraud.yaml), attacks
Draws    nothing of its own
Sources  parameters.yaml

The plan is a pure function of world, seed and card range, from the epoch on; a later end only adds
to it. A blocked card is replaced at once (a digital card), so genuine spending goes on unchanged
and fraud can be switched off without moving a genuine row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.activity.addresses import SLOT_MASK
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity, day_number
from fauxpay.catalog.world import Bool
from fauxpay.config.model import Config
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, U64
from fauxpay.foundations.parameters import Parameters
from fauxpay.fraud.ground import Demand, Ground
from fauxpay.fraud.issuer import answered
from fauxpay.fraud.quota import ALL, Quota, kept
from fauxpay.fraud.story import (
    NOT_BLOCKED,
    Attacks,
    Compromises,
    Disputes,
    Story,
    chosen,
    no_story,
    together,
)
from fauxpay.fraud.typology import Named, typologies_of


@dataclass(frozen=True, slots=True)
class Reissues:
    """One entry per replaced card, sorted by (card, time).

    card i64[n], reissued_ms i64[n], compromise i64[n] (position), id i64[n], replaces_id i64[n]
    """

    card: I64
    reissued_ms: I64
    compromise: I64
    id: I64
    replaces_id: I64


@dataclass(frozen=True, slots=True)
class Plan:
    """Compromises, their attacks sorted by (day, card, time) with slots, and reissues.

    slot       i64[attacks]  number of the attack within its cell
    day        i64[attacks]  UTC day
    disputes   genuine purchases that their own customer will dispute, by (day, address)
    """

    compromises: Compromises
    attacks: Attacks
    slot: I64
    day: I64
    reissues: Reissues
    disputes: Disputes

    def disputes_on(self, days: range) -> slice:
        """Where the disputed purchases of consecutive days stand."""
        first, last = np.searchsorted(self.disputes.day, [days.start, days.stop])
        return slice(int(first), int(last))

    def on_days(self, days: range) -> slice:
        """Where the attacks of consecutive days stand."""
        first, last = np.searchsorted(self.day, [days.start, days.stop])
        return slice(int(first), int(last))

    def card_ids(self, original_id: I64, card: I64, absolute_ms: I64) -> tuple[I64, I64]:
        """(id in force, when it came into force or -1) of cards at moments; each i64[n].

        original_id  the catalog's ids of the same cards
        """
        key = card * np.int64(1 << 43) + np.minimum(absolute_ms, (1 << 43) - 1)
        known = self.reissues.card * np.int64(1 << 43) + self.reissues.reissued_ms
        position = np.searchsorted(known, key, side="right") - 1
        at = np.maximum(position, 0)
        if not known.size:
            return original_id, np.full(card.size, -1)
        has = (position >= 0) & (self.reissues.card[at] == card)
        return (
            np.where(has, self.reissues.id[at], original_id),
            np.where(has, self.reissues.reissued_ms[at], -1),
        )


def build_plan(
    activity: Activity, config: Config, parameters: Parameters, end_day: int, quota: Quota = ALL
) -> Plan:
    """The plan of a range of cards up to end_day (exclusive), as far as a quota lets it."""
    if not config.fraud.enabled or config.activity.realism == "v1":
        return _plan(activity, no_story())
    return _plan(activity, together(stories_of(activity, config, parameters, end_day, quota)))


def stories_of(
    activity: Activity, config: Config, parameters: Parameters, end_day: int, quota: Quota = ALL
) -> list[Story]:
    """What each typology of a config tells, and each campaign that the config schedules."""
    told = []
    for named, ground in grounds_of(activity, config, parameters, end_day, quota):
        story = answered(ground, named.typology.plan(ground))
        told.append(kept(ground, story, quota))
    return told


def grounds_of(
    activity: Activity, config: Config, parameters: Parameters, end_day: int, quota: Quota = ALL
) -> Iterator[tuple[Named, Ground]]:
    """Each typology of a config with what it stands on, once more for each of its campaigns."""
    common = parameters.section("fraud")
    memory: dict[Any, Any] = {}
    for named in typologies_of(config):
        for demand in demands_of(config, named, quota):
            own = named.typology.facts
            yield (
                named,
                Ground(
                    activity=activity,
                    name=named.typology.name,
                    code=named.code,
                    facts=common[named.typology.name] if own is None else own,
                    common=common,
                    demand=demand,
                    end_day=end_day,
                    memory=memory,
                ),
            )


def demands_of(config: Config, named: Named, quota: Quota = ALL) -> list[Demand]:
    """What is wanted of a typology: all the time, and in the campaigns of the config."""
    drifts, demands = config.fraud.drift, []
    if named.per_card_year > 0:
        rate = named.per_card_year * quota.scale_of(named.code)
        demands.append(Demand(rate, is_drifting=drifts))
    scheduled = config.fraud.campaigns if quota.campaigns else []
    for number, campaign in enumerate(scheduled, start=1):
        if campaign.typology == named.typology.name:
            demands.append(
                Demand(
                    per_card_year=campaign.per_card_year,
                    from_ms=day_number(campaign.start_day) * DAY_MS,
                    to_ms=day_number(campaign.end_day) * DAY_MS,
                    number=number,
                    mcc=campaign.mcc,
                    country=campaign.countries,
                    is_drifting=False,
                )
            )
    return demands


def happens(activity: Activity, told: Story) -> tuple[Bool, Reissues]:
    """(which attacks can happen, cards replaced): one blocked, given up or not issued is dead."""
    compromises, attacks = told.compromises, told.attacks
    reissues = _reissues(activity, compromises)
    started = compromises.compromised_ms[attacks.compromise]
    blocked = compromises.blocked_ms[attacks.compromise]
    usable = (attacks.at_ms < blocked) | (blocked == NOT_BLOCKED)
    usable &= attacks.at_ms >= started
    if reissues.card.size:
        # A card that was replaced for another reason in between is dead in the thief's hands.
        key = np.int64(1 << 43)
        known = reissues.card * key + reissues.reissued_ms
        before = np.searchsorted(known, attacks.card * key + started, side="right")
        after = np.searchsorted(known, attacks.card * key + attacks.at_ms, side="right")
        usable &= before == after
    last_day = activity.epoch_day + activity.calendar.days
    usable &= (attacks.at_ms >= activity.epoch_day * DAY_MS) & (attacks.at_ms < last_day * DAY_MS)
    usable &= activity.in_use(attacks.card, attacks.at_ms // DAY_MS)
    return usable, reissues


def _plan(activity: Activity, told: Story) -> Plan:
    usable, reissues = happens(activity, told)
    compromises, attacks = told.compromises, told.attacks
    attacks = chosen(attacks, usable)
    day = attacks.at_ms // DAY_MS
    order = np.lexsort((attacks.address, attacks.at_ms, attacks.card, day))
    attacks, day = chosen(attacks, order), day[order]
    new_cell = np.diff(day, prepend=-1) != 0
    new_cell |= np.diff(attacks.card, prepend=-1) != 0
    first = np.flatnonzero(new_cell)
    slot = np.arange(day.size) - np.repeat(first, np.diff(np.append(first, day.size)))
    # A cell has room for so many; no typology comes near.
    fits = slot <= SLOT_MASK
    attacks, day, slot = chosen(attacks, fits), day[fits], slot[fits]
    return Plan(compromises, attacks, slot, day, reissues, _in_order(told.disputes))


def _in_order(disputes: Disputes) -> Disputes:
    """By day and address; a purchase that two typologies dispute is disputed once."""
    order = np.lexsort((disputes.typology, disputes.address, disputes.day))
    disputes = chosen(disputes, order)
    is_first = np.diff(disputes.address, prepend=np.uint64(0)) != 0
    once: Disputes = chosen(disputes, np.flatnonzero(is_first))
    return once


def _reissues(activity: Activity, compromises: Compromises) -> Reissues:
    """Every block brings a new card, unless the old one is gone already by another block.

    Told to the end of the window: of what is stolen before it and blocked after it, a theft that
    is yet to come may have the card stopped first.
    """
    end_ms = (activity.epoch_day + activity.calendar.days) * DAY_MS
    is_told = (compromises.blocked_ms != NOT_BLOCKED) & (compromises.blocked_ms < end_ms)
    stopped = np.flatnonzero(is_told)
    order = np.lexsort((compromises.blocked_ms[stopped], compromises.card[stopped]))
    order = stopped[order]
    card, blocked = compromises.card[order], compromises.blocked_ms[order]
    started = compromises.compromised_ms[order]
    # A card that is given up before the theft is found gets no successor.
    is_used = activity.in_use(card, blocked // DAY_MS)
    stops = blocks_that_stop(card, started, blocked, is_used)
    order, card, blocked = order[stops], card[stops], blocked[stops]
    law = IdLaw.of(activity.keys.seed, "reissued_cards")
    new_id = law.ids(compromises.address[order] ^ _typology_bit(compromises, order))
    replaces = activity.world.cards.id[card].copy()
    same = np.flatnonzero(card[1:] == card[:-1]) + 1
    replaces[same] = new_id[same - 1]
    return Reissues(card, blocked, order, new_id, replaces)


def blocks_that_stop(card: I64, started: I64, blocked: I64, is_used: Bool) -> Bool:
    """Whether each block stops a card that is alive, bool[n]; entries by (card, blocked).

    Where a block replaced the card after a theft, the stolen details are dead, and a later block
    for their sake stops nothing: nor does it make the next theft's details dead.
    """
    is_first = np.diff(card, prepend=-1) != 0
    owner, first = np.cumsum(is_first) - 1, np.flatnonzero(is_first)
    nth = np.arange(card.size) - first[owner]
    stops = np.zeros(card.size, dtype=np.bool_)
    last = np.full(first.size, np.iinfo(np.int64).min)
    # A card has few, so there are few rounds: the first block of each card, the second, and so on.
    order = np.argsort(nth, kind="stable")
    for row in np.split(order, np.cumsum(np.bincount(nth))[:-1]):
        row = row[is_used[row] & (started[row] >= last[owner[row]])]
        stops[row], last[owner[row]] = True, blocked[row]
    return stops


def _typology_bit(compromises: Compromises, order: I64) -> U64:
    """Compromises of two typologies may share (card, block): the name tells them apart."""
    return compromises.typology[order].astype(np.uint64) << np.uint64(58)
