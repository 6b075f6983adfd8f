"""Shops: where thieves buy: liked trades and countries, short lists of a campaign, open doors.

Reads    merchants by place and country, parameters [fraud.hotspots, fraud.fashion]
Writes   merchants
Draws    fraud/<typology>/{shop,liked,abroad,..}
Sources  parameters.yaml

Thieves take the population's own merchants, by the same popularity: no shop is theirs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.opening import ALWAYS_OPEN, OPEN_QUARTERS
from fauxpay.activity.rows import CASH, LOCAL, ONLINE, TELEPHONE, Where
from fauxpay.activity.shops import standing, terminals_of
from fauxpay.activity.tickets import shares_below
from fauxpay.catalog.world import PRESENCES, World
from fauxpay.foundations.alias import AliasPool
from fauxpay.foundations.draws import F64, I64, U64, below, bits, draw, stream_key, uniform
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.uses import Uses

_ATTEMPTS = 4
_MCC_BITS = 14
_COUNTRY_CARDS = 256


@dataclass(frozen=True, slots=True)
class Liked:
    """Merchants of liked trades by segment (country or place), in runs of growing weight.

    member      i64[n]             merchants
    cumulative  f64[n]             running sum of popularity times what the trade is liked more
    first       i64[segments + 1]  where each segment begins
    share       f64[segments]      of choices that fall on these, over what popularity gives alone
    """

    member: I64
    cumulative: F64
    first: I64
    share: F64

    def pick(self, segment: I64, word: U64) -> I64:
        """One member of each row's segment; the segment must have some."""
        start, stop = self.first[segment], self.first[segment + 1]
        low = np.where(start > 0, self.cumulative[np.maximum(start - 1, 0)], 0.0)
        high = self.cumulative[stop - 1]
        at = np.searchsorted(self.cumulative, low + uniform(word) * (high - low), side="right")
        return self.member[np.clip(at, start, stop - 1)]


def tastes(ground: Ground) -> F64:
    """How much each merchant category is liked, one for all that are not named: f64[mccs]."""
    liked = {**ground.common["hotspots"]["mcc"], **ground.facts.get("mcc", {})}
    liked |= ground.demand.mcc
    return np.array([float(liked.get(mcc, 1.0)) for mcc in ground.activity.world.mccs])


def _liked(ground: Ground, is_online: bool, weight: F64) -> Liked:
    """Where liked trades are to be found; kept for the next typology of the same taste."""
    key = ("liked", is_online, weight.tobytes())
    if key not in ground.memory:
        ground.memory[key] = _liked_of(ground.activity.world, is_online, weight)
    found: Liked = ground.memory[key]
    return found


def _liked_of(world: World, is_online: bool, weight: F64) -> Liked:
    merchants, cash = world.merchants, world.mccs.index("6011") if "6011" in world.mccs else -1
    unlike = PRESENCES.index("physical" if is_online else "online")
    sells = (merchants.presence != unlike) & (merchants.mcc != cash)
    segment = merchants.country if is_online else merchants.place
    count = len(world.countries) if is_online else world.places.city.size
    whole = np.bincount(segment[sells], merchants.popularity[sells], minlength=count)
    more = np.maximum(weight[merchants.mcc] - 1.0, 0.0) * merchants.popularity
    return _in_runs(segment, np.where(sells, more, 0.0), whole.astype(np.float64))


def _in_runs(segment: I64, weight: F64, whole: F64) -> Liked:
    """The merchants with a weight; whole is f64[segments] of what popularity gives alone."""
    member = np.flatnonzero(weight > 0)
    member = member[np.argsort(segment[member], kind="stable")]
    extra = np.bincount(segment[member], weight[member], minlength=whole.size)
    first = np.searchsorted(segment[member], np.arange(whole.size + 1))
    share = np.round(extra / np.maximum(whole + extra, 1e-300), 9)
    return Liked(member, np.cumsum(weight[member]), first, share)


def _never_shut(ground: Ground) -> Liked:
    """Lasting shops by place that are open at all hours, by popularity and taste."""
    weight = tastes(ground)
    key = ("never shut", weight.tobytes())
    if key not in ground.memory:
        tables, world = ground.activity.tables.where, ground.activity.world
        merchants, cash = world.merchants, np.array(world.mccs) == "6011"
        # Chances of merchants that are not always in business stand below nought.
        is_open = tables.open.reshape(-1, OPEN_QUARTERS).min(axis=1) >= ALWAYS_OPEN
        sells = (merchants.presence != PRESENCES.index("online")) & ~cash[merchants.mcc]
        sells &= is_open[tables.hours // OPEN_QUARTERS]
        liked = np.where(sells, weight[merchants.mcc] * merchants.popularity, 0.0)
        ground.memory[key] = _in_runs(merchants.place, liked, np.zeros(world.places.city.size))
    found: Liked = ground.memory[key]
    return found


def _cheap(ground: Ground) -> Liked:
    """Lasting shops online by country, by how many small orders each has of customers.

    Where nothing costs a dollar an order of one would be a thief's alone.
    """
    if "cheap" not in ground.memory:
        tables, world, law = (
            ground.activity.tables,
            ground.activity.world,
            ground.common["hotspots"],
        )
        merchants, hours = world.merchants, tables.where.hours // OPEN_QUARTERS
        sells = merchants.presence != PRESENCES.index("physical")
        # Chances of merchants that are not always in business stand below nought.
        sells &= (tables.where.open.reshape(-1, OPEN_QUARTERS).min(axis=1) >= 0)[hours]
        every = np.arange(merchants.id.size)
        sells &= popularity_shares(ground, every) >= float(law["online_least"])
        weight = shares_below(tables.tickets, world, float(law["small_cents"]))
        weight = np.where(sells, weight * merchants.popularity, 0.0)
        ground.memory["cheap"] = _in_runs(merchants.country, weight, np.zeros(len(world.countries)))
    found: Liked = ground.memory["cheap"]
    return found


def _in_fashion(ground: Ground, merchant: I64, era: I64) -> Any:
    """Whether the trades of merchants are in fashion, which changes from era to era."""
    fashion = ground.common["hotspots"]["in_fashion_share"]
    if not ground.demand.is_drifting:
        return np.ones(merchant.size, dtype=np.bool_)
    mcc = ground.activity.world.merchants.mcc[merchant].astype(np.int64)
    return ground.chance("fashion", ((era << _MCC_BITS) | mcc).view(np.uint64), fashion)


@dataclass(frozen=True, slots=True)
class Choice:
    """What names a choice of a shop (equal keys agree), its era of fashion, and when it is made."""

    key: U64
    era: I64
    at_ms: I64


def _picked(ground: Ground, kind: I64, segment: I64, choice: Choice, accepts: Any) -> I64:
    """Merchants of segments by popularity and taste; the last of a few tries is taken anyhow."""
    key, era = choice.key, choice.era
    tables, weight = ground.activity.tables.where, tastes(ground)
    mcc = ground.activity.world.merchants.mcc
    is_remote = bool(kind.size and not tables.is_placed[kind[0]])
    liked = _liked(ground, is_remote, weight)
    is_plain = (kind == CASH) | (kind == TELEPHONE)
    wants = ground.chance("liked", key, np.where(is_plain, 0.0, liked.share[segment]))
    merchant, rows = np.zeros(key.size, dtype=np.int64), np.arange(key.size)
    for attempt in range(_ATTEMPTS):
        word, hot = ground.word(f"shop/{attempt}", key[rows]), np.flatnonzero(wants[rows])
        found = tables.pool.pick(tables.segment[kind[rows]] + segment[rows], word)
        found[hot] = liked.pick(segment[rows[hot]], word[hot])
        drawn = ground.chance(f"shunned/{attempt}", key[rows], weight[mcc[found]])
        pleased = np.where(wants[rows], _in_fashion(ground, found, era[rows]), drawn)
        pleased &= accepts(rows, found)
        merchant[rows] = found
        rows = rows[~pleased]
        if not rows.size:
            break
    chosen = (tables.segment[kind] + segment, ground.word("successor", key))
    return standing(tables, merchant, chosen, choice.at_ms // DAY_MS)


def countries(ground: Ground, card: I64, key: U64, abroad: Any, use: U64 | None = None) -> I64:
    """The country to buy in: the card's, or another with a probability (number or f64[n]).

    use  names what goes abroad, where keys are those of a short list: a list may be all at home
    """
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
    return np.where(ground.chance("abroad", key if use is None else use, abroad), other, own)


def remote_shops(
    ground: Ground, country: I64, choice: Choice, by_phone: Any = False, is_test: Any = None
) -> Where:
    """Merchants of countries that are in business, online or by telephone.

    Online hardly a small one: there one is seen.

    by_phone  bool[n]: whether the order is made by telephone
    is_test   bool[n]: whether a card is tried with an amount that only cheap shops are used to
    """
    by_phone = np.broadcast_to(np.asarray(by_phone), choice.key.shape)
    kind = np.where(by_phone, TELEPHONE, ONLINE).astype(np.int64)
    least = ground.common["hotspots"]["online_least"] * ground.fashion("crowd", choice.at_ms)

    def accepts(rows: I64, found: I64) -> Any:
        return by_phone[rows] | (popularity_shares(ground, found) >= least[rows])

    merchant = _picked(ground, kind, country, choice, accepts)
    if is_test is not None:
        cheap = _cheap(ground)
        has = cheap.first[country] < cheap.first[country + 1]
        row = np.flatnonzero(is_test & ~by_phone & has)
        merchant[row] = cheap.pick(country[row], ground.word("cheap", choice.key[row]))
    return where_of(ground, kind, merchant, choice.key)


def popular_shop(ground: Ground, key: U64, candidates: int) -> I64:
    """One lasting online merchant for each key: the most popular one of some picks."""
    pool = ground.activity.tables.where.lasting
    picks = np.stack(_home_picks(ground, pool, key, candidates))
    popularity = ground.activity.world.merchants.popularity[picks]
    return _best(picks, popularity)


def fresh_shop(ground: Ground, key: U64, candidates: int, days: tuple[I64, I64]) -> I64:
    """One online merchant for each key: the latest to open of some picks.

    days  (first, last) that it has to be in business on; where none is, a lasting small one
    """
    tables, merchants = ground.activity.tables.where, ground.activity.world.merchants
    picks = np.stack(_home_picks(ground, tables.pool, key, candidates))
    opened, closed = tables.opened_day[picks], tables.closed_day[picks]
    is_there = (opened <= days[0]) & (closed > days[1])
    fresh = _best(picks, np.where(is_there, opened.astype(np.int64), np.iinfo(np.int64).min))
    lasting = np.stack(_home_picks(ground, tables.lasting, key, candidates))
    small = _best(lasting, -merchants.popularity[lasting])
    return np.where(is_there.any(axis=0), fresh, small)


def _home_picks(ground: Ground, pool: AliasPool, key: U64, count: int) -> list[I64]:
    """Online merchants of the country of one of the world's first cards: a card more moves none."""
    world = ground.activity.world
    some = min(world.cards.id.size, _COUNTRY_CARDS)
    country = world.cards.country[below(ground.word("home", key), some)]
    segment = ground.activity.tables.where.segment[ONLINE] + country
    return [pool.pick(segment, ground.word(f"of/{nth}", key)) for nth in range(count)]


def _best(picks: I64, score: Any) -> I64:
    best: I64 = np.take_along_axis(picks, score.argmax(axis=0)[None, :], axis=0)[0]
    return best


def country_shares(ground: Ground) -> F64:
    """Share of each country among the world's first cards."""
    world = ground.activity.world
    some = min(world.cards.id.size, _COUNTRY_CARDS)
    return np.bincount(world.cards.country[:some], minlength=len(world.countries)) / some


def popularity_shares(ground: Ground, merchant: I64) -> F64:
    """Part of the online popularity of its country that each merchant has."""
    world, memory = ground.activity.world, ground.memory
    if "online popularity" not in memory:
        merchants = world.merchants
        sells = np.flatnonzero(merchants.presence != PRESENCES.index("physical"))
        country, popularity = merchants.country[sells], merchants.popularity[sells]
        memory["online popularity"] = np.bincount(country, popularity, len(world.countries))
    whole = memory["online popularity"][world.merchants.country[merchant]]
    share: F64 = world.merchants.popularity[merchant] / whole
    return share


def listed(ground: Ground, campaign: I64, uses: Uses, size: Any) -> U64:
    """Keys of a campaign's short list, one for each use.

    size  entries of the list by its law; as fashion has it a use knows fewer or more of them
    """
    size = np.rint(size * ground.fashion("shops", uses.at_ms)).astype(np.int64)
    pick = below(ground.word("pick", uses.address), np.maximum(size, 1))
    return ((campaign << 10) | pick).view(np.uint64)


def local_shops(ground: Ground, place: I64, quarter: I64, choice: Choice, cash: Any) -> Where:
    """Shops or cash machines (cash: bool[n]) of places that are open at a quarter of the week.

    Who has tried a few doors goes where it is never shut: at night a purchase behind a closed door
    would give the thief away. Where there is no such shop a cash machine is left.
    """
    tables, key = ground.activity.tables.where, choice.key
    kind = np.where(cash, CASH, LOCAL).astype(np.int64)

    def accepts(rows: I64, found: I64) -> Any:
        chance = tables.open.take(tables.hours[found] + quarter[rows], mode="clip")
        # Of merchants that are not always in business the chances stand below nought.
        chance = np.where(chance < 0, chance + np.int16(2 * ALWAYS_OPEN), chance)
        drawn = bits(ground.word("door", key[rows] ^ found.view(np.uint64)), 0, 8)
        return (drawn < chance) | (kind[rows] == CASH)

    merchant = _picked(ground, kind, place, choice, accepts)
    shut = np.flatnonzero(~accepts(np.arange(key.size), merchant))
    late, word = _never_shut(ground), ground.word("late", key)
    is_there = late.first[place[shut]] < late.first[place[shut] + 1]
    inside, left = shut[is_there], shut[~is_there]
    merchant[inside] = late.pick(place[inside], word[inside])
    kind[left] = CASH
    merchant[left] = tables.lasting.pick(tables.segment[CASH] + place[left], word[left])
    return where_of(ground, kind, merchant, key)


def places_abroad(ground: Ground, country: I64, key: U64) -> I64:
    """A place of each country, by population."""
    pool = ground.activity.tables.cells.destinations
    return pool.pick(country, ground.word("place", key))


def where_of(ground: Ground, kind: I64, merchant: I64, key: U64) -> Where:
    """Kind, merchant and one of its terminals."""
    tables, traits = ground.activity.tables.where, ground.activity.tables.traits
    till = bits(draw(stream_key(ground.activity.keys.seed, "fraud/till"), key), 0, 8)
    is_remote = ~tables.is_placed.take(kind, mode="clip")
    terminal = terminals_of(traits, merchant, is_remote, till)
    return Where(kind, merchant, terminal, traits.merchant[merchant])
