"""Terms: from when to when a subscription runs, what it costs, and in which months it is due.

Reads    addresses of payments
Writes   terms(address, factor, is_due)
Draws    TERM_*
Sources  parameters.yaml [recurring]

Each slot of a card holds one subscription after the other, each for a term of months, some terms
with none at all. The number of the term stands in the address that merchant and price are asked
by, so both stay the same until the term ends; in between the price rises by steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.activity import streams
from fauxpay.activity.addresses import CLASS_SHIFT, DAY_SHIFT, cards_of, days_of, slots_of
from fauxpay.activity.streams import Keys
from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import F64, I64, U64, draw, threshold
from fauxpay.foundations.parameters import Parameters

SUBSCRIPTION_BITS = 3
RISES_MAX = 7
_SUBSCRIPTION_MASK = np.int64((1 << SUBSCRIPTION_BITS) - 1)
_NEVER_MONTHS = 1 << 40
_LENGTHS = 16.0  # the longest over the shortest length
_QUANTILES = (np.arange(256) + 0.5) / 256


@dataclass(frozen=True, slots=True)
class TermTables:
    """What terms are drawn from; chances of 256.

    months       i64[256]      length of a term
    price_months i64[256]      months from one price to the next
    factor       f64[256 * 8]  of the first price, by the size and the number of rises
    idle, annual               chance of a term without a subscription; of one billed once a year
    annual_factor              price of a year over that of a month
    retry_days   i64[retries + 1]  days from the due day to each attempt, the first is 0
    """

    months: I64
    price_months: I64
    factor: F64
    idle: int
    annual: int
    annual_factor: int
    retry_days: I64


@dataclass(frozen=True, slots=True)
class Terms:
    """What payments are about.

    address  u64[n]   merchant and price are asked by it: card, slot and number of the term
    factor   f64[n]   of the price that the address has
    times    i64[n]   monthly prices that the factor holds: those of a year, or one
    is_due   bool[n]  whether anything is billed in that month
    """

    address: U64
    factor: F64
    times: I64
    is_due: Bool


def term_tables(parameters: Parameters) -> TermTables:
    """Tables of a world."""
    law = parameters.section("activity.recurring")
    assert int(law["subscriptions_max"]) <= 1 << SUBSCRIPTION_BITS
    low, high = law["price_rise"]
    rise = 1.0 + low + (high - low) * _QUANTILES
    factor = rise[:, None] ** np.arange(RISES_MAX + 1)
    return TermTables(
        months=_months(float(law["churn_per_year"])),
        price_months=_months(float(law["price_changes_per_year"])),
        factor=np.round(factor, 6).reshape(-1),
        idle=threshold(law["idle_share"], streams.TERM_IDLE.width),
        annual=threshold(law["annual_share"], streams.TERM_ANNUAL.width),
        annual_factor=int(law["annual_months"]),
        retry_days=np.array([0, *law["retry_days"]], dtype=np.int64),
    )


def _months(rate_per_year: float) -> I64:
    """Lengths in whole months, evenly spread in their logarithm, that end so often in a year.

    What ends is 1 / length on average over the slots, not 1 / mean length: short ones end often.
    At a rate of 0 nothing ends. A price rises RISES_MAX times at most, so that of a subscription
    that never ends has done so long ago.
    """
    if rate_per_year == 0:
        return np.full(_QUANTILES.size, _NEVER_MONTHS)
    spread = np.exp(np.log(_LENGTHS) * _QUANTILES)
    months = 12.0 / rate_per_year * spread * np.mean(1.0 / spread)
    whole = np.rint(np.round(np.minimum(months, _NEVER_MONTHS), 6))
    return np.asarray(np.maximum(whole, 1), dtype=np.int64)


def attempts_of(address: U64) -> I64:
    """Which attempt at a payment an address names; 0 is the one on the due day."""
    return slots_of(address) >> np.int64(SUBSCRIPTION_BITS)


def attempt_slots(slot: I64, attempt: int) -> I64:
    """Slots of the attempts at payments of subscriptions."""
    return slot | np.int64(attempt << SUBSCRIPTION_BITS)


def terms_of(tables: TermTables, keys: Keys, address: U64) -> Terms:
    """The terms of payments by their own addresses."""
    month = due_months(tables, address)
    kept = slots_of(address) & _SUBSCRIPTION_MASK
    kept |= address.view(np.int64) & np.int64(7 << CLASS_SHIFT)
    kept |= cards_of(address) << np.int64(DAY_SHIFT + 18)
    word = draw(keys["terms"], kept.view(np.uint64))
    length = tables.months[streams.TERM_MONTHS.of(word)]
    number, since = np.divmod(month + ((streams.TERM_PHASE.of(word) * length) >> 16), length)
    asked = (kept | (number << np.int64(DAY_SHIFT))).view(np.uint64)
    every = tables.price_months[streams.TERM_PRICE_MONTHS.of(word)]
    rises = (since + ((streams.TERM_PRICE_PHASE.of(word) * every) >> 8)) // every
    factor = tables.factor[
        streams.TERM_RISE.of(word) * (RISES_MAX + 1) + np.minimum(rises, RISES_MAX)
    ]
    of_term = draw(keys["term"], asked)
    is_annual = streams.TERM_ANNUAL.of(of_term) < tables.annual
    is_month = month % 12 == (streams.TERM_ANNUAL_MONTH.of(of_term) * 12) >> 8
    is_due = (streams.TERM_IDLE.of(of_term) >= tables.idle) & (~is_annual | is_month)
    times = np.where(is_annual, np.int64(tables.annual_factor), np.int64(1))
    return Terms(asked, factor * times, times, is_due)


def due_months(tables: TermTables, address: U64) -> I64:
    """Months since 1970 in which the payments at some addresses were first due."""
    due = days_of(address) - tables.retry_days[attempts_of(address)]
    return due.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def ranks_of(address: U64) -> Any:
    """The rank of a subscription's merchant in the card's list: one for each term of each slot."""
    number = days_of(address) << np.int64(SUBSCRIPTION_BITS)
    return number | (slots_of(address) & _SUBSCRIPTION_MASK)
