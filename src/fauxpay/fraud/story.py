"""Story: the small tables that fraud is told in, and the parts that typologies share.

A typology is a function that turns (activity, seed, exposure) into compromises and attacks. Each
card decides for itself, by an addressed draw per block of days, so cards come and go alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity, local_quarters
from fauxpay.activity.rows import Rows
from fauxpay.activity.visits import lognormal_table
from fauxpay.foundations.draws import F64, I64, U64, below, threshold
from fauxpay.foundations.quantiles import look_up, tail_index
from fauxpay.fraud.streams import word

BLOCK_DAYS = 32
TYPOLOGIES = ("card_testing", "lost_stolen", "random")
CARD_TESTING, LOST_STOLEN, RANDOM = range(3)
NOT_BLOCKED = np.int64(-1)


@dataclass(frozen=True, slots=True)
class Compromises:
    """One entry per card that fell into wrong hands; times are ms since 1970-01-01, UTC.

    address  u64[n]  (card, block) of the typology; the name of the compromise
    campaign i64[n]  number of the campaign within its typology
    """

    address: U64
    card: I64
    typology: I64
    campaign: I64
    compromised_ms: I64
    blocked_ms: I64


@dataclass(frozen=True, slots=True)
class Attacks:
    """One entry per fraudulent authorisation request; compromise is a position in Compromises.

    kind, merchant, terminal, entry_mode as in activity.rows; amount in the merchant's minor units;
    device -1 and ip_address 0 where the purchase is not online.
    """

    compromise: I64
    card: I64
    at_ms: I64
    kind: I64
    merchant: I64
    terminal: I64
    entry_mode: I64
    amount: F64
    tail_octave: I64
    device: I64
    ip_address: I64


def exposed(activity: Activity, name: str, chance: F64, end_day: int) -> tuple[U64, I64, I64]:
    """(address, card, moment in ms) of the compromises of a typology from the epoch on.

    chance  f64[cards of the range]  probability of a compromise in one block of days
    """
    blocks = np.arange(activity.epoch_day // BLOCK_DAYS, (end_day - 1) // BLOCK_DAYS + 1)
    card = np.arange(activity.first_card, activity.last_card)
    limit = np.rint(np.minimum(chance, 1.0) * 2.0**32).astype(np.int64)
    addresses, cards, moments = [], [], []
    for block in blocks.tolist():
        address = ((card << 20) | block).view(np.uint64)
        bits = word(activity.keys.seed, f"{name}/exposed", address)
        hit = np.flatnonzero((bits >> np.uint64(32)).view(np.int64) < limit)
        when = word(activity.keys.seed, f"{name}/moment", address[hit])
        span = BLOCK_DAYS * DAY_MS
        second = below(when, span // 1000)
        addresses.append(address[hit])
        cards.append(card[hit])
        within = (when & np.uint64(0xFFFF)).view(np.int64) % 1000
        moments.append(block * span + second * 1000 + within)
    address, card = np.concatenate(addresses), np.concatenate(cards)
    moment = np.concatenate(moments)
    inside = (moment >= activity.epoch_day * DAY_MS) & (moment < end_day * DAY_MS)
    inside &= activity.in_use(card, moment // DAY_MS)
    return address[inside], card[inside], moment[inside]


def nth_addresses(address: U64, nth: I64) -> U64:
    """Address of the nth thing of a compromise, nth < 64. Card indexes stay below 2**37 here."""
    return (address << np.uint64(6)) | nth.view(np.uint64)


def span_ms(seed: int, name: str, address: U64, law: tuple[Mapping[str, float], float]) -> I64:
    """Milliseconds from a lognormal law {median, log_sd, min, max} in a unit of so many ms."""
    spread, unit_ms = law
    table = lognormal_table(
        spread["median"] * unit_ms,
        spread["log_sd"],
        spread["min"] * unit_ms,
        spread["max"] * unit_ms,
    )
    index, fraction = tail_index(word(seed, name, address) >> np.uint64(32))
    value = look_up(table, np.zeros(index.size, dtype=np.int64), index, fraction)
    return np.rint(value).astype(np.int64)


def choice(seed: int, name: str, address: U64, shares: Any) -> I64:
    """A whole number 0.. with the shares given."""
    edges = np.array([threshold(float(s), 32) for s in np.cumsum(shares)[:-1] / np.sum(shares)])
    drawn = (word(seed, name, address) >> np.uint64(32)).view(np.int64)
    return np.searchsorted(edges, drawn, side="right").astype(np.int64)


def running_ms(owner: I64, gap: I64) -> I64:
    """Sum of an owner's gaps up to and including each of its things."""
    total = np.cumsum(gap)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    before = np.repeat(total[first] - gap[first], np.diff(np.append(first, owner.size)))
    return total - before


def attack_rows(activity: Activity, card: I64, at_ms: I64, address: U64) -> Rows:
    """Context of attacks, as the stages of a purchase want it."""
    day, of_day = np.divmod(at_ms, DAY_MS)
    day = np.clip(day, activity.epoch_day, activity.epoch_day + activity.calendar.days - 1)
    place, in_transit = activity.places_on(card, day)
    region = activity.world.places.region[place]
    offset = activity.calendar.offset_minutes(region, day, of_day)
    quarter = local_quarters(day, of_day, offset)
    return activity.rows(card, (address, address, address), (place, in_transit), quarter)


def chosen(record: Any, which: Any) -> Any:
    """A record of arrays with only some of its entries."""
    return type(record)(*(getattr(record, field.name)[which] for field in fields(record)))


def merged(records: list[Any]) -> Any:
    """Records of arrays, one after the other."""
    parts = zip(*([getattr(r, f.name) for f in fields(r)] for r in records), strict=True)
    return type(records[0])(*(np.concatenate(part) for part in parts))
