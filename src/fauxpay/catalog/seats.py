"""Seats: how many merchants each place and country has, and the trade of each.

Reads    places
Writes   nothing
Draws    merchants/{trade,seat}
Sources  parameters.yaml [merchants.place_exponent, merchants.floor, merchants.online],
         config catalog.{merchants,online_merchant_share}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.catalog.laws import allot, pick, pick_row, repeated, words
from fauxpay.catalog.places import Places
from fauxpay.catalog.trades import Trades
from fauxpay.config.merchants import online_count
from fauxpay.foundations.draws import F64, I64, U64, uniform

if TYPE_CHECKING:
    from fauxpay.config.model import Config

_NTH_BITS = np.uint64(24)
_ONLINE_BIT = np.uint64(1 << 50)


def make_seats(config: Config, places: Places, trades: Trades, facts: Mapping[str, Any]) -> Seats:
    """Shops by place, then online merchants by country."""
    shops, webs = merchant_counts(config, places, trades)
    place, shop_nth = repeated(_shops_by_place(places, shops, trades.floor.size, facts))
    web_low = np.full(places.share.size, trades.online_floor.size)
    country, web_nth = repeated(allot(places.share, webs, web_low, np.full_like(web_low, webs)))
    shop_address = places.id[place].astype(np.uint64) << _NTH_BITS | shop_nth.astype(np.uint64)
    web_address = (
        _ONLINE_BIT | country_numbers(places)[country] << _NTH_BITS | web_nth.astype(np.uint64)
    )
    seed = config.catalog.seed
    shop_trade = _trades_of(
        pick_row(
            words(seed, "merchants/trade", shop_address), places.country[place], trades.outlet_share
        ),
        shop_nth,
        trades.floor,
    )
    web_trade = _trades_of(
        trades.shop_count
        + pick(words(seed, "merchants/trade", web_address), trades.online_outlet_share),
        web_nth,
        trades.online_floor,
    )
    u = uniform(words(seed, "merchants/seat", web_address))
    return Seats(
        trades=trades,
        address=np.concatenate([shop_address, web_address]),
        nth=np.concatenate([shop_nth, web_nth]),
        place=np.concatenate([place, _hubs(u, country, places, int(facts["online"]["hub_count"]))]),
        country=np.concatenate([places.country[place], country]),
        trade=np.concatenate([shop_trade, web_trade]),
        is_online=np.arange(shops + webs) >= shops,
    )


def country_numbers(places: Places) -> U64:
    """A number of 16 bits for each country that does not depend on which others take part."""
    return np.array([ord(code[0]) << 8 | ord(code[1]) for code in places.countries], np.uint64)


def merchant_counts(config: Config, places: Places, trades: Trades) -> tuple[int, int]:
    """(shops, online merchants): by the configured share, and at least the floors of both."""
    total, share = config.catalog.merchants, config.catalog.online_merchant_share
    webs = online_count(total, share, trades.online_floor.size * places.share.size)
    # config.combinations refuses fewer before anything is built.
    assert total - webs >= trades.floor.size * places.id.size
    return total - webs, webs


def _shops_by_place(places: Places, shops: int, floor: int, facts: Mapping[str, Any]) -> I64:
    """By the country's share of households, and inside it by a power of population."""
    size = places.weight ** float(facts["place_exponent"])
    of_country = np.add.reduceat(size, places.first)
    weight = places.share[places.country] * size / of_country[places.country]
    low = np.full(weight.size, floor)
    return allot(weight, shops, low, np.full_like(low, shops))


def _trades_of(drawn: I64, nth: I64, floor: I64) -> I64:
    """The floor's trades for the first seats, what was drawn for the others."""
    if floor.size == 0:
        return drawn
    return np.where(nth < floor.size, floor[np.minimum(nth, floor.size - 1)], drawn)


def _hubs(u: F64, country: I64, places: Places, hub_count: int) -> I64:
    """One of the country's largest cities for each u, in proportion to population."""
    hub = np.zeros(u.size, dtype=np.int64)
    for code, (first, count) in enumerate(
        zip(places.first.tolist(), places.count.tolist(), strict=True)
    ):
        size = places.weight[first : first + min(count, hub_count)]
        rows = country == code
        inner = np.cumsum(size)[:-1] / size.sum()
        hub[rows] = first + np.searchsorted(inner, u[rows], side="right")
    return hub


@dataclass(frozen=True, slots=True)
class Seats:
    """Arrays by merchant: address u64, number within the place or country, indexes."""

    trades: Trades
    address: U64
    nth: I64
    place: I64
    country: I64
    trade: I64
    is_online: Any
