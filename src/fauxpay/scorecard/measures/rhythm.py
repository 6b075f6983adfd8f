"""Rhythm: which days and hours people spend on (rows 9-13).

Reads    cube
Writes   measured facts
Draws    nothing
Sources  facts.yaml [facts]

Days are those of the wall clock where one pays. The first and the last one are left out: in a table
that is cut by UTC they are not whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from fauxpay.scorecard.blocks import Measured, Sums, from_sums, without
from fauxpay.scorecard.staging import EPOCH, PAYMENT, SPENDING, WEEK, Staged, day_of

Floats = NDArray[np.float64]

AROUND_DAYS = 28
DECEMBER_DAYS_MIN = 28
OTHER_DAYS_MIN = 56
PAYDAY_DAYS = 7
MONTH_DAYS = 31
MONTHS_MIN = 3
STEADY_DAYS = 3
"""Days that the best window of one half of the months may lie from that of the other half."""
HOURS = 24


@dataclass(frozen=True, slots=True)
class Days:
    """Value of whole local days.

    first  day since 1970
    value  float64[days]
    """

    first: int
    value: Floats

    @property
    def weekday(self) -> NDArray[np.int64]:
        """0 for Monday; 1970 began on a Thursday."""
        return (np.arange(self.value.size) + self.first + 3) % WEEK

    def at(self, year: int, month: int, day: int) -> int | None:
        """Place of a date; None where it is not in."""
        place = (EPOCH.replace(year=year, month=month, day=day) - EPOCH).days - self.first
        return place if 0 <= place < self.value.size else None


def days_of(staged: Staged, condition: str = "true") -> Days:
    """Value of approved purchases by whole local day."""
    rows = staged.ask(
        f"SELECT day, sum(value) FROM cube WHERE {PAYMENT} AND {condition} GROUP BY day"
    )
    value = np.zeros(staged.days)
    for day, total in rows:
        value[day - staged.first_day] = total or 0.0
    return Days(staged.first_day + 1, value[1:-1])


def rhythm(staged: Staged) -> dict[str, Measured]:
    """Facts of rows 9-12."""
    days = days_of(staged, staged.focus("US"))
    return {
        "friday": weekday_ratio(staged, days, 4),
        "sunday": weekday_ratio(staged, days, 6),
        "black_friday": around(days, black_friday),
        "december_23": around(days, lambda year: (12, 23)),
        "december_25": around(days, lambda year: (12, 25)),
        "december": december(days),
        "first_of_month": first_of_month(days),
        **payday(_days_by_country(staged)),
    }


def weekday_ratio(staged: Staged, days: Days, weekday: int) -> Measured:
    """Mean value of a weekday over the mean of the seven weekdays' means."""
    blocks = np.arange(days.value.size) // staged.block_days if staged.day_blocks else None
    sums = np.zeros((1 if blocks is None else int(blocks.max(initial=0)) + 1, 2 * WEEK))
    place = np.zeros(days.value.size, np.int64) if blocks is None else blocks
    np.add.at(sums, (place, days.weekday), days.value)
    np.add.at(sums, (place, days.weekday + WEEK), 1.0)

    def ratio(total: Sums) -> float:
        means = total[:WEEK] / total[WEEK:]
        return float(means[weekday] / means.mean())

    return from_sums(sums, ratio, "not every weekday is in the table")


def black_friday(year: int) -> tuple[int, int]:
    """Month and day: the day after the fourth Thursday in November."""
    first = EPOCH.replace(year=year, month=11)
    thursday = (3 - first.weekday()) % WEEK + 3 * WEEK
    return 11, (first + timedelta(days=thursday + 1)).day


def around(days: Days, date_of: Callable[[int], tuple[int, int]]) -> Measured:
    """Value of a date over the mean of the days around it, the mean over the years."""
    found = []
    for year in range(day_of(days.first).year, day_of(days.first + days.value.size).year + 1):
        place = days.at(year, *date_of(year))
        if place is None:
            continue
        near = np.abs(np.arange(days.value.size) - place) <= AROUND_DAYS
        near[place] = False
        if near.sum() >= AROUND_DAYS and days.value[near].sum() > 0:
            found.append(float(days.value[place] / days.value[near].mean()))
    if not found:
        return without("the day is not in the table, with 28 days around it")
    return Measured(float(np.mean(found)))


def december(days: Days) -> Measured:
    """Mean day of December over the mean of all other days."""
    month = _months(days)
    is_december = month % 12 == 11
    if is_december.sum() < DECEMBER_DAYS_MIN or (~is_december).sum() < OTHER_DAYS_MIN:
        return without("needs 28 days of December and 56 others")
    return Measured(float(days.value[is_december].mean() / days.value[~is_december].mean()))


def first_of_month(days: Days) -> Measured:
    """Value of first days over other days, both against their weekday."""
    is_first = _days_of_month(days) == 1
    level = by_weekday(days, ~is_first)
    if not is_first.any() or level is None:
        return without("no first of a month in the table")
    return Measured(float(level[is_first].mean() / level[~is_first].mean()))


def by_weekday(days: Days, basis: NDArray[np.bool_]) -> Floats | None:
    """Each day's value over the mean of its weekday among some days; None where one has none."""
    means = np.zeros(WEEK)
    for weekday in range(WEEK):
        chosen = basis & (days.weekday == weekday)
        if not chosen.any() or days.value[chosen].sum() <= 0:
            return None
        means[weekday] = days.value[chosen].mean()
    return np.asarray(days.value / means[days.weekday], np.float64)


def payday(countries: Mapping[str, Days]) -> dict[str, Measured]:
    """Value in the week from payday over other days, and the same of each country.

    A week is chosen in half of the months (every other one) and measured in the others, and the
    other way round, so that no noise is chosen. A country has a payday where both halves choose
    about the same week; where none has, all are measured.
    """
    steady: list[tuple[float, float]] = []
    unsteady: list[tuple[float, float]] = []
    measured = {}
    for name, days in countries.items():
        found = _cross_fitted(days)
        if found is not None:
            ratio, is_steady = found
            (steady if is_steady else unsteady).append((ratio, float(days.value.sum())))
            if name:
                measured[f"payday_{name}"] = Measured(ratio)
    chosen = steady or unsteady
    if not chosen:
        return {"payday": without(f"needs {MONTHS_MIN} months")}
    ratios, weights = np.array(chosen).T
    return {"payday": Measured(float(np.average(ratios, weights=weights))), **measured}


def _cross_fitted(days: Days) -> tuple[float, bool] | None:
    level = by_weekday(days, np.ones(days.value.size, np.bool_))
    if level is None:
        return None
    month = _months(days)
    if np.unique(month).size < MONTHS_MIN:
        return None
    halves = month % 2 == 0
    starts = [_best_start(days, level, half) for half in (halves, ~halves)]
    ratios = [
        _window_ratio(days, level, start, half)
        for start, half in zip(starts, (~halves, halves), strict=True)
    ]
    if not np.isfinite(ratios).all():
        return None
    apart = abs(starts[0] - starts[1])
    return float(np.mean(ratios)), min(apart, MONTH_DAYS - apart) <= STEADY_DAYS


def _best_start(days: Days, level: Floats, part: NDArray[np.bool_]) -> int:
    ratios = [_window_ratio(days, level, start, part) for start in range(1, MONTH_DAYS + 1)]
    return int(np.nanargmax(ratios)) + 1 if np.isfinite(ratios).any() else 1


def _window_ratio(days: Days, level: Floats, start: int, part: NDArray[np.bool_]) -> float:
    """Mean level of the days from a day of the month on over that of the others, in some months."""
    is_in = np.zeros(level.size, np.bool_)
    for place in np.flatnonzero(_paydays(days, start)):
        is_in[place : place + PAYDAY_DAYS] = True
    if not (is_in & part).any() or not (~is_in & part).any():
        return float("nan")
    return float(level[is_in & part].mean() / level[~is_in & part].mean())


def _paydays(days: Days, start: int) -> NDArray[np.bool_]:
    """Days of the month, or the last one of a month that is too short for it."""
    number = _days_of_month(days)
    month = _months(days)
    is_last = np.append(month[1:] != month[:-1], False)
    return np.asarray((number == start) | (is_last & (number < start)))


def _days_by_country(staged: Staged) -> dict[str, Days]:
    """Days of each country with cards enough; all cards as one where none is told."""
    names = [name for name in sorted(staged.cards_of) if staged.is_focused(name)]
    if not names:
        return {"": days_of(staged)}
    return {name: days_of(staged, staged.focus(name)) for name in names}


def hours(staged: Staged) -> dict[str, Measured]:
    """Facts of row 13."""
    sums = staged.block_sums(
        [f"CASE WHEN hour = {hour} THEN rows END" for hour in range(HOURS)],
        f"{SPENDING} AND NOT is_recurring",
    )
    reason = "the times of the table are days without hours"
    if not staged.has_clock:
        return dict.fromkeys(("trough_hour", "trough_share", "peak_share"), without(reason))
    return {
        "trough_hour": Measured(float(np.argmin(sums.sum(axis=0)))),
        "trough_share": from_sums(sums, lambda total: total.min() / total.sum(), reason),
        "peak_share": from_sums(sums, lambda total: total.max() / total.sum(), reason),
    }


def _dates(days: Days) -> NDArray[np.datetime64]:
    return (days.first + np.arange(days.value.size)).astype("datetime64[D]")


def _months(days: Days) -> NDArray[np.int64]:
    """Months since 1970; December has remainder 11."""
    return _dates(days).astype("datetime64[M]").astype(np.int64)


def _days_of_month(days: Days) -> NDArray[np.int64]:
    dates = _dates(days)
    return np.asarray((dates - dates.astype("datetime64[M]")).astype(np.int64) + 1)
