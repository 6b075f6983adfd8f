"""Where: the kind of each purchase, its merchant and its terminal.

Reads    rows(card, address, place, local_quarter), merchants, terminals
Writes   where(kind, merchant, terminal)
Draws    WHERE_*, FAVOURITE
Sources  parameters.yaml [channels, favourites, opening]

Every card has an implicit, endless ranked list for each kind: rank r of card c is a pure function
of (c, kind, r), so favourites recur and exploration never ends, without state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.addresses import CLASS_SHIFT, SLOT_MASK
from fauxpay.activity.addresses import RECURRING as RECURRING_CLASS
from fauxpay.activity.rows import (
    CASH,
    KIND_COUNT,
    LOCAL,
    LOCAL_QUARTERS,
    ONLINE,
    SUBSCRIBED,
    TELEPHONE,
    Rows,
    Where,
)
from fauxpay.activity.streams import Keys
from fauxpay.activity.traits import ONLINE_LEVEL, ONLINE_LEVELS, Traits, trait
from fauxpay.catalog.world import OPENINGS, PRESENCES, World
from fauxpay.config.model import Config
from fauxpay.foundations.alias import AliasPool, alias_pool, slots
from fauxpay.foundations.draws import I64, U64, draw
from fauxpay.foundations.parameters import Parameters

_RANKS = 1 << streams.WHERE_RANK.width
_KIND_SLOTS = 256
_RETRIES = 2
_ALWAYS_OPEN = 256


@dataclass(frozen=True, slots=True)
class WhereTables:
    """What kinds and merchants are drawn from.

    transit_rows                      rows of `kinds` for usual days; as many follow for travel
    kinds      u8[rows * 256]         kind of each slot; a row is country * 32 + online level
    ranks      u16[kinds * 4096]      rank of each slot
    segment    i64[kinds]             first segment of a kind in the pool
    is_placed  bool[kinds]            segments by place, otherwise by the card's country
    pool       merchants by segment
    open       i16[openings * 672]    chance of 256 to find it open, by local quarter of the week
    """

    transit_rows: int
    kinds: NDArray[np.uint8]
    ranks: NDArray[np.uint16]
    segment: I64
    is_placed: NDArray[np.bool_]
    pool: AliasPool
    open: NDArray[np.int16]


def where_tables(world: World, config: Config, parameters: Parameters) -> WhereTables:
    """Tables of a world."""
    kinds = _kinds(world, parameters)
    place_count, country_count = world.places.city.size, len(world.countries)
    segment = np.zeros(KIND_COUNT, dtype=np.int64)
    segment[CASH] = place_count
    segment[ONLINE] = 2 * place_count
    segment[TELEPHONE] = 2 * place_count + country_count
    segment[SUBSCRIBED] = 2 * place_count + 2 * country_count
    return WhereTables(
        transit_rows=kinds.shape[0] // 2,
        kinds=kinds.reshape(-1),
        ranks=_ranks(config, parameters),
        segment=segment,
        is_placed=np.array([True, False, True, False, False]),
        pool=_pool(world, parameters),
        open=_open_chances(parameters),
    )


def _kinds(world: World, parameters: Parameters) -> NDArray[np.uint8]:
    """A row per (country, online level), then the same for days of travel."""
    atm = parameters.value("activity.channels.atm_share")
    moto = parameters.value("activity.channels.moto_share")
    home, transit = [], []
    for country in world.countries:
        cash = atm.get(country, atm["default"])
        for step in range(ONLINE_LEVELS):
            online = (step + 0.5) / ONLINE_LEVELS * (1 - cash - moto)
            home.append(slots([1 - online - cash - moto, online, cash, moto], _KIND_SLOTS))
            transit.append(slots([0, 1 - moto, 0, moto], _KIND_SLOTS))
    return np.array(home + transit)


def _ranks(config: Config, parameters: Parameters) -> NDArray[np.uint16]:
    favourites = parameters.section("activity.favourites")
    exponent = config.activity.favourite_zipf_exponent
    rank = np.arange(1, int(favourites["rank_max"]) + 1, dtype=np.float64)
    quantile = (np.arange(_RANKS) + 0.5) / _RANKS
    tables = []
    for kind in ("local", "online", "cash", "telephone", "local"):
        power = exponent * favourites["exponent_factor"][kind]
        weight = (rank + favourites["rank_shift"][kind]) ** -power
        cumulative = np.round(np.cumsum(weight) / weight.sum(), 9)
        tables.append(np.searchsorted(cumulative, quantile).astype(np.uint16))
    return np.concatenate(tables)


def _pool(world: World, parameters: Parameters) -> AliasPool:
    """Merchants by segment; an empty segment takes those of its country, or all there are."""
    merchants = world.merchants
    channels = parameters.section("activity.channels")
    mcc = np.array(world.mccs)[merchants.mcc]
    is_cash = mcc == "6011"
    sells_online = (merchants.presence != PRESENCES.index("physical")) & ~is_cash
    sells_here = merchants.presence != PRESENCES.index("online")
    by_phone = np.isin(mcc, channels["moto_categories"])
    bills = np.isin(mcc, channels["recurring_categories"]) & sells_online
    places, countries = world.places, np.arange(len(world.countries))
    index = np.arange(merchants.id.size)
    weight = merchants.popularity
    parts: list[tuple[Any, Any, Any]] = []
    offset = 0
    for chosen in (sells_here & ~is_cash, is_cash):
        rows = index[chosen]
        parts.append(
            _filled(rows, merchants.place[rows], weight[rows], (places.country, merchants.country))
        )
    abroad = channels["cross_border_online_share"]
    parts.append(_online(index[sells_online], merchants.country, weight, countries, abroad))
    for chosen in (by_phone, bills):
        rows = index[chosen] if chosen.any() else index
        parts.append(
            _filled(rows, merchants.country[rows], weight[rows], (countries, merchants.country))
        )
    segments, members, weights = [], [], []
    for count, (segment, member, part_weight) in zip(
        (places.country.size,) * 2 + (countries.size,) * 3, parts, strict=True
    ):
        segments.append(segment + offset)
        members.append(member)
        weights.append(part_weight)
        offset += count
    return alias_pool(
        np.concatenate(segments), np.concatenate(members), np.concatenate(weights), offset
    )


def _filled(rows: I64, segment: I64, weight: Any, countries: tuple[I64, I64]) -> tuple[Any, ...]:
    """Rows by segment; segments without any get those of the segment's country, or all."""
    segment_country, merchant_country = countries
    empty = np.setdiff1d(np.arange(segment_country.size), segment)
    extra = [np.flatnonzero(merchant_country[rows] == segment_country[s]) for s in empty]
    extra = [e if e.size else np.arange(rows.size) for e in extra]
    taken = np.concatenate([np.arange(rows.size), *extra]).astype(np.int64)
    segments = [segment] + [np.full(e.size, s) for s, e in zip(empty, extra, strict=True)]
    return np.concatenate(segments).astype(np.int64), rows[taken], weight[taken]


def _online(rows: I64, country: I64, weight: Any, countries: I64, abroad: float) -> tuple[Any, ...]:
    """All online merchants for every country, those of others scaled to the cross-border share."""
    segments, members, weights = [], [], []
    for own in countries:
        is_home = country[rows] == own
        home, away = weight[rows][is_home].sum(), weight[rows][~is_home].sum()
        scale = abroad / (1 - abroad) * home / away if home and away else 1.0
        segments.append(np.full(rows.size, own))
        members.append(rows)
        weights.append(np.where(is_home, weight[rows], weight[rows] * scale))
    return np.concatenate(segments), np.concatenate(members), np.concatenate(weights)


def _open_chances(parameters: Parameters) -> NDArray[np.int16]:
    hours = parameters.value("activity.opening.open_hours")
    table = np.empty((len(OPENINGS), LOCAL_QUARTERS), dtype=np.int16)
    for row, opening in enumerate(OPENINGS):
        day = np.repeat(np.rint(np.asarray(hours[opening]) * _ALWAYS_OPEN), 4)
        table[row] = np.tile(day, 7)
    weekend = parameters.value("activity.opening.office_weekend")
    office = OPENINGS.index("office")
    table[office, 5 * 96 :] = np.rint(table[office, 5 * 96 :] * weekend)
    return table.reshape(-1)


def choose_merchants(
    world: World, tables: WhereTables, traits: Traits, keys: Keys, rows: Rows
) -> Where:
    """Kind, merchant and terminal of each row."""
    word = draw(keys["where"], rows.where_address)
    kind = _kind(tables, rows, word)
    position = kind * _RANKS
    position += streams.WHERE_RANK.of(word)
    rank = tables.ranks.take(position, mode="clip").astype(np.int64)
    billed = np.flatnonzero(
        (rows.address & np.uint64(7 << CLASS_SHIFT)) == np.uint64(RECURRING_CLASS << CLASS_SHIFT)
    )
    kind[billed] = SUBSCRIBED
    rank[billed] = (rows.address[billed] & np.uint64(SLOT_MASK)).view(np.int64)
    is_placed = tables.is_placed.take(kind, mode="clip")
    segment = np.where(is_placed, rows.place, rows.country)
    segment += tables.segment.take(kind, mode="clip")
    merchant = _favourite(tables, keys, (rows.card, segment, kind, rank))
    chance = _open_chance(world, tables, rows.local_quarter, merchant)
    closed = np.flatnonzero((streams.WHERE_OPEN.of(word) >= chance) & (kind == LOCAL))
    _look_elsewhere(world, tables, keys, rows, (closed, kind, merchant))
    is_remote = ~tables.is_placed.take(kind, mode="clip")
    terminal = terminals_of(traits, merchant, is_remote, streams.WHERE_TERMINAL.of(word))
    return Where(kind, merchant, terminal, traits.merchant.take(merchant, mode="clip"))


def terminals_of(traits: Traits, merchant: I64, is_remote: NDArray[np.bool_], drawn: I64) -> I64:
    """A terminal of each merchant from 8 drawn bits."""
    stands = traits.terminals.take(merchant, mode="clip")
    stands >>= is_remote.view(np.int8) * np.int64(32)
    drawn = drawn * (stands & np.int64(0xFF))
    drawn >>= np.int64(8)
    stands >>= np.int64(8)
    stands &= np.int64(0xFFFFFF)
    stands += drawn
    return stands


def _kind(tables: WhereTables, rows: Rows, word: U64) -> I64:
    row = rows.country * ONLINE_LEVELS
    row += trait(rows.traits, ONLINE_LEVEL)
    row += rows.in_transit * np.int64(tables.transit_rows)
    row *= _KIND_SLOTS
    row += streams.WHERE_KIND.of(word)
    return tables.kinds.take(row, mode="clip").astype(np.int64)


def _favourite(tables: WhereTables, keys: Keys, wanted: tuple[I64, I64, I64 | int, I64]) -> I64:
    """The merchant at a rank of the list of (card, segment, kind, rank)."""
    card, segment, kind, rank = wanted
    address = card << np.int64(19)
    address |= np.asarray(kind, dtype=np.int64) << np.int64(16)
    address |= rank
    return tables.pool.pick(segment, draw(keys["favourite"], address.view(np.uint64)))


def _open_chance(
    world: World, tables: WhereTables, local_quarter: I64, merchant: I64
) -> NDArray[np.int16]:
    position = world.merchants.opening.take(merchant, mode="clip") * np.int64(LOCAL_QUARTERS)
    position += local_quarter
    return tables.open.take(position, mode="clip")


def _look_elsewhere(
    world: World,
    tables: WhereTables,
    keys: Keys,
    rows: Rows,
    choice: tuple[I64, I64, I64],
) -> None:
    """Rows that stood before a closed door try others of their list, then buy online.

    choice  (rows still looking, kind, merchant); kind and merchant are changed in place.
    """
    closed, kind, merchant = choice
    card, address = rows.card.take(closed), rows.where_address.take(closed)
    place, quarter = rows.place.take(closed), rows.local_quarter.take(closed)
    for attempt in range(_RETRIES):
        word = draw(keys[f"where/retry/{attempt}"], address)
        rank = tables.ranks.take(streams.WHERE_RANK.of(word)).astype(np.int64)
        found = _favourite(tables, keys, (card, place + tables.segment[LOCAL], LOCAL, rank))
        is_open = streams.WHERE_OPEN.of(word) < _open_chance(world, tables, quarter, found)
        merchant[closed[is_open]] = found[is_open]
        left = np.flatnonzero(~is_open)
        closed, card, address = closed[left], card[left], address[left]
        place, quarter = place[left], quarter[left]
    rank = streams.WHERE_RETRY.of(draw(keys["where"], address)) & np.int64(_RANKS - 1)
    rank = tables.ranks.take(rank + ONLINE * _RANKS).astype(np.int64)
    segment = rows.country[closed] + tables.segment[ONLINE]
    kind[closed] = ONLINE
    merchant[closed] = _favourite(tables, keys, (card, segment, ONLINE, rank))
