"""Frauds: day by day, campaign by campaign, and by kind.

Reads    transactions, truth, campaigns, money
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import numpy as np

from fauxpay.report.drawing import MUTED, SERIES, areas, drawn, svg_of
from fauxpay.report.parts import Figure, Section, many, table_of
from fauxpay.report.tables import DAY_US, Tables

EPOCH = date(1970, 1, 1)
CAMPAIGNS_SHOWN = 40
LONG_STEP = 31
KINDS_COLOURED = len(SERIES) - 1
OTHER = "other kinds"
_DAYS = f"""
    SELECT (epoch_us(event_time) // {DAY_US})::INTEGER AS day, typology, count(*)
    FROM truth JOIN transactions USING (transaction_id) GROUP BY ALL ORDER BY ALL
"""
_MIX = """
    SELECT typology, billing_currency, unit, per_eur, count(*), count(DISTINCT card_id),
           count(*) FILTER (is_approved),
           coalesce(sum(billing_amount_minor) FILTER (is_approved), 0)::HUGEINT
    FROM truth JOIN transactions USING (transaction_id)
    LEFT JOIN money ON money.currency = billing_currency
    GROUP BY ALL ORDER BY ALL
"""
_CAMPAIGNS = f"""
    SELECT typology, epoch_us(started_at) / {DAY_US}, epoch_us(ended_at) / {DAY_US}, frauds, cards
    FROM campaigns JOIN (
        SELECT campaign_id, count(*) AS frauds, count(DISTINCT card_id) AS cards
        FROM truth JOIN transactions USING (transaction_id) GROUP BY ALL
    ) USING (campaign_id)
    ORDER BY frauds DESC, started_at, campaign_id
"""


def frauds(tables: Tables) -> Section:
    """Timeline, campaigns and mix; says why where there is nothing to draw."""
    title = "Fraud: when, by whom, of what kind"
    lead = (
        "What really happened, from the truth table. A campaign is a group of cards that one hand "
        "uses; a fraud is an attempt, approved or not."
    )
    if not tables.run.rows.get("truth"):
        is_enabled = tables.run.receipt["config"].get("fraud", {}).get("enabled", True)
        why = "no card was attacked in this window" if is_enabled else "fraud is switched off"
        return Section("fraud", title, lead, notes=(f"The run has no fraud: {why}.",))
    days = tables.rows(_DAYS)
    mix = _mix(tables)
    colours = _colours(list(mix))
    window = tables.run.receipt["window"]
    first, end = (date.fromisoformat(window[key]) for key in ("from", "to"))
    campaigns = tables.rows(_CAMPAIGNS)
    figures = [_timeline(days, list(mix), colours, first, end)]
    if campaigns:
        figures.append(_campaigns(campaigns, colours, first, end))
    figures.append(_mix_figure(mix, colours))
    return Section("fraud", title, lead, tuple(figures))


def _colours(kinds: list[str]) -> dict[str, str]:
    """A colour for each of the first kinds, and one for all others together."""
    colours = dict(zip(kinds[:KINDS_COLOURED], SERIES, strict=False))
    return colours if len(kinds) <= KINDS_COLOURED else {**colours, OTHER: MUTED}


def _name(kind: str) -> str:
    return kind.replace("_", " ")


def _timeline(
    found: list[tuple[Any, ...]], kinds: list[str], colours: dict[str, str], first: date, end: date
) -> Figure:
    count = (end - first).days
    series = {kind: [0] * count for kind in kinds}
    for day, kind, frauds in found:
        series[kind][day - (first - EPOCH).days] += frauds
    total = sum(map(sum, series.values()))
    days = [first + timedelta(days=number) for number in range(count)]
    with drawn(2.45, (0.5, 0.12, 0.32, 0.42)) as (axes, made):
        place, below = np.arange(count), np.zeros(count, np.int64)
        for kind in colours:
            same = [kind] if kind != OTHER else [one for one in series if one not in colours]
            above = below + np.sum([series[one] for one in same], axis=0)
            some = above > below
            bars = place[some] - 0.45, place[some] + 0.45, below[some], above[some]
            areas(axes, bars, colours[kind], label=_name(kind))
            below = above
        axes.set_ylim(0, 1.05 * below.max())
        _day_axis(axes, days)
        axes.set_ylabel("frauds a day")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=False, axis="x")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, borderaxespad=0.1,
                    handlelength=0.9, columnspacing=1.0, handletextpad=0.4)  # fmt: skip
    rows = [
        (day.isoformat(), *(series[kind][number] for kind in series))
        for number, day in enumerate(days)
    ]
    peak = int(below.argmax())
    name = f"Frauds by day, {total:,} in all, most on {days[peak]} with {below[peak]:,}"
    return Figure(
        "Fraud timeline",
        svg_of(made[0], "fraud-days", name),
        table_of("Frauds by event day and kind", ("day", *map(_name, series)), rows),
        f"{many(total, 'fraud')} in {many(count, 'day')}.",
    )


def _day_axis(axes: Any, days: list[date]) -> None:
    step = max(1, -(-len(days) // 5))
    places = range(0, len(days), step)
    # A day and a year together are too long for five; months of a short window would repeat.
    is_long = days[0].year != days[-1].year and step >= LONG_STEP
    axes.set_xticks(
        places, [f"{days[place]:{'%b %Y' if is_long else '%d %b'}}" for place in places]
    )
    axes.set_xlim(-0.6, len(days) - 0.4)


def _campaigns(
    found: list[tuple[Any, ...]], colours: dict[str, str], first: date, end: date
) -> Figure:
    shown = sorted(found[:CAMPAIGNS_SHOWN], key=lambda one: (one[1], one[2], one[3]))
    base = (first - EPOCH).days
    count = (end - first).days
    days = [first + timedelta(days=number) for number in range(count)]
    with drawn(2.35, (0.5, 0.12, 0.32, 0.14)) as (axes, made):
        left = [max(-0.5, one[1] - base - 0.5) for one in shown]
        right = [min(count - 0.5, one[2] - base - 0.5) for one in shown]
        colour = [colours.get(one[0], MUTED) for one in shown]
        size = [(2 + min(6, one[3] ** 0.5)) ** 2 for one in shown]
        places = range(len(shown))
        axes.hlines(places, left, list(map(max, left, right)), color=colour, linewidth=2)
        # What began before the window has its dot on the axis, which must not cut it in half.
        axes.scatter(left, places, s=size, color=colour, zorder=3, clip_on=False)
        _day_axis(axes, days)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_yticks([])
        axes.set_ylabel("campaigns by beginning")
    rows = [
        (_name(kind), _instant(began), _instant(ended), frauds, cards)
        for kind, began, ended, frauds, cards in shown
    ]
    name = f"{many(len(found), 'campaign')} with frauds in the window, from begin to end"
    text = "Each line is a campaign; the larger its dot, the more frauds it made."
    if any(one[1] < base for one in shown):
        text += " A dot on the axis began before the window."
    if len(found) > len(shown):
        text += f" The {len(shown)} with the most frauds of {len(found):,} are drawn."
    return Figure(
        "Campaigns",
        svg_of(made[0], "fraud-campaigns", name),
        table_of(
            "Campaigns by beginning (UTC)", ("kind", "began", "ended", "frauds", "cards"), rows
        ),
        text,
    )


def _instant(days: float) -> str:
    whole = int(days // 1)
    minutes = int((days - whole) * 1440)
    return f"{EPOCH + timedelta(days=whole)} {minutes // 60:02d}:{minutes % 60:02d}"


def _mix(tables: Tables) -> dict[str, list[Any]]:
    """By kind: frauds, cards, approved, euros of approved; the most frequent first."""
    mix: dict[str, list[Any]] = defaultdict(lambda: [0, 0, 0, 0.0])
    for kind, _, unit, rate, count, cards, approved, minor in tables.rows(_MIX):
        one = mix[kind]
        one[0] += count
        one[1] += cards  # A card is billed in one currency.
        one[2] += approved
        one[3] += int(minor) / unit / rate if unit and rate else 0.0
    return dict(sorted(mix.items(), key=lambda item: (-item[1][0], item[0])))


def _mix_figure(mix: dict[str, list[Any]], colours: dict[str, str]) -> Figure:
    total = sum(one[0] for one in mix.values())
    value = sum(one[3] for one in mix.values())
    kinds = list(mix)
    shares = [(mix[k][0] / total, mix[k][3] / value if value else 0.0) for k in kinds]
    with drawn(0.75 + 0.42 * len(kinds), (1.2, 0.26, 0.44, 0.06)) as (axes, made):
        for place, (kind, (by_count, by_value)) in enumerate(zip(kinds, shares, strict=True)):
            colour = colours.get(kind, MUTED)
            axes.barh(place - 0.19, by_count, 0.34, color=colour)
            axes.barh(place + 0.19, by_value, 0.34, color=colour, alpha=0.5)
        axes.set_yticks(range(len(kinds)), [_name(kind) for kind in kinds])
        axes.set_ylim(len(kinds) - 0.4, -0.6)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("share of frauds, and paler of their approved value")
    rows = [
        (_name(kind), *mix[kind][:3], round(mix[kind][3]), *share)
        for kind, share in zip(kinds, shares, strict=True)
    ]
    name = "Kinds of fraud: " + ", ".join(
        f"{_name(kind)} {share[0]:.0%}" for kind, share in zip(kinds, shares, strict=True)
    )
    columns = ("kind", "frauds", "cards", "approved", "approved value, EUR", "share", "of value")
    return Figure(
        "Kinds of fraud",
        svg_of(made[0], "fraud-mix", name),
        table_of("Frauds by kind", columns, rows),
    )
