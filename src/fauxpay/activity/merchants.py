"""Merchants: the tables from which kinds and merchants of purchases are drawn.

Reads    merchants, places
Writes   tables of activity.shops
Draws    nothing
Sources  parameters.yaml [channels, favourites], countries/*.yaml [payment, abroad,
         sale_boost]
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.commute import FARE_LIST, CommuteTables, commute_tables
from fauxpay.activity.homes import Moves
from fauxpay.activity.opening import open_chances
from fauxpay.activity.rows import (
    CASH,
    ONLINE,
    SUBSCRIBED,
    TELEPHONE,
)
from fauxpay.activity.sales import BLOCKS, SALES
from fauxpay.activity.stays import STAY_LIST, StayTables, gives_beds, stay_tables
from fauxpay.activity.traits import ONLINE_LEVELS
from fauxpay.catalog.world import NEVER, PRESENCES, Bool, World
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError
from fauxpay.foundations.alias import AliasPool, alias_pool, slots
from fauxpay.foundations.bounds import require_room
from fauxpay.foundations.draws import I64
from fauxpay.foundations.parameters import Parameters

RANKS = 1 << streams.WHERE_RANK.width
KIND_SLOTS = 256


@dataclass(frozen=True, slots=True)
class WhereTables:
    """What kinds and merchants are drawn from.

    block_rows                        rows of a block of `kinds`: country * 32 + online level
    kinds      u8[blocks * rows * 256]  kind of each slot; blocks are plain days, days of travel,
                                      and the same two for each kind of sale
    ranks      u16[kinds * 4096]      rank of each slot
    segment    i64[lists]             first segment of a kind or list in the pool
    is_placed  bool[kinds]            segments by place, otherwise by the card's country
    pool       merchants by segment
    lasting    the same of the merchants that are always in business
    hours      i64[merchants]         where the merchant's chances begin in `open`
    open       i16[variants * 3360]   chance of 256 to find it open, by local quarter of the week
                                      and of the weeks of sales; as of activity.opening
    commute    where commuters go instead
    stays      where travellers do
    home       i64[cards]
    opened_day, closed_day  i32[merchants]  first day in business, first day no longer
    """

    block_rows: int
    kinds: NDArray[np.uint8]
    ranks: NDArray[np.uint16]
    segment: I64
    is_placed: NDArray[np.bool_]
    pool: AliasPool
    lasting: AliasPool
    hours: I64
    open: NDArray[np.int16]
    opened_day: I64
    closed_day: I64
    commute: CommuteTables
    stays: StayTables
    home: I64


def where_tables(world: World, moves: Moves, config: Config, parameters: Parameters) -> WhereTables:
    """Tables of a world."""
    kinds = _kinds(world, parameters)
    place_count, country_count = world.places.city.size, len(world.countries)
    is_told = _told(world, config)
    chances, hours = open_chances(world, config, parameters, is_told)
    segment = np.zeros(STAY_LIST + 1, dtype=np.int64)
    segment[CASH] = place_count
    segment[ONLINE] = 2 * place_count
    segment[TELEPHONE] = 2 * place_count + country_count
    segment[FARE_LIST] = 2 * place_count + 3 * country_count
    segment[STAY_LIST] = 3 * place_count + 3 * country_count
    segment[SUBSCRIBED] = 2 * place_count + 2 * country_count
    fares = np.zeros(place_count, dtype=np.bool_)
    fares[world.merchants.place[_sells_fares(world, parameters) & ~is_told]] = True
    return WhereTables(
        block_rows=kinds.size // (2 * BLOCKS * KIND_SLOTS),
        kinds=kinds,
        ranks=_ranks(config, parameters),
        segment=segment,
        is_placed=np.array([True, False, True, False, False]),
        pool=_pool(world, parameters, np.ones(is_told.size, dtype=np.bool_)),
        lasting=_pool(world, parameters, ~is_told),
        hours=hours,
        open=chances,
        opened_day=world.merchants.opened_day,
        closed_day=world.merchants.closed_day,
        commute=commute_tables(world, config, parameters, fares),
        stays=stay_tables(world, moves, parameters, ~is_told),
        home=world.cards.place,
    )


def _told(world: World, config: Config) -> Bool:
    """Merchants that open or close at some time from the epoch on."""
    epoch_day = (config.activity.epoch - datetime.date(1970, 1, 1)).days
    merchants = world.merchants
    return (merchants.opened_day > epoch_day) | (merchants.closed_day < NEVER)


def _sells_fares(world: World, parameters: Parameters) -> Bool:
    categories = parameters.value("activity.commute.fare_categories")
    is_shop = world.merchants.presence != PRESENCES.index("online")
    return np.asarray(np.isin(np.array(world.mccs)[world.merchants.mcc], categories) & is_shop)


def _kinds(world: World, parameters: Parameters) -> NDArray[np.uint8]:
    """Tables by (country, online level): of plain days, of days of travel, of each sale."""
    moto = parameters.value("activity.channels.moto_share")
    facts = [parameters.of_country(country) for country in world.countries]
    for country, fact in zip(world.countries, facts, strict=True):
        name = f"activity.countries.{country}.payment.atm_share"
        cash = fact["payment"]["atm_share"]
        require_room({name: cash, "activity.channels.moto_share": moto}, "shops")
    transit = [[0, 1 - moto, 0, moto]] * (len(facts) * ONLINE_LEVELS)
    rows = []
    for sale in (None, *SALES):
        for fact in facts:
            cash, boost = fact["payment"]["atm_share"], fact["sale_boost"]
            for step in range(ONLINE_LEVELS):
                online = (step + 0.5) / ONLINE_LEVELS
                online = min(online * boost[sale], 1.0) if sale else online
                online *= 1 - cash - moto
                rows.append([max(1 - online - cash - moto, 0.0), max(online, 0.0), cash, moto])
        rows += transit
    return slots(rows, KIND_SLOTS)


def _ranks(config: Config, parameters: Parameters) -> NDArray[np.uint16]:
    favourites = parameters.section("activity.favourites")
    exponent = config.activity.favourite_zipf_exponent
    rank = np.arange(1, int(favourites["rank_max"]) + 1, dtype=np.float64)
    quantile = (np.arange(RANKS) + 0.5) / RANKS
    tables = []
    for kind in ("local", "online", "cash", "telephone", "local"):
        power = exponent * favourites["exponent_factor"][kind]
        weight = (rank + favourites["rank_shift"][kind]) ** -power
        cumulative = np.round(np.cumsum(weight) / weight.sum(), 9)
        tables.append(np.searchsorted(cumulative, quantile).astype(np.uint16))
    return np.concatenate(tables)


def _pool(world: World, parameters: Parameters, among: Bool) -> AliasPool:
    """Merchants by segment; an empty segment takes those of its country, or all there are.

    among  which merchants are there at all
    Raises ConfigError where a kind of payment finds no merchant.
    """
    merchants = world.merchants
    channels = parameters.section("activity.channels")
    mcc = np.array(world.mccs)[merchants.mcc]
    is_cash = mcc == "6011"
    _require(among, mcc)
    sells_online = (merchants.presence != PRESENCES.index("physical")) & ~is_cash
    sells_online &= among
    sells_here = (merchants.presence != PRESENCES.index("online")) & among
    by_phone = np.isin(mcc, channels["moto_categories"]) & among
    bills = np.isin(mcc, channels["recurring_categories"]) & sells_online
    places, countries = world.places, np.arange(len(world.countries))
    index = np.arange(merchants.id.size)
    weight = merchants.popularity
    parts: list[tuple[Any, Any, Any]] = []
    offset = 0
    for chosen in (sells_here & ~is_cash, is_cash & among):
        rows = index[chosen]
        parts.append(
            _filled(rows, merchants.place[rows], weight[rows], (places.country, merchants.country))
        )
    facts = [parameters.of_country(country)["abroad"] for country in world.countries]
    parts.append(_remote(index[sells_online], merchants.country, weight, (facts, "online_share")))
    rows = index[by_phone] if by_phone.any() else index[among]
    parts.append(_remote(rows, merchants.country, weight, (facts, "telephone_share")))
    rows = index[bills] if bills.any() else index[among]
    parts.append(
        _filled(rows, merchants.country[rows], weight[rows], (countries, merchants.country))
    )
    # Not filled up: whoever finds no fares or beds in a place pays none.
    for wanted in (_sells_fares(world, parameters), gives_beds(world, parameters)):
        rows = index[wanted & among]
        parts.append((merchants.place[rows], rows, weight[rows]))
    segments, members, weights = [], [], []
    counts = [places.country.size] * 2 + [countries.size] * 3 + [places.country.size] * 2
    for count, (segment, member, part_weight) in zip(counts, parts, strict=True):
        segments.append(segment + offset)
        members.append(member)
        weights.append(part_weight)
        offset += count
    return alias_pool(
        np.concatenate(segments), np.concatenate(members), np.concatenate(weights), offset
    )


def _require(among: Bool, mcc: Any) -> None:
    """Someone has to give cash and someone to sell on every day, whoever closes."""
    for what, wanted in (("gives cash (6011)", mcc == "6011"), ("sells", mcc != "6011")):
        if not (among & wanted).any():
            raise ConfigError(
                f"catalog merchants: none that {what} is in business from activity.epoch on "
                "without an end; expected one at least: leave its closed_on empty"
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


def _remote(
    rows: I64, country: I64, weight: Any, law: tuple[list[dict[str, Any]], str]
) -> tuple[Any, ...]:
    """All remote merchants for every country, those of others scaled to its cross-border share.

    law  ([abroad] of each country, with the pull of sellers there; name of the share bought abroad)
    """
    facts, share = law
    segments, members, weights = [], [], []
    pull = np.array([one["seller_pull"] for one in facts])[country[rows]]
    for own, fact in enumerate(facts):
        is_home, abroad = country[rows] == own, fact[share]
        foreign = weight[rows] * pull
        home, away = weight[rows][is_home].sum(), foreign[~is_home].sum()
        scale = abroad / (1 - abroad) * home / away if home and away else 1.0
        segments.append(np.full(rows.size, own))
        members.append(rows)
        weights.append(np.where(is_home, weight[rows], foreign * scale))
    return np.concatenate(segments), np.concatenate(members), np.concatenate(weights)
