"""Feasts: which days a country rests, keeps a holiday, or lives a season of its year.

Reads    reference holidays, seasons, weekends
Writes   nothing
Draws    nothing
Sources  the calendars of the package holidays, by tools/reference/seasons.py

Days are whole numbers since 1970-01-01. Outside of the years of the tables nothing is known, and
nothing is special: a payday of the first January asks for days before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from fauxpay.foundations.draws import I64
from fauxpay.foundations.reference import EPOCH, holidays_of, reference

WORLD = "001"
FIRST_DAY, LAST_DAY = date(2018, 1, 1), date(2035, 12, 31)
SATURDAY_AND_SUNDAY = (6, 7)
_EPOCH_DAY_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0.


def weekdays(day: I64) -> I64:
    """Day of the week of days, Monday is 0."""
    return (day + _EPOCH_DAY_WEEKDAY) % 7


def is_holiday(country: str, day: I64) -> NDArray[np.bool_]:
    """Whether days are public holidays of a country. Raises ContractError for an unknown one."""
    if not day.size:
        return np.zeros(0, dtype=np.bool_)
    first = max(EPOCH + timedelta(days=int(day.min())), FIRST_DAY)
    last = min(EPOCH + timedelta(days=int(day.max())), LAST_DAY)
    found = [(one - EPOCH).days for one in holidays_of(country, first, last)]
    return np.isin(day, np.array(found, dtype=np.int64))


def is_rest(country: str, day: I64) -> NDArray[np.bool_]:
    """Whether days are of a country's weekend, by the law in force on the day."""
    rest = np.zeros(day.size, dtype=np.bool_)
    for begin, end, rest_days in _weekends(country):
        within = (day >= begin) & (day < end)
        rest |= within & np.isin(weekdays(day) + 1, rest_days)
    return rest


def last_rest_day(country: str, day: I64) -> I64:
    """ISO weekday on which the weekend that is in force on each day ends."""
    last = np.full(day.size, SATURDAY_AND_SUNDAY[-1], dtype=np.int64)
    for begin, end, rest_days in _weekends(country):
        last[(day >= begin) & (day < end)] = max(rest_days, default=SATURDAY_AND_SUNDAY[-1])
    return last


def seasons_on(country: str, day: I64) -> Iterator[tuple[str, I64, I64]]:
    """(season, position in `day`, nth) of a country's seasons and the world's that touch days.

    day  i64[n], consecutive; nth counts from the feast: 0 is the feast, -1 its eve
    """
    first = int(day[0]) if day.size else 0
    for owner in (WORLD, country):
        for season, feast, before, after in _seasons(owner):
            begin, end = max(feast - before, first), min(feast + after + 1, first + day.size)
            if begin < end:
                position = np.arange(begin, end) - first
                yield season, position, position + (first - feast)


@cache
def _seasons(country: str) -> list[tuple[str, int, int, int]]:
    """(season, feast, days before, days after) of a country."""
    return [
        (row["season"], (row["day"] - EPOCH).days, row["days_before"], row["days_after"])
        for row in _rows_of("seasons", country)
    ]


@cache
def _weekends(country: str) -> list[tuple[int, int, tuple[int, ...]]]:
    """(from day, up to day, ISO days of rest); the first law holds before the table begins too."""
    laws = [
        ((row["from_day"] - EPOCH).days, tuple(row["rest_days"]))
        for row in _rows_of("weekends", country)
    ]
    laws = laws or [(0, SATURDAY_AND_SUNDAY)]
    begins = [-(2**31), *(begin for begin, _ in laws[1:])]
    ends = [*begins[1:], 2**31]
    return [(b, e, rest) for b, e, (_, rest) in zip(begins, ends, laws, strict=True)]


def _rows_of(name: str, country: str) -> list[dict[str, Any]]:
    """The rows of a reference table for a country."""
    table = reference(name)
    # By a mask: an expression would have Arrow import its engine for queries first.
    rows: list[dict[str, Any]] = table.filter(pc.equal(table["country"], country)).to_pylist()
    return rows
