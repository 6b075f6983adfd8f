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

from dataclasses import dataclass

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity
from fauxpay.config.model import Config
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, U64
from fauxpay.foundations.parameters import Parameters
from fauxpay.fraud.card_testing import card_testing
from fauxpay.fraud.lost_stolen import lost_stolen
from fauxpay.fraud.story import Attacks, Compromises, chosen, merged


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
    """

    compromises: Compromises
    attacks: Attacks
    slot: I64
    day: I64
    reissues: Reissues

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


def build_plan(activity: Activity, config: Config, parameters: Parameters, end_day: int) -> Plan:
    """The plan of a range of cards up to end_day (exclusive)."""
    if not config.fraud.enabled or config.activity.realism == "v1":
        return _plan(activity, config.catalog.seed, _none())
    stories = [
        card_testing(
            activity,
            config.fraud.card_testing_per_card_year,
            parameters.section("fraud.card_testing"),
            end_day,
        ),
        lost_stolen(
            activity,
            config.fraud.lost_stolen_per_card_year,
            parameters.section("fraud.lost_stolen"),
            end_day,
        ),
    ]
    return _plan(activity, config.catalog.seed, _together(stories))


def _together(stories: list[tuple[Compromises, Attacks]]) -> tuple[Compromises, Attacks]:
    offset, attacks = 0, []
    for compromises, made in stories:
        shifted = chosen(made, slice(None))
        shifted.compromise[:] = made.compromise + offset
        attacks.append(shifted)
        offset += compromises.card.size
    return merged([compromises for compromises, _ in stories]), merged(attacks)


def _none() -> tuple[Compromises, Attacks]:
    whole, word = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
    compromises = Compromises(word, whole, whole, whole, whole, whole)
    amount = np.zeros(0, dtype=np.float64)
    attacks = Attacks(
        compromise=whole,
        card=whole,
        at_ms=whole,
        kind=whole,
        merchant=whole,
        terminal=whole,
        entry_mode=whole,
        amount=amount,
        tail_octave=whole,
        device=whole,
        ip_address=whole,
    )
    return compromises, attacks


def _plan(activity: Activity, catalog_seed: int, told: tuple[Compromises, Attacks]) -> Plan:
    compromises, attacks = told
    reissues = _reissues(activity, compromises)
    started = compromises.compromised_ms[attacks.compromise]
    blocked = compromises.blocked_ms[attacks.compromise]
    usable = attacks.at_ms < blocked
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
    attacks = chosen(attacks, usable)
    day = attacks.at_ms // DAY_MS
    order = np.lexsort((attacks.at_ms, attacks.card, day))
    attacks, day = chosen(attacks, order), day[order]
    new_cell = np.diff(day, prepend=-1) != 0
    new_cell |= np.diff(attacks.card, prepend=-1) != 0
    first = np.flatnonzero(new_cell)
    slot = np.arange(day.size) - np.repeat(first, np.diff(np.append(first, day.size)))
    return Plan(compromises, attacks, slot, day, reissues)


def _reissues(activity: Activity, compromises: Compromises) -> Reissues:
    """Every block brings a new card, unless the old one is gone already by another block."""
    order = np.lexsort((compromises.blocked_ms, compromises.card))
    card, blocked = compromises.card[order], compromises.blocked_ms[order]
    started = compromises.compromised_ms[order]
    same = np.flatnonzero(card[1:] == card[:-1]) + 1
    # The earlier block replaced the card after the later theft: the stolen details are dead.
    dead = same[started[same] < blocked[same - 1]]
    # Nor does a card that is given up before the theft is found get a successor.
    dead = np.union1d(dead, np.flatnonzero(~activity.in_use(card, blocked // DAY_MS)))
    kept = np.setdiff1d(np.arange(card.size), dead)
    order, card, blocked = order[kept], card[kept], blocked[kept]
    law = IdLaw.of(activity.keys.seed, "reissued_cards")
    new_id = law.ids(compromises.address[order] ^ _typology_bit(compromises, order))
    replaces = activity.world.cards.id[card].copy()
    same = np.flatnonzero(card[1:] == card[:-1]) + 1
    replaces[same] = new_id[same - 1]
    return Reissues(card, blocked, order, new_id, replaces)


def _typology_bit(compromises: Compromises, order: I64) -> U64:
    """Compromises of two typologies may share (card, block): the name tells them apart."""
    return compromises.typology[order].astype(np.uint64) << np.uint64(58)
