"""Merchants: shops in every place, and online merchants in every country.

Reads    places
Writes   merchants
Draws    merchants/{trade,is_chain,chain,mcc,opening,both,price,name,distance,angle,seat,rank,
         is_new,opened,closed}
Sources  parameters.yaml [merchants], config catalog.{merchants,chain_share,online_merchant_share}

A merchant's address is its place (or country) and its number there; what a chain has in common is
drawn at the chain's address. So each draw stays when merchants are added elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fauxpay.catalog.accounts import DAY_ZERO
from fauxpay.catalog.chains import chain_ids, chain_members
from fauxpay.catalog.columns import Coded, choices, nullable, nullable_days, shaped, texts
from fauxpay.catalog.laws import normal, pick_row, significant, words
from fauxpay.catalog.lifetimes import (
    DAYS_PER_YEAR,
    NO_END,
    beginnings,
    begins_within,
    endings,
)
from fauxpay.catalog.places import COORDINATE_DECIMALS, Places
from fauxpay.catalog.popularity import popularities
from fauxpay.catalog.seats import Seats, make_seats
from fauxpay.catalog.trades import Trades, make_trades
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import F64, I64, U64, below, uniform

if TYPE_CHECKING:
    from fauxpay.config.model import Config

KM_PER_DEGREE = 111.195
LEVEL_DIGITS = 5


def make_merchants(config: Config, places: Places, facts: Mapping[str, Any]) -> Merchants:
    """All merchants: shops by place, then online merchants by country.

    facts  catalog.merchants of parameters.yaml
    Raises ConfigError when there are too few merchants for the places.
    """
    seed = config.catalog.seed
    trades = make_trades(facts, places.countries)
    seats = make_seats(config, places, trades, facts)
    chain = chain_members(config, places, seats, facts["chains"])
    brand = chain.brand(seats.address)
    latitude, longitude = _coordinates(seed, seats, places, facts)
    opened, closed = _lifetimes(config, seats, chain, facts)
    rank_word = words(seed, "merchants/rank", seats.address)
    mcc = pick_row(words(seed, "merchants/mcc", brand), seats.trade, trades.mcc_share)
    kind = _kinds_of_name(seats.trade, mcc, trades, facts["names"])
    return Merchants(
        seats=seats,
        trades=trades,
        chain=chain.address,
        is_chain=chain.is_member,
        name=_names(words(seed, "merchants/name", brand), kind, facts["names"]),
        mcc=mcc,
        latitude=latitude,
        longitude=longitude,
        presence=_presences(uniform(words(seed, "merchants/both", brand)), seats, chain, facts),
        opening=_openings(words(seed, "merchants/opening", brand), seats, facts),
        price_level=_price_levels(words(seed, "merchants/price", brand), seats.trade, trades),
        popularity=popularities(config, places, seats, (chain, uniform(rank_word)), facts),
        opened_day=opened,
        closed_day=closed,
    )


def merchants_table(seed: int, places: Places, merchants: Merchants) -> pa.Table:
    """The contract's table of merchants."""
    seats = merchants.seats
    return shaped(
        "merchants",
        {
            "merchant_id": merchant_ids(seed, seats.address),
            "chain_id": nullable(chain_ids(seed, merchants.chain), ~merchants.is_chain),
            "name": merchants.name,
            "mcc": texts(merchants.trades.mccs, merchants.mcc),
            "place_id": places.id[seats.place],
            "merchant_country": texts(places.countries, seats.country),
            "merchant_city": places.city.take(pa.array(seats.place)),
            "latitude": merchants.latitude,
            "longitude": merchants.longitude,
            "currency": texts(places.currencies, seats.country),
            "presence": Coded(merchants.presence, choices("merchants", "presence")),
            "opening": Coded(merchants.opening, choices("merchants", "opening")),
            "price_level": merchants.price_level,
            "popularity": merchants.popularity,
            "opened_on": merchants.opened_day,
            "closed_on": nullable_days(merchants.closed_day, merchants.closed_day == NO_END),
        },
    )


def merchant_ids(seed: int, address: U64) -> I64:
    """Ids of merchants by address."""
    return IdLaw.of(seed, "merchants").ids(address)


def _lifetimes(
    config: Config, seats: Seats, chain: Any, facts: Mapping[str, Any]
) -> tuple[I64, I64]:
    """(first day, day of closing) of each; the first outlets of a place and country stay."""
    seed, law = config.catalog.seed, facts["lifetimes"]
    epoch_day = (config.activity.epoch - DAY_ZERO).days
    rate = float(law["rate_per_year"]) * np.where(chain.is_member, float(law["chain_factor"]), 1.0)
    floor = np.where(seats.is_online, seats.trades.online_floor.size, seats.trades.floor.size)
    rate = np.where(seats.nth < floor, 0.0, rate)
    word = words(seed, "merchants/opened", seats.address)
    mean, longest = float(law["age_years_mean"]), float(law["age_years_max"])
    age = -np.log1p(-uniform(word) * -np.expm1(-longest / mean)) * mean * DAYS_PER_YEAR
    # Rounded first: a day must not hang on the last bit of a logarithm.
    before = epoch_day - np.floor(np.round(age, 6)).astype(np.int64)
    is_new = begins_within(words(seed, "merchants/is_new", seats.address), rate, law)
    opened = np.where(is_new, beginnings(word, epoch_day, law), before)
    word = words(seed, "merchants/closed", seats.address)
    closed = endings(word, opened, rate, (epoch_day, law))
    return opened, np.where(rate > 0, closed, NO_END)


def _presences(u: F64, seats: Seats, chain: Any, facts: Mapping[str, Any]) -> I64:
    """Online merchants are online; of the others, some chains and fewer single shops are both."""
    names = choices("merchants", "presence")
    share = seats.trades.both_share[seats.trade]
    share = share * np.where(chain.is_member, 1.0, float(facts["both_share_single"]))
    shop = np.where(u < share, names.index("both"), names.index("physical"))
    return np.where(seats.is_online, names.index("online"), shop)


def _openings(word: U64, seats: Seats, facts: Mapping[str, Any]) -> I64:
    """By trade, but for the first outlets of a place, which someone has to keep open."""
    names, trades = choices("merchants", "opening"), seats.trades
    opening = pick_row(word, seats.trade, trades.opening_share)
    in_floor = ~seats.is_online & (seats.nth < trades.floor.size)
    for trade, wanted in facts["floor_opening"].items():
        if trade in trades.names:
            rows = in_floor & (seats.trade == trades.names.index(trade))
            opening[rows] = names.index(wanted)
    return opening


def _price_levels(word: U64, trade: I64, trades: Trades) -> F64:
    """Lognormal with mean 1 within a trade; one level for all outlets of a chain."""
    sd = trades.price_log_sd[trade]
    return significant(np.exp(sd * normal(word) - sd * sd / 2), LEVEL_DIGITS)


def _coordinates(
    seed: int, seats: Seats, places: Places, facts: Mapping[str, Any]
) -> tuple[F64, F64]:
    """A point in the disc of the place, denser at the centre; degrees, 5 decimals."""
    distance = uniform(words(seed, "merchants/distance", seats.address))
    distance = distance ** float(facts["coordinate_exponent"]) * places.radius_km[seats.place]
    angle = 2.0 * np.pi * uniform(words(seed, "merchants/angle", seats.address))
    latitude = places.latitude[seats.place]
    degrees_east = distance * np.sin(angle) / (KM_PER_DEGREE * np.cos(np.radians(latitude)))
    longitude = places.longitude[seats.place] + degrees_east
    # Around the world: no place of the reference is near a pole, but some are at the date line.
    longitude = np.where(
        np.abs(longitude) > 180.0, longitude - np.copysign(360.0, longitude), longitude
    )
    latitude = latitude + distance * np.cos(angle) / KM_PER_DEGREE
    return np.round(latitude, COORDINATE_DECIMALS), np.round(longitude, COORDINATE_DECIMALS)


def _kinds_of_name(
    trade: I64, mcc: I64, trades: Trades, facts: Mapping[str, Any]
) -> tuple[I64, list[list[str]]]:
    """(kind of each name, words of each kind): those of the category, else those of the trade."""
    own = facts["category"]
    endings = [facts["trade"][name] for name in trades.names]
    kind_of_mcc = np.full(len(trades.mccs), -1)
    for nth, code in enumerate(trades.mccs):
        if code in own:
            kind_of_mcc[nth] = len(endings)
            endings.append(own[code])
    kind = kind_of_mcc[mcc]
    return np.where(kind >= 0, kind, trade), endings


def _names(word: U64, kinds: tuple[I64, list[list[str]]], facts: Mapping[str, Any]) -> pa.Array:
    """An invented word and a word of the kind of shop; kinds as of `_kinds_of_name`."""
    kind, endings = kinds
    parts = []
    rest = word
    for part in ("first", "middle", "last"):
        syllables = facts[part]
        parts.append(texts(syllables, below(rest, len(syllables))))
        # The next 20 bits: the syllables must not hang together.
        rest = rest << np.uint64(20)
    first_ending = np.cumsum([0, *(len(words_of) for words_of in endings[:-1])])
    ending_count = np.array([len(words_of) for words_of in endings])
    # All shifts used up 60 bits, so the ending is drawn from the low ones of the word.
    ending = first_ending[kind] + (
        (word & np.uint64(0xFFFF)).view(np.int64) * ending_count[kind] >> 16
    )
    ending_text = texts([text for words_of in endings for text in words_of], ending)
    invented = pc.binary_join_element_wise(*parts, "")
    return pc.binary_join_element_wise(invented, ending_text, " ")


@dataclass(frozen=True, slots=True)
class Merchants:
    """Arrays by merchant; mcc, presence and opening are codes, chain counts where is_chain.

    opened_day, closed_day are days since 1970; closed_day is NO_END where no end is told.
    """

    seats: Seats
    trades: Trades
    chain: U64
    is_chain: Any
    name: pa.Array
    mcc: I64
    latitude: F64
    longitude: F64
    presence: I64
    opening: I64
    price_level: F64
    popularity: F64
    opened_day: I64
    closed_day: I64
