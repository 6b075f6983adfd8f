"""Tickets: how much each purchase costs, in the merchant's currency and in the account's.

Reads    rows(card, address), where(kind, merchant), reference exchange_rates
Writes   ticket(amount, billing, tail_octave)
Draws    TICKET_AMOUNT, TICKET_ENDING
Sources  parameters.yaml [amounts], countries/*.yaml [endings], catalog [countries.price_level]

Amounts are float64 that hold whole numbers below 2**53; only IEEE operations that round exactly
the same everywhere are used (+ - * / floor rint).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.rows import Rows, Ticket, Where
from fauxpay.activity.traits import (
    FACTOR,
    FACTOR_ONE,
    MERCHANT_COUNTRY,
    MERCHANT_CURRENCY,
    TICKET_CLASS,
    Traits,
    trait,
)
from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.foundations import reference
from fauxpay.foundations.alias import slots
from fauxpay.foundations.draws import F64, I64, U64
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.quantiles import (
    MANTISSA_BITS,
    OCTAVES,
    lognormal_table,
    look_up,
    tail_index,
    tail_probabilities,
)
from fauxpay.foundations.rounding import rounded

REFERENCE_CURRENCY = "USD"
ENDINGS = ("exact", "whole", "99", "95", "50", "fives", "90", "notes", "round sums")
_ENDING_SLOTS = 256
_LIST_STRIDE, _PRICE_STRIDE = 89, 151  # odd: neighbours in a list end differently
TAIL_OCTAVES = 8


@dataclass(frozen=True, slots=True)
class TicketTables:
    """What amounts are drawn from.

    quantiles   f64[classes, points]   ticket in reference cents at price level 1
    class_of    i64[merchants]         row of `quantiles`
    scale       f64[merchants]         local minor units per reference cent, price level included
    card_factor f64[cards]             the card's own
    endings     u8[countries * classes * 256]  ending of each slot
    class_count number of classes
    is_listed   bool[classes]  whether merchants have a list of so many `prices`
    step, less  f64[endings * currencies]  round to a multiple of step, then take less off
    """

    quantiles: F64
    class_of: I64
    scale: F64
    card_factor: F64
    endings: NDArray[np.uint8]
    step: F64
    less: F64
    currency_count: int
    class_count: int
    is_listed: NDArray[np.bool_]
    prices: int


def ticket_tables(world: World, config: Config, parameters: Parameters) -> TicketTables:
    """Tables of a world."""
    amounts = parameters.section("activity.amounts")
    classes = amounts["classes"]
    names = sorted(classes)
    row = {name: index for index, name in enumerate(names)}
    of_category = amounts["class_of_category"]
    class_of_mcc = np.array([row[of_category.get(mcc, "other")] for mcc in world.mccs])
    class_of = class_of_mcc[world.merchants.mcc].astype(np.int64)
    step, less = _endings(world, amounts)
    low, high = amounts["ticket_bounds"]
    return TicketTables(
        quantiles=np.concatenate(
            [
                lognormal_table(classes[name]["median"], classes[name]["log_sd"], low, high)
                for name in names
            ]
        ),
        class_of=class_of,
        scale=_scale(world, config, parameters),
        card_factor=_card_factor(world, amounts),
        endings=_ending_slots(world, [classes[name]["ending"] for name in names], parameters),
        step=step,
        less=less,
        currency_count=len(world.currencies),
        class_count=len(names),
        is_listed=np.isin(names, amounts["listed_classes"]),
        prices=int(amounts["listed_prices"]),
    )


def minor_units(world: World) -> F64:
    """Minor units in one unit of each currency: 1, 100 or 1000."""
    return 10.0 ** reference.minor_digits(list(world.currencies)).astype(np.float64)


def rates_between(world: World, day: int) -> F64:
    """f64[currencies * currencies]: minor units of the second for one minor unit of the first."""
    names = list(world.currencies)
    per_euro = reference.rates_on(datetime.date(1970, 1, 1) + datetime.timedelta(days=day), names)
    in_minor = per_euro * minor_units(world)
    return np.ascontiguousarray(in_minor[None, :] / in_minor[:, None]).reshape(-1)


def _scale(world: World, config: Config, parameters: Parameters) -> F64:
    """Local prices do not follow the day's rate: the rate of the world's first day is kept."""
    levels = parameters.value("catalog.countries.price_level")
    merchants = world.merchants
    names = [*world.currencies, REFERENCE_CURRENCY]
    per_euro = reference.rates_on(config.activity.epoch, names)
    per_cent = per_euro[:-1] / per_euro[-1] * minor_units(world) / 100.0
    level = np.array([levels.get(c, levels["default"]) for c in world.countries])
    return rounded(merchants.price_level * level[merchants.country] * per_cent[merchants.currency])


def _card_factor(world: World, amounts: dict[str, Any]) -> F64:
    cards = world.cards
    is_credit = cards.product == world.products.index("credit")
    level = np.maximum(cards.level, 0.02)
    factor = cards.income_level ** amounts["income_elasticity"]
    factor = factor * level ** amounts["card_level_elasticity"]
    return rounded(factor * np.where(is_credit, amounts["credit_factor"], 1.0))


def _ending_slots(world: World, profiles: list[str], parameters: Parameters) -> NDArray[np.uint8]:
    """Endings by merchant's country and ticket class, whose ending profiles are given."""
    shares = []
    for country in world.countries:
        endings = parameters.of_country(country)["endings"]
        shares += [endings[profile] for profile in profiles]
    return slots(shares, _ENDING_SLOTS)


def _endings(world: World, amounts: dict[str, Any]) -> tuple[F64, F64]:
    units, coarse = minor_units(world), amounts["coarse_units"]
    cash = {"notes": amounts["note_units"], "round sums": amounts["round_sum_units"]}
    step = np.ones((len(ENDINGS), len(world.currencies)))
    less = np.zeros_like(step)
    for column, name in enumerate(world.currencies):
        unit = units[column]
        crude = coarse.get(name, coarse["default"]) * unit
        fine = 1.0 if coarse.get(name, 1) == 1 else crude / 10
        step[:, column] = crude
        step[ENDINGS.index("exact"), column] = max(fine, 1.0)
        step[ENDINGS.index("fives"), column] = 5 * crude
        for ending, of in cash.items():
            step[ENDINGS.index(ending), column] = of.get(name, of["default"]) * unit
        if unit > 1:
            less[ENDINGS.index("99"), column] = unit / 100
            less[ENDINGS.index("95"), column] = unit / 20
            less[ENDINGS.index("90"), column] = unit / 10
            less[ENDINGS.index("50"), column] = unit / 2
        else:
            less[ENDINGS.index("99"), column] = crude * 0.2
            less[ENDINGS.index("90"), column] = crude * 0.2
            less[ENDINGS.index("50"), column] = crude * 0.5
    return step.reshape(-1), np.floor(less).reshape(-1)


def price(tables: TicketTables, traits: Traits, rows: Rows, where: Where) -> tuple[F64, I64]:
    """(amount in the merchant's minor units, whole; depth of the upper tail 0..7) of each row."""
    ticket_class = trait(where.traits, TICKET_CLASS)
    index, fraction = tail_index(rows.ticket_word & np.uint64(0xFFFFFFFF))
    # Of what was drawn, whatever is paid by a list: answers are known without the shop.
    octave = _octaves(index)
    slot, level = streams.TICKET_ENDING.of(rows.ticket_word), trait(rows.traits, FACTOR)
    listed = np.flatnonzero(tables.is_listed.take(ticket_class, mode="clip"))
    own = _as_listed(tables, where.merchant.take(listed), rows.ticket_word.take(listed))
    index[listed], fraction[listed], slot[listed] = own
    level[listed] = FACTOR_ONE
    amount = look_up(tables.quantiles, ticket_class, index, fraction)
    amount *= traits.scale.take(where.merchant, mode="clip")
    amount *= traits.factor.take(level, mode="clip")
    # A risen price ends as prices do.
    amount[rows.billed] *= rows.price_factor
    ticket_class += trait(where.traits, MERCHANT_COUNTRY) * np.int64(tables.class_count)
    ticket_class *= _ENDING_SLOTS
    ticket_class += slot
    ending = tables.endings.take(ticket_class, mode="clip") * np.int64(tables.currency_count)
    ending += trait(where.traits, MERCHANT_CURRENCY)
    step = tables.step.take(ending, mode="clip")
    amount /= step
    amount += 0.5
    np.floor(amount, out=amount)
    np.maximum(amount, 1.0, out=amount)
    amount *= step
    amount -= tables.less.take(ending, mode="clip")
    return amount, octave


def tail_octaves(ticket_word: U64) -> I64:
    """The depth of the upper tail 0..7 that tickets lie in, by their words alone."""
    return _octaves(tail_index(ticket_word & np.uint64(0xFFFFFFFF))[0])


def _octaves(index: I64) -> I64:
    octave: I64 = index >> MANTISSA_BITS
    np.subtract(OCTAVES - 1, octave, out=octave)
    np.minimum(octave, TAIL_OCTAVES - 1, out=octave)
    return octave


def _as_listed(tables: TicketTables, merchant: I64, word: U64) -> tuple[I64, F64, I64]:
    """(index and fraction of the law, slot of the ending) that a merchant's list of prices says.

    It says so to rich and poor.
    """
    price = ((word & np.uint64(0xFFFFFFFF)) * np.uint64(tables.prices)) >> np.uint64(32)
    # The middle of each price's share of the law.
    index, fraction = tail_index(((2 * price + 1) << np.uint64(31)) // np.uint64(tables.prices))
    slot = (merchant * _LIST_STRIDE + price.view(np.int64) * _PRICE_STRIDE) % _ENDING_SLOTS
    return index, fraction, slot


def shares_below(tables: TicketTables, world: World, cents: float) -> F64:
    """Share of each merchant's tickets that are below reference cents, f64[merchants]."""
    tails, level = tail_probabilities()[::-1], world.merchants.price_level
    share = np.zeros(level.size)
    for row, quantiles in enumerate(tables.quantiles):
        its = np.flatnonzero(tables.class_of == row)
        share[its] = 1.0 - np.interp(cents / level[its], quantiles[::-1], tails)
    return np.round(share, 9)


@dataclass(frozen=True, slots=True)
class Rates:
    """Exchange rates of consecutive days.

    table  f64[days * currencies * currencies], as `rates_between` makes them
    first  where the rates of a row's day begin, one whole number or i64[n]
    """

    table: F64
    first: Any


def billed(
    tables: TicketTables, rates: Rates, rows: Rows, where: Where, priced: tuple[F64, I64]
) -> Ticket:
    """The ticket, with its amount in the account's currency at the day's rate."""
    amount, tail_octave = priced
    pair = trait(where.traits, MERCHANT_CURRENCY)
    pair *= tables.currency_count
    pair += rows.currency
    pair += rates.first
    billing = rates.table.take(pair, mode="clip")
    billing *= amount
    return Ticket(amount, np.rint(billing, out=billing), tail_octave)
