"""Take-backs: which purchases are refunded or reversed, asked from the cells that do it.

A refund over the counter comes while the shop is open, as a purchase does: who finds it shut comes
at other hours of the same day, and after a few of them not at all. What was bought on a trip is
paid back on the trip: nobody stands at a counter of another city than that where the card is.

Reads    cells, visits, the purchases that they take back
Writes   returns, the position of the cell of each
Draws    those of activity.returns, REFUND_OPEN
Sources  parameters.yaml [returns, opening]
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fauxpay.activity import outcomes, streams
from fauxpay.activity.addresses import cell_addresses
from fauxpay.activity.cells import Cells, some_cells, visit_counts
from fauxpay.activity.repeats import Repeats, joined, keep, source_rows, sources_of
from fauxpay.activity.returns import (
    is_paid_back,
    refund_addresses,
    refund_candidates,
    refund_ms,
    refunds,
    reversals,
    reversed_at,
    reversed_visits,
)
from fauxpay.activity.rows import CASH, LOCAL
from fauxpay.activity.shops import finds_open
from fauxpay.activity.tills import Leaders
from fauxpay.activity.visits import Visits, spread_out, visits
from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import I64, draw

if TYPE_CHECKING:
    from fauxpay.activity.engine import Activity


def returns_of(
    activity: Activity, cells: Cells, made: Visits, leaders: Leaders
) -> tuple[Repeats, I64]:
    """Refunds and reversals of cells whose purchases were approved, and their cells."""
    row = reversed_visits(activity.tables.returns, made)
    taken = (row, sources_of(activity, cells, made, leaders, row))
    back, back_cell = reversals(activity.tables.returns, activity.keys, made, taken), made.cell[row]
    cell, refunded = _refunds(activity, cells)
    both = joined(back, refunded)
    cell = np.concatenate([back_cell, cell])
    purchase, manner = activity.describe(source_rows(activity, both), None)
    is_refund = np.arange(both.card.size) >= back.card.size
    kind, merchant = purchase.where.kind, purchase.where.merchant
    kept = (manner.response == outcomes.APPROVED) & ~(is_refund & (kind == CASH))
    _keep_paid_back(activity, cells, (np.flatnonzero(is_refund), cell), (merchant, kept))
    over_counter = kept & is_refund & (kind == LOCAL)
    is_there = (cells.place[cell] == both.place) & ~cells.in_transit[cell]
    kept &= ~over_counter | is_there
    over_counter = np.flatnonzero(over_counter & is_there)
    both = _when_open(activity, cells, (both, cell), (over_counter, merchant, kept))
    return keep(both, kept), cell[kept]


def _keep_paid_back(
    activity: Activity, cells: Cells, back: tuple[I64, I64], asked: tuple[I64, Bool]
) -> None:
    """Lets go of the refunds that their shop does not pay: `kept` is changed.

    back   (rows that are refunds, cell of every row)
    asked  (merchant of every row, kept)
    """
    row, cell = back
    merchant, kept = asked
    word = draw(activity.keys["refund"], refund_addresses(cells, cell[row]))
    kept[row] &= is_paid_back(activity.tables.returns, merchant[row], word)


def _when_open(
    activity: Activity, cells: Cells, back: tuple[Repeats, I64], asked: tuple[I64, I64, Bool]
) -> Repeats:
    """The returns, some of them at hours at which their shop is open; back is (returns, cells).

    asked  (rows that need an open door, merchant of every row, which rows are kept); the last is
           changed for rows that find none
    """
    returns, cell = back
    row, merchant, kept = asked
    at_ms = returns.at_ms.copy()
    day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[cell]
    for attempt, stream in enumerate(streams.REFUND_STREAMS):
        word = draw(activity.keys[stream], refund_addresses(cells, cell[row]))
        if attempt:  # The first is when they were to come anyway.
            at_ms[row] = refund_ms(activity.calendar, cells, cell[row], word)
        quarter = activity.local_quarters(returns.place[row], day[row], at_ms[row])
        drawn = streams.REFUND_OPEN.of(word)
        found = finds_open(activity.tables.where, merchant[row], (day[row], quarter), drawn)
        row = row[~found]
    kept[row] = False
    return replace(returns, at_ms=at_ms)


def _refunds(activity: Activity, cells: Cells) -> tuple[I64, Repeats]:
    row, lag = refund_candidates(activity.tables.returns, cells)
    day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[row] - lag
    row, day = row[day >= activity.epoch_day], day[day >= activity.epoch_day]
    sources = activity.open_cells(cells.card[row], day)
    count = visit_counts(activity.tables.cells, sources)
    # Half of the cells bought nothing on that day: nobody has to ask them anything more.
    busy = np.flatnonzero(count)
    row, day, sources, count = (
        row.take(busy),
        day.take(busy),
        some_cells(sources, busy),
        count[busy],
    )
    slot = (streams.CELL_REFUND_SLOT.of(cells.word[row]) * count) >> 12
    made = visits(activity.tables.visits, activity.calendar, activity.keys, sources, count)
    picked = made.first + slot
    undone = reversed_at(activity.tables.returns, made, picked)
    kept = np.flatnonzero(~(undone | _taken_back(activity, cells, row, (day, count, slot))))
    leaders = activity.leaders(sources, made)
    source = sources_of(activity, sources, made, leaders, picked[kept])
    row = row[kept]
    return row, refunds(activity.calendar, activity.keys, cells, (row, source))


def _taken_back(activity: Activity, cells: Cells, row: I64, source: tuple[I64, I64, I64]) -> Bool:
    """Candidates whose purchase an earlier cell takes back already; source is (day, n, slot).

    Every cell between purchase and refund is asked, by its word alone, whether it points at
    the same purchase; only the few that do are opened.
    """
    source_day, count, slot = source
    day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[row]
    candidate, nth = spread_out(np.maximum(day - source_day - 1, 0))
    other_day = source_day[candidate] + 1 + nth
    card = cells.card[row[candidate]]
    word = draw(activity.keys["cell"], cell_addresses(card, other_day))
    lag = activity.tables.returns.lag_days[streams.CELL_REFUND_LAG.of(word)]
    other_slot = (streams.CELL_REFUND_SLOT.of(word) * count[candidate]) >> 12
    same = np.flatnonzero((lag == nth + 1) & (other_slot == slot[candidate]))
    at = (card[same], other_day[same])
    others = activity.open_cells(*at)
    wants, _ = refund_candidates(activity.tables.returns, others)
    taken = np.zeros(row.size, dtype=np.bool_)
    taken[candidate[same[wants]]] = True
    return taken
