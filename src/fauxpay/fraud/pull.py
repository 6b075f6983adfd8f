"""Pull: what cards truly bought on days, asked of their own cells.

Reads    activity
Writes   purchases(card, day, address, at_ms, merchant, ...)
Draws    nothing of its own
Sources  nothing

A breach, a skimmed till, a dispute need visits that really happened. They are asked for, never
planned: genuine rows know nothing of fraud.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.activity import outcomes
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.cells import visit_counts
from fauxpay.activity.engine import Activity
from fauxpay.activity.returns import reversed_at
from fauxpay.activity.tills import entries_of
from fauxpay.activity.visits import visits
from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import F64, I64, U64, draw


@dataclass(frozen=True, slots=True)
class Purchases:
    """Unscheduled purchases at the first try, in the order of cells asked for; at_ms is absolute.

    cell         i64[n]   position in what was asked
    is_reversed  bool[n]  whether the till takes it back within the day, if it is approved
    """

    cell: I64
    card: I64
    day: I64
    at_ms: I64
    address: U64
    kind: I64
    merchant: I64
    terminal: I64
    amount: F64
    tail_octave: I64
    entry_mode: I64
    is_approved: Bool
    is_reversed: Bool


def purchases(activity: Activity, card: I64, day: I64) -> Purchases:
    """What was bought in cells (card, day), each i64[n], days from the epoch on."""
    cells = activity.open_cells(card, day)
    count = visit_counts(activity.tables.cells, cells)
    made = visits(activity.tables.visits, activity.calendar, activity.keys, cells, count)
    own_day = day[made.cell]
    place, in_transit = cells.place[made.cell], cells.in_transit[made.cell]
    quarter = activity.local_quarters(place, own_day, made.at_ms)
    where, leaders = made.address.copy(), activity.leaders(cells, made)
    position, entry = entries_of(leaders.row, np.arange(made.card.size))
    where[position], quarter[position] = leaders.address[entry], leaders.quarter[entry]
    address: Any = (where, made.address, made.address)
    rows = activity.rows(made.card, address, (place, in_transit), quarter)
    purchase, manner = activity.describe(rows, None)
    return Purchases(
        cell=made.cell,
        card=made.card,
        day=own_day,
        at_ms=own_day * DAY_MS + made.at_ms,
        address=made.address,
        kind=purchase.where.kind,
        merchant=purchase.where.merchant,
        terminal=purchase.where.terminal,
        amount=purchase.ticket.amount,
        tail_octave=purchase.ticket.tail_octave,
        entry_mode=manner.entry_mode.astype(np.int64),
        is_approved=manner.response == outcomes.APPROVED,
        is_reversed=reversed_at(activity.tables.returns, made, np.arange(made.card.size)),
    )


def days_before(activity: Activity, moment_ms: I64, days: int) -> tuple[I64, I64]:
    """(owner, day) of the last so many days before moments, none before the epoch."""
    day = moment_ms[:, None] // DAY_MS - np.arange(days)
    owner, nth = np.nonzero(day >= activity.epoch_day)
    return owner, day[owner, nth]


def days_after(activity: Activity, moment_ms: I64, days: int, end_day: int) -> tuple[I64, I64]:
    """(owner, day) of so many days from moments on, none at or after the end."""
    day = moment_ms[:, None] // DAY_MS + np.arange(days)
    owner, nth = np.nonzero((day >= activity.epoch_day) & (day < end_day))
    return owner, day[owner, nth]


def last_of(owner: I64, score: Any, count: int) -> I64:
    """Position of the thing with the greatest score of each owner 0..count-1, or -1."""
    found = np.full(count, -1, dtype=np.int64)
    order = np.lexsort((score, owner))
    found[owner[order]] = order
    return found


def favourites(activity: Activity, card: I64, kind: int, ranks: int) -> I64:
    """The first merchants of cards' own lists of a kind, i64[n, ranks]; they need not be visited.

    What is found here is where to look: `purchases` says what really happened.
    """
    tables = activity.tables.where
    rank = np.arange(ranks)
    address = (card[:, None] << np.int64(19)) | np.int64(kind << 16) | rank
    segment = tables.segment[kind] + activity.world.cards.country[card]
    word = draw(activity.keys["favourite"], address.reshape(-1).view(np.uint64))
    return tables.pool.pick(np.repeat(segment, ranks), word).reshape(-1, ranks)
