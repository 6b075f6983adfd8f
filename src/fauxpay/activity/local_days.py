"""Local days: of what kind each local date of a country is, and how busy.

Reads    holidays, weekends and seasons of the country
Writes   kind of day, and log2 factor by lifestyle
Draws    nothing
Sources  parameters.yaml [rhythm], countries/*.yaml [week, paydays, seasons, fasting_hours]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.activity.paydays import LIFESTYLE_OF_PROFILE, payday_factors
from fauxpay.catalog.world import PROFILES
from fauxpay.foundations import feasts
from fauxpay.foundations.draws import F64, I64

QUARTERS = 96
# Kinds of day: Monday..Sunday of a week that ends with the days of rest, a public holiday, and a
# holiday whose purchases a season tells. The same again in the month of the fast.
FRIDAY, SATURDAY, HOLIDAY, FEAST = 4, 5, 7, 8
WEEK_KINDS = 9
KINDS = 2 * WEEK_KINDS
FAST = "ramadan"
SHAPES = ("workday", "friday", "weekend")
WEIGHT_UNIT = 10_000
_FACTOR_MIN = 2.0**-6


@dataclass(frozen=True, slots=True)
class LocalDays:
    """Consecutive local dates of one country.

    kind    i64[days]            kind of day, 0..KINDS - 1
    factor  f64[profiles, days]  log2 of the factor on purchases, but for what the kind says
    """

    kind: I64
    factor: F64


def local_days(
    country: str, day: I64, rhythm: Mapping[str, Any], facts: Mapping[str, Any]
) -> LocalDays:
    """Kinds and factors of consecutive local dates.

    day     i64[n], days since 1970-01-01
    rhythm  activity.rhythm of parameters.yaml
    facts   the country's, as Parameters.of_country gives them
    """
    season, is_fast = _season_factors(country, day, facts["seasons"], rhythm["fasting_countries"])
    shift = (7 - feasts.last_rest_day(country, day)) % 7
    kind = (feasts.weekdays(day) + shift) % 7
    is_holiday = feasts.is_holiday(country, day)
    kind[is_holiday] = np.where(season[is_holiday] == 1.0, HOLIDAY, FEAST)
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    base = season * np.array(facts["week"]["month"])[month]
    paid = {
        life: payday_factors(country, text, rhythm["payday_lift"], day)
        for life, text in facts["paydays"].items()
    }
    factor = np.stack([base * paid[LIFESTYLE_OF_PROFILE[profile]] for profile in PROFILES])
    return LocalDays(
        kind=kind + WEEK_KINDS * is_fast,
        factor=np.round(np.log2(np.maximum(factor, _FACTOR_MIN)), 6),
    )


def _season_factors(
    country: str, day: I64, effects: Mapping[str, Mapping[str, float]], fasting: list[str]
) -> tuple[F64, Any]:
    """(product of the seasons' factors, whether the day is of the fast)."""
    factor = np.ones(day.size)
    is_fast = np.zeros(day.size, dtype=np.bool_)
    for season, position, nth in feasts.seasons_on(country, day):
        if season == FAST:
            if country not in fasting:
                continue
            is_fast[position] = True
        effect = sorted((int(knot), value) for knot, value in effects[season].items())
        knots = [knot for knot, _ in effect]
        values = np.interp(nth, knots, [value for _, value in effect])
        within = (nth >= knots[0]) & (nth <= knots[-1])
        factor[position] *= np.where(within, values, 1.0)
    return np.round(factor, 9), is_fast


def day_curves(hours: Mapping[str, Any], facts: Mapping[str, Any]) -> I64:
    """i64[profiles, KINDS, 96]: weight of each local quarter-hour, WEIGHT_UNIT on average."""
    week = facts["week"]
    weekday = np.asarray(week["day_of_week"], dtype=np.float64)
    factor = np.concatenate([weekday / weekday.mean(), [week["public_holiday"], 1.0]])
    fasting = np.asarray(facts["fasting_hours"], dtype=np.float64)
    shape = np.array([_shape(kind) for kind in range(WEEK_KINDS)])
    rests = np.array([0 if kind < SATURDAY else 1 for kind in range(WEEK_KINDS)])
    own = np.array([[hours[name]["workday"], hours[name]["weekend"]] for name in PROFILES])
    hourly = own[:, rests] * np.array([week["hour_factor"][name] for name in SHAPES])[shape]
    hourly = np.concatenate([hourly, hourly * fasting], axis=1)
    hourly = hourly * (24 / hourly.sum(axis=2, keepdims=True)) * np.tile(factor, 2)[:, None]
    # Between the middle of one hour's weight and the next the rate is a straight line.
    following = np.roll(hourly, -1, axis=2)
    part = np.arange(4) / 4
    quarters = hourly[..., None] * (1 - part) + following[..., None] * part
    weight = np.rint(np.round(quarters.reshape(len(PROFILES), KINDS, QUARTERS) * WEIGHT_UNIT, 3))
    whole: I64 = np.maximum(weight.astype(np.int64), 1)
    return whole


def _shape(kind: int) -> int:
    """Which of SHAPES a kind of day has."""
    if kind >= SATURDAY:
        return SHAPES.index("weekend")
    return SHAPES.index("friday" if kind == FRIDAY else "workday")
