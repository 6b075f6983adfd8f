"""Postings: when an approved transaction comes into the books, and with what amount.

Reads    authorised(address, card, merchant, day, billing amount, channel, type), books
Writes   posted(day, amount)
Draws    POSTING_LAG, POSTING_COMPLETES, POSTING_FACTOR
Sources  parameters.yaml

What is posted is known after the fact, so nothing of it stands in `transactions`. It knows no
fraud either: a thief's purchase is posted like anybody's. A refund gives back what was posted, so
it asks by the address of its purchase, and never comes before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity.rows import POS, PURCHASE, REFUND_TYPE
from fauxpay.catalog.world import I8, World
from fauxpay.clearing.books import Books, always_open, open_books
from fauxpay.clearing.streams import POSTING_COMPLETES, POSTING_FACTOR, POSTING_LAG
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError
from fauxpay.foundations.alias import slots
from fauxpay.foundations.draws import F64, I64, U64, StreamKey, draw, stream_key, threshold
from fauxpay.foundations.parameters import Parameters

CONTROL = "v1"
_LAG_SLOTS = 1 << POSTING_LAG.width
_FACTOR_SLOTS = 1 << POSTING_FACTOR.width
_CLASS_BITS = 4
_CONTROL_DAYS_MAX = 30


@dataclass(frozen=True, slots=True)
class Clearing:
    """What postings are drawn from.

    lag             u8[classes * 256]  lag of each slot, business days
    lag_count       lags that there are: 0 .. lag_count - 1
    merchant_code   u8[merchants]      class of lags; from bit 4 on the law of completion, 0: none
    chance          i64[merchants]     of 65,536, that an amount differs
    factor          f64[laws * 4096]   final over authorised amount
    """

    is_kept: bool
    key: StreamKey
    books: Books
    lag: NDArray[np.uint8]
    lag_count: int
    merchant_code: NDArray[np.uint8]
    chance: I64
    factor: F64


@dataclass(frozen=True, slots=True)
class Authorised:
    """n transactions: address u64, card and merchant i64 (positions in the world), nth of some days
    (one whole number or i64[n]), amount i64 (billing, minor units), channel and kind i8.

    refunds  (i64[k] which of the n are refunds, u64[k] addresses of their purchases, i64[k] which
             of the days those were made on)
    """

    address: U64
    card: I64
    merchant: I64
    nth: Any
    amount: I64
    channel: I8
    kind: I8
    refunds: tuple[I64, U64, I64]


def open_clearing(world: World, config: Config, parameters: Parameters) -> Clearing:
    """The clearing of a world under a run's seed; the control group's has no memory of weekdays."""
    own = parameters.section("clearing")
    _require_usable(own)
    is_control = config.activity.realism == CONTROL
    lags = own["lag_business_days"]
    if is_control:
        lags = dict.fromkeys(lags, [1.0] * (int(own["control_lag_days_max"]) + 1))
    classes, laws = sorted(lags), sorted(own["completion"]["factor"])
    assert len(classes) < 1 << _CLASS_BITS
    merchant_class = _of_merchants(world, own["class_of_category"], classes)
    law, chance = _completions(world, own["completion"], laws)
    if is_control:
        law, chance = np.zeros_like(law), np.zeros_like(chance)
    return Clearing(
        is_kept=config.activity.postings,
        key=stream_key(config.run.seed, f"clearing/{POSTING_LAG.stream}"),
        books=always_open(world) if is_control else open_books(world, config, parameters),
        lag=np.concatenate([slots(lags[name], _LAG_SLOTS) for name in classes]),
        lag_count=max(len(weights) for weights in lags.values()),
        merchant_code=(merchant_class | law << _CLASS_BITS).astype(np.uint8),
        chance=chance,
        factor=np.concatenate([_factors(own["completion"]["factor"][name]) for name in laws]),
    )


def _require_usable(own: dict[str, Any]) -> None:
    """Raises ConfigError where an overridden parameter names or asks for what there is not."""
    completion = own["completion"]
    named = (
        ("class_of_category", own["class_of_category"], own["lag_business_days"]),
        ("completion.law_of_category", completion["law_of_category"], completion["factor"]),
    )
    for name, of_category, known in named:
        for mcc, value in of_category.items():
            if value not in known:
                raise ConfigError(
                    f"parameters.clearing.{name}: {mcc} is {value!r}; expected one of "
                    f"{', '.join(sorted(known))}"
                )
    for law, (low, high) in completion["factor"].items():
        if not 0 < low <= high:
            raise ConfigError(
                f"parameters.clearing.completion.factor: {law} is [{low}, {high}]; expected the "
                f"lowest, above 0, and the highest factor"
            )
    longest = own["control_lag_days_max"]
    if not 0 <= longest <= _CONTROL_DAYS_MAX:
        raise ConfigError(
            f"parameters.clearing.control_lag_days_max is {longest}; expected 0 to "
            f"{_CONTROL_DAYS_MAX} days"
        )


def _of_merchants(world: World, of_category: dict[str, str], names: list[str]) -> I64:
    """Position in `names` of what a mapping by category says of each merchant."""
    code = [names.index(of_category.get(mcc, of_category["default"])) for mcc in world.mccs]
    return np.array(code, dtype=np.int64)[world.merchants.mcc]


def _completions(world: World, own: dict[str, Any], laws: list[str]) -> tuple[I64, I64]:
    """(1 + law of completion, its chance of 65,536) of each merchant; 0, 0 where there is none."""
    code = np.zeros((len(world.mccs), len(world.countries)), dtype=np.int64)
    chance = np.zeros_like(code)
    for row, mcc in enumerate(world.mccs):
        name = own["law_of_category"].get(mcc)
        if name is None:
            continue
        shares = own["share"][name]
        found = [shares.get(country, shares["default"]) for country in world.countries]
        chance[row] = [threshold(share, POSTING_COMPLETES.width) for share in found]
        code[row] = np.where(chance[row] > 0, laws.index(name) + 1, 0)
    at = (world.merchants.mcc, world.merchants.country)
    return code[at], chance[at]


def _factors(bounds: list[float]) -> F64:
    low, high = bounds
    return low + (high - low) * ((np.arange(_FACTOR_SLOTS) + 0.5) / _FACTOR_SLOTS)


def posted(clearing: Clearing, waits: NDArray[np.uint8], rows: Authorised) -> tuple[Any, I64]:
    """(days from event day to posting, u8[n]; amount in minor units, i64[n]) of n transactions.

    waits  of the books for the days of the rows (`Books.waits`), those of refunded purchases too
    """
    word = draw(clearing.key, rows.address)
    code = clearing.merchant_code.take(rows.merchant, mode="clip")
    wait = _waited(clearing, waits, (code, word, rows.card, rows.nth))
    back, source, made = rows.refunds
    if back.size:
        of_source = draw(clearing.key, source)
        day = np.broadcast_to(np.asarray(rows.nth), word.shape)[back]
        found = _waited(clearing, waits, (code[back], of_source, rows.card[back], made))
        wait[back] = np.maximum(wait[back], made + found - day)
        word[back] = of_source
    amount = rows.amount.copy()
    row = np.flatnonzero(code >= 1 << _CLASS_BITS)
    is_bought = (rows.kind[row] == PURCHASE) | (rows.kind[row] == REFUND_TYPE)
    row = row[is_bought & (rows.channel[row] == POS)]
    own = word[row]
    differs = POSTING_COMPLETES.of(own) < clearing.chance[rows.merchant[row]]
    row, own = row[differs], own[differs]
    slot = (code[row].astype(np.int64) >> _CLASS_BITS) - 1
    slot *= _FACTOR_SLOTS
    slot += POSTING_FACTOR.of(own)
    amount[row] = np.rint(amount[row] * clearing.factor[slot]).astype(np.int64)
    return wait, np.maximum(amount, 1, out=amount)


def _waited(
    clearing: Clearing, waits: NDArray[np.uint8], rows: tuple[NDArray[np.uint8], U64, I64, Any]
) -> NDArray[np.uint8]:
    """Days from event day to posting of (code of the merchant, word, card, nth day)."""
    code, word, card, nth = rows
    lag = np.bitwise_and(code, (1 << _CLASS_BITS) - 1, dtype=np.int64)
    lag *= _LAG_SLOTS
    lag += POSTING_LAG.of(word)
    where = clearing.books.of_card.take(card, mode="clip").astype(np.int64)
    where += nth * waits.shape[1]
    where *= waits.shape[2]
    where += clearing.lag.take(lag, mode="clip")
    wait: NDArray[np.uint8] = waits.reshape(-1).take(where, mode="clip")
    return wait
