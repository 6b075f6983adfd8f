"""Traits: what a row needs to know of its card and its merchant, packed so that one look finds it.

A row's card is anywhere in memory: each column fetched for itself is a cache miss of its own, so
the columns of a card stand side by side. Merchants are fewer and some are met again and again:
their columns stay in the cache one by one, with the small codes packed into one word.

Reads    cards, merchants
Writes   card and merchant records
Draws    nothing
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fauxpay.catalog.world import TERMINAL_KINDS, World
from fauxpay.foundations.draws import F64, I64
from fauxpay.foundations.rounding import rounded

# Columns of a card's record: three ids and the packed traits.
CUSTOMER_ID, ACCOUNT_ID, CARD_ID, CARD_TRAITS = range(4)

COUNTRY, CURRENCY, CAN_TAP, ONLINE_LEVEL = (0, 8), (8, 8), (16, 1), (17, 5)
SCHEME, PRODUCT, FACTOR = (22, 4), (26, 4), (32, 12)
MCC, CITY, MERCHANT_COUNTRY, MERCHANT_CURRENCY, TICKET_CLASS = (
    (0, 16),
    (16, 24),
    (40, 8),
    (48, 8),
    (56, 7),
)
ONLINE_LEVELS = 1 << ONLINE_LEVEL[1]
FACTOR_STEPS_PER_OCTAVE = 64
_VIRTUAL = TERMINAL_KINDS.index("virtual")
FACTOR_ONE = 1 << (FACTOR[1] - 1)


@dataclass(frozen=True, slots=True)
class Traits:
    """What rows look up.

    card         i64[cards, 4]     ids and packed traits
    merchant     i64[merchants]    packed traits
    terminals    i64[merchants]    first terminal (24 bits) and number (8 bits) for card-present,
                                   then for remote purchases
    coordinates  i64[merchants]    latitude and longitude, two float32
    scale        f64[merchants]    price scale
    factor       f64[4096]         of a ticket, by a card's factor step
    """

    card: I64
    merchant: I64
    terminals: I64
    coordinates: I64
    scale: F64
    factor: F64


def trait(packed: I64, field: tuple[int, int]) -> I64:
    """A field (first bit, width) of packed traits, int64."""
    first, width = field
    value = packed >> np.int64(first) if first else packed
    return value & np.int64((1 << width) - 1)


def traits_of(world: World, tickets: tuple[I64, F64, F64]) -> Traits:
    """Records of a world; tickets is (class of merchants, scale of merchants, factor of cards)."""
    ticket_class, scale, card_factor = tickets
    coordinates = np.stack([world.merchants.latitude, world.merchants.longitude], axis=1)
    return Traits(
        card=_cards(world, card_factor),
        merchant=_merchants(world, ticket_class),
        terminals=_terminals(world),
        coordinates=np.ascontiguousarray(coordinates).view(np.int64).reshape(-1),
        scale=scale,
        factor=_factors(),
    )


def _factors() -> F64:
    step = (np.arange(1 << FACTOR[1]) - FACTOR_ONE) / FACTOR_STEPS_PER_OCTAVE
    return rounded(np.exp2(step), 9)


def _packed(fields: dict[tuple[int, int], NDArray[np.int64]]) -> I64:
    total: I64 = np.int64(0) + np.zeros_like(next(iter(fields.values())), dtype=np.int64)
    for (first, width), value in fields.items():
        assert value.min(initial=0) >= 0
        assert value.max(initial=0) < 1 << width
        total |= value.astype(np.int64) << np.int64(first)
    return total


def _cards(world: World, card_factor: F64) -> I64:
    cards = world.cards
    level = np.minimum((cards.online_share * ONLINE_LEVELS).astype(np.int64), ONLINE_LEVELS - 1)
    step = np.rint(np.round(np.log2(card_factor) * FACTOR_STEPS_PER_OCTAVE, 6)).astype(np.int64)
    traits = _packed(
        {
            COUNTRY: cards.country,
            CURRENCY: cards.currency,
            CAN_TAP: cards.is_contactless.astype(np.int64),
            ONLINE_LEVEL: level,
            SCHEME: cards.scheme.astype(np.int64),
            PRODUCT: cards.product.astype(np.int64),
            FACTOR: np.clip(step + FACTOR_ONE, 0, 2 * FACTOR_ONE - 1),
        }
    )
    return np.ascontiguousarray(
        np.stack([cards.customer_id, cards.account_id, cards.id, traits], axis=1)
    )


def _merchants(world: World, ticket_class: I64) -> I64:
    merchants = world.merchants
    return _packed(
        {
            MCC: merchants.mcc.astype(np.int64),
            CITY: merchants.city.astype(np.int64),
            MERCHANT_COUNTRY: merchants.country,
            MERCHANT_CURRENCY: merchants.currency,
            TICKET_CLASS: ticket_class,
        }
    )


def _terminals(world: World) -> I64:
    """Where a merchant's terminals stand, for both ways to pay; at most 255 of a kind are used."""
    merchants = world.merchants
    owner = np.repeat(np.arange(merchants.id.size), merchants.terminal_count)
    is_remote = world.terminals.kind == _VIRTUAL
    remote = np.bincount(owner[is_remote], minlength=merchants.id.size)
    present = merchants.terminal_count - remote
    first = merchants.first_terminal
    first_remote = np.where(remote > 0, first + present, first)
    remote_count = np.where(remote > 0, remote, present)
    present_count = np.where(present > 0, present, remote)
    return _packed(
        {
            (0, 8): np.minimum(present_count, 255),
            (8, 24): first,
            (32, 8): np.minimum(remote_count, 255),
            (40, 23): first_remote,
        }
    )
