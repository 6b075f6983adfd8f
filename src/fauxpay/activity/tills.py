"""Tills: a purchase that follows the last within minutes is made where that one was made.

Reads    visits of cells, merchants' coordinates
Writes   followers(row, address, quarter)
Draws    nothing
Sources  parameters.yaml [speed]

Two visits of a day are drawn apart from each other, and two shops of one city may be 30 km apart.
So whoever pays twice within the time that an airliner needs from one end of the city to the other
pays twice at one till: the follower asks where it is by the address of the first of its run, the
leader. Who buys online goes on online, but in any shop (`activity.shops`): pages are near. Runs are
told from the times of one cell and of the cell before it alone: a run cannot span a whole day,
because a cell has at most COUNT_MAX visits and the time is at most `near_seconds_max`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.cells import Cells
from fauxpay.activity.commute import distances_km, middles
from fauxpay.activity.visits import CELL_SHIFT, SLOT_BITS, SLOT_MASK, Visits
from fauxpay.catalog.world import World
from fauxpay.foundations.counts import COUNT_MAX
from fauxpay.foundations.draws import I64, U64
from fauxpay.foundations.parameters import Parameters

_HOUR_MS = 3_600_000
_MARGIN = 1.02  # flat-earth distances inside a city, and rounding


@dataclass(frozen=True, slots=True)
class Followers:
    """Visits made where an earlier one was: positions of the visits, rising, and their leaders.

    row i64[n]; address u64[n] of the leader; day i64[n] and at_ms i64[n] of the leader
    """

    row: I64
    address: U64
    day: I64
    at_ms: I64


@dataclass(frozen=True, slots=True)
class Leaders:
    """Rows whose merchant is asked by another address, rising: that of the first of their run.

    row i64[n], address u64[n], quarter i64[n] of the local week
    """

    row: I64
    address: U64
    quarter: I64


def near_ms(world: World, work: I64, parameters: Parameters) -> int:
    """Milliseconds within which no two shops of a card's day can be reached one after the other.

    work  i64[cards]  place of work or -1
    Raises nothing for places too wide for the law: the time is cut at `near_seconds_max`, which
    only one's own catalog can reach.
    """
    speed = parameters.section("activity.speed")
    longest = int(speed["near_seconds_max"]) * 1000
    assert COUNT_MAX * longest < DAY_MS, "a run of visits must not span a day"
    needed = _widest_km(world, work) * _MARGIN / float(speed["kmh_max"]) * _HOUR_MS
    return int(min(np.ceil(np.round(needed, 3)), longest))


def _widest_km(world: World, work: I64) -> float:
    """Greatest distance between shops of a place, or of a home and a place of work."""
    merchants, count = world.merchants, world.places.city.size
    latitude, longitude = middles(world)
    to_middle = distances_km(
        (merchants.latitude, merchants.longitude),
        (latitude[merchants.place], longitude[merchants.place]),
    )
    radius = np.zeros(count)
    np.maximum.at(radius, merchants.place, to_middle)
    goes = work >= 0
    home = np.concatenate([np.arange(count), world.cards.place[goes]])
    there = np.concatenate([np.arange(count), work[goes]])
    between = distances_km((latitude[home], longitude[home]), (latitude[there], longitude[there]))
    return float((between + radius[home] + radius[there]).max(initial=0.0))


def followers(
    near: int, cells: Cells, made: Visits, before: Callable[[I64], tuple[I64, Cells, Visits]]
) -> Followers:
    """The followers among the visits of cells.

    before  (cells, visits) of the day before some cells, by their positions; those that have
            such a day come first, as positions
    """
    if near <= 0:
        return _none()
    visit = made.by_time
    time = visit >> SLOT_BITS
    close = np.flatnonzero(time[1:] - time[:-1] < near)
    early = np.flatnonzero(made.at_ms < near)
    if not close.size and not early.size:
        return _none()
    is_chosen = np.zeros(cells.card.size, dtype=np.bool_)
    is_chosen[made.cell.take(early)] = True
    early_cell = np.flatnonzero(is_chosen)
    is_chosen[visit.take(close) >> CELL_SHIFT] = True
    chosen = np.flatnonzero(is_chosen)
    row, leader, is_start, first = _runs(near, made, (visit, chosen))
    day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)
    address, at_ms = made.address.take(leader), made.at_ms.take(leader)
    owner = made.cell.take(row)
    leader_day = day[owner]
    at, earlier, visits = before(early_cell)
    if visits.cell.size:
        last, late_leader = _last_leaders(near, visits, earlier.card.size)
        first_ms = made.at_ms[row[first]]
        of = np.full(chosen.size, -1)
        of[np.searchsorted(chosen, at)] = np.arange(at.size)
        has = (of >= 0) & (last[of] >= 0)
        since = first_ms + DAY_MS - visits.at_ms[last[of]]
        joins = has & (since < near)
        # Every visit of the first run of such a cell follows the run of the day before.
        run = np.cumsum(is_start) - 1
        first_run = np.full(cells.card.size, -1)
        first_run[chosen[joins]] = run[first[joins]]
        joined = np.flatnonzero(first_run[owner] == run)
        source = late_leader[of[np.searchsorted(chosen, owner[joined])]]
        address[joined], at_ms[joined] = visits.address[source], visits.at_ms[source]
        leader_day[joined] = day[owner[joined]] - 1
        is_start[joined] = False
    kept = np.flatnonzero(~is_start)
    kept = kept[np.argsort(row[kept], kind="stable")]
    return Followers(row[kept], address[kept], leader_day[kept], at_ms[kept])


def _runs(near: int, made: Visits, asked: tuple[I64, I64]) -> tuple[I64, I64, Any, I64]:
    """Visits of chosen cells by (cell, time): (row, row of the leader, is a leader, firsts).

    asked  (all visits by time, chosen cells, rising)
    """
    visit, chosen = asked
    start, count = made.first.take(chosen), made.count.take(chosen)
    first = np.cumsum(count) - count
    begin = np.repeat(start, count)
    visit = visit.take(begin + (np.arange(begin.size) - np.repeat(first, count)))
    # The visits of a cell stand together in the order of their slots.
    row = begin + (visit & SLOT_MASK)
    is_start = np.diff(visit >> SLOT_BITS, prepend=-(1 << 40)) >= near
    leader = np.maximum.accumulate(np.where(is_start, np.arange(row.size), 0))
    return row, row.take(leader), is_start, first


def _last_leaders(near: int, visits: Visits, cell_count: int) -> tuple[I64, I64]:
    """(last visit of each cell or -1, the leader of its run)."""
    busy = np.flatnonzero(visits.count)
    row, leader, _, _ = _runs(near, visits, (visits.by_time, busy))
    last, late = np.full(cell_count, -1), np.full(cell_count, -1)
    # In time order: the last assignment of a cell is its latest visit.
    last[visits.cell[row]], late[visits.cell[row]] = row, leader
    return last, late


def _none() -> Followers:
    empty = np.zeros(0, dtype=np.int64)
    return Followers(empty, empty.view(np.uint64), empty, empty)


def entries_of(known: I64, row: I64) -> tuple[I64, I64]:
    """(positions in `row`, where each stands in `known`) of the rows that are known.

    known  i64[k], rising
    """
    if not known.size:
        return known, known
    at = np.searchsorted(known, row).clip(0, known.size - 1)
    position = np.flatnonzero(known[at] == row)
    return position, at[position]
