"""Rhythm: when cards pay, by hour of the week on the merchant's clock, for each channel.

Reads    transactions(event_time, local_offset_minutes, channel)
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np

from fauxpay.report.drawing import HEAT, areas, drawn, svg_of
from fauxpay.report.parts import Figure, Section, many, table_of
from fauxpay.report.tables import MINUTE_US, Tables

DECIMALS = 3
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CHANNELS = {
    "pos": "in shops",
    "ecom": "online",
    "moto": "by mail and telephone",
    "atm": "at cash machines",
}
_QUERY = f"""
    SELECT channel, (hours // 24 + 3) % 7 AS weekday, hours % 24 AS hour, count(*)
    FROM (
        SELECT channel,
               (epoch_us(event_time) // {MINUTE_US} + local_offset_minutes) // 60 AS hours
        FROM transactions
    )
    GROUP BY ALL ORDER BY ALL
"""


def rhythm(tables: Tables) -> Section:
    """A heat map for each channel; darker is more of the channel's own week."""
    title = "The week, hour by hour"
    lead = (
        "Payments by weekday and hour of the merchant's own clock, daylight saving time included, "
        "as a mean over the days of the window. Each channel is shaded on its own scale."
    )
    if tables.is_empty:
        return Section("rhythm", title, lead, notes=("The run has no transaction.",))
    counts: dict[str, np.ndarray] = {}
    for channel, weekday, hour, count in tables.rows(_QUERY):
        week = counts.setdefault(channel, np.zeros((7, 24), np.int64))
        week[weekday, hour] = count
    days = _weekdays(tables)
    figures = [_figure(name, counts[name], days) for name in CHANNELS if name in counts]
    return Section("rhythm", title, lead, tuple(figures))


def _weekdays(tables: Tables) -> np.ndarray:
    """How many of each weekday the window has: a month may have five Mondays and four Fridays."""
    window = tables.run.receipt["window"]
    first, end = (date.fromisoformat(window[key]) for key in ("from", "to"))
    found = Counter((first + timedelta(days=day)).weekday() for day in range((end - first).days))
    return np.array([found[day] for day in range(7)])


def _figure(channel: str, week: np.ndarray, days: np.ndarray) -> Figure:
    """days  of each weekday in the window; local hours of a day beside them are not shaded more"""
    total = int(week.sum())
    rate = week / np.maximum(1, days)[:, None]
    day, hour = np.unravel_index(int(rate.argmax()), week.shape)
    most = rate.max()
    often = f"{most:,.0f}" if most >= 10 else f"{most:.2g}"
    busiest = f"{WEEKDAYS[day]} {hour}:00, {often} a day"
    what = CHANNELS[channel]
    title = f"Payments {what} by weekday and hour, {total:,} in all; the busiest hour is {busiest}"
    # Means as drawn: sums of a window that is no whole number of weeks would tell another story.
    rows = [
        (weekday, *(round(float(mean), DECIMALS) for mean in rate[number]))
        for number, weekday in enumerate(WEEKDAYS)
    ]
    columns = ("weekday", *(str(hour) for hour in range(24)))
    return Figure(
        f"Payments {what}",
        svg_of(_drawing(rate), f"rhythm-{channel}", title),
        table_of(f"Payments {what} a day, by weekday and local hour", columns, rows),
        f"{many(total, 'payment')}; busiest {busiest}.",
    )


def _drawing(rate: np.ndarray) -> str:
    level = np.minimum(rate * len(HEAT) // (rate.max() or 1), len(HEAT) - 1)
    with drawn(1.45, (0.4, 0.22, 0.27, 0.06)) as (axes, made):
        # One path for all hours of a colour: a patch for each hour takes many times as long.
        for number, colour in enumerate(HEAT):
            weekday, hour = np.nonzero(level == number)
            areas(axes, (hour, hour + 1, weekday, weekday + 1), colour, edge=0.1)
        axes.set_xlim(0, 24)
        axes.set_ylim(7, 0)
        axes.grid(visible=False)
        axes.set_yticks(np.arange(7) + 0.5, WEEKDAYS)
        axes.set_xticks(np.arange(0, 25, 6), [f"{hour}:00" for hour in range(0, 25, 6)])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return made[0]
