"""Amounts: what is paid by kind of merchant, and how prices end.

Reads    transactions(mcc, amount_minor, currency, transaction_type)
Writes   nothing
Draws    nothing
Sources  reference merchant_categories

Quantiles come from a histogram of 100 steps a decade (2.3 %), so that memory does not grow.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import numpy as np

from fauxpay.foundations.reference import reference
from fauxpay.report.drawing import GRID, INK, SERIES, areas, drawn, plain_logarithm, svg_of
from fauxpay.report.parts import Figure, Section, table_of
from fauxpay.report.tables import Tables

KINDS_SHOWN = 12
STEPS = 100
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
ENDINGS = (".00", ".50", ".95", ".99", "other")
NAME_LENGTH = 27
_MAIN = """
    SELECT currency, count(*) FROM transactions WHERE transaction_type = 'purchase'
    GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 1
"""
_AMOUNTS = f"""
    SELECT mcc, floor({STEPS} * log10(amount_minor / unit))::INTEGER AS step, count(*)
    FROM transactions JOIN money USING (currency)
    WHERE transaction_type = 'purchase' AND amount_minor > 0 AND currency = ?
    GROUP BY ALL ORDER BY ALL
"""
_ENDINGS = """
    SELECT mcc, count(*) FILTER (amount_minor % 100 = 0), count(*) FILTER (amount_minor % 100 = 50),
           count(*) FILTER (amount_minor % 100 = 95), count(*) FILTER (amount_minor % 100 = 99),
           count(*)
    FROM transactions JOIN money USING (currency)
    WHERE transaction_type = 'purchase' AND unit = 100
    GROUP BY ALL ORDER BY count(*) DESC, mcc
"""


def amounts(tables: Tables) -> Section:
    """Ranges by kind of merchant in the main currency, and endings in all with two digits."""
    title = "Amounts and how prices end"
    main = tables.rows(_MAIN) if not tables.is_empty else []
    lead = "What a purchase costs by kind of merchant, and the last two digits of prices."
    if not main:
        return Section("amounts", title, lead, notes=("The run has no purchase.",))
    currency = str(main[0][0])
    figures = [_ranges(tables, currency)]
    endings = tables.rows(_ENDINGS)
    notes: tuple[str, ...] = ()
    if endings:
        figures.append(_endings(endings))
    else:
        notes = ("No currency of the run has cents, so there are no price endings.",)
    return Section("amounts", title, lead, tuple(figures), notes=notes)


def kind_names() -> dict[str, str]:
    """Merchant category code to description, shortened to what an axis holds."""
    table = reference("merchant_categories")
    names = {}
    for mcc, text in zip(table["mcc"].to_pylist(), table["description"].to_pylist(), strict=True):
        short = re.split(r",| \(| -- |–", text)[0].strip()
        cut = short if len(short) <= NAME_LENGTH else short[: NAME_LENGTH - 1].rstrip() + "…"
        names[str(mcc)] = cut
    return names


def quantile_values(steps: list[tuple[int, int]], shares: tuple[float, ...]) -> list[float]:
    """Values at shares of a histogram of logarithmic steps, each step at its middle."""
    total = sum(count for _, count in steps)
    found = []
    for share in shares:
        seen = 0
        for step, count in steps:
            seen += count
            if seen >= share * total:
                found.append(10 ** ((step + 0.5) / STEPS))
                break
    return found


def _ranges(tables: Tables, currency: str) -> Figure:
    histogram: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for mcc, step, count in tables.rows(_AMOUNTS, currency):
        histogram[str(mcc)].append((step, count))
    counts = {mcc: sum(count for _, count in steps) for mcc, steps in histogram.items()}
    shown = sorted(counts, key=lambda mcc: (-counts[mcc], mcc))[:KINDS_SHOWN]
    names = kind_names()
    rows = [
        (mcc, names.get(mcc, ""), counts[mcc], *quantile_values(histogram[mcc], QUANTILES))
        for mcc in shown
    ]
    title = f"Amounts of purchases in {currency} by kind of merchant: middle half and middle 80 %"
    note = f"Purchases in {currency}, the most frequent currency: thick for the middle half, thin "
    return Figure(
        f"Amounts by kind of merchant, {currency}",
        svg_of(_range_drawing(rows, currency), "amounts-ranges", title),
        table_of(
            f"Quantiles of purchases in {currency}",
            ("MCC", "kind", "purchases", "P10", "P25", "median", "P75", "P90"),
            rows,
        ),
        note + "for the middle 80 %, a dot at the median.",
    )


def _range_drawing(rows: list[tuple[Any, ...]], currency: str) -> str:
    with drawn(0.62 + 0.21 * len(rows), (1.98, 0.24, 0.44, 0.06)) as (axes, made):
        places = range(len(rows))
        low, first, middle, third, high = zip(*(row[3:] for row in rows), strict=True)
        axes.hlines(places, low, high, color=SERIES[0], linewidth=1)
        axes.hlines(places, first, third, color=SERIES[0], linewidth=5)
        axes.plot(middle, places, "o", color=INK, markersize=3)
        axes.set_xscale("log")
        axes.set_yticks(range(len(rows)), [f"{row[1] or row[0]}" for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        plain_logarithm(axes.xaxis, lambda value: f"{value:,.12g}")
        axes.set_xlabel(currency)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return made[0]


def _endings(found: list[tuple[Any, ...]]) -> Figure:
    totals = [sum(row[place] for row in found) for place in range(1, 6)]
    lines = [("all", totals), *((str(row[0]), list(row[1:])) for row in found[: KINDS_SHOWN - 1])]
    names = {**kind_names(), "all": "All purchases"}
    rows = []
    for mcc, counts in lines:
        shares = [count / counts[-1] for count in counts[:-1]]
        rows.append((mcc, names.get(mcc, mcc), counts[-1], *shares, 1 - sum(shares)))
    title = (
        f"How prices end: {rows[0][3]:.0%} of purchases at .00 and {rows[0][6]:.0%} at .99, "
        f"by kind of merchant"
    )
    return Figure(
        "How prices end",
        svg_of(_ending_drawing(rows), "amounts-endings", title),
        table_of(
            "Share of purchases by the last two digits of the price",
            ("MCC", "kind", "purchases", *ENDINGS),
            rows,
        ),
        "Purchases in currencies with two digits after the point.",
    )


def _ending_drawing(rows: list[tuple[Any, ...]]) -> str:
    colours = (*SERIES[:4], GRID)
    with drawn(0.66 + 0.21 * len(rows), (1.98, 0.24, 0.3, 0.3)) as (axes, made):
        place = np.arange(len(rows))
        edges = np.cumsum([(0.0, *row[3:]) for row in rows], axis=1)
        for nth, (name, colour) in enumerate(zip(ENDINGS, colours, strict=True)):
            bars = edges[:, nth], edges[:, nth + 1], place - 0.36, place + 0.36
            areas(axes, bars, colour, label=name)
        axes.set_yticks(range(len(rows)), [row[1] for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.02, 1.0), ncols=5, borderaxespad=0,
            handlelength=0.9, columnspacing=0.9, handletextpad=0.4,
        )  # fmt: skip
    return made[0]
