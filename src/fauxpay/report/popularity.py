"""Popularity: how unevenly payments fall on merchants, and a card's visits on its own merchants.

Reads    transactions(card_id, merchant_id, event_time, transaction_type)
Writes   nothing
Draws    nothing
Sources  nothing

Visits count a merchant once for a card and day, so that a basket split in two is no habit.
"""

from __future__ import annotations

import math
from typing import Any

from fauxpay.report.drawing import SERIES, drawn, plain_logarithm, share_text, svg_of
from fauxpay.report.parts import Figure, Section, table_of
from fauxpay.report.tables import DAY_US, Tables

RANKS_SHOWN = 48
CARD_RANKS = 30
CARD_VISITS_MIN = 20
FIT_MERCHANTS = (10, 1000)
FIT_CARDS = (1, 20)
_VISITS = f"""
    CREATE OR REPLACE TEMP TABLE visits AS
    SELECT card_id, merchant_id, count(*) AS visits, sum(payments)::BIGINT AS payments
    FROM (
        SELECT card_id, merchant_id, epoch_us(event_time) // {DAY_US} AS day, count(*) AS payments
        FROM transactions
        WHERE transaction_type IN ('purchase', 'withdrawal')
        GROUP BY ALL
    )
    GROUP BY ALL
"""
_MERCHANTS = """
    SELECT rank, payments, total, merchants FROM (
        SELECT row_number() OVER (ORDER BY payments DESC, merchant_id) AS rank, payments,
               sum(payments) OVER ()::BIGINT AS total, count(*) OVER () AS merchants
        FROM (SELECT merchant_id, sum(payments)::BIGINT AS payments FROM visits GROUP BY ALL)
    )
    WHERE rank IN (SELECT unnest(?)) ORDER BY rank
"""
_TOP = """
    SELECT merchants.name, merchants.merchant_city, merchants.merchant_country, mcc, payments
    FROM (
        SELECT merchant_id, sum(payments)::BIGINT AS payments
        FROM visits GROUP BY ALL ORDER BY payments DESC, merchant_id LIMIT 10
    ) JOIN merchants USING (merchant_id) ORDER BY payments DESC, merchant_id
"""
_CARDS = f"""
    WITH ranked AS (
        SELECT card_id, visits, sum(visits) OVER (PARTITION BY card_id)::BIGINT AS total,
               row_number() OVER (PARTITION BY card_id ORDER BY visits DESC) AS rank
        FROM visits
    )
    SELECT rank, sum(visits)::BIGINT, sum(sum(CASE WHEN rank = 1 THEN total END)) OVER ()::BIGINT,
           max(count(*)) OVER ()
    FROM ranked WHERE total >= {CARD_VISITS_MIN} AND rank <= {CARD_RANKS}
    GROUP BY rank ORDER BY rank
"""


def popularity(tables: Tables) -> Section:
    """Both laws on logarithmic axes, and the ten busiest merchants."""
    title = "Merchants: the few and the many"
    lead = (
        "Popularity by rank on logarithmic axes. Real merchants, and the merchants of a real card, "
        "fall along a line: Zipf's law."
    )
    if tables.is_empty:
        return Section("popularity", title, lead, notes=("The run has no transaction.",))
    tables.connection.execute(_VISITS)
    count = tables.run.rows["merchants"]
    fitted = range(FIT_MERCHANTS[0], min(FIT_MERCHANTS[1], count) + 1)
    merchants = tables.rows(_MERCHANTS, sorted({*ranks(count), *fitted}))
    if not merchants:
        return Section("popularity", title, lead, notes=("The run has no purchase.",))
    figures = [_merchants(merchants, set(ranks(count)))]
    cards = tables.rows(_CARDS)
    notes: tuple[str, ...] = ()
    if cards:
        figures.append(_cards(cards))
    else:
        notes = (f"No card has {CARD_VISITS_MIN} visits, so a card's own merchants are not drawn.",)
    columns = ("merchant", "city", "country", "MCC", "payments")
    top = table_of("The ten busiest merchants", columns, tables.rows(_TOP))
    tables.connection.execute("DROP TABLE visits")
    return Section("popularity", title, lead, tuple(figures), (top,), notes)


def ranks(count: int) -> list[int]:
    """Ranks from 1 to a count, evenly on a logarithmic axis, the edges of the fit among them."""
    steps = RANKS_SHOWN - 1
    spaced = {round(max(1, count) ** (step / steps)) for step in range(RANKS_SHOWN)}
    return sorted(spaced | {rank for rank in FIT_MERCHANTS if rank <= count})


def slope(points: list[tuple[float, float]]) -> float | None:
    """Zipf exponent: least squares of log size over log rank, sign changed; None for no line."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len(logs) < 3:
        return None
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return -sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread if spread else None


def _merchants(rows: list[tuple[Any, ...]], shown: set[int]) -> Figure:
    # Every rank of the fit counts, as in the scorecard; what is drawn and listed is thinned out.
    fitted = [
        (rank, payments / total)
        for rank, payments, total, _ in rows
        if FIT_MERCHANTS[0] <= rank <= FIT_MERCHANTS[1]
    ]
    rows = [row for row in rows if row[0] in shown]
    points = [(rank, payments / total) for rank, payments, total, _ in rows]
    exponent = slope(fitted)
    law = f"; exponent {exponent:.2f} at ranks 10 to 1,000" if exponent is not None else ""
    title = f"Share of payments by rank of the merchant, {rows[0][3]:,} merchants{law}"
    return Figure(
        "Merchant popularity",
        svg_of(_drawing(points, fitted, "rank of the merchant"), "popularity-merchants", title),
        table_of(
            "Payments by rank of the merchant",
            ("rank", "payments", "share of payments"),
            [(rank, payments, payments / total) for rank, payments, total, _ in rows],
        ),
        f"{rows[0][3]:,} merchants with payments{law}.",
    )


def _cards(rows: list[tuple[Any, ...]]) -> Figure:
    points = [(rank, visits / total) for rank, visits, total, _ in rows]
    fitted = [(x, y) for x, y in points if FIT_CARDS[0] <= x <= FIT_CARDS[1]]
    exponent = slope(fitted)
    law = f"; exponent {exponent:.2f} at ranks 1 to 20" if exponent is not None else ""
    cards = rows[0][3]
    title = f"Share of a card's visits by its own rank of the merchant, {cards:,} cards{law}"
    return Figure(
        "A card's own merchants",
        svg_of(_drawing(points, fitted, "rank among the card's merchants"), "popularity-c", title),
        table_of(
            f"Visits by rank, cards with {CARD_VISITS_MIN} visits or more",
            ("rank", "visits", "share of visits"),
            [(rank, visits, visits / total) for rank, visits, total, _ in rows],
        ),
        f"{cards:,} cards with {CARD_VISITS_MIN} visits or more{law}.",
    )


def _drawing(points: list[tuple[int, float]], fitted: list[tuple[int, float]], label: str) -> str:
    with drawn(2.5, (0.98, 0.14, 0.46, 0.12)) as (axes, made):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.plot(*zip(*points, strict=True), "o", color=SERIES[0], markersize=3.2)
        exponent = slope(list(fitted))
        if exponent is not None:
            first, last = fitted[0], fitted[-1]
            middle = math.exp(
                sum(math.log(y) + exponent * math.log(x) for x, y in fitted) / len(fitted)
            )
            ends = [first[0], last[0]]
            axes.plot(ends, [middle * x**-exponent for x in ends], color=SERIES[1], linewidth=1.2)
        axes.set_xlabel(label)
        axes.set_ylabel("share of all")
        plain_logarithm(axes.xaxis, lambda value: f"{value:,.0f}")
        plain_logarithm(axes.yaxis, share_text)
    return made[0]
