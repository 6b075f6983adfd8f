"""Visits: when in the day each unscheduled purchase happens.

Reads    cells(card, day), calendar
Writes   visits(card, at_ms, code)
Draws    VISIT_*
Sources  parameters.yaml [trips]

Slots come in groups of four; a slot that joins a trip happens some minutes after the first of
its group, so trips need no state. A time beyond the day's end comes round to the day's beginning,
which lacks the followers of the evening before: clamped or reflected, rows would pile up before
midnight UTC and be missing after it, which is the middle of the day in half of the world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.calendar import CURVE_SLOTS, DAY_MS, QUARTER_MS, Calendar
from fauxpay.activity.cells import Cells
from fauxpay.activity.streams import Keys
from fauxpay.config.model import Config
from fauxpay.foundations.counts import COUNT_MAX
from fauxpay.foundations.draws import F64, I64, U64, draw, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.quantiles import lognormal_table, look_up, tail_index

_TRIP_SLOTS = 4
SLOT_BITS = np.int64(9)  # addresses have no more
SLOT_MASK = np.int64((1 << 9) - 1)
CELL_BITS = np.int64(27)  # DAY_MS < 2**27
CELL_SHIFT = CELL_BITS + SLOT_BITS


@dataclass(frozen=True, slots=True)
class VisitTables:
    """trip_joins: chance of 1,024 that a slot joins its group's first; gap: quantiles, ms.

    apart_ms  least time between two visits of a cell
    more_ms   beyond it, at most, where they would have been sooner
    """

    trip_joins: int
    gap: F64
    apart_ms: int
    more_ms: int


@dataclass(frozen=True, slots=True)
class Visits:
    """One entry per visit, in the order of cells and slots; `cell` is the position of its cell.

    first, count  i64[cells]  where the visits of each cell begin, and how many there are
    by_time       i64[n]      as `in_time` puts them
    """

    first: I64
    count: I64
    cell: I64
    card: I64
    slot: I64
    address: U64
    word: U64
    at_ms: I64
    by_time: I64


def visit_tables(config: Config, parameters: Parameters) -> VisitTables:
    """Tables of a world."""
    trips = parameters.section("activity.trips")
    minute = 60_000.0
    # Three of four slots can join, so the share among further purchases is met by a factor.
    apart_ms = round(trips["apart_seconds_min"] * 1000)
    more_ms = round(trips["apart_seconds_more"] * 1000)
    assert COUNT_MAX * (apart_ms + more_ms) < (1 << CELL_BITS) - DAY_MS, "a day has room for all"
    joins = min(config.activity.trip_share * _TRIP_SLOTS / (_TRIP_SLOTS - 1), 1.0)
    return VisitTables(
        trip_joins=threshold(joins, streams.VISIT_TRIP.width),
        gap=lognormal_table(
            trips["gap_median_minutes"] * minute,
            trips["gap_log_sd"],
            trips["gap_minutes_min"] * minute,
            trips["gap_minutes_max"] * minute,
        ),
        apart_ms=apart_ms,
        more_ms=more_ms,
    )


def visits(tables: VisitTables, calendar: Calendar, keys: Keys, cells: Cells, count: I64) -> Visits:
    """The visits of cells; count i64[cells]."""
    cell, first = spread(count)
    slot = np.arange(cell.size) - first.take(cell, mode="clip")
    address = cells.address.take(cell, mode="clip")
    address |= slot.view(np.uint64)
    curve = curve_rows(calendar, cells.group, cells.day).take(cell, mode="clip")
    word = draw(keys["visit"], address)
    at_ms = _drawn_ms(calendar, curve, word)
    row = np.flatnonzero(_joins(tables, slot, word))
    head_ms = at_ms[row - (slot[row] & (_TRIP_SLOTS - 1))]
    at_ms[row] = _joined(tables, keys, address[row], head_ms)
    by_time = _kept_apart(tables, (first, count), (cell, slot, word), at_ms)
    card = cells.card.take(cell, mode="clip")
    return Visits(first, count, cell, card, slot, address, word, at_ms, by_time)


def spread(count: I64) -> tuple[I64, I64]:
    """(owner of each of count[i] things, position of each owner's first); both int64."""
    total = np.cumsum(count)
    first = total - count
    owners = np.flatnonzero(count > 0)
    step = np.zeros(int(total[-1]) if total.size else 0, dtype=np.int64)
    step[first[owners]] = np.diff(owners, prepend=0)
    return np.cumsum(step, out=step), first


def spread_out(count: I64) -> tuple[I64, I64]:
    """(owner, nth) of each of count[i] things of owner i."""
    owner, first = spread(count)
    return owner, np.arange(owner.size) - first.take(owner, mode="clip")


def _drawn_ms(calendar: Calendar, curve: I64, word: U64) -> I64:
    return time_in_curve(
        calendar, curve, streams.VISIT_QUARTER.of(word), streams.VISIT_WITHIN.of(word)
    )


def _joins(tables: VisitTables, slot: I64, word: U64) -> NDArray[np.bool_]:
    joins = streams.VISIT_TRIP.of(word) < tables.trip_joins
    joins &= (slot & (_TRIP_SLOTS - 1)) != 0
    return joins


def _joined(tables: VisitTables, keys: Keys, address: U64, head_ms: I64) -> I64:
    gap_word = draw(keys["gap"], address)
    index, fraction = tail_index(streams.VISIT_GAP.of(gap_word).view(np.uint64))
    gap = look_up(tables.gap, np.zeros(index.size, dtype=np.int64), index, fraction)
    at_ms = head_ms + np.rint(gap).astype(np.int64)
    return np.where(at_ms < DAY_MS, at_ms, at_ms - DAY_MS)


def in_time(cell: I64, at_ms: I64, slot: I64) -> I64:
    """cell, at_ms and slot of visits in one word each, by time within each cell."""
    assert not cell.size or cell[-1] < 1 << 27
    visit = cell << CELL_SHIFT
    visit |= at_ms << SLOT_BITS
    visit |= slot
    # Stable is timsort, by far the fastest here: cells come in order, so nearly all is sorted.
    visit.sort(kind="stable")
    return visit


def _kept_apart(
    tables: VisitTables, cells: tuple[I64, I64], visits: tuple[I64, I64, U64], at_ms: I64
) -> I64:
    """Moves visits so far back that none is sooner than apart_ms after the one before it.

    Some wait a little longer than that, each its own time: gaps of one length would be a mark.

    cells    (first, count) of each; visits (cell, slot, word); at_ms is changed in place. At the
             end of the day, where there is no later, the ones before give way.
    returns  what `in_time` says of them then
    """
    (first, count), (cell, slot, word) = cells, visits
    visit = in_time(cell, at_ms, slot)
    time = visit >> SLOT_BITS
    close = np.flatnonzero(time[1:] - time[:-1] < tables.apart_ms)
    if not close.size:
        return visit
    chosen = np.unique(visit.take(close) >> CELL_SHIFT)
    of, nth = spread_out(count.take(chosen))
    owner, start = chosen.take(of), first.take(chosen).take(of)
    row = start + nth
    slots = visit.take(row) & SLOT_MASK
    within = streams.VISIT_WITHIN
    gap = tables.apart_ms + ((within.of(word.take(start + slots)) * tables.more_ms) >> within.width)
    waited = np.cumsum(gap)
    head = np.flatnonzero(nth == 0)
    waited -= waited.take(head).take(of)  # Of its own cell, since the first of it.
    # Each cell's times lie above those of the cell before, so one running maximum does for all.
    since = time.take(row) - (owner << CELL_BITS) - waited
    moved = np.maximum.accumulate(since + (of << CELL_BITS)) - (of << CELL_BITS) + waited
    last = head + count.take(chosen) - 1
    left = waited.take(last).take(of) - waited
    moved = np.minimum(moved, DAY_MS - tables.apart_ms - left)
    at_ms[start + slots] = moved
    # They keep their order.
    visit[row] = owner << CELL_SHIFT | moved << SLOT_BITS | slots
    return visit


def curve_rows(calendar: Calendar, group: I64, day: Any) -> I64:
    """The curve that the times of cells are drawn from, by their groups and days."""
    position = (np.asarray(day) - calendar.first_day) * calendar.curve_row.shape[1]
    rows: I64 = calendar.curve_row.reshape(-1).take(group + position, mode="clip")
    return rows


def time_in_curve(calendar: Calendar, curve: I64, slot12: I64, within20: I64) -> I64:
    """Milliseconds of the UTC day from 12 bits of quarter-hour and 20 bits within it."""
    curve = curve * CURVE_SLOTS
    curve += slot12
    at_ms = calendar.curves.take(curve, mode="clip").astype(np.int64)
    at_ms *= QUARTER_MS
    at_ms += (within20 * QUARTER_MS) >> 20
    return at_ms
