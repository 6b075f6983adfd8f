"""Cells: (card, UTC day), where the card is that day and how many purchases it makes.

Reads    cards, places, calendar
Writes   cells(card, day, place, in_transit, count)
Draws    CELL_COUNT, WEEK_LEVEL, DAY_LEVELS, TRAVEL_*
Sources  parameters.yaml [rhythm, travel], countries/*.yaml [abroad]
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.addresses import cell_addresses
from fauxpay.activity.calendar import Calendar
from fauxpay.activity.destinations import destinations
from fauxpay.activity.homes import Moves, moves
from fauxpay.activity.streams import Keys
from fauxpay.catalog.world import NEVER, PROFILES, Bool, World
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
from fauxpay.foundations.draws import I64, U64, draw, stream_key, threshold, uniform
from fauxpay.foundations.parameters import Parameters

_TRAVEL_BLOCK_SHIFT = 5
TRAVEL_BLOCK_DAYS = 1 << _TRAVEL_BLOCK_SHIFT
_SEASON_SHIFT = 3
_SEASON_STEPS = 24_200 >> _SEASON_SHIFT  # to the year 2036


@dataclass(frozen=True, slots=True)
class CellTables:
    """What the number and place of a card's purchases are drawn from.

    rate_step    i64[cards]     a card's own place on the rate grid
    profile      i64[cards]     lifestyle
    week_step    i64[256]       grid steps of a card-week's own factor
    day_step     i64[256]       the same of a card-day
    counts       Poisson tables on the rate grid
    travel_goes  chance of a trip in a block of days at the height of any season, of 65,536
    season       i64[countries * steps of 8 days since 1970]  the same at the block's middle
    abroad       i64[countries]  chance that a trip crosses a border, of 65,536
    trip_days    i64[256]       length of a trip
    destinations pool by country: at home, then abroad
    traveller    i64[cards]     whose trips a card goes on: those of a household, or a customer's
    moves        who moves house
    is_told      bool[cards]    opened or closed at some time from the epoch on
    """

    rate_step: I64
    profile: I64
    week_step: I64
    day_step: I64
    counts: CountTables
    travel_goes: int
    season: I64
    abroad: I64
    trip_days: I64
    destinations: AliasPool
    traveller: I64
    moves: Moves
    is_told: Bool


@dataclass(frozen=True, slots=True)
class Cells:
    """One entry per cell; `day` is one whole number or i64[n].

    unused  positions of the cells before the card's opening or after its closing, rising
    """

    card: I64
    day: Any
    address: U64
    word: U64
    place: I64
    in_transit: Bool
    group: I64
    rate_index: I64
    unused: I64

    def keep(self, cell: I64) -> Bool:
        """Which positions of cells are of cards in use."""
        if not self.unused.size:
            return np.ones(cell.size, dtype=np.bool_)
        used = np.ones(self.card.size, dtype=np.bool_)
        used[self.unused] = False
        return used[cell]


def cell_tables(world: World, config: Config, parameters: Parameters) -> CellTables:
    """Tables of a world."""
    activity = config.activity
    mean = activity.purchases_per_card_day
    rate = np.maximum(world.cards.level * mean, 2.0**-11)
    travel = parameters.section("activity.travel")
    trip_days = _trip_days(travel)
    goes = activity.travel_share * TRAVEL_BLOCK_DAYS / float(trip_days.mean())
    if goes > 1.0:
        raise ConfigError(
            f"activity.travel_share: {activity.travel_share} is more than trips can fill; at most "
            f"{trip_days.mean() / TRAVEL_BLOCK_DAYS:.3f} with the parameters activity.travel"
        )
    # Who would go twice in a block of a season goes once.
    season = np.minimum(goes * _season(world, travel["season"]), 1.0)
    return CellTables(
        rate_step=np.rint(np.round(grid_position(rate), 6)).astype(np.int64),
        profile=world.cards.profile,
        week_step=_levels(float(parameters.value("activity.rhythm.week_log_sd"))),
        day_step=_levels(float(parameters.value("activity.rhythm.day_log_sd"))),
        counts=count_tables(),
        travel_goes=threshold(float(season.max()), 16),
        season=np.rint(np.round(season * 65536, 6)).astype(np.int64).reshape(-1),
        abroad=_abroad_chances(world, parameters),
        trip_days=trip_days,
        destinations=destinations(world, parameters),
        traveller=_travellers(world, config, float(travel["together_share"])),
        moves=moves(world, config, parameters),
        is_told=_told(world, config),
    )


def _travellers(world: World, config: Config, together: float) -> I64:
    """The names of trips: even of households whose members go together, odd of customers."""
    cards, seed = world.cards, config.catalog.seed
    key = stream_key(seed, "activity/travel_together")
    goes = uniform(draw(key, cards.household.astype(np.uint64))) < together
    return np.where(goes, cards.household << 1, cards.customer << 1 | 1).astype(np.int64)


def _told(world: World, config: Config) -> Bool:
    epoch_day = (config.activity.epoch - datetime.date(1970, 1, 1)).days
    return (world.cards.opened_day > epoch_day) | (world.cards.closed_day < NEVER)


def _levels(log_sd: float) -> I64:
    """Grid steps of a lognormal factor of mean 1, as 256 quantiles."""
    normal = NormalDist()
    z = np.array([normal.inv_cdf((i + 0.5) / 256) for i in range(256)])
    steps = (log_sd * z - log_sd * log_sd / 2) / np.log(2) * GRID_STEPS_PER_OCTAVE
    return np.asarray(np.rint(np.round(steps, 6)), dtype=np.int64)


def _season(world: World, law: dict[str, list[float]]) -> NDArray[np.float64]:
    """f64[countries, steps]: trips begun about a step of days, relative to the year's mean."""
    steps = np.arange(_SEASON_STEPS) * np.int64(1 << _SEASON_SHIFT)
    month = steps.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    weight = np.array([law.get(country, law["default"]) for country in world.countries])
    return np.asarray((weight / weight.mean(axis=1, keepdims=True))[:, month])


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
    week, weekday = np.divmod(np.asarray(day, dtype=np.int64) + 3, 7)
    week_word = draw(keys["week"], ((card << 16) | week).view(np.uint64))
    shift = streams.DAY_LEVELS.shift + 8 * weekday
    day_level = (week_word >> shift.astype(np.uint64)) & np.uint64(255)
    position = group + (np.asarray(day) - calendar.first_day) * calendar.rate_steps.shape[1]
    rate = calendar.rate_steps.reshape(-1).take(position, mode="clip")
    rate += tables.rate_step.take(card, mode="clip")
    rate += tables.week_step.take(streams.WEEK_LEVEL.of(week_word), mode="clip")
    rate += tables.day_step.take(day_level.view(np.int64), mode="clip")
    return Cells(
        card=card,
        day=day,
        address=address,
        word=draw(keys["cell"], address),
        place=place,
        in_transit=in_transit,
        group=group,
        rate_index=np.clip(rate, 0, GRID_STEPS - 1, out=rate),
        unused=_unused(world, tables, card, day),
    )


def some_cells(cells: Cells, row: I64) -> Cells:
    """The cells at some positions (rising), of cells that each have a day of their own."""
    at = np.searchsorted(cells.unused, row)
    known = np.append(cells.unused, -1)
    return Cells(
        card=cells.card.take(row),
        day=cells.day.take(row),
        address=cells.address.take(row),
        word=cells.word.take(row),
        place=cells.place.take(row),
        in_transit=cells.in_transit.take(row),
        group=cells.group.take(row),
        rate_index=cells.rate_index.take(row),
        unused=np.flatnonzero(known.take(at) == row),
    )


def visit_counts(tables: CellTables, cells: Cells) -> I64:
    """Unscheduled purchases of each cell, i64[n]."""
    count = tables.counts.draw(cells.rate_index, cells.word)
    count[cells.unused] = 0
    return count


def _unused(world: World, tables: CellTables, card: I64, day: Any) -> I64:
    told = np.flatnonzero(tables.is_told.take(card, mode="clip"))
    of, day = card.take(told), day if np.ndim(day) == 0 else day.take(told)
    out = (world.cards.opened_day.take(of) > day) | (world.cards.closed_day.take(of) <= day)
    return told.take(np.flatnonzero(out))


def places_on(
    world: World, tables: CellTables, keys: Keys, at: tuple[I64, Any]
) -> tuple[I64, Bool]:
    """Where each card is on a day, and whether it spends that day on the journey.

    The cards of one customer travel together, and so do most households.
    """
    card, day = at
    place = world.cards.place.take(card, mode="clip")
    in_transit = np.zeros(card.size, dtype=np.bool_)
    _move(tables.moves, card, day, (place, in_transit))
    traveller = tables.traveller.take(card, mode="clip")
    # Blocks are staggered between travellers, or all trips would shun the blocks' edges together.
    staggered = (traveller >> 1) & np.int64(TRAVEL_BLOCK_DAYS - 1)
    staggered += day
    block = staggered >> _TRAVEL_BLOCK_SHIFT
    address = ((traveller << 14) | block).view(np.uint64)
    word = draw(keys["travel"], address)
    goes = np.flatnonzero(streams.TRAVEL_GOES.of(word) < tables.travel_goes)
    within = staggered.take(goes) & np.int64(TRAVEL_BLOCK_DAYS - 1)
    middle = np.int64(TRAVEL_BLOCK_DAYS // 2) - within
    middle += day if np.ndim(day) == 0 else day.take(goes)
    word = word.take(goes)
    step = world.cards.country.take(card.take(goes)) * _SEASON_STEPS + (middle >> _SEASON_SHIFT)
    left = np.flatnonzero(streams.TRAVEL_GOES.of(word) < tables.season.take(step, mode="clip"))
    if not left.size:
        return place, in_transit
    goes, word, within = goes.take(left), word.take(left), within.take(left)
    address = address.take(goes)
    length = tables.trip_days[streams.TRAVEL_DAYS.of(word)]
    start = (streams.TRAVEL_START.of(word) * (TRAVEL_BLOCK_DAYS - length)) >> 8
    since = within - start
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


def _move(moves: Moves, card: I64, day: Any, there: tuple[I64, Bool]) -> None:
    """Changes (place, in transit) of those who move house or have moved."""
    place, in_transit = there
    mover = np.flatnonzero(moves.is_mover.take(card, mode="clip"))
    of, day = card.take(mover), day if np.ndim(day) == 0 else day.take(mover)
    moved = moves.moved_day.take(of)
    in_transit[mover.take(np.flatnonzero(moved == day))] = True
    after = np.flatnonzero(moved <= day)
    place[mover.take(after)] = moves.place.take(of.take(after))
