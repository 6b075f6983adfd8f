"""Windows: counts and sums over what a card, a merchant or a device did before each moment.

Reads    entries of entities, sorted by entity and time
Writes   features of each entry
Draws    nothing
Sources  Fraud Detection Handbook, chapter 3 (the usual aggregates)

Prefix sums and two binary searches a window, all in whole numbers: the same answer in any order
and on any machine. A window (far, near) of an entry at t holds the entity's entries at
t - far <= time <= t - near, so near = 1 means strictly before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fauxpay.foundations.draws import F64, I64

DAY_US = 86_400_000_000
STRICTLY_BEFORE = 1
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Entries sorted by (entity, time); an entry is a row, or the moment when a label turned.

    entity    i64[n]  ascending from 0, of whatever owns the entries
    at_us     i64[n]  ascending within an entity
    """

    entity: I64
    at_us: I64

    def window(self, far_us: int, near_us: int = STRICTLY_BEFORE) -> tuple[I64, I64]:
        """(first, last) positions of each entry's window; empty where first >= last."""
        if not self.at_us.size:
            none = np.zeros(0, dtype=np.int64)
            return none, none
        assert far_us >= near_us >= 0, "a window ends after it begins"
        start = int(self.at_us.min())
        span = int(self.at_us.max()) - start + far_us + 2
        assert (int(self.entity[-1]) + 1) * span < 2**63, "cut into smaller slices"
        # An entity's line of time begins behind the longest window of the one before.
        key = self.entity * span + (self.at_us - start) + far_us
        first = np.searchsorted(key, key - far_us, side="left")
        last = np.searchsorted(key, key - near_us, side="right")
        return first, np.maximum(first, last)


def entities_max(span_us: int) -> int:
    """Entities that one timeline of so many microseconds may hold."""
    return (2**62) // max(1, span_us)


def total(values: I64 | Bool, window: tuple[I64, I64]) -> I64:
    """Sum of whole numbers over each window."""
    summed = np.zeros(values.size + 1, dtype=np.int64)
    np.cumsum(values, out=summed[1:])
    out: I64 = summed[window[1]] - summed[window[0]]
    return out


def last_before(at_us: I64, is_row: Bool, window: tuple[I64, I64]) -> I64:
    """When the last row of each window happened; -1 where it has none."""
    position = np.where(is_row, np.arange(at_us.size), -1)
    latest = np.maximum.accumulate(position) if position.size else position
    first, last = window
    found = np.where(last > first, latest[np.maximum(last - 1, 0)], -1)
    return np.where(found >= first, at_us[found], -1)


@dataclass(frozen=True, slots=True)
class Entries:
    """What is known of the entries of a timeline.

    row     i64[n]   key of the row, -1 for the turn of a label
    amount  i64[n]   minor units, 0 where it does not count
    declined, turned  bool[n]: refused; the moment when the bank came to call a row fraud
    """

    line: Timeline
    row: I64
    amount: I64
    declined: Bool
    turned: Bool


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which features an entity gets.

    days                windows, the longest last
    sums, means         of amounts in each window
    declines            counts of declined rows
    risks               rows that the bank came to call fraud, also over all rows
    ratio               amount over the mean of the longest window
    recency             seconds since the last row of the longest window
    near_us, delay_us   windows end so long before the row; rows that risks are shares of, a delay
                        earlier still
    """

    entity: str
    days: Sequence[int] = (1, 7, 30)
    sums: bool = False
    declines: bool = False
    risks: bool = False
    ratio: bool = False
    recency: bool = False
    means: bool = False
    near_us: int = STRICTLY_BEFORE
    delay_us: int = 0

    def names(self) -> list[str]:
        """Of the features, in order."""
        own, found = self.entity, []
        for days in self.days:
            found.append(f"{own}_count_{days}d")
            found += [f"{own}_sum_{days}d"] * self.sums
            found += [f"{own}_mean_{days}d"] * self.means
            found += [f"{own}_declined_{days}d"] * self.declines
            found += [f"{own}_frauds_known_{days}d", f"{own}_risk_{days}d"] * self.risks
        found += [f"{own}_amount_ratio"] * self.ratio
        found += [f"{own}_seconds_since_last"] * self.recency
        return found


def features(entries: Entries, recipe: Recipe) -> tuple[I64, Mapping[str, F64 | I64]]:
    """(keys of rows, features by name) of all entries that are rows; NaN where there is no past."""
    own, line = recipe.entity, entries.line
    is_row = entries.row >= 0
    made: dict[str, F64 | I64] = {}
    for days in recipe.days:
        window = line.window(days * DAY_US, recipe.near_us)
        count, amounts = total(is_row, window), total(entries.amount, window)
        made[f"{own}_count_{days}d"] = count
        made[f"{own}_sum_{days}d"] = amounts
        made[f"{own}_mean_{days}d"] = _over(amounts, count)
        if recipe.declines:
            made[f"{own}_declined_{days}d"] = total(entries.declined, window)
        if recipe.risks:
            known = total(entries.turned, window)
            seen = count
            if recipe.delay_us:
                moved = (days * DAY_US + recipe.delay_us, recipe.near_us + recipe.delay_us)
                seen = total(is_row, line.window(*moved))
            made[f"{own}_frauds_known_{days}d"] = known
            made[f"{own}_risk_{days}d"] = known / np.maximum(seen, 1)
    if recipe.ratio:
        made[f"{own}_amount_ratio"] = _over(entries.amount, made[f"{own}_mean_{days}d"])
    if recipe.recency:
        before = last_before(line.at_us, is_row, window)
        since = (line.at_us - before) / 1e6
        made[f"{own}_seconds_since_last"] = np.where(before >= 0, since, np.nan)
    chosen = {name: made[name][is_row] for name in recipe.names()}
    return entries.row[is_row], chosen


def _over(amount: I64, count: F64 | I64) -> F64:
    share = np.full(amount.size, np.nan)
    np.divide(amount, count, out=share, where=np.asarray(count) > 0)
    return share
