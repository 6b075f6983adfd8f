"""Fill: the columns of `transactions` for a chunk of rows in time order.

Reads    keys of the day, activity, plan
Writes   slices of the row group's buffers
Draws    those of the stages
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fauxpay.activity.addresses import CLASS_SHIFT, RECURRING, REFUND, is_return
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity, Purchase, local_quarters
from fauxpay.activity.repeats import Repeats
from fauxpay.activity.rows import (
    ATM,
    CASH,
    CHANNEL_OF_KIND,
    NO_AUTHENTICATION,
    ONLINE,
    POS,
    REFUND_TYPE,
    REVERSAL_TYPE,
    WITHDRAWAL,
    Manner,
    Rows,
    Session,
)
from fauxpay.activity.tickets import Rates, rates_between
from fauxpay.activity.tills import Leaders
from fauxpay.activity.traits import (
    ACCOUNT_ID,
    CARD_ID,
    CITY,
    CUSTOMER_ID,
    MCC,
    MERCHANT_COUNTRY,
    MERCHANT_CURRENCY,
    PRODUCT,
    SCHEME,
    trait,
)
from fauxpay.catalog.world import World
from fauxpay.foundations.draws import I64, U64
from fauxpay.fraud.story import AS_USUAL, NO_ORIGINAL
from fauxpay.partitions.columns import Buffers

APPROVED = 0


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of some rows of consecutive days in time order, and where to look for what they mean.

    at_ms     i64[n]                          since the start of the first day
    place     i32[days * cards of the shard]  where each card is << 1 | is on the journey
    replaced  i64[..]                         rows of cards that are replaced within the days
    repeats   (row, entry of `source`); attacks (row, attack of the plan); followers (row, entry
              of `leaders`); all sorted by row
    """

    days: range
    maker: Any
    own: Any
    card: I64
    at_ms: I64
    address: U64
    transaction_id: I64
    previous: tuple[I64, Any]
    place: I64
    replaced: I64
    repeats: tuple[I64, I64]
    attacks: tuple[I64, I64]
    followers: tuple[I64, I64]
    source: Repeats | None = None
    leaders: Leaders | None = None

    def part(self, start: int, stop: int) -> Keys:
        """Rows start .. stop - 1."""
        return replace(
            self,
            card=self.card[start:stop],
            at_ms=self.at_ms[start:stop],
            address=self.address[start:stop],
            transaction_id=self.transaction_id[start:stop],
            previous=(self.previous[0][start:stop], self.previous[1][start:stop]),
            replaced=_between((self.replaced, self.replaced), start, stop)[0],
            repeats=_between(self.repeats, start, stop),
            attacks=_between(self.attacks, start, stop),
            followers=_between(self.followers, start, stop),
        )


def _between(rows: tuple[I64, I64], start: int, stop: int) -> tuple[I64, I64]:
    first, last = np.searchsorted(rows[0], [start, stop])
    return rows[0][first:last] - start, rows[1][first:last]


class Filler:
    """Writes columns; keeps the rates of the days at hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._rates: tuple[range, Any] = (range(0), None)

    def rates(self, days: range, nth: Any) -> Rates:
        """Exchange rates for rows of the nth of some days; the table is kept for the next chunk."""
        if self._rates[0] != days:
            table = np.concatenate([rates_between(self.world, day) for day in days])
            self._rates = (days, table)
        return Rates(self._rates[1], nth * len(self.world.currencies) ** 2)

    def fill(self, buffers: Buffers, at: int, activity: Activity, keys: Keys) -> None:
        """Rows of `keys` into the buffers from position `at` on."""
        out = {name: values[at : at + keys.card.size] for name, values in buffers.values.items()}
        nulls = {name: mask[at : at + keys.card.size] for name, mask in buffers.nulls.items()}
        nth = keys.at_ms // DAY_MS if len(keys.days) > 1 else 0
        rows, offset = _context(activity, keys, nth)
        rates = self.rates(keys.days, nth)
        purchase = activity.purchase(rows, rates)
        self._attack(purchase, keys, rows, rates)
        manner = activity.authorise(rows, purchase)
        _attack_manner(manner, keys)
        session = activity.sessions(rows, purchase.where)
        session = _attack_session(session, keys)
        np.copyto(out["transaction_id"], keys.transaction_id)
        np.multiply(keys.at_ms, 1000, out=out["event_time"])
        out["event_time"] += keys.days.start * DAY_MS * 1000
        np.copyto(out["local_offset_minutes"], offset, casting="same_kind")
        _card(out, rows)
        self._where(out, nulls, keys, purchase)
        _manner(out, rows, purchase, manner)
        _session(out, nulls, session, self.world)
        _links(out, nulls, keys)
        _attack_refunds(out, nulls, keys)
        places = {name: place[at : at + keys.card.size] for name, place in buffers.places.items()}
        _places(places, rows, purchase, session)

    def _attack(self, purchase: Purchase, keys: Keys, rows: Rows, rates: Rates) -> None:
        """What the thief chose stands in place of what the cardholder would have."""
        row, attack = keys.attacks
        if not row.size:
            return
        attacks, where, ticket = keys.own.plan.attacks, purchase.where, purchase.ticket
        where.kind[row] = attacks.kind[attack]
        where.merchant[row] = attacks.merchant[attack]
        where.terminal[row] = attacks.terminal[attack]
        where.traits[row] = keys.own.activity.tables.traits.merchant[where.merchant[row]]
        ticket.amount[row] = attacks.amount[attack]
        ticket.tail_octave[row] = attacks.tail_octave[attack]
        purchase.entry_mode[row] = attacks.entry_mode[attack]
        pair = self.world.merchants.currency[where.merchant[row]] * len(self.world.currencies)
        pair += rows.currency[row]
        pair += rates.first if np.ndim(rates.first) == 0 else rates.first[row]
        ticket.billing[row] = np.rint(rates.table[pair] * ticket.amount[row])

    def _where(self, out: Any, nulls: Any, keys: Keys, purchase: Purchase) -> None:
        where, ticket = purchase.where, purchase.ticket
        np.take(self.world.merchants.id, where.merchant, out=out["merchant_id"], mode="clip")
        coordinates = keys.own.activity.tables.traits.coordinates.take(where.merchant, mode="clip")
        np.copyto(out["latitude"], coordinates.view(np.float32)[0::2])
        np.copyto(out["longitude"], coordinates.view(np.float32)[1::2])
        _merchant(out, where.traits)
        np.take(self.world.terminals.id, where.terminal, out=out["terminal_id"], mode="clip")
        np.copyto(out["amount_minor"], ticket.amount, casting="unsafe")
        np.copyto(out["billing_amount_minor"], ticket.billing, casting="unsafe")
        np.take(CHANNEL_OF_KIND, where.kind, out=out["channel"], mode="clip")
        remote = nulls["remote"]
        np.logical_or(out["channel"] == 1, out["channel"] == 2, out=remote)
        replaced = keys.replaced
        if replaced.size:
            moment = keys.at_ms[replaced] + keys.days.start * DAY_MS
            original = self.world.cards.id[keys.card[replaced]]
            ids = keys.own.plan.card_ids(original, keys.card[replaced], moment)[0]
            out["card_id"][replaced] = ids


def _context(activity: Activity, keys: Keys, nth: Any) -> tuple[Rows, I64]:
    """Context of the rows and their local offset, minutes; repeats take that of their purchase.

    nth  which of the days each row is of, one whole number or i64[n]
    """
    day, at_ms = nth + keys.days.start, keys.at_ms - nth * DAY_MS
    cell = keys.card + (nth * keys.own.card_count - activity.first_card)
    packed = keys.place.take(cell, mode="clip")
    in_transit = (packed & 1).view(np.int32).astype(np.bool_)
    place = (packed >> 1).astype(np.int64)
    (row, entry), source = keys.repeats, keys.source
    address = keys.address
    if row.size and source is not None:
        address = address.copy()
        address[row] = source.source[entry]
        place[row] = source.place[entry]
        in_transit[row] = source.in_transit[entry]
    _attack_places(place, activity, keys)
    region = activity.world.places.region.take(place, mode="clip")
    offset = activity.calendar.offset_minutes(region, day, at_ms)
    quarter = local_quarters(activity.calendar, (region, day), at_ms, offset)
    billed = np.flatnonzero(_is_recurring(address))
    if row.size and source is not None:
        quarter[row] = source.quarter[entry]
    where = _where_addresses(keys, address, quarter)
    asked = (where, address, keys.address)
    rows = activity.rows(keys.card, asked, (place, in_transit), quarter)
    # A subscription is asked by an address without a day, so that every month is alike.
    return activity.billed(rows, billed), offset


def _where_addresses(keys: Keys, address: U64, quarter: I64) -> U64:
    """What merchants are asked by; `quarter` of rows that ask by another address is changed."""
    row, entry = keys.repeats
    follower, leader = keys.followers
    if not row.size and not follower.size:
        return address
    where = address.copy()
    if row.size:
        assert keys.source is not None
        where[row] = keys.source.where[entry]
    if follower.size:
        assert keys.leaders is not None
        where[follower] = keys.leaders.address[leader]
        quarter[follower] = keys.leaders.quarter[leader]
    return where


def _attack_places(place: I64, activity: Activity, keys: Keys) -> None:
    """Who pays in person is where the shop is, whatever the customer does."""
    row, attack = keys.attacks
    attacks = keys.own.plan.attacks
    there = CHANNEL_OF_KIND[attacks.kind[attack]]
    there = (there == POS) | (there == ATM)
    place[row[there]] = activity.world.merchants.place[attacks.merchant[attack[there]]]


def _card(out: Any, rows: Rows) -> None:
    for name, column in (
        ("customer_id", CUSTOMER_ID),
        ("account_id", ACCOUNT_ID),
        ("card_id", CARD_ID),
    ):
        np.copyto(out[name], rows.record[:, column])
    packed = rows.traits
    np.copyto(out["billing_currency"], rows.currency, casting="same_kind")
    np.copyto(out["card_scheme"], trait(packed, SCHEME), casting="same_kind")
    np.copyto(out["card_product"], trait(packed, PRODUCT), casting="same_kind")


def _merchant(out: Any, packed: I64) -> None:
    np.copyto(out["mcc"], trait(packed, MCC), casting="same_kind")
    np.copyto(out["merchant_city"], trait(packed, CITY), casting="same_kind")
    np.copyto(out["merchant_country"], trait(packed, MERCHANT_COUNTRY), casting="same_kind")
    np.copyto(out["currency"], trait(packed, MERCHANT_CURRENCY), casting="same_kind")


def _is_recurring(address: U64) -> Any:
    return (address & np.uint64(7 << CLASS_SHIFT)) == np.uint64(RECURRING << CLASS_SHIFT)


def _attack_session(session: Session, keys: Keys) -> Session:
    """Machines of thieves take the place of the customer's; for an abused refund there is none."""
    row, attack = keys.attacks
    attacks = keys.own.plan.attacks
    online = attacks.kind[attack] == ONLINE
    position, attack = np.searchsorted(session.row, row[online]), attack[online]
    session.device[position] = attacks.device[attack]
    session.ip_address[position] = attacks.ip_address[attack]
    with_one = np.ones(session.row.size, dtype=np.bool_)
    with_one[position[attacks.original[attack] != NO_ORIGINAL]] = False
    return Session(session.row[with_one], session.device[with_one], session.ip_address[with_one])


def _attack_manner(manner: Manner, keys: Keys) -> None:
    """The plan's answers stand in place of what a customer would have been answered."""
    row, attack = keys.attacks
    attacks = keys.own.plan.attacks
    answered = attacks.response[attack] != AS_USUAL
    manner.response[row[answered]] = attacks.response[attack[answered]]
    # Who was asked in a way was asked for an entry: no tap is above the limit any more.
    asked = attacks.authentication[attack] != AS_USUAL
    manner.authentication[row[asked]] = attacks.authentication[attack[asked]]
    manner.entry_mode[row[asked]] = attacks.entry_mode[attack[asked]]


def _attack_refunds(out: Any, nulls: Any, keys: Keys) -> None:
    """Refunds that were never due point back to the purchase that they pretend to be for."""
    row, attack = keys.attacks
    original = keys.own.plan.attacks.original[attack]
    row, original = row[original != NO_ORIGINAL], original[original != NO_ORIGINAL]
    nulls["own"][row] = False
    out["original_transaction_id"][row] = keys.maker.transaction_ids.ids(original)
    out["transaction_type"][row] = REFUND_TYPE


def _manner(out: Any, rows: Rows, purchase: Purchase, manner: Manner) -> None:
    np.copyto(out["entry_mode"], manner.entry_mode)
    np.copyto(out["authentication"], manner.authentication)
    np.copyto(out["response_code"], manner.response)
    np.equal(manner.response, APPROVED, out=out["is_approved"])
    np.multiply(purchase.where.kind == CASH, WITHDRAWAL, out=out["transaction_type"])
    np.copyto(out["is_recurring"], _is_recurring(rows.own_address))


def _session(out: Any, nulls: Any, session: Session, world: World) -> None:
    nulls["offline"][:] = True
    nulls["offline"][session.row] = False
    nulls["no_device"][:] = True
    known = session.device >= 0
    nulls["no_device"][session.row[known]] = False
    for name in ("device_id", "ip_address", "user_agent_family"):
        out[name][:] = 0
    out["ip_address"][session.row] = session.ip_address
    if not world.devices.id.size:
        return
    device = np.maximum(session.device, 0)
    out["device_id"][session.row] = np.where(known, world.devices.id.take(device, mode="clip"), 0)
    agent = world.devices.user_agent.take(device, mode="clip")
    out["user_agent_family"][session.row] = np.where(known, agent, 0)


def _places(places: Any, rows: Rows, purchase: Purchase, session: Session) -> None:
    """Where the row's keys were taken from, so that a check need not search for them."""
    np.copyto(places["card"], rows.card)
    np.copyto(places["merchant"], purchase.where.merchant)
    np.copyto(places["terminal"], purchase.where.terminal)
    places["device"][session.row] = session.device


def _links(out: Any, nulls: Any, keys: Keys) -> None:
    """Previous and original ids; a return asks nobody and points back; keys know the answers."""
    np.copyto(out["previous_transaction_id"], keys.previous[0])
    np.copyto(nulls["first"], keys.previous[1])
    nulls["own"][:] = True
    out["original_transaction_id"][:] = 0
    (row, entry), source = keys.repeats, keys.source
    if not row.size:
        return
    assert source is not None
    out["response_code"][row] = source.response[entry]
    out["is_approved"][row] = source.response[entry] == APPROVED
    back = is_return(source.code[entry].view(np.uint64))
    row, entry = row[back], entry[back]
    nulls["own"][row] = False
    out["original_transaction_id"][row] = keys.maker.transaction_ids.ids(source.source[entry])
    is_refund = source.code[entry] >> CLASS_SHIFT == REFUND
    out["transaction_type"][row] = np.where(is_refund, REFUND_TYPE, REVERSAL_TYPE)
    out["authentication"][row] = NO_AUTHENTICATION
