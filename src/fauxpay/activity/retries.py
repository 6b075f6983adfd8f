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

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import shops, streams, tickets
from fauxpay.activity.addresses import days_of, in_cell, retry_codes
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.cells import Cells
from fauxpay.activity.outcomes import APPROVED, OutcomeTables, answer_case, answers
from fauxpay.activity.repeats import Repeats, Sources, joined, sources_of
from fauxpay.activity.rows import CASH, CONTACTLESS, KIND_COUNT, LOCAL, ONLINE, SUBSCRIBED, Rows
from fauxpay.activity.streams import Keys
from fauxpay.activity.tickets import TAIL_OCTAVES, tail_octaves
from fauxpay.activity.tills import Leaders
from fauxpay.activity.traits import MERCHANT_COUNTRY, MERCHANT_CURRENCY, trait
from fauxpay.activity.visits import CELL_BITS, CELL_SHIFT, SLOT_BITS, Visits
from fauxpay.catalog.world import Bool
from fauxpay.foundations.alias import slots
from fauxpay.foundations.counts import COUNT_MAX
from fauxpay.foundations.draws import F64, I64, U64, draw, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.quantiles import lognormal_table, look_up, tail_index

if TYPE_CHECKING:
    from fauxpay.activity.engine import Activity

_TRIES = 2
_REMOTE, _PRESENT = range(2)
_GROUPS = ("remote", "present")
_ANSWER_SLOTS = 1 << streams.RETRY_ANSWER.width
_WISH_BITS = streams.RETRY_WISH.width
_WISH_WIDTH = _WISH_BITS + streams.RETRY_EAGER.width
assert COUNT_MAX < 1 << 8, "a retry's code has room for the slot of any visit"


@dataclass(frozen=True, slots=True)
class RetryTables:
    """What is tried again, and how it is answered; remote comes first, then card-present.

    wish       i64[2 * codes]    chance of 65,536 that a request so answered is made again
    eager      i64[2]            the greatest of each, of 64, rounded up
    least      i64[2 * 8]        least slot of an answer that refuses, by tail octave: anywhere,
                                 then where the card is there
    answer     u8[2 * codes * 1024]  answer by the code before; then of those who ask for less
    can_less   i64[codes]        whether who was answered so may ask for less
    other      i64[2]            chance of 64 to go to another page, to ask for less
    gap        f64[2, quantiles] milliseconds until the next try
    has_pin    i64[codes]        whether a code speaks of a PIN
    code_count number of codes
    """

    wish: I64
    eager: I64
    least: I64
    answer: NDArray[np.uint8]
    can_less: I64
    other: I64
    gap: F64
    has_pin: I64
    code_count: int


@dataclass(frozen=True, slots=True)
class _Refused:
    """Requests that were refused, and where and when they were made.

    row      i64[n]  of the visit; address u64[n] of what was asked for last, price and manner
    eager    i64[n]  coarse bits of whether it is made again
    kind, code       of purchase, and how it was answered last
    at_ms    i64[n]  when that was; until_ms by when the next try must be made, or none is
    the rest         as in `Sources`
    """

    row: I64
    address: U64
    eager: I64
    kind: I64
    code: I64
    at_ms: I64
    until_ms: I64
    where: U64
    place: I64
    in_transit: Bool
    quarter: I64

    def only(self, which: Any) -> _Refused:
        """Some of them."""
        return _Refused(*(getattr(self, field.name)[which] for field in fields(self)))


def retry_tables(
    tables: OutcomeTables, codes: tuple[str, ...], parameters: Parameters
) -> RetryTables:
    """Tables of a world; codes are the contract's response codes."""
    law = parameters.section("activity.retries")
    wish = np.zeros((2, len(codes)), dtype=np.int64)
    for group, name in enumerate(_GROUPS):
        for code, share in law["share"][name].items():
            wish[group, codes.index(code)] = threshold(share, _WISH_WIDTH)
    kinds = tables.approved.reshape(-1, KIND_COUNT, 2, TAIL_OCTAVES)
    there = [kind for kind in range(SUBSCRIBED) if _is_present(np.array(kind))]
    least = [kinds[:, :SUBSCRIBED].min(axis=(0, 1, 2)), kinds[:, there].min(axis=(0, 1, 2))]
    answer = [_answers(codes, law["answers"]), _answers(codes, law["answers_to_less"])]
    gaps = [law["gap_seconds"][name] for name in _GROUPS]
    return RetryTables(
        wish=wish.reshape(-1),
        eager=-(-wish.max(axis=1) >> _WISH_BITS),
        least=np.concatenate(least),
        answer=np.concatenate(answer).reshape(-1),
        can_less=np.array([code in law["answers_to_less"] for code in codes], dtype=np.int64),
        other=np.array([threshold(law["other_share"][name], 6) for name in _GROUPS]),
        gap=np.concatenate([_gap_table(gap) for gap in gaps]),
        has_pin=(tables.without_pin != np.arange(len(codes))).astype(np.int64),
        code_count=len(codes),
    )


def no_retries(tables: RetryTables) -> RetryTables:
    """The same where nobody tries anything again."""
    return replace(tables, wish=np.zeros_like(tables.wish), eager=np.zeros_like(tables.eager))


def _gap_table(law: Mapping[str, float]) -> F64:
    ms = {name: law[name] * 1e3 for name in ("median", "min", "max")}
    return lognormal_table(ms["median"], law["log_sd"], ms["min"], ms["max"])


def _answers(codes: tuple[str, ...], law: Mapping[str, Mapping[str, float]]) -> NDArray[np.uint8]:
    """Answers by the code before, u8[codes, 1024]; a code that is not named is told once more."""
    rows = np.eye(len(codes))
    for before, shares in law.items():
        rows[codes.index(before)] = 0.0
        for code, share in shares.items():
            rows[codes.index(before), codes.index(code)] = share
    return slots(np.round(rows, 9), _ANSWER_SLOTS)


def _is_present(kind: I64) -> Bool:
    return np.asarray((kind == LOCAL) | (kind == CASH))


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
    eager = streams.VISIT_RETRY.of(made.word)
    row = np.flatnonzero(eager < tables.eager.max())
    address, eager = made.address.take(row), eager.take(row)
    slot = streams.OUTCOME_CODE.of(draw(keys["outcome"], address))
    least = tables.least.reshape(2, -1)
    kept = np.flatnonzero(_may_be(tables, (eager, slot), least.min(axis=1)))
    octave = tail_octaves(draw(keys["ticket"], address.take(kept)))
    row, eager, slot = row.take(kept), eager.take(kept), slot.take(kept)
    kept = np.flatnonzero(_may_be(tables, (eager, slot), least[:, octave]))
    return row.take(kept), slot.take(kept), octave.take(kept)


def _may_be(tables: RetryTables, drawn: tuple[I64, I64], least: I64) -> Bool:
    """Whether visits of (eager bits, slots of answers) may be tried again; least of each group."""
    eager, slot = drawn
    may: Bool = (eager < tables.eager[_REMOTE]) & (slot >= least[_REMOTE])
    may |= (eager < tables.eager[_PRESENT]) & (slot >= least[_PRESENT])
    return may


def _refused(activity: Activity, cells: Cells, made: Visits, leaders: Leaders) -> _Refused:
    """Of the candidates those that were refused, with their answers."""
    tables = activity.tables
    row, slot, octave = _candidates(tables.retries, activity.keys, made)
    source = sources_of(activity, cells, made, leaders, row)
    rows = _rows(activity, made.card[row], source)
    where = shops.choose_merchants(tables.where, tables.traits, activity.keys, rows)
    crosses = trait(where.traits, MERCHANT_COUNTRY) != rows.country
    case = answer_case(rows.country, where.kind, crosses, octave)
    kept = np.flatnonzero(slot >= tables.outcomes.approved.take(case, mode="clip"))
    row, kind = row[kept], where.kind[kept]
    source = Sources(*(getattr(source, field.name)[kept] for field in fields(Sources)))
    code = answers(tables.outcomes, case[kept], slot[kept]).astype(np.int64)
    asked = np.flatnonzero(tables.retries.has_pin[code])
    code[asked] = _as_asked(activity, made.card[row[asked]], source, asked)
    return _Refused(
        row=row,
        address=source.address,
        eager=streams.VISIT_RETRY.of(made.word[row]),
        kind=kind,
        code=code,
        at_ms=made.at_ms[row],
        until_ms=_until_ms(activity, made, row),
        where=source.where,
        place=source.place,
        in_transit=source.in_transit,
        quarter=source.quarter,
    )


def _rows(activity: Activity, card: I64, source: Sources | _Refused, address: Any = None) -> Rows:
    """Context of what was asked for, or of the same by another address."""
    own = source.address if address is None else address
    place = (source.place, source.in_transit)
    return activity.rows(card, (source.where, own, own), place, source.quarter)


def _as_asked(activity: Activity, card: I64, source: Sources, which: I64) -> I64:
    """Answers to some of the sources, that speak of a PIN where one was asked."""
    own = Sources(*(getattr(source, field.name)[which] for field in fields(Sources)))
    rows = _rows(activity, card, own)
    purchase = activity.purchase(rows, None)
    ticket, currency = purchase.ticket, trait(purchase.where.traits, MERCHANT_CURRENCY)
    # What is tapped hangs on the amount billed, and that on the rate of the day.
    billing = ticket.amount.copy()
    for one in np.flatnonzero((purchase.entry_mode == CONTACTLESS) & (currency != rows.currency)):
        rates = tickets.rates_between(activity.world, int(days_of(own.address[one : one + 1])[0]))
        pair = currency[one] * len(activity.world.currencies) + rows.currency[one]
        billing[one] = np.rint(rates[pair] * ticket.amount[one])
    purchase = replace(purchase, ticket=replace(ticket, billing=billing))
    return activity.authorise(rows, purchase).response.astype(np.int64)


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
    group = _is_present(refused.kind).astype(np.int64)
    wish = refused.eager << np.int64(_WISH_BITS) | streams.RETRY_WISH.of(word)
    index, fraction = tail_index(streams.RETRY_GAP.of(word).view(np.uint64))
    gap = look_up(tables.gap, group, index, fraction)
    at_ms = refused.at_ms + np.rint(gap).astype(np.int64)
    tried = wish < tables.wish.take(group * tables.code_count + refused.code)
    tried &= at_ms < refused.until_ms
    before, own, word, group, at_ms = (
        refused.only(tried),
        own[tried],
        word[tried],
        group[tried],
        at_ms[tried],
    )
    address, asks_less = _asked_for(activity, made, before, (own, word, group))
    answer = _answered(activity, before.code, asks_less, word)
    again = Repeats(
        card=made.card[before.row],
        at_ms=at_ms,
        code=own_code[tried],
        source=address,
        where=before.where,
        place=before.place,
        in_transit=before.in_transit,
        quarter=before.quarter,
        response=answer,
    )
    eager = streams.RETRY_EAGER.of(word)
    return again, replace(before, address=address, eager=eager, code=answer, at_ms=at_ms)


def _asked_for(
    activity: Activity, made: Visits, before: _Refused, drawn: tuple[U64, U64, I64]
) -> tuple[U64, Bool]:
    """(address of what is asked for, whether it is less): mostly the same once more.

    Online some go to another page, at tills some ask for less, where a basket of their own draws
    is cheaper.

    drawn  own addresses of the retries, words, remote or present
    """
    own, word, group = drawn
    tables = activity.tables.retries
    other = streams.RETRY_OTHER.of(word) < tables.other.take(group)
    asks_less = np.zeros(own.size, dtype=np.bool_)
    row = np.flatnonzero(other & (group == _PRESENT) & tables.can_less[before.code].astype(bool))
    some, card = before.only(row), made.card[before.row[row]]
    new = activity.purchase(_rows(activity, card, some, own[row]), None)
    known = activity.purchase(_rows(activity, card, some), None)
    asks_less[row] = new.ticket.amount < known.ticket.amount
    other &= asks_less | (before.kind == ONLINE)
    return np.where(other, own, before.address), asks_less


def _answered(activity: Activity, before: I64, asks_less: Bool, word: U64) -> I64:
    """Answers by those before. Nobody mistypes a PIN that was not asked the first time."""
    tables, without_pin = activity.tables.retries, activity.tables.outcomes.without_pin
    place = (asks_less * tables.code_count + before) * _ANSWER_SLOTS
    answer = tables.answer.take(place + streams.RETRY_ANSWER.of(word))
    answer = np.where(tables.has_pin[before], answer, without_pin[answer])
    return answer.astype(np.int64)
