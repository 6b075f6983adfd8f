"""Calendar: how busy each day is and when in it, for every region and lifestyle, in civil time.

Reads    zones and countries of the regions; reference zone_transitions, holidays
Writes   rate steps and quarter-hour curves per (UTC day, region, lifestyle)
Draws    nothing
Sources  parameters.yaml [rhythm]

Local hour-of-week curves are laid on the 96 quarter-hours of a UTC day, so a local day of 23 or
25 hours is right by construction. Weights are integers: sums and quotas are exact on every CPU.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.catalog.world import PROFILES
from fauxpay.foundations import reference
from fauxpay.foundations.counts import GRID_STEPS_PER_OCTAVE
from fauxpay.foundations.draws import I64
from fauxpay.foundations.parameters import Parameters

QUARTERS = 96
CURVE_SLOTS = 4096
DAY_MS = 86_400_000
QUARTER_MS = 900_000
HOLIDAY = 7
_DAY_KINDS = 8
_WEIGHT_UNIT = 10_000
_FACTOR_UNIT = 1 << 16
_EPOCH_DAY_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0.


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days first_day .. first_day + days - 1 (days since 1970-01-01).

    rate_steps  i64[days, groups]     grid steps to add to a card's rate
    curve_row   i64[days, groups]     row of `curves`
    curves      u8[rows * 4096]       UTC quarter-hour of each slot
    offsets     i16[regions, days * 96]  local offset, minutes
    is_weekend  bool[regions, days + 2]  of local dates first_day - 1 .. first_day + days
    A group is region * len(PROFILES) + profile.
    """

    first_day: int
    days: int
    rate_steps: I64
    curve_row: I64
    curves: NDArray[np.uint8]
    offsets: NDArray[np.int16]
    is_weekend: NDArray[np.bool_]

    def offset_minutes(self, region: I64, day: Any, at_ms: I64) -> I64:
        """Local offset in minutes of regions at a millisecond of UTC days (scalar or i64[n])."""
        position = at_ms // QUARTER_MS
        position += region * (self.days * QUARTERS)
        position += (day - self.first_day) * QUARTERS
        return self.offsets.reshape(-1).take(position, mode="clip").astype(np.int64)


def build_calendar(
    regions: Sequence[tuple[str, str]], first_day: int, days: int, parameters: Parameters
) -> Calendar:
    """Calendar of (zone, country) regions for `days` UTC days from first_day on."""
    rhythm = parameters.section("activity.rhythm")
    zones = [zone for zone, _ in regions]
    offsets = reference.offsets(zones, _date(first_day), days)
    kinds, steps, is_weekend = _local_days(regions, first_day, days, parameters)
    patterns, pattern_of = _patterns(offsets.reshape(len(zones), days, QUARTERS), kinds, steps)
    weights = _curve_weights(patterns, _day_curves(rhythm))
    totals = weights.sum(axis=2)
    base = _grid_steps(totals, _day_curves(rhythm))
    profile = np.arange(len(PROFILES))
    row = pattern_of[:, :, None] * len(PROFILES) + profile
    rate_steps = base.reshape(-1)[row] + steps[:, 1:-1].T[:, :, None]
    return Calendar(
        first_day=first_day,
        days=days,
        rate_steps=np.ascontiguousarray(rate_steps.reshape(days, -1)),
        curve_row=np.ascontiguousarray(row.reshape(days, -1)),
        curves=_curves(weights.reshape(-1, QUARTERS)),
        offsets=np.ascontiguousarray(offsets),
        is_weekend=is_weekend,
    )


def _date(day: int) -> datetime.date:
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=day)


def _day_curves(rhythm: dict[str, Any]) -> I64:
    """i64[profiles, 8 kinds of day, 96]: weight of each local quarter-hour."""
    weekday = rhythm["day_of_week"]
    curves = np.empty((len(PROFILES), _DAY_KINDS, QUARTERS), dtype=np.int64)
    knots = np.arange(25) * 4
    for index, profile in enumerate(PROFILES):
        for kind in range(_DAY_KINDS):
            name = "weekend" if kind >= 5 else "workday"
            hours = np.asarray(rhythm["hours"][profile][name], dtype=np.float64)
            hours = hours / hours.sum()
            factor = rhythm["public_holiday"] if kind == HOLIDAY else weekday[kind]
            closed = np.append(hours, hours[0])
            quarters = np.interp(np.arange(QUARTERS), knots, closed)
            curves[index, kind] = np.rint(quarters * factor * _WEIGHT_UNIT * 24)
    return np.maximum(curves, 1)


def _local_days(
    regions: Sequence[tuple[str, str]], first_day: int, days: int, parameters: Parameters
) -> tuple[I64, I64, NDArray[np.bool_]]:
    """(kind, rate step, is weekend) of each region's local dates, one more at either end."""
    rhythm = parameters.section("activity.rhythm")
    weekend_days = parameters.value("catalog.countries.weekend_days")
    day = np.arange(first_day - 1, first_day + days + 1)
    weekday = (day + _EPOCH_DAY_WEEKDAY) % 7
    factor = _date_factors(rhythm, day)
    kinds = np.empty((len(regions), day.size), dtype=np.int64)
    steps = np.empty_like(kinds)
    is_weekend = np.empty(kinds.shape, dtype=np.bool_)
    for row, (_, country) in enumerate(regions):
        rest = weekend_days.get(country, weekend_days["default"])  # ISO: Monday is 1
        # Where the weekend is not Saturday and Sunday the whole week's rhythm moves with it.
        shift = (7 - max(rest)) % 7
        kinds[row] = (weekday + shift) % 7
        is_weekend[row] = np.isin(weekday + 1, rest)
        holidays = reference.holidays_of(country, _date(int(day[0])), _date(int(day[-1])))
        is_holiday = np.isin(day, [(d - datetime.date(1970, 1, 1)).days for d in holidays])
        special = _special_factors(rhythm, day)
        keeps_christmas = any((d.month, d.day) == (12, 25) for d in holidays)
        own = factor * (special if keeps_christmas else 1.0)
        plain_holiday = is_holiday & ~((special != 1.0) & keeps_christmas)
        kinds[row][plain_holiday] = HOLIDAY
        steps[row] = np.rint(np.round(np.log2(own) * GRID_STEPS_PER_OCTAVE, 6))
    return kinds, steps, is_weekend


def _date_factors(rhythm: dict[str, Any], day: I64) -> NDArray[np.float64]:
    dates = [_date(int(d)) for d in day]
    payday = rhythm["payday"]
    mean = (sum(payday.values()) + 30.4 - len(payday)) / 30.4
    month = np.array([rhythm["month"][d.month - 1] for d in dates])
    monthly = np.array([payday.get(d.day, 1.0) / mean for d in dates])
    friday = np.array([d.month == 11 and d.weekday() == 4 and 23 <= d.day <= 29 for d in dates])
    return np.asarray(month * monthly * np.where(friday, rhythm["black_friday"], 1.0))


def _special_factors(rhythm: dict[str, Any], day: I64) -> NDArray[np.float64]:
    special = rhythm["special_days"]
    return np.array([special.get(_date(int(d)).strftime("%m-%d"), 1.0) for d in day])


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Distinct shapes of a region's UTC day: offsets, and its three local dates."""

    offsets: I64  # [patterns, 96]
    kinds: I64  # [patterns, 3]
    steps: I64  # [patterns, 3], relative to the middle date


def _patterns(
    offsets: NDArray[np.int16], kinds: I64, steps: I64
) -> tuple[_Patterns, NDArray[np.int64]]:
    """The distinct patterns, and which one each (day, region) has."""
    region_count, day_count, _ = offsets.shape
    first, last = offsets[:, :, 0].astype(np.int64), offsets[:, :, -1].astype(np.int64)
    turn = (offsets != offsets[:, :, :1]).argmax(axis=2).astype(np.int64)
    window = np.stack([kinds[:, i : i + day_count] for i in range(3)], axis=2)
    relative = np.stack([steps[:, i : i + day_count] for i in range(3)], axis=2)
    relative = relative - relative[:, :, 1:2]
    used = np.stack([(first < 0) | (last < 0), first == first, (first > 0) | (last > 0)], axis=2)
    window = np.where(used, window, 0)
    relative = np.where(used, relative, 0)
    key = (first + 1440) * 4096 + last + 1440
    key = key * 128 + turn
    for column in range(3):
        key = key * 8 + window[:, :, column]
    key = key * 512 + relative[:, :, 0] + 256
    key = key * 512 + relative[:, :, 2] + 256
    _, example, pattern_of = np.unique(key.T.reshape(-1), return_index=True, return_inverse=True)
    day, region = np.divmod(example, region_count)
    return (
        _Patterns(
            offsets[region, day].astype(np.int64), window[region, day], relative[region, day]
        ),
        pattern_of.reshape(day_count, region_count),
    )


def _curve_weights(patterns: _Patterns, day_curves: I64) -> I64:
    """i64[patterns, profiles, 96]: weight of each UTC quarter-hour."""
    local = np.arange(QUARTERS) + patterns.offsets // 15
    which = local // QUARTERS + 1
    row = np.arange(which.shape[0])[:, None]
    kind = patterns.kinds[row, which]
    table = np.round(np.exp2(np.arange(-256, 257) / GRID_STEPS_PER_OCTAVE) * _FACTOR_UNIT)
    factor = table.astype(np.int64)[patterns.steps[row, which] + 256]
    weight = day_curves[:, kind, local % QUARTERS] * factor
    return np.ascontiguousarray(np.moveaxis(weight, 0, 1))


def _grid_steps(totals: I64, day_curves: I64) -> I64:
    """Rate steps of whole days; an average week of a lifestyle has mean factor one."""
    week_mean = day_curves[:, :7].sum(axis=(1, 2)) * _FACTOR_UNIT
    factor = totals * 7 / week_mean
    half_steps = np.arange(-160, 160) + 0.5
    edges = np.array([float(f"{2 ** (k / GRID_STEPS_PER_OCTAVE):.9g}") for k in half_steps])
    steps: I64 = np.searchsorted(edges, factor).astype(np.int64) - 160
    return steps


def _curves(weights: I64) -> NDArray[np.uint8]:
    """Slots of each row in proportion to its weights, by exact integer quotas: u8[rows * 4096]."""
    cumulative = np.cumsum(weights, axis=1)
    total = cumulative[:, -1:]
    edge = (cumulative * (2 * CURVE_SLOTS) + total) // (2 * total)
    count = np.diff(edge, axis=1, prepend=0)
    quarter = np.tile(np.arange(QUARTERS, dtype=np.uint8), weights.shape[0])
    return np.repeat(quarter, count.reshape(-1))
