"""Outcomes: how each purchase is entered and authenticated, and what the issuer answers.

Reads    rows(card, address), where(kind, merchant, terminal), ticket(billing, tail_octave)
Writes   manner(entry_mode, authentication, response)
Draws    TICKET_ENTRY, TICKET_AUTHENTICATION, OUTCOME_CODE
Sources  parameters.yaml [entry, authentication, outcome], countries/*.yaml [payment]
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.rows import (
    CASH,
    CHIP,
    CONTACTLESS,
    CREDENTIAL_ON_FILE,
    ECOMMERCE,
    ENTRY_COUNT,
    KIND_COUNT,
    MAGSTRIPE,
    MANUAL,
    PIN,
    SUBSCRIBED,
    Manner,
    Rows,
    Ticket,
    Where,
)
from fauxpay.activity.streams import Keys
from fauxpay.activity.tickets import REFERENCE_CURRENCY, TAIL_OCTAVES, minor_units
from fauxpay.activity.traits import (
    CAN_TAP,
    MERCHANT_COUNTRY,
    trait,
)
from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.foundations import reference
from fauxpay.foundations.alias import slots
from fauxpay.foundations.bounds import require_room
from fauxpay.foundations.draws import F64, I64, U64, draw
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.rounding import rounded, sum_in_order

APPROVED = 0
_SLOTS = 256
CODE_SLOTS = 4096
_VIRTUAL = 3
CEILING_BITS = 4
_CEILINGS = 1 << CEILING_BITS
_CONTEXTS = 20  # terminal kind (4) x contactless terminal x contactless card, then by kind
_BY_KIND = 16
_PIN_CODES = ("55", "75")  # wrong PIN, tries exceeded
_CHANNEL_NAMES = ("pos", "ecom", "atm", "moto", "recurring")


@dataclass(frozen=True, slots=True)
class OutcomeTables:
    """What manner and answer are drawn from.

    terminal_context  i64[terminals]                 kind * 4 + contactless * 2
    kind_context      i64[5]                         context of a kind, -1: the terminal's
    entry             u8[countries * 2 * 20 * 256]   entry mode, by country of the merchant, and
                                                     whether the card is from another
    authentication    u8[countries * 6 * 2 * 256]    by entry mode and whether it is cash
    ceiling           f64[currencies * 16]           most that is tapped, minor units, by slot
    approved          i64[countries * 5 * 2 * 8]     slots of 4,096 that are approved, by country of
                                                     the card, kind, cross-border, tail octave
    response          u8[countries * 5 * 2 * 8 * 4096]  code of each slot
    """

    terminal_context: I64
    kind_context: I64
    entry: NDArray[np.uint8]
    authentication: NDArray[np.uint8]
    ceiling: F64
    approved: I64
    response: NDArray[np.uint8]
    without_pin: NDArray[np.uint8]


def outcome_tables(
    world: World, config: Config, codes: tuple[str, ...], parameters: Parameters
) -> OutcomeTables:
    """Tables of a world; codes are the contract's response codes, "00" first."""
    assert codes[APPROVED] == "00"
    terminals = world.terminals
    response = _responses(world, codes, parameters)
    return OutcomeTables(
        kind_context=np.array([-1, _VIRTUAL * 4, -1, _BY_KIND, _BY_KIND + 1]),
        terminal_context=terminals.kind * 4 + terminals.is_contactless * np.int64(2),
        entry=_entry(world, parameters),
        authentication=_authentication(world, parameters),
        ceiling=_ceilings(world, config, parameters),
        approved=(response.reshape(-1, CODE_SLOTS) == APPROVED).sum(axis=1).astype(np.int64),
        response=response,
        without_pin=_without_pin(codes),
    )


def _without_pin(codes: tuple[str, ...]) -> NDArray[np.uint8]:
    """Each code itself, but for those about a PIN: a card that is refused like most others."""
    told = ["51" if code in _PIN_CODES else code for code in codes]
    return np.array([codes.index(code) for code in told], dtype=np.uint8)


def _ceilings(world: World, config: Config, parameters: Parameters) -> F64:
    """Most that is tapped: the currency's limit times what part of it the slot's buyer dares."""
    limits = parameters.value("activity.entry.contactless_limit_units")
    # An unnamed currency has the default's worth in its own units, as round as a limit is.
    per_euro = reference.rates_on(config.activity.epoch, [*world.currencies, REFERENCE_CURRENCY])
    worth = rounded(limits["default"] * per_euro[:-1] / per_euro[-1], 1)
    named = zip(world.currencies, worth.tolist(), strict=True)
    limit = np.array([limits.get(currency, other) for currency, other in named])
    share = np.asarray(parameters.value("activity.entry.contactless_ceiling_shares"))
    assert share.size == _CEILINGS, "one share for each slot"
    ceilings: F64 = np.floor((limit * minor_units(world))[:, None] * share).reshape(-1)
    return ceilings


def _entry(world: World, parameters: Parameters) -> NDArray[np.uint8]:
    entry = parameters.section("activity.entry")
    stored = entry["credential_on_file_share"]
    rows = []
    for country, crosses in product(world.countries, (False, True)):
        payment = parameters.of_country(country)["payment"]
        tap, swipe = payment["contactless_share"], payment["magstripe_share"]
        pack = f"activity.countries.{country}.payment"
        require_room({f"{pack}.contactless_share": tap, f"{pack}.magstripe_share": swipe}, "chips")
        more = entry["foreign_magstripe_share"]
        if crosses and more > swipe:
            tap, swipe = tap * (1 - more) / (1 - swipe), more
        for context in range(_CONTEXTS):
            share = np.zeros(ENTRY_COUNT)
            terminal, can_tap = context // 4, context % 4 == 3
            if context == _BY_KIND:
                share[MANUAL] = 1.0
            elif context > _BY_KIND:
                share[CREDENTIAL_ON_FILE] = 1.0
            elif terminal == _VIRTUAL:
                share[[ECOMMERCE, CREDENTIAL_ON_FILE]] = 1 - stored, stored
            else:
                share[CONTACTLESS] = tap if can_tap else 0.0
                share[MAGSTRIPE] = swipe
                share[CHIP] = max(1.0 - share.sum(), 0.0)
            rows.append(share)
    return slots(rows, _SLOTS)


def _authentication(world: World, parameters: Parameters) -> NDArray[np.uint8]:
    present = parameters.value("activity.authentication.present_mix")
    signed = parameters.value("activity.authentication.chip_signature_share")
    rows = []
    for country in world.countries:
        payment = parameters.of_country(country)["payment"]
        pin = payment["chip_pin_share"]
        none, otp, frictionless, device = payment["online_mix"]
        by_entry: dict[int, list[float]] = {
            CHIP: [pin, (1 - pin) * signed, (1 - pin) * (1 - signed), 0, 0, 0],
            CONTACTLESS: present["contactless"],
            MAGSTRIPE: present["magstripe"],
            MANUAL: present["manual"],
            ECOMMERCE: [0, 0, none, otp, frictionless, device],
            CREDENTIAL_ON_FILE: present["credential_on_file"],
        }
        for mode in range(ENTRY_COUNT):
            rows += [by_entry[mode], [1, 0, 0, 0, 0, 0]]
    return slots(rows, _SLOTS)


def _responses(world: World, codes: tuple[str, ...], parameters: Parameters) -> NDArray[np.uint8]:
    factors = [parameters.of_country(c)["payment"]["decline_factor"] for c in world.countries]
    tables = {factor: _responses_at(factor, codes, parameters) for factor in sorted(set(factors))}
    return np.concatenate([tables[factor] for factor in factors])


def _responses_at(
    factor: float, codes: tuple[str, ...], parameters: Parameters
) -> NDArray[np.uint8]:
    """Codes by kind, cross-border and tail octave, at a country's factor on declines."""
    outcome = parameters.section("activity.outcome")
    rows = []
    for kind in range(KIND_COUNT):
        channel = _CHANNEL_NAMES[kind]
        mix = outcome["code_mix"][channel]
        for crosses in (False, True):
            for octave in range(TAIL_OCTAVES):
                share = outcome["decline_share"][channel]
                # What is billed by standing order is asked for by its draw alone: activity.payments
                # has to know the answer without knowing merchant, price and country.
                if kind != SUBSCRIBED:
                    share *= outcome["tail_factor"] ** octave
                    share *= factor * (outcome["cross_border_factor"] if crosses else 1.0)
                share = min(share, outcome["decline_share_max"])
                weight = np.zeros(len(codes))
                for name, part in mix.items():
                    weight[codes.index(name)] = share * part / sum_in_order(mix.values())
                weight[APPROVED] = 1 - share
                rows.append(weight)
    return slots(np.round(rows, 9), CODE_SLOTS)


def entry_modes(tables: OutcomeTables, rows: Rows, where: Where) -> I64:
    """Entry mode of each row: what card, terminal and kind of purchase allow."""
    context = tables.terminal_context.take(where.terminal, mode="clip")
    context += trait(rows.traits, CAN_TAP)
    special = tables.kind_context.take(where.kind, mode="clip")
    context = np.where(special >= 0, special, context)
    country = trait(where.traits, MERCHANT_COUNTRY)
    row = country * 2
    row += country != rows.country
    row *= _CONTEXTS
    context += row
    context *= _SLOTS
    context += streams.TICKET_ENTRY.of(rows.ticket_word)
    return tables.entry.take(context, mode="clip").astype(np.int64)


def is_declined(tables: OutcomeTables, keys: Keys, own_address: U64) -> NDArray[np.bool_]:
    """Whether payments of subscriptions are declined, bool[n], by their own addresses."""
    first = SUBSCRIBED * 2 * TAIL_OCTAVES * CODE_SLOTS
    drawn = streams.OUTCOME_CODE.of(draw(keys["outcome"], own_address))
    return np.asarray(tables.response.take(drawn + first, mode="clip") != APPROVED)


def answer_case(country: I64, kind: I64, crosses: NDArray[np.bool_], tail_octave: I64) -> I64:
    """Which table answers each request; country is the card's."""
    case = country * KIND_COUNT
    case += kind
    case *= 2
    case += crosses
    case *= TAIL_OCTAVES
    case += tail_octave
    return case


def answers(tables: OutcomeTables, case: I64, slot: I64) -> NDArray[np.uint8]:
    """Code of each request by the table of its case and a slot of 4,096."""
    return tables.response.take(case * CODE_SLOTS + slot, mode="clip")


def authentications(
    tables: OutcomeTables, country: I64, asked: tuple[I64, NDArray[np.bool_]], slot: I64
) -> NDArray[np.int8]:
    """How holders of cards of countries are asked; asked is (entry modes, is cash), slot of 256."""
    entry, is_cash = asked
    row = country * (ENTRY_COUNT * 2)
    row += entry * 2
    row += is_cash
    row *= _SLOTS
    row += slot
    return tables.authentication.take(row, mode="clip").view(np.int8)


def ceilings(tables: OutcomeTables, currency: I64, slot: I64) -> F64:
    """Most that is tapped with cards billed in currencies, minor units; slot of 16."""
    return tables.ceiling.take((currency << CEILING_BITS) + slot, mode="clip")


def authorise(
    tables: OutcomeTables, keys: Keys, rows: Rows, asked: tuple[Where, Ticket, I64]
) -> Manner:
    """Entry, authentication and answer; asked is (where, ticket, entry modes).

    A tap above the limit, or above what its buyer dares, becomes a chip purchase. Slots of taps
    are spread over all ceilings, so the drawn entry's own low bits choose one.
    """
    where, ticket, entry = asked
    slot = streams.TICKET_ENTRY.of(rows.ticket_word) & np.int64(_CEILINGS - 1)
    ceiling = ceilings(tables, rows.currency, slot)
    entry = np.where((entry == CONTACTLESS) & (ticket.billing > ceiling), CHIP, entry)
    slot = streams.TICKET_AUTHENTICATION.of(rows.ticket_word)
    authentication = authentications(tables, rows.country, (entry, where.kind == CASH), slot)
    crosses = trait(where.traits, MERCHANT_COUNTRY) != rows.country
    case = answer_case(rows.country, where.kind, crosses, ticket.tail_octave)
    slot = streams.OUTCOME_CODE.of(draw(keys["outcome"], rows.own_address))
    # Approved comes first in each table, so only the few others have to look into it.
    declined = np.flatnonzero(slot >= tables.approved.take(case, mode="clip"))
    response = np.zeros(slot.size, dtype=np.int8)
    code = answers(tables, case[declined], slot[declined])
    # Nobody mistypes a PIN that was not asked. The code gives way, not the authentication: a PIN
    # that only the declined are asked would tell the answer.
    asked_pin = authentication[declined] == PIN
    response[declined] = np.where(asked_pin, code, tables.without_pin.take(code, mode="clip"))
    return Manner(
        entry_mode=entry.astype(np.int8), authentication=authentication, response=response
    )
