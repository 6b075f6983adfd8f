"""Previous: the order of a card's events, and the event before each.

Reads    events(card, at_ms)
Writes   order, links
Draws    nothing
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.cells import open_cells, visit_counts
from fauxpay.activity.engine import Activity, own_addresses
from fauxpay.activity.payments import retried
from fauxpay.activity.returns import refund_candidates
from fauxpay.foundations.draws import I64, U64
from fauxpay.foundations.radix import stable_order

NONE = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True)
class LastEvents:
    """The last event of each card of a range before a day: address (or NONE) and absolute ms."""

    address: U64
    at_ms: I64


def time_order(at_ms: I64, day_count: int) -> I64:
    """Positions in time order; events of one millisecond keep the order they came in.

    at_ms  i64[n] since the start of the first of so many days
    """
    return stable_order(at_ms, day_count * DAY_MS)


def predecessors(card: I64, card_count: int) -> tuple[I64, I64]:
    """(position before each row of the same card or -1, last position of each card or -1).

    card  i64[n] in time order, 0 <= card < card_count
    """
    order = stable_order(card, card_count)
    sorted_card = card.take(order)
    before = np.full(card.size, -1, dtype=np.int64)
    same = np.flatnonzero(sorted_card[1:] == sorted_card[:-1])
    before[order[1:].take(same)] = order.take(same)
    last = np.full(card_count, -1, dtype=np.int64)
    last[sorted_card] = order
    return before, last


def last_events(activity: Activity, day: int) -> LastEvents:
    """Look back over cells, by counts alone, to each card's last busy day before `day`."""
    count = activity.last_card - activity.first_card
    address = np.full(count, NONE, dtype=np.uint64)
    at_ms = np.full(count, -1, dtype=np.int64)
    waiting = np.arange(activity.first_card, activity.last_card)
    # Nobody has to search before a card's opening or after its closing.
    until = np.minimum(day, activity.world.cards.closed_day[waiting])
    while waiting.size:
        found, busy_day = _busy_days(activity, waiting, until)
        waiting, busy_day = waiting[found], busy_day[found]
        if not waiting.size:
            break
        events = activity.cell_events(waiting, busy_day)
        order = stable_order(events.at_ms, DAY_MS)
        cell = events.cell[order]
        last = np.full(waiting.size, -1, dtype=np.int64)
        # The greatest position wins: later assignments overwrite earlier ones in time order.
        last[cell] = order
        has = np.flatnonzero(last >= 0)
        row = last[has]
        here = waiting[has] - activity.first_card
        address[here] = own_addresses(events, busy_day[events.cell])[row]
        at_ms[here] = events.at_ms[row] + busy_day[has] * DAY_MS
        # A cell that wanted only a refund of a declined purchase holds nothing: look further.
        empty = last < 0
        waiting, until = waiting[empty], busy_day[empty]
    return LastEvents(address, at_ms)


def _busy_days(activity: Activity, card: I64, until: I64) -> tuple[I64, I64]:
    """(rows of cards that have a possibly busy day before `until`, that day of every row)."""
    busy_day = np.full(card.size, -1, dtype=np.int64)
    first_day = np.maximum(activity.epoch_day, activity.world.cards.opened_day[card])
    row, upper, span = np.arange(card.size), until.copy(), 1
    while row.size:
        days = upper[:, None] - 1 - np.arange(span)
        inside = days >= first_day[row, None]
        cell_row, nth = np.nonzero(inside)
        cell_card, cell_day = card[row[cell_row]], days[cell_row, nth]
        is_busy = np.zeros(days.shape, dtype=np.bool_)
        is_busy[cell_row, nth] = _may_be_busy(activity, cell_card, cell_day)
        hit = is_busy.any(axis=1)
        first = is_busy.argmax(axis=1)
        busy_day[row[hit]] = days[hit, first[hit]]
        more = ~hit & (days[:, -1] > first_day[row])
        row, upper = row[more], days[more, -1]
        span = min(span * 2, 64)
    return np.flatnonzero(busy_day >= 0), busy_day


def _may_be_busy(activity: Activity, card: I64, day: I64) -> NDArray[np.bool_]:
    """False only where a cell holds nothing for certain."""
    at = (card, day)
    cells = open_cells(activity.world, activity.tables.cells, activity.calendar, activity.keys, at)
    busy = visit_counts(activity.tables.cells, cells) > 0
    busy[refund_candidates(activity.tables.returns, cells)[0]] = True
    idle = np.flatnonzero(~busy)
    offsets = activity.tables.terms.retry_days.tolist()
    for attempt, (cell, position) in enumerate(activity.due_before(card[idle], day[idle])):
        cell = idle[cell]
        kept = retried(activity, position, day[cell] - offsets[attempt], attempt)
        busy[cell[kept]] = True
    busy[cells.unused] = False
    return busy
