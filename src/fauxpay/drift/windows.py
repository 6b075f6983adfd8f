"""Windows: which days of a table are looked at, and which weekdays are alike.

Reads    days
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fauxpay.errors import ConfigError
from fauxpay.foundations.draws import F64, I64

NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Window:
    """UTC days from `start` up to, and without, `end`."""

    start: date
    end: date

    def days(self) -> list[date]:
        """Every day of it."""
        return [self.start + timedelta(nth) for nth in range((self.end - self.start).days)]

    def strata(self, is_by_weekday: bool) -> I64:
        """Stratum of each day: its weekday 0..6, or 0 where weekdays are not told apart."""
        weekday = [day.weekday() if is_by_weekday else 0 for day in self.days()]
        return np.array(weekday, dtype=np.int64)

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


def window(text: str, flag: str) -> Window:
    """`2026-03-01..2026-03-08` (the last day not included), or one day."""
    first, dots, last = text.partition("..")
    try:
        start = date.fromisoformat(first)
        end = date.fromisoformat(last) if dots else start + timedelta(1)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{flag} {text}: not days; expected a day such as 2026-03-08, or a first day and the "
            f"day after the last, such as 2026-03-01..2026-03-08"
        ) from None
    if end <= start:
        raise ConfigError(f"{flag} {text}: no day lies in it; expected an end after the start")
    return Window(start, end)


def shared_weekdays(first: Window, second: Window) -> Collection[int]:
    """Weekdays (Monday is 0) that both windows hold."""
    return {day.weekday() for day in first.days()} & {day.weekday() for day in second.days()}


def day_weights(strata: I64, shared: Collection[int]) -> F64:
    """Weight of each day: each stratum counts as one day, days of other strata not at all."""
    counts = np.bincount(strata, minlength=7).astype(np.float64)
    weight = 1.0 / counts[strata]
    kept = np.isin(strata, list(shared))
    return np.where(kept, weight, 0.0)
