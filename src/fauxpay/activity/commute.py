"""Commute: on workdays some buy near their work at lunch time and pay fares on the way.

Reads    rows(card, place, local_quarter), cards, places, merchants; weekends at the epoch
Writes   the segment and list that local purchases are drawn from
Draws    WHERE_COMMUTE; activity/work (of the catalog's seed)
Sources  parameters.yaml [commute]

A card's work lies in one place for good, at most `km_max` from home and in the same time zone. It
has lists of its own there, also where work is in the city of the home.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.rows import LOCAL, LOCAL_QUARTERS, Rows
from fauxpay.activity.sales import BLOCKS
from fauxpay.catalog.world import PROFILES, World
from fauxpay.config.model import Config
from fauxpay.foundations import feasts
from fauxpay.foundations.draws import F64, I64, U64, draw, stream_key, uniform
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.reference import EPOCH

KM_PER_DEGREE = 111.195
WORK_LIST, FARE_LIST = 5, 6  # after the kinds of activity.rows
_STEPS = 1 << streams.WHERE_COMMUTE.width
_ELSEWHERE, _WORK, _FARE = range(3)


@dataclass(frozen=True, slots=True)
class CommuteTables:
    """What local purchases of commuters are turned by.

    work   i64[cards]                     place of work, -1: none
    turn   u8[countries * 3360 * 16]      what a draw turns a purchase into at a local quarter
    fares  bool[places]                   where somebody sells fares
    """

    work: I64
    turn: NDArray[np.uint8]
    fares: NDArray[np.bool_]


def commute_tables(
    world: World, config: Config, parameters: Parameters, sells_fares: NDArray[np.bool_]
) -> CommuteTables:
    """Tables of a world; sells_fares is bool[places]."""
    return CommuteTables(
        work=_work(world, config, parameters),
        turn=_turns(world, config, parameters),
        fares=sells_fares,
    )


def nobody_commutes(tables: CommuteTables) -> CommuteTables:
    """The same tables with no work to go to."""
    return CommuteTables(np.full_like(tables.work, -1), tables.turn * np.uint8(0), tables.fares)


def _turns(world: World, config: Config, parameters: Parameters) -> NDArray[np.uint8]:
    law = parameters.section("activity.commute")
    week = (config.activity.epoch - EPOCH).days + np.arange(7)
    turn = np.zeros((len(world.countries), 7, 24, _STEPS), dtype=np.uint8)
    for row, country in enumerate(world.countries):
        rests = feasts.weekdays(week[feasts.is_rest(country, week)])
        for hour in range(24):
            fare = round(law["fare_share"][hour] * _STEPS)
            work = round(law["work_share"][hour] * _STEPS)
            for weekday in range(7):
                if weekday not in rests:
                    turn[row, weekday, hour, :work] = _WORK
                    turn[row, weekday, hour, work : work + fare] = _FARE
    week_of = np.repeat(turn, 4, axis=2).reshape(len(world.countries), -1)
    return np.tile(week_of, BLOCKS).reshape(-1)


def _work(world: World, config: Config, parameters: Parameters) -> I64:
    """A place near home for those who go to work, by customer."""
    law = parameters.section("activity.commute")
    cards, seed = world.cards, config.catalog.seed
    share = np.array([law["goes_share"][name] for name in PROFILES])
    customer = cards.customer.astype(np.uint64)
    goes = uniform(draw(stream_key(seed, "activity/work"), customer)) < share[cards.profile]
    drawn = uniform(draw(stream_key(seed, "activity/work_place"), customer))
    work = np.full(cards.place.size, -1)
    order = np.argsort(cards.place, kind="stable")
    homes, first = np.unique(cards.place[order], return_index=True)
    bounds = np.append(first, order.size)
    latitude, longitude = middles(world)
    for home, start, stop in zip(homes.tolist(), bounds[:-1], bounds[1:], strict=True):
        near, weight = _near(world, home, (latitude, longitude), law)
        inner = np.round(np.cumsum(weight)[:-1] / weight.sum(), 9)
        rows = order[start:stop]
        work[rows] = near[np.searchsorted(inner, drawn[rows], side="right")]
    return np.where(goes, work, -1)


def _near(
    world: World, home: int, middle: tuple[F64, F64], law: dict[str, float]
) -> tuple[I64, F64]:
    """(places to work in, their weights): by people, falling with the distance squared."""
    latitude, longitude = middle
    km = distances_km((latitude, longitude), (latitude[home], longitude[home]))
    is_near = (km <= law["km_max"]) & (world.places.region == world.places.region[home])
    is_near[home] = True
    near = np.flatnonzero(is_near)
    scale = 1.0 + km[near] / law["km_half"]
    return near, np.round(world.places.population[near] / scale**2, 3) + 1.0


def distances_km(first: tuple[Any, Any], second: tuple[Any, Any]) -> F64:
    """Flat-earth distances of points (latitude, longitude) in degrees; good for a few dozen km."""
    north = first[0] - np.asarray(second[0], dtype=np.float64)
    east = (first[1] - np.asarray(second[1], dtype=np.float64) + 540.0) % 360.0 - 180.0
    return np.asarray(KM_PER_DEGREE * np.hypot(north, east * np.cos(np.radians(second[0]))))


def middles(world: World) -> tuple[F64, F64]:
    """(latitude, longitude) of the middle of each place's merchants, degrees."""
    merchants, count = world.merchants, world.places.city.size
    number = np.maximum(np.bincount(merchants.place, minlength=count), 1)
    latitude = np.bincount(merchants.place, merchants.latitude, minlength=count) / number
    # Counted from the first merchant's meridian on: a city may lie on the date line.
    meridian = np.zeros(count)
    meridian[merchants.place[::-1]] = merchants.longitude[::-1]
    east = (merchants.longitude - meridian[merchants.place] + 540.0) % 360.0 - 180.0
    longitude = meridian + np.bincount(merchants.place, east, minlength=count) / number
    return latitude, longitude


def commuting(
    tables: CommuteTables, home: I64, rows: Rows, choice: tuple[I64, U64]
) -> tuple[I64, I64, I64, I64]:
    """Rows made near work and rows that are fares: (rows, their places, rows, their places).

    home    i64[cards]
    choice  (kind, word of where) of all rows
    """
    kind, word = choice
    position = rows.country * np.int64(LOCAL_QUARTERS * BLOCKS)
    position += rows.local_quarter
    position *= np.int64(_STEPS)
    position += streams.WHERE_COMMUTE.of(word)
    turn = tables.turn.take(position, mode="clip")
    turns = turn != _ELSEWHERE
    turns &= kind == LOCAL
    row = np.flatnonzero(turns)
    # Cards are anywhere in memory: each look asks only for those that the last one left.
    card = rows.card.take(row)
    work = tables.work.take(card)
    goes = np.flatnonzero(work >= 0)
    row, card, work = row.take(goes), card.take(goes), work.take(goes)
    # Away from the home that the work was chosen for, travelling or moved, nobody goes there.
    place = rows.place.take(row)
    at_home = np.flatnonzero(place == home.take(card))
    row, work, place = row.take(at_home), work.take(at_home), place.take(at_home)
    is_fare = turn.take(row) == _FARE
    rides = np.flatnonzero(is_fare & tables.fares.take(place))
    works = np.flatnonzero(~is_fare)
    return row.take(works), work.take(works), row.take(rides), place.take(rides)
