"""Calendar: how busy each day is and when in it, for every region and lifestyle, in civil time.

Reads    zones and countries of the regions; reference zone_transitions; local days
Writes   rate steps and quarter-hour curves per (UTC day, region, lifestyle)
Draws    nothing
Sources  parameters.yaml [rhythm], countries/*.yaml

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

from fauxpay.activity.local_days import (
    HOLIDAY,
    KINDS,
    QUARTERS,
    WEEK_KINDS,
    WEIGHT_UNIT,
    day_curves,
    local_days,
)
from fauxpay.catalog.world import PROFILES
from fauxpay.foundations import feasts, reference
from fauxpay.foundations.counts import GRID_STEPS_PER_OCTAVE
from fauxpay.foundations.draws import F64, I64
from fauxpay.foundations.parameters import Parameters

CURVE_SLOTS = 4096
DAY_MS = 86_400_000
QUARTER_MS = 900_000
_FACTOR_UNIT = 1 << 16
_STEPS_MAX = 256


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days first_day .. first_day + days - 1 (days since 1970-01-01).

    rate_steps  i64[days, groups]     grid steps to add to a card's rate
    curve_row   i64[days, groups]     row of `curves`
    curves      u8[rows * 4096]       UTC quarter-hour of each slot
    offsets     i16[regions, days * 96]  local offset, minutes
    holidays    i16[regions, days + 2]   for public holidays from the day before the first on, the
                                      first quarter-hour of the last day of rest; else -1
    A group is region * len(PROFILES) + profile.
    """

    first_day: int
    days: int
    rate_steps: I64
    curve_row: I64
    curves: NDArray[np.uint8]
    offsets: NDArray[np.int16]
    holidays: NDArray[np.int16]

    def offset_minutes(self, region: I64, day: Any, at_ms: I64) -> I64:
        """Local offset in minutes of regions at a millisecond of UTC days (scalar or i64[n])."""
        position = at_ms // QUARTER_MS
        position += region * (self.days * QUARTERS)
        position += (day - self.first_day) * QUARTERS
        return self.offsets.reshape(-1).take(position, mode="clip").astype(np.int64)

    def as_rest_days(self, quarter: I64, region: I64, local_day: I64, day: Any) -> I64:
        """Quarter-hours of the local week, those of public holidays moved to the day of rest.

        day  the UTC days, one whole number or i64[n]: they tell whether to look at all
        """
        days = np.asarray(day)
        if not days.size:
            return quarter
        low = max(int(days.min()) - self.first_day, 0)
        if (self.holidays[:, low : int(days.max()) - self.first_day + 3] < 0).all():
            return quarter
        position = region * np.int64(self.days + 2)
        position += local_day - (self.first_day - 1)
        first = self.holidays.reshape(-1).take(position, mode="clip")
        row = np.flatnonzero(first >= 0)
        quarter[row] = quarter[row] % QUARTERS + first[row]
        return quarter


def build_calendar(
    regions: Sequence[tuple[str, str]], first_day: int, days: int, parameters: Parameters
) -> Calendar:
    """Calendar of (zone, country) regions for `days` UTC days from first_day on."""
    offsets = reference.offsets([zone for zone, _ in regions], _date(first_day), days)
    countries = [country for _, country in regions]
    curves, shape, factor = _local_dates(countries, first_day, days, parameters)
    kind = shape % KINDS % WEEK_KINDS
    steps = np.rint(factor).astype(np.int64)
    patterns, row = _patterns(offsets.reshape(len(regions), days, QUARTERS), shape, steps)
    weights = _curve_weights(patterns, curves)
    total = np.round(np.log2(weights.sum(axis=1) / (QUARTERS * WEIGHT_UNIT * _FACTOR_UNIT)), 6)
    rate = np.round(total * GRID_STEPS_PER_OCTAVE, 6)[row] + factor[:, :, 1:-1].transpose(2, 0, 1)
    return Calendar(
        first_day=first_day,
        days=days,
        rate_steps=np.rint(np.round(rate, 6)).astype(np.int64).reshape(days, -1),
        curve_row=np.ascontiguousarray(row.reshape(days, -1)),
        curves=_curves(weights),
        offsets=np.ascontiguousarray(offsets),
        holidays=_holidays(countries, first_day, kind >= HOLIDAY),
    )


def _holidays(countries: Sequence[str], first_day: int, is_holiday: Any) -> NDArray[np.int16]:
    """As `Calendar.holidays`; is_holiday is bool[regions, days + 2]."""
    day = np.arange(first_day - 1, first_day - 1 + is_holiday.shape[1])
    rest = {country: feasts.last_rest_day(country, day) - 1 for country in set(countries)}
    first = np.stack([rest[country] for country in countries]) * QUARTERS
    return np.where(is_holiday, first, -1).astype(np.int16)


def _date(day: int) -> datetime.date:
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=day)


def _local_dates(
    countries: Sequence[str], first_day: int, days: int, parameters: Parameters
) -> tuple[I64, I64, F64]:
    """Local dates of each region, one more at either end: (curves, which of them, rate factor).

    returns  i64[profiles, shapes, 96], i64[regions, days + 2], f64[regions, profiles, days + 2] in
             grid steps
    """
    day = np.arange(first_day - 1, first_day + days + 1)
    rhythm = parameters.section("activity.rhythm")
    curves: dict[str, tuple[int, I64]] = {}
    shape = np.empty((len(countries), day.size), dtype=np.int64)
    factor = np.empty((len(countries), len(PROFILES), day.size))
    for country in dict.fromkeys(countries):
        facts = parameters.of_country(country)
        key = repr((facts["week"], facts["fasting_hours"]))  # most countries are alike
        if key not in curves:
            curves[key] = (len(curves) * KINDS, day_curves(rhythm["hours"], facts))
        local = local_days(country, day, rhythm, facts)
        own = [row for row, other in enumerate(countries) if other == country]
        shape[own] = curves[key][0] + local.kind
        factor[own] = np.round(local.factor * GRID_STEPS_PER_OCTAVE, 6)
    return np.concatenate([one for _, one in curves.values()], axis=1), shape, factor


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Distinct shapes of a UTC day: offsets, lifestyle, and the region's three local dates."""

    offsets: I64  # [patterns, 96]
    profile: I64  # [patterns]
    shapes: I64  # [patterns, 3]
    steps: I64  # [patterns, 3], relative to the middle date


def _patterns(offsets: NDArray[np.int16], shape: I64, steps: I64) -> tuple[_Patterns, I64]:
    """The distinct patterns, and which one each (day, region, profile) has.

    offsets  i16[regions, days, 96]; shape i64[regions, days + 2]
    steps    i64[regions, profiles, days + 2]
    """
    region_count, day_count, _ = offsets.shape
    first, last = offsets[:, :, 0].astype(np.int64), offsets[:, :, -1].astype(np.int64)
    turn = (offsets != offsets[:, :, :1]).argmax(axis=2).astype(np.int64)
    used = np.stack([(first < 0) | (last < 0), first == first, (first > 0) | (last > 0)], axis=2)
    window = np.stack([shape[:, i : i + day_count] for i in range(3)], axis=2)
    window = np.where(used, window, 0)
    relative = np.stack([steps[:, :, i : i + day_count] for i in range(3)], axis=3)
    # A neighbouring date has but some hours here: even steps will do, and halve the patterns.
    relative = np.where(used[:, None], (relative - relative[:, :, :, 1:2]) // 2 * 2, 0)
    np.clip(relative, -_STEPS_MAX, _STEPS_MAX - 1, out=relative)
    _, key = np.unique(((first + 1440) * 4096 + last + 1440) * QUARTERS + turn, return_inverse=True)
    key = key.reshape(region_count, day_count)
    for column in range(3):
        assert window.max(initial=0) < 1 << 16
        key = key << 16 | window[:, :, column]
    _, key = np.unique(key, return_inverse=True)
    key = key.reshape(region_count, 1, day_count) * len(PROFILES)
    key = key + np.arange(len(PROFILES))[:, None]
    for column in (0, 2):
        key = key * (2 * _STEPS_MAX) + relative[:, :, :, column] + _STEPS_MAX
    ordered = key.transpose(2, 0, 1).reshape(-1)
    _, example, pattern_of = np.unique(ordered, return_index=True, return_inverse=True)
    day, group = np.divmod(example, region_count * len(PROFILES))
    region, profile = np.divmod(group, len(PROFILES))
    return (
        _Patterns(
            offsets[region, day].astype(np.int64),
            profile,
            window[region, day],
            relative[region, profile, day],
        ),
        pattern_of.reshape(day_count, region_count, len(PROFILES)),
    )


def _curve_weights(patterns: _Patterns, curves: I64) -> I64:
    """i64[patterns, 96]: weight of each UTC quarter-hour."""
    local = np.arange(QUARTERS) + patterns.offsets // 15
    which = local // QUARTERS + 1
    row = np.arange(which.shape[0])[:, None]
    table = np.exp2(np.arange(-_STEPS_MAX, _STEPS_MAX) / GRID_STEPS_PER_OCTAVE) * _FACTOR_UNIT
    factor = np.round(table).astype(np.int64)[patterns.steps[row, which] + _STEPS_MAX]
    weight: I64 = curves[patterns.profile[:, None], patterns.shapes[row, which], local % QUARTERS]
    weight *= factor
    return weight


def _curves(weights: I64) -> NDArray[np.uint8]:
    """Slots of each row in proportion to its weights, by exact integer quotas: u8[rows * 4096]."""
    cumulative = np.cumsum(weights, axis=1)
    total = cumulative[:, -1:]
    edge = (cumulative * (2 * CURVE_SLOTS) + total) // (2 * total)
    count = np.diff(edge, axis=1, prepend=0)
    quarter = np.tile(np.arange(QUARTERS, dtype=np.uint8), weights.shape[0])
    return np.repeat(quarter, count.reshape(-1))
