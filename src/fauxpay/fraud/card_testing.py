"""Card testing, then cash-out: stolen e-commerce credentials tried small and used large.

Reads    cards(online_share, level), online merchants, devices
Writes   compromises, attacks
Draws    fraud/card_testing/*
Sources  parameters.yaml [card_testing]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fauxpay.activity import tickets
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity
from fauxpay.activity.rows import CREDENTIAL_ON_FILE, ECOMMERCE, ONLINE, Where
from fauxpay.activity.sessions import NETWORK_BASE, NETWORK_HOST_BITS
from fauxpay.activity.shops import standing, terminals_of
from fauxpay.activity.visits import spread_out
from fauxpay.foundations.draws import I64, U64, below
from fauxpay.fraud.story import (
    BLOCK_DAYS,
    CARD_TESTING,
    Attacks,
    Compromises,
    attack_rows,
    choice,
    exposed,
    nth_addresses,
    running_ms,
    span_ms,
)
from fauxpay.fraud.streams import word

NAME = "card_testing"
_TEST_FIRST, _CASH_FIRST = 0, 16
_HOUR, _MINUTE, _SECOND = 3_600_000.0, 60_000.0, 1_000.0


def card_testing(
    activity: Activity, per_card_year: float, facts: dict[str, Any], end_day: int
) -> tuple[Compromises, Attacks]:
    """Compromises and attacks of the range's cards from the epoch to end_day."""
    cards = activity.world.cards
    own = slice(activity.first_card, activity.last_card)
    exposure = cards.online_share[own] * cards.level[own] / facts["online_activity_mean"]
    chance = per_card_year * BLOCK_DAYS / 365.25 * np.minimum(exposure, facts["exposure_max"])
    address, card, moment = exposed(activity, NAME, chance, end_day)
    seed, at_once = activity.keys.seed, int(facts["campaigns_at_once"])
    batch = moment // (int(facts["campaign_days"]) * DAY_MS)
    which = below(word(seed, f"{NAME}/campaign", address), at_once)
    campaign = batch * at_once + which

    first = moment + span_ms(seed, f"{NAME}/dormant", address, (facts["dormant_hours"], _HOUR))
    owner, nth = spread_out(1 + choice(seed, f"{NAME}/tests", address, facts["tests"]))
    test_address = nth_addresses(address[owner], nth + _TEST_FIRST)
    gap = span_ms(seed, f"{NAME}/test_gap", test_address, (facts["test_gap_seconds"], _SECOND))
    test_ms = first[owner] + running_ms(owner, np.where(nth == 0, 0, gap))
    last_test = np.zeros(address.size, dtype=np.int64)
    last_test[owner] = test_ms

    large_owner, large_nth = spread_out(
        1 + choice(seed, f"{NAME}/cash_outs", address, facts["cash_outs"])
    )
    large_address = nth_addresses(address[large_owner], large_nth + _CASH_FIRST)
    delay = span_ms(seed, f"{NAME}/cash_delay", address, (facts["cash_out_delay_minutes"], _MINUTE))
    gap = span_ms(seed, f"{NAME}/cash_gap", large_address, (facts["cash_out_gap_minutes"], _MINUTE))
    start = last_test + delay
    large_ms = start[large_owner] + running_ms(large_owner, np.where(large_nth == 0, 0, gap))
    found = span_ms(seed, f"{NAME}/detection", address, (facts["detection_hours"], _HOUR))
    compromises = Compromises(
        address=address,
        card=card,
        typology=np.full(card.size, CARD_TESTING),
        campaign=campaign,
        compromised_ms=moment,
        blocked_ms=start + found,
    )
    owner = np.concatenate([owner, large_owner])
    is_test = np.arange(owner.size) < test_ms.size
    at = (np.concatenate([test_ms, large_ms]), np.concatenate([test_address, large_address]))
    return compromises, _attacks(activity, facts, compromises, (owner, is_test), at)


def _attacks(
    activity: Activity,
    facts: dict[str, Any],
    compromises: Compromises,
    which: tuple[I64, Any],
    at: tuple[I64, U64],
) -> Attacks:
    owner, is_test = which
    at_ms, address = at
    seed, card = activity.keys.seed, compromises.card[owner]
    merchant = _merchants(activity, facts, (compromises.campaign[owner], card, is_test), at)
    traits, remote = activity.tables.traits, np.ones(owner.size, dtype=np.bool_)
    terminal = terminals_of(traits, merchant, remote, np.zeros(owner.size, dtype=np.int64))
    where = Where(np.full(owner.size, ONLINE), merchant, terminal, traits.merchant[merchant])
    rows = attack_rows(activity, card, at_ms, address)
    priced = activity.tables.tickets, traits
    amount, octave = tickets.price(*priced, rows, where)
    # A thief takes the dearer of two baskets; the endings stay those of the shop.
    twin = attack_rows(activity, card, at_ms, address ^ np.uint64(1 << 62))
    other, other_octave = tickets.price(*priced, twin, where)
    octave = np.where(other > amount, other_octave, octave)
    amount = np.maximum(amount, other)
    small = _test_amounts(activity, facts, merchant, address)
    device, ip_address = _workplace(activity, facts, compromises.campaign[owner], address)
    stored = (word(seed, f"{NAME}/entry", address) >> np.uint64(61)) == 0
    return Attacks(
        compromise=owner,
        card=card,
        at_ms=at_ms,
        kind=where.kind,
        merchant=merchant,
        terminal=where.terminal,
        entry_mode=np.where(stored, CREDENTIAL_ON_FILE, ECOMMERCE).astype(np.int64),
        amount=np.where(is_test, small, amount),
        tail_octave=np.where(is_test, 0, octave),
        device=device,
        ip_address=ip_address,
    )


def _merchants(
    activity: Activity, facts: dict[str, Any], wanted: tuple[I64, I64, Any], at: tuple[I64, U64]
) -> I64:
    """The campaign's own short lists of shops, in each country of its victims."""
    campaign, card, is_test = wanted
    at_ms, address = at
    sizes = facts["merchants"]
    size = np.where(is_test, sizes["test"], sizes["cash_out"])
    pick = below(word(activity.keys.seed, f"{NAME}/shop", address), size)
    list_address = (campaign << 8) | (pick << 1) | is_test.astype(np.int64)
    drawn = word(activity.keys.seed, f"{NAME}/list", list_address.view(np.uint64))
    tables = activity.tables.where
    segment = tables.segment[ONLINE] + activity.world.cards.country[card]
    merchant = tables.pool.pick(segment, drawn)
    return standing(tables, merchant, (segment, drawn), at_ms // DAY_MS)


def _test_amounts(activity: Activity, facts: dict[str, Any], merchant: I64, address: U64) -> Any:
    law = (facts["test_ticket"], 1000.0)
    cents = span_ms(activity.keys.seed, f"{NAME}/test_ticket", address, law) / 1000.0
    merchants, tables = activity.world.merchants, activity.tables.tickets
    scale = tables.scale[merchant] / merchants.price_level[merchant]
    return np.maximum(np.rint(cents * scale), 1.0)


def _workplace(
    activity: Activity, facts: dict[str, Any], campaign: I64, address: U64
) -> tuple[I64, I64]:
    """A campaign works from a few stray devices; addresses are those of mobile networks."""
    devices, count = activity.world.devices, len(activity.world.countries)
    desks = facts["workplace"]
    desk = below(word(activity.keys.seed, f"{NAME}/desk", address), desks["of_campaign"])
    drawn = word(activity.keys.seed, f"{NAME}/device", ((campaign << 8) | desk).view(np.uint64))
    # The first strays only: a world with more households leaves every attack's device alone.
    device = devices.pool_first + below(drawn, max(min(devices.pool_count, desks["in_all"]), 1))
    if not devices.pool_count:
        device = np.full(campaign.size, -1)
    drawn = word(activity.keys.seed, f"{NAME}/address", address)
    country = below(drawn, count)
    host = (drawn & np.uint64((1 << NETWORK_HOST_BITS) - 1)).view(np.int64)
    return device, NETWORK_BASE + (country << NETWORK_HOST_BITS) + host
