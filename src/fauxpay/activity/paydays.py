"""Paydays: on which days people of a country and lifestyle have money, and what they do with it.

Reads    holidays and weekends of the country
Writes   a factor on purchases per day
Draws    nothing
Sources  parameters.yaml [rhythm.payday_lift], countries/*.yaml [paydays]

A rule is a text, so that a country may have as many as it needs:
`0.6 day 25 before; 0.2 workday -1; 0.3 Wednesday 2; 0.5 every 14 days from 2025-01-03`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from fauxpay.errors import ConfigError
from fauxpay.foundations import feasts
from fauxpay.foundations.draws import F64, I64
from fauxpay.foundations.reference import EPOCH
from fauxpay.foundations.rounding import sum_in_order

LIFESTYLE_OF_PROFILE = {
    "commuter": "work",
    "family": "work",
    "night_owl": "work",
    "office": "office",
    "student": "student",
    "retired": "pension",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MARGIN_DAYS = 62  # A rule needs whole months, and a lift reaches some days beyond its payday.
_DAYS_PER_YEAR = 365.25
_SHARE = r"(?P<share>0(?:\.\d+)?|1(?:\.0+)?) "
_DAY = re.compile(_SHARE + r"day (?P<day>[1-9]|[12]\d|3[01])(?: (?P<moved>before|after))?")
_WORKDAY = re.compile(_SHARE + r"workday (?P<nth>-?[1-9]|1\d)")
_WEEKDAY = re.compile(_SHARE + rf"(?P<weekday>{'|'.join(WEEKDAYS)}) (?P<nth>[1-4])")
_EVERY = re.compile(_SHARE + r"every (?P<days>[1-9]\d?) days from (?P<first>\d{4}-\d\d-\d\d)")
FORMS = (
    "`SHARE day N [before|after]`, `SHARE workday N`, `SHARE Friday N`, "
    "`SHARE every N days from YYYY-MM-DD`"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A share of people, how often a year they are paid, and the paydays among months' days."""

    share: float
    per_year: float
    paydays: Callable[[_Months], I64]


@dataclass(frozen=True, slots=True)
class _Months:
    """Whole months: every day in them, whether nobody works on it, and where each month begins."""

    day: I64
    is_off: NDArray[np.bool_]
    begin: I64
    length: I64


def payday_factors(country: str, text: str, lift: Sequence[float], day: I64) -> F64:
    """Factor on the purchases of each day; its mean over the years is one.

    text  rules as above
    lift  factor on a person's purchases on the payday and on the days after it
    day   i64[n], consecutive
    Raises ConfigError for a text that is no rule.
    """
    rules = rules_of(country, text)
    months = _months(country, day)
    factor = np.ones(day.size)
    mean = 1.0
    for rule in rules:
        paid = rule.paydays(months)
        for after, one in enumerate(lift):
            position = paid + after - day[0]
            position = position[(position >= 0) & (position < day.size)]
            np.add.at(factor, position, rule.share * (one - 1.0))
        mean += rule.share * (sum_in_order(lift) - len(lift)) * rule.per_year / _DAYS_PER_YEAR
    return factor / mean


def rules_of(country: str, text: str) -> list[Rule]:
    """The rules of a text; an empty one has none. Raises ConfigError that names what is wrong."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        rule = _rule(part)
        if rule is None:
            raise ConfigError(
                f"parameters: activity.countries.{country}.paydays: {part!r} is no payday; "
                f"expected {FORMS}, joined by `;`, such as `0.7 day 25 before; 0.2 workday -1`"
            )
        found.append(rule)
    return found


def _rule(text: str) -> Rule | None:
    if match := _DAY.fullmatch(text):
        wanted, moved = int(match["day"]), match["moved"]
        return Rule(float(match["share"]), 12.0, lambda m: _on_day(m, wanted, moved))
    if match := _WORKDAY.fullmatch(text):
        nth = int(match["nth"])
        return Rule(float(match["share"]), 12.0, lambda m: _on_workday(m, nth))
    if match := _WEEKDAY.fullmatch(text):
        weekday, week = WEEKDAYS.index(match["weekday"]), int(match["nth"]) - 1
        return Rule(float(match["share"]), 12.0, lambda m: _on_weekday(m, weekday, week))
    if match := _EVERY.fullmatch(text):
        days = int(match["days"])
        try:
            first = (date.fromisoformat(match["first"]) - EPOCH).days
        except ValueError:
            return None
        return Rule(
            float(match["share"]),
            _DAYS_PER_YEAR / days,
            lambda m: m.day[(m.day - first) % days == 0],
        )
    return None


def _months(country: str, day: I64) -> _Months:
    ends = np.array([day[0] - _MARGIN_DAYS, day[-1] + _MARGIN_DAYS]).astype("datetime64[D]")
    first, last = ends.astype("datetime64[M]").astype(np.int64)
    month = np.arange(first, last + 1).astype("datetime64[M]")
    begin = month.astype("datetime64[D]").astype(np.int64)
    every = np.arange(begin[0], begin[-1])
    is_off = feasts.is_rest(country, every) | feasts.is_holiday(country, every)
    return _Months(every, is_off, begin[:-1], np.diff(begin))


def _on_day(months: _Months, wanted: int, moved: str | None) -> I64:
    """The day of each month, or its last; moved off days on which nobody works."""
    paid = months.begin + np.minimum(wanted, months.length) - 1
    step = {"before": -1, "after": 1, None: 0}[moved]
    position = paid - months.day[0]
    for _ in range(10 if step else 0):
        inside = (position > 0) & (position < months.day.size - 1)
        position = position + step * (inside & months.is_off[position])
    return np.asarray(position + months.day[0], dtype=np.int64)


def _on_workday(months: _Months, nth: int) -> I64:
    """The nth day of each month on which people work; -1 is the last."""
    found = []
    for begin, length in zip(months.begin - months.day[0], months.length, strict=True):
        worked = np.flatnonzero(~months.is_off[begin : begin + length])
        index = nth - 1 if nth > 0 else nth
        if -worked.size <= index < worked.size:
            found.append(begin + worked[index])
    return np.array(found, dtype=np.int64) + int(months.day[0])


def _on_weekday(months: _Months, weekday: int, week: int) -> I64:
    """The nth such weekday of each month."""
    paid: I64 = months.begin + (weekday - feasts.weekdays(months.begin)) % 7 + 7 * week
    return paid
