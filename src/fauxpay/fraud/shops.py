"""Shops: where thieves buy: liked trades and countries, short lists of a campaign, open doors.

Reads    merchants by place and country, parameters [fraud.hotspots]
Writes   merchants
Draws    fraud/<typology>/{shop,liked,abroad,..}
Sources  parameters.yaml

Thieves take the population's own merchants, by the same popularity: no shop is theirs alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fauxpay.activity.merchants import terminals_of
from fauxpay.activity.rows import CASH, LOCAL, LOCAL_QUARTERS, ONLINE, Where
from fauxpay.foundations.draws import F64, I64, U64, below, bits, draw, stream_key
from fauxpay.fraud.ground import Ground

_ATTEMPTS = 4
_MCC_BITS = 14
_COUNTRY_CARDS = 256


def tastes(ground: Ground) -> tuple[F64, float]:
    """(how much each merchant category is liked, f64[mccs]; the most)."""
    liked = {**ground.common["hotspots"]["mcc"], **ground.facts.get("mcc", {})}
    liked |= ground.demand.mcc
    weight = np.array([float(liked.get(mcc, 1.0)) for mcc in ground.activity.world.mccs])
    return weight, float(weight.max(initial=1.0))


def _likes(ground: Ground, merchant: I64, era: I64, key: U64) -> Any:
    """Whether merchants please; what is liked changes from era to era."""
    weight, most = tastes(ground)
    mcc = ground.activity.world.merchants.mcc[merchant].astype(np.int64)
    share = weight[mcc]
    fashion = ground.common["hotspots"]["in_fashion_share"]
    if ground.demand.is_drifting and fashion < 1.0:
        address = ((era << _MCC_BITS) | mcc).view(np.uint64)
        share = np.where(ground.chance("fashion", address, fashion), share, np.minimum(share, 1.0))
    return ground.chance("liked", key, share / most)


def _picked(ground: Ground, segment: I64, key: U64, era: I64, accepts: Any) -> I64:
    """Merchants of segments by popularity and taste; the last of a few tries is taken anyhow."""
    pool = ground.activity.tables.where.pool
    merchant = np.zeros(key.size, dtype=np.int64)
    open_rows = np.arange(key.size)
    for attempt in range(_ATTEMPTS):
        own = key[open_rows]
        found = pool.pick(segment[open_rows], ground.word(f"shop/{attempt}", own))
        merchant[open_rows] = found
        pleased = _likes(ground, found, era[open_rows], own ^ np.uint64(attempt << 61))
        pleased &= accepts(open_rows, found)
        open_rows = open_rows[~pleased]
        if not open_rows.size:
            break
    return merchant


def countries(ground: Ground, card: I64, key: U64, abroad: Any) -> I64:
    """The country to buy in: the card's, or another with a probability (number or f64[n])."""
    world = ground.activity.world
    own, count = world.cards.country[card], len(world.countries)
    if count < 2:
        return own
    liked = {**ground.common["hotspots"]["country"], **ground.demand.country}
    weight = [float(liked.get(country, 1.0)) for country in world.countries]
    other = ground.choice("country", key, weight)
    other = np.where(
        other == own, (own + 1 + below(ground.word("next", key), count - 1)) % count, other
    )
    return np.where(ground.chance("abroad", key, abroad), other, own)


def online_shops(ground: Ground, country: I64, key: U64, era: I64) -> Where:
    """Online merchants of countries; key u64[n] names the choice, so equal keys agree."""
    tables = ground.activity.tables
    segment = tables.where.segment[ONLINE] + country
    merchant = _picked(ground, segment, key, era, lambda rows, found: True)
    return where_of(ground, np.full(key.size, ONLINE), merchant, key)


def popular_shop(ground: Ground, key: U64, candidates: int) -> I64:
    """One online merchant for each key: of some picks the most popular one (< 0: the least).

    Its country is that of one of the world's first cards: a card more changes none.
    """
    world, pool = ground.activity.world, ground.activity.tables.where.pool
    some = min(world.cards.id.size, _COUNTRY_CARDS)
    country = world.cards.country[below(ground.word("home", key), some)]
    segment = ground.activity.tables.where.segment[ONLINE] + country
    picks = [pool.pick(segment, ground.word(f"of/{nth}", key)) for nth in range(abs(candidates))]
    stacked = np.stack(picks)
    popularity = world.merchants.popularity[stacked]
    best = popularity.argmax(axis=0) if candidates > 0 else popularity.argmin(axis=0)
    merchant: I64 = np.take_along_axis(stacked, best[None, :], axis=0)[0]
    return merchant


def country_shares(ground: Ground) -> F64:
    """Share of each country among the world's first cards."""
    world = ground.activity.world
    some = min(world.cards.id.size, _COUNTRY_CARDS)
    return np.bincount(world.cards.country[:some], minlength=len(world.countries)) / some


def listed(ground: Ground, campaign: I64, address: U64, size: Any) -> U64:
    """Keys of a campaign's short list of so many entries, one for each use."""
    pick = below(ground.word("pick", address), size)
    return ((campaign << 10) | pick).view(np.uint64)


def local_shops(ground: Ground, place: I64, quarter: I64, key: U64, era: I64, cash: Any) -> Where:
    """Shops or cash machines (cash: bool[n]) of places that are open at a quarter of the week."""
    tables, world = ground.activity.tables.where, ground.activity.world
    kind = np.where(cash, CASH, LOCAL).astype(np.int64)
    segment = tables.segment[kind] + place

    def accepts(rows: I64, found: I64) -> Any:
        position = world.merchants.opening[found] * LOCAL_QUARTERS + quarter[rows]
        chance = tables.open.take(position, mode="clip")
        drawn = bits(ground.word("door", key[rows] ^ found.view(np.uint64)), 0, 8)
        return (drawn < chance) | (kind[rows] == CASH)

    return where_of(ground, kind, _picked(ground, segment, key, era, accepts), key)


def places_abroad(ground: Ground, country: I64, key: U64) -> I64:
    """A place of each country, by population."""
    pool = ground.activity.tables.cells.destinations
    return pool.pick(country, ground.word("place", key))


def where_of(ground: Ground, kind: I64, merchant: I64, key: U64) -> Where:
    """Kind, merchant and one of its terminals."""
    traits = ground.activity.tables.traits
    till = bits(draw(stream_key(ground.activity.keys.seed, "fraud/till"), key), 0, 8)
    terminal = terminals_of(traits, merchant, kind == ONLINE, till)
    return Where(kind, merchant, terminal, traits.merchant[merchant])
