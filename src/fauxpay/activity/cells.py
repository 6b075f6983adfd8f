"""Cells: (card, UTC day), where the card is that day and how many purchases it makes.

Reads    cards, places, calendar
Writes   cells(card, day, place, in_transit, count)
Draws    CELL_COUNT, WEEK_LEVEL, TRAVEL_*
Sources  parameters.yaml [rhythm, travel], countries/*.yaml [abroad]
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from fauxpay.activity import streams
from fauxpay.activity.addresses import cell_addresses
from fauxpay.activity.calendar import Calendar
from fauxpay.activity.destinations import destinations
from fauxpay.activity.streams import Keys
from fauxpay.catalog.world import PROFILES, Bool, World
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError
from fauxpay.foundations.alias import AliasPool
from fauxpay.foundations.counts import (
    GRID_STEPS,
    GRID_STEPS_PER_OCTAVE,
    CountTables,
    count_tables,
    grid_position,
)
from fauxpay.foundations.draws import I64, U64, draw, threshold
from fauxpay.foundations.parameters import Parameters

TRAVEL_BLOCK_DAYS = 32


@dataclass(frozen=True, slots=True)
class CellTables:
    """What the number and place of a card's purchases are drawn from.

    rate_step    i64[cards]     a card's own place on the rate grid
    profile      i64[cards]     lifestyle
    week_step    i64[256]       grid steps of a card-week's own factor
    counts       Poisson tables on the rate grid
    travel_goes  chance of a trip in a block of days, of 65,536
    abroad       i64[countries]  chance that a trip crosses a border, of 65,536
    trip_days    i64[256]       length of a trip
    destinations pool by country: at home, then abroad
    """

    rate_step: I64
    profile: I64
    week_step: I64
    counts: CountTables
    travel_goes: int
    abroad: I64
    trip_days: I64
    destinations: AliasPool


@dataclass(frozen=True, slots=True)
class Cells:
    """One entry per cell; `day` is one whole number or i64[n]."""

    card: I64
    day: Any
    address: U64
    word: U64
    place: I64
    in_transit: Bool
    group: I64
    rate_index: I64


def cell_tables(world: World, config: Config, parameters: Parameters) -> CellTables:
    """Tables of a world."""
    activity = config.activity
    mean = activity.purchases_per_card_day
    rate = np.maximum(world.cards.level * mean, 2.0**-11)
    sd = parameters.value("activity.rhythm.week_log_sd")
    normal = NormalDist()
    z = np.array([normal.inv_cdf((i + 0.5) / 256) for i in range(256)])
    week = (sd * z - sd * sd / 2) / np.log(2) * GRID_STEPS_PER_OCTAVE
    travel = parameters.section("activity.travel")
    trip_days = _trip_days(travel)
    goes = activity.travel_share * TRAVEL_BLOCK_DAYS / float(trip_days.mean())
    if goes > 1.0:
        raise ConfigError(
            f"activity.travel_share: {activity.travel_share} is more than trips can fill; at most "
            f"{trip_days.mean() / TRAVEL_BLOCK_DAYS:.3f} with the parameters activity.travel"
        )
    return CellTables(
        rate_step=np.rint(np.round(grid_position(rate), 6)).astype(np.int64),
        profile=world.cards.profile,
        week_step=np.rint(np.round(week, 6)).astype(np.int64),
        counts=count_tables(),
        travel_goes=threshold(goes, 16),
        abroad=_abroad_chances(world, parameters),
        trip_days=trip_days,
        destinations=destinations(world, parameters),
    )


def _trip_days(travel: dict[str, Any]) -> I64:
    """Lengths of trips: a geometric law about its mean between the bounds, as 256 quantiles."""
    low, high, mean = travel["days_min"], travel["days_max"], travel["days_mean"]
    days = np.arange(low, high + 1)
    stay = 1.0 - 1.0 / max(mean - low + 1, 1.0 + 1e-9)
    weight = stay ** (days - low)
    cumulative = np.round(np.cumsum(weight) / weight.sum(), 9)
    return days[np.searchsorted(cumulative, (np.arange(256) + 0.5) / 256)].astype(np.int64)


def _abroad_chances(world: World, parameters: Parameters) -> I64:
    if len(world.countries) == 1:
        return np.zeros(1, dtype=np.int64)
    shares = [parameters.of_country(country)["abroad"]["trip_share"] for country in world.countries]
    return np.array([threshold(share, 16) for share in shares], dtype=np.int64)


def open_cells(
    world: World, tables: CellTables, calendar: Calendar, keys: Keys, at: tuple[I64, Any]
) -> Cells:
    """Cells of (card i64[n], day: one whole number or i64[n])."""
    card, day = at
    address = cell_addresses(card, day)
    place, in_transit = places_on(world, tables, keys, at)
    profile = tables.profile.take(card, mode="clip")
    group = world.places.region.take(place, mode="clip") * len(PROFILES) + profile
    week = (card << 16) | ((np.asarray(day, dtype=np.int64) + 3) // 7)
    week_word = draw(keys["week"], week.view(np.uint64))
    position = group + (np.asarray(day) - calendar.first_day) * calendar.rate_steps.shape[1]
    rate = calendar.rate_steps.reshape(-1).take(position, mode="clip")
    rate += tables.rate_step.take(card, mode="clip")
    rate += tables.week_step.take(streams.WEEK_LEVEL.of(week_word), mode="clip")
    return Cells(
        card=card,
        day=day,
        address=address,
        word=draw(keys["cell"], address),
        place=place,
        in_transit=in_transit,
        group=group,
        rate_index=np.clip(rate, 0, GRID_STEPS - 1, out=rate),
    )


def visit_counts(tables: CellTables, cells: Cells) -> I64:
    """Unscheduled purchases of each cell, i64[n]."""
    return tables.counts.draw(cells.rate_index, cells.word)


def places_on(
    world: World, tables: CellTables, keys: Keys, at: tuple[I64, Any]
) -> tuple[I64, Bool]:
    """Where each card is on a day, and whether it spends that day on the journey.

    Members of one customer's cards travel together: the address of a trip is the customer's.
    """
    card, day = at
    place = world.cards.place.take(card, mode="clip")
    in_transit = np.zeros(card.size, dtype=np.bool_)
    customer = world.cards.customer.take(card, mode="clip")
    # Blocks are staggered between customers, or all trips would shun the blocks' edges together.
    staggered = customer & np.int64(TRAVEL_BLOCK_DAYS - 1)
    staggered += day
    block = staggered // TRAVEL_BLOCK_DAYS
    within = staggered - block * TRAVEL_BLOCK_DAYS
    address = ((customer << 14) | block).view(np.uint64)
    word = draw(keys["travel"], address)
    goes = np.flatnonzero(streams.TRAVEL_GOES.of(word) < tables.travel_goes)
    if not goes.size:
        return place, in_transit
    word, address = word[goes], address[goes]
    length = tables.trip_days[streams.TRAVEL_DAYS.of(word)]
    start = (streams.TRAVEL_START.of(word) * (TRAVEL_BLOCK_DAYS - length)) >> 8
    since = within[goes] - start
    away = np.flatnonzero((since >= 0) & (since < length))
    rows, word, address = goes[away], word[away], address[away]
    since, length = since[away], length[away]
    in_transit[rows] = (since == 0) | (since == length - 1)
    segment = world.cards.country[card[rows]]
    crosses = streams.TRAVEL_ABROAD.of(word) < tables.abroad.take(segment)
    segment = np.where(crosses, segment + len(world.countries), segment)
    there = tables.destinations.pick(segment, draw(keys["travel_place"], address))
    place[rows] = np.where(in_transit[rows], place[rows], there)
    return place, in_transit
