"""Manner: what thieves pay and with what: amounts, entry modes, devices and network addresses.

Reads    uses, where, the laws of genuine tickets and entries, devices
Writes   attacks
Draws    fraud/<typology>/{dearer,stored,desk,..}
Sources  parameters.yaml [fraud.workplace]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fauxpay.activity import outcomes, tickets
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.rows import (
    CHIP,
    CONTACTLESS,
    CREDENTIAL_ON_FILE,
    ECOMMERCE,
    MAGSTRIPE,
    ONLINE,
    Where,
)
from fauxpay.activity.sessions import NETWORK_BASE, NETWORK_HOST_BITS, reach_bits
from fauxpay.activity.traits import CARD_TRAITS, CURRENCY, trait
from fauxpay.foundations.draws import F64, I64, U64, below, bits
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.story import AS_USUAL, NO_ORIGINAL, Attacks
from fauxpay.fraud.uses import Uses

_REACH_BITS_MAX = 40


def attacks_of(ground: Ground, uses: Uses, where: Where, dearer: Any = 0.0) -> Attacks:
    """Attacks with the tickets and entries of genuine purchases there.

    dearer  probability (number or f64[n]) that the dearer of two baskets is taken
    """
    rows = ground.rows(uses.card, uses.at_ms, uses.address)
    tables, count = ground.activity.tables, uses.card.size
    amount, octave = tickets.price(tables.tickets, tables.traits, rows, where)
    # The endings of a basket stay those of the shop.
    twin = ground.rows(uses.card, uses.at_ms, uses.address ^ np.uint64(1 << 62))
    other, other_octave = tickets.price(tables.tickets, tables.traits, twin, where)
    swaps = ground.chance("dearer", uses.address, dearer) & (other > amount)
    return Attacks(
        compromise=uses.compromise,
        card=uses.card,
        at_ms=uses.at_ms,
        address=uses.address,
        kind=where.kind,
        merchant=where.merchant,
        terminal=where.terminal,
        entry_mode=outcomes.entry_modes(tables.outcomes, rows, where),
        amount=np.where(swaps, other, amount),
        tail_octave=np.where(swaps, other_octave, octave),
        device=np.full(count, -1),
        ip_address=np.zeros(count, dtype=np.int64),
        authentication=np.full(count, AS_USUAL),
        response=np.full(count, AS_USUAL),
        original=np.zeros(count, dtype=np.uint64),
    )


def remote(
    ground: Ground, attacks: Attacks, campaign: I64, near_share: float | None = None
) -> Attacks:
    """The same with the thieves' devices and addresses, and some with stored credentials."""
    stored = float(ground.facts.get("stored_share", ground.common["workplace"]["stored_share"]))
    is_stored = ground.chance("stored", attacks.address, stored)
    device, address = workplaces(ground, attacks, campaign, near_share)
    online = attacks.kind == ONLINE
    entry = np.where(is_stored, CREDENTIAL_ON_FILE, ECOMMERCE)
    return replace(
        attacks,
        entry_mode=np.where(online, entry, attacks.entry_mode),
        device=np.where(online, device, -1),
        ip_address=np.where(online, address, 0),
    )


def small_tickets(
    ground: Ground, attacks: Attacks, which: Any, law: Mapping[str, float]
) -> Attacks:
    """The same with amounts in reference cents by a law, in the currency of the shop."""
    cents = ground.span_ms("small", attacks.address, law, 1000) / 1000.0
    merchants, tables = ground.activity.world.merchants, ground.activity.tables.tickets
    scale = tables.scale[attacks.merchant] / merchants.price_level[attacks.merchant]
    amount = np.maximum(np.rint(cents * scale), 1.0)
    return replace(
        attacks,
        amount=np.where(which, amount, attacks.amount),
        tail_octave=np.where(which, 0, attacks.tail_octave),
    )


def worthwhile(ground: Ground, attacks: Attacks) -> Attacks:
    """The same with several of what is too cheap: who runs a risk wants it to pay.

    Whole multiples, so the endings of prices stay those of the shop.
    """
    law = ground.common["worth"]
    cents = ground.span_ms("worth", attacks.address, law["cents"], 1000) / 1000.0
    merchants, tables = ground.activity.world.merchants, ground.activity.tables.tickets
    wanted = cents * tables.scale[attacks.merchant] / merchants.price_level[attacks.merchant]
    pieces = np.clip(np.ceil(wanted / attacks.amount), 1.0, float(law["pieces_max"]))
    return replace(attacks, amount=attacks.amount * pieces)


def scaled(attacks: Attacks, factor: F64 | float) -> Attacks:
    """The same with amounts that are some factor as large, still whole minor units."""
    return replace(attacks, amount=np.maximum(np.rint(attacks.amount * factor), 1.0))


def within_limits(ground: Ground, attacks: Attacks) -> Attacks:
    """The same with cards inserted where the amount is above the limit of taps, as customers do.

    Judged here, by draws of the attack's own, for the bank's answer hangs on how it was asked.
    """
    row = np.flatnonzero(attacks.entry_mode == CONTACTLESS)
    activity, card = ground.activity, attacks.card[row]
    currency = trait(activity.tables.traits.card[card, CARD_TRAITS], CURRENCY)
    dares = bits(ground.word("dares", attacks.address[row]), 0, outcomes.CEILING_BITS)
    ceiling = outcomes.ceilings(activity.tables.outcomes, currency, dares)
    billing = attacks.amount[row] * _rates(ground, attacks, row, currency)
    entry = attacks.entry_mode.copy()
    # What is given back was judged when it was bought.
    above = (np.rint(billing) > ceiling) & (attacks.original[row] == NO_ORIGINAL)
    entry[row[above]] = CHIP
    return replace(attacks, entry_mode=entry)


def _rates(ground: Ground, attacks: Attacks, row: I64, currency: I64) -> F64:
    """Minor units of the account for one of the shop, on the days of some attacks."""
    activity = ground.activity
    there, found = activity.world.merchants.currency[attacks.merchant[row]], np.ones(row.size)
    last_day = activity.epoch_day + activity.calendar.days - 1
    day = np.clip(attacks.at_ms[row] // DAY_MS, activity.epoch_day, last_day)
    foreign = np.flatnonzero(there != currency)
    for one in np.unique(day[foreign]).tolist():
        its = foreign[day[foreign] == one]
        pair = there[its].astype(np.int64) * len(activity.world.currencies) + currency[its]
        found[its] = tickets.rates_between(activity.world, one)[pair]
    return found


def swiped(attacks: Attacks) -> Attacks:
    """The same with card-present rows read by stripe: a counterfeit has no chip."""
    entry = np.where(attacks.kind == ONLINE, attacks.entry_mode, MAGSTRIPE)
    return replace(attacks, entry_mode=entry)


def own_sessions(ground: Ground, attacks: Attacks) -> Attacks:
    """The same from the customer's own device and line, where it is online."""
    world, online = ground.activity.world, attacks.kind == ONLINE
    device = ground.activity.tables.sessions.own_device[attacks.card]
    home = world.devices.ip_address[np.maximum(device, 0)].astype(np.int64)
    network = _networks(ground, world.cards.country[attacks.card], attacks.address)
    return replace(
        attacks,
        device=np.where(online, device, -1),
        ip_address=np.where(online, np.where(device >= 0, home, network), 0),
    )


def workplaces(
    ground: Ground, attacks: Attacks, campaign: I64, near_share: float | None = None
) -> tuple[I64, I64]:
    """(device, address): a campaign has a few stray machines and lines that it works through.

    Some pose as the customer's own machine, by a bought fingerprint or from afar on the very one.
    Strays and lines are those that households use too, so neither is a thief's alone. Which of
    them are in reach grows with the card's place in the list: more households leave it as it is.
    """
    law, world, key = ground.common["workplace"], ground.activity.world, attacks.address
    desk = below(ground.word("desk", key), int(ground.facts.get("desks", law["desks"])))
    place = ((campaign << 6) | desk).view(np.uint64)
    devices = world.devices
    household = world.cards.household[attacks.card]
    near = devices.near[household]
    share = law["near_share"] if near_share is None else near_share
    is_near = ground.chance("near", key, share)
    most = (1 << int(ground.facts.get("reach_bits", _REACH_BITS_MAX))) - 1
    desks = _in_reach(ground, "device", place, np.minimum(near, most))
    device = devices.pool_first + np.where(is_near, near, desks)
    if not devices.pool_count:
        device = np.full(key.size, -1)
    posed = float(ground.facts.get("posed_share", law["posed_share"]))
    own = ground.activity.tables.sessions.own_device[attacks.card]
    poses = ground.chance("poses", key, posed) & (own >= 0)
    device = np.where(poses, own, device)
    host = _in_reach(ground, "line", place, np.minimum(household, most))
    line = devices.ip_address[devices.first[host]].astype(np.int64)
    through_own = poses & ground.chance("own_line", key, law["own_line_share"])
    country = world.cards.country[attacks.card]
    count = len(world.countries)
    elsewhere = (country + below(ground.word("network", key), count)) % count
    line_share = float(ground.facts.get("line_share", law["line_share"]))
    through_line = ground.chance("through_line", key, line_share) & (line > 0)
    at_home = ground.chance("at_home", key, law["home_network_share"])
    network = _networks(ground, np.where(at_home, country, elsewhere), key)
    address = np.where(through_line, line, network)
    return device, np.where(through_own, devices.ip_address[np.maximum(own, 0)], address)


def _in_reach(ground: Ground, decision: str, place: U64, limit: I64) -> I64:
    """A number below the greatest power of two that is not above limit, the same for all alike."""
    level = reach_bits(limit)
    word = ground.word(decision, place ^ (level.view(np.uint64) << np.uint64(56)))
    return bits(word, 8, 32) & ((np.int64(1) << level) - 1)


def _networks(ground: Ground, country: I64, key: U64) -> I64:
    host = bits(ground.word("host", key), 0, NETWORK_HOST_BITS)
    return NETWORK_BASE + (country << NETWORK_HOST_BITS) + host
