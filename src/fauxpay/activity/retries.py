"""Retries: requests that customers make again after a refusal, within the hour, on the same day.

Reads    visits of cells, the answers that they get, what follows them
Writes   events(card, at_ms, code) of class RETRY, with what they repeat and how they are answered
Draws    OUTCOME_CODE, as the visits themselves do; VISIT_RETRY, RETRY_*
Sources  parameters.yaml [retries]

A retry stands in the cell of its visit: same shop, same basket, same machine, some seconds later.
Nobody asks all visits what they were answered: the draw of the answer is compared with the least
that any refusal needs, and the few above it, who would also try again, are asked where they are.
What a card does next comes first: a retry that would come too near to it is not made, so that
nobody outruns an airliner, and none comes near midnight.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.activity import outcomes, shops, streams, tickets
from fauxpay.activity.addresses import days_of, in_cell, retry_codes
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.cells import Cells
from fauxpay.activity.outcomes import APPROVED, answer_case, answers
from fauxpay.activity.repeats import Repeats, Sources, joined, sources_of
from fauxpay.activity.retry_tables import (
    ANSWER_SLOTS,
    EAGER_BITS,
    WISH_BITS,
    RetryTables,
    is_present,
)
from fauxpay.activity.rows import CONTACTLESS, ONLINE, Rows, Ticket, Where
from fauxpay.activity.streams import Keys
from fauxpay.activity.tickets import tail_octaves
from fauxpay.activity.tills import Leaders
from fauxpay.activity.traits import MERCHANT_COUNTRY, MERCHANT_CURRENCY, trait
from fauxpay.activity.visits import CELL_BITS, CELL_SHIFT, SLOT_BITS, Visits
from fauxpay.catalog.world import Bool
from fauxpay.foundations.counts import COUNT_MAX
from fauxpay.foundations.draws import F64, I64, U64, draw
from fauxpay.foundations.quantiles import look_up, tail_index

if TYPE_CHECKING:
    from fauxpay.activity.engine import Activity

_TRIES = 2  # A retry's code has one bit to say which it is.
assert COUNT_MAX < 1 << 8, "a retry's code has room for the slot of any visit"


@dataclass(frozen=True, slots=True)
class _Refused:
    """Requests that were refused, and where and when they were made.

    row, card   i64[n]  of the visit; address u64[n] of what was asked for last, price and manner
    eager       i64[n]  coarse bits of whether it is made again
    code        i64[n]  how it was answered last
    at_ms       i64[n]  when that was; until_ms by when the next try must be made, or none is
    kind, merchant, terminal  where it was asked, each i64[n]
    the rest            as in `Sources`
    """

    row: I64
    card: I64
    address: U64
    eager: I64
    code: I64
    at_ms: I64
    until_ms: I64
    kind: I64
    merchant: I64
    terminal: I64
    where: U64
    place: I64
    in_transit: Bool
    quarter: I64

    def only(self, which: Any) -> _Refused:
        """Some of them."""
        return _Refused(*(getattr(self, field.name)[which] for field in fields(self)))


def retries_of(
    activity: Activity, cells: Cells, made: Visits, leaders: Leaders
) -> tuple[Repeats, I64]:
    """What is tried again in cells after a refusal, and the cell of each."""
    refused = _refused(activity, cells, made, leaders)
    tries, row = [], []
    for nth in range(_TRIES):
        again, refused = _tried_again(activity, made, refused, nth)
        tries.append(again)
        row.append(refused.row)
        refused = refused.only(refused.code != APPROVED)
    return joined(*tries), made.cell[np.concatenate(row)]


def _candidates(tables: RetryTables, keys: Keys, made: Visits) -> tuple[I64, I64, I64]:
    """(rows, slots of their answers, tail octaves): of who may be refused and would try again."""
    slot = streams.OUTCOME_CODE.of(draw(keys["outcome"], made.address))
    eager = streams.VISIT_RETRY.of(made.word)
    row = np.flatnonzero(slot >= tables.least.take(eager))
    octave = tail_octaves(draw(keys["ticket"], made.address.take(row)))
    slot, eager = slot.take(row), eager.take(row)
    kept = np.flatnonzero(slot >= tables.least.take(((octave + 1) << EAGER_BITS) + eager))
    return row.take(kept), slot.take(kept), octave.take(kept)


def _refused(activity: Activity, cells: Cells, made: Visits, leaders: Leaders) -> _Refused:
    """Of the candidates those that were refused and would try again, but for their fine bits."""
    tables = activity.tables
    row, slot, octave = _candidates(tables.retries, activity.keys, made)
    source = sources_of(activity, cells, made, leaders, row)
    rows = _rows(activity, made.card[row], source)
    where = shops.choose_merchants(tables.where, tables.traits, activity.keys, rows)
    crosses = trait(where.traits, MERCHANT_COUNTRY) != rows.country
    case = answer_case(rows.country, where.kind, crosses, octave)
    kept = np.flatnonzero(slot >= tables.outcomes.approved.take(case, mode="clip"))
    row = row[kept]
    refused = _Refused(
        row=row,
        card=made.card[row],
        address=source.address[kept],
        eager=streams.VISIT_RETRY.of(made.word[row]),
        code=answers(tables.outcomes, case[kept], slot[kept]).astype(np.int64),
        at_ms=made.at_ms[row],
        until_ms=np.zeros_like(row),
        kind=where.kind[kept],
        merchant=where.merchant[kept],
        terminal=where.terminal[kept],
        where=source.where[kept],
        place=source.place[kept],
        in_transit=source.in_transit[kept],
        quarter=source.quarter[kept],
    )
    asked = np.flatnonzero(tables.retries.has_pin[refused.code])
    refused.code[asked] = _as_asked(activity, refused.only(asked))
    wants = refused.eager << np.int64(WISH_BITS) < _wish(tables.retries, refused)
    refused = refused.only(np.flatnonzero(wants))
    return replace(refused, until_ms=_until_ms(activity, made, refused.row))


def _wish(tables: RetryTables, refused: _Refused) -> I64:
    """Chance of 65,536 that requests are made again."""
    group = is_present(refused.kind).astype(np.int64)
    return tables.wish.take(group * tables.code_count + refused.code)


def _priced(activity: Activity, asked: _Refused) -> tuple[Rows, Where, F64, I64]:
    """(context, shop, amounts and tail octaves) of what was asked for."""
    tables = activity.tables
    rows = _rows(activity, asked.card, asked)
    traits = tables.traits.merchant.take(asked.merchant, mode="clip")
    where = Where(asked.kind, asked.merchant, asked.terminal, traits)
    return rows, where, *tickets.price(tables.tickets, tables.traits, rows, where)


def _rows(activity: Activity, card: I64, source: Sources | _Refused) -> Rows:
    address = (source.where, source.address, source.address)
    return activity.rows(card, address, (source.place, source.in_transit), source.quarter)


def _as_asked(activity: Activity, refused: _Refused) -> I64:
    """Answers to requests, that speak of a PIN where one was asked."""
    rows, where, amount, octave = _priced(activity, refused)
    entry = outcomes.entry_modes(activity.tables.outcomes, rows, where)
    currency, billing = trait(where.traits, MERCHANT_CURRENCY), amount.copy()
    # What is tapped hangs on the amount billed, and that on the rate of the day.
    for one in np.flatnonzero((entry == CONTACTLESS) & (currency != rows.currency)).tolist():
        rates = tickets.rates_between(activity.world, int(days_of(refused.address)[one]))
        pair = currency[one] * len(activity.world.currencies) + rows.currency[one]
        billing[one] = np.rint(rates[pair] * amount[one])
    purchase = (where, Ticket(amount, billing, octave), entry)
    manner = outcomes.authorise(activity.tables.outcomes, activity.keys, rows, purchase)
    return manner.response.astype(np.int64)


def _until_ms(activity: Activity, made: Visits, row: I64) -> I64:
    """When the last moment is to try visits again: before what the card does next.

    As near as a shop is in reach in no time (`activity.tills`) only where both are at one till.
    Midnight is such a next event, because the next cell does not know of retries.
    """
    cell, own_ms, near = made.cell[row], made.at_ms[row], activity.tables.near_ms
    own = cell << CELL_SHIFT | own_ms << SLOT_BITS | made.slot[row]
    at = np.searchsorted(made.by_time, own) + 1
    following = made.by_time.take(at, mode="clip")
    has_next = (at < made.by_time.size) & (following >> CELL_SHIFT == cell)
    next_ms = (following >> SLOT_BITS) & np.int64((1 << CELL_BITS) - 1)
    at_one_till = has_next & (next_ms - own_ms < near)
    until_ms = np.where(has_next, next_ms, DAY_MS)
    until_ms -= np.where(at_one_till, activity.tables.visits.apart_ms, near)
    return until_ms


def _tried_again(
    activity: Activity, made: Visits, refused: _Refused, nth: int
) -> tuple[Repeats, _Refused]:
    """(the retries of refused requests, the same as what may be refused and tried again)."""
    tables = activity.tables.retries
    own_code = retry_codes(made.slot[refused.row], nth)
    own = in_cell(made.address[refused.row], own_code)
    word = draw(activity.keys["retry"], own)
    group = is_present(refused.kind).astype(np.int64)
    wish = refused.eager << np.int64(WISH_BITS) | streams.RETRY_WISH.of(word)
    index, fraction = tail_index(streams.RETRY_GAP.of(word).view(np.uint64))
    gap = look_up(tables.gap, group, index, fraction)
    at_ms = refused.at_ms + np.rint(gap).astype(np.int64)
    tried = wish < _wish(tables, refused)
    tried &= at_ms < refused.until_ms
    kept = np.flatnonzero(tried)
    before, own, word, at_ms = refused.only(kept), own[kept], word[kept], at_ms[kept]
    other = streams.RETRY_OTHER.of(word) < tables.other.take(group[kept])
    asks_less = _ask_less(activity, before, own, other & (nth == 0))
    address = np.where(asks_less | (other & (before.kind == ONLINE)), own, before.address)
    answer = _answered(activity, before.code, asks_less, word)
    again = Repeats(
        card=before.card,
        at_ms=at_ms,
        code=own_code[kept],
        source=address,
        where=before.where,
        place=before.place,
        in_transit=before.in_transit,
        quarter=before.quarter,
        response=answer,
    )
    eager = streams.RETRY_EAGER.of(word)
    return again, replace(before, address=address, eager=eager, code=answer, at_ms=at_ms)


def _ask_less(activity: Activity, before: _Refused, own: U64, wants: Bool) -> Bool:
    """Who asks for less at a till: of those who want to, where a basket of own draws is cheaper.

    own  addresses of the retries
    """
    can_less = activity.tables.retries.can_less[before.code] > 0
    row = np.flatnonzero(wants & can_less & is_present(before.kind))
    asks = np.zeros(own.size, dtype=np.bool_)
    if row.size:
        known = before.only(np.concatenate([row, row]))
        known.address[row.size :] = own[row]
        amount = _priced(activity, known)[2]
        asks[row] = amount[row.size :] < amount[: row.size]
    return asks


def _answered(activity: Activity, before: I64, asks_less: Bool, word: U64) -> I64:
    """Answers by those before. Nobody mistypes a PIN that was not asked the first time."""
    tables, without_pin = activity.tables.retries, activity.tables.outcomes.without_pin
    place = (asks_less * tables.code_count + before) * ANSWER_SLOTS
    answer = tables.answer.take(place + streams.RETRY_ANSWER.of(word))
    answer = np.where(tables.has_pin[before], answer, without_pin[answer])
    return answer.astype(np.int64)
