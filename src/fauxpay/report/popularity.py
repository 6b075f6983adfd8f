"""Popularity: how unevenly payments fall on merchants, and a card's visits on its own merchants.

Reads    transactions(card_id, merchant_id, event_time, transaction_type, ...), merchants
Writes   nothing
Draws    nothing
Sources  nothing

Visits are those of the scorecard, so that both find the same exponents: approved purchases, a
merchant once for a card and a day of its clock, so that a basket split in two is no habit.
"""

from __future__ import annotations

import math
from typing import Any

from fauxpay.report.drawing import SERIES, drawn, plain_logarithm, share_text, svg_of
from fauxpay.report.parts import Figure, Section, many, number_text, table_of
from fauxpay.report.tables import MINUTE_US, Tables
from fauxpay.scorecard.measures.activity import MERCHANTS_MIN, ZIPF_FIRST, ZIPF_LAST
from fauxpay.scorecard.measures.slices import RANKS, VISITS_MIN

DAY_MINUTES = 1440
RANKS_SHOWN = 48
CARD_RANKS = 30
FIT_MERCHANTS = (ZIPF_FIRST, ZIPF_LAST)
FIT_CARDS = (1, RANKS)
_VISITS = f"""
    CREATE OR REPLACE TEMP TABLE visits AS
    SELECT card_id, merchant_id, count(*) AS visits
    FROM (
        SELECT DISTINCT card_id, merchant_id,
               (epoch_us(event_time) // {MINUTE_US} + local_offset_minutes) // {DAY_MINUTES} AS day
        FROM transactions
        WHERE transaction_type = 'purchase' AND is_approved
    )
    GROUP BY ALL
"""
_VISITED = "SELECT count(DISTINCT merchant_id) FROM visits"
_MERCHANTS = """
    SELECT rank, visits, total FROM (
        SELECT row_number() OVER (ORDER BY visits DESC, merchant_id) AS rank, visits,
               sum(visits) OVER ()::BIGINT AS total
        FROM (SELECT merchant_id, sum(visits)::BIGINT AS visits FROM visits GROUP BY ALL)
    )
    WHERE rank IN (SELECT unnest(?)) ORDER BY rank
"""
_TOP = """
    SELECT merchants.name, merchants.merchant_city, merchants.merchant_country, mcc, payments
    FROM (
        SELECT merchant_id, count(*) AS payments
        FROM transactions WHERE transaction_type IN ('purchase', 'withdrawal')
        GROUP BY ALL ORDER BY payments DESC, merchant_id LIMIT 10
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
    FROM ranked WHERE total >= {VISITS_MIN} AND rank <= {CARD_RANKS}
    GROUP BY rank ORDER BY rank
"""


def popularity(tables: Tables) -> Section:
    """Both laws on logarithmic axes, and the ten busiest merchants."""
    title = "Merchants: the few and the many"
    lead = (
        "Popularity by rank on logarithmic axes. Real merchants, and the merchants of a real card, "
        "fall along a line: Zipf's law. A visit is an approved purchase, counted once for each "
        "card, merchant and day, as in the scorecard."
    )
    if tables.is_empty:
        return Section("popularity", title, lead, notes=("The run has no transaction.",))
    tables.connection.execute(_VISITS)
    ((visited,),) = tables.rows(_VISITED)
    if not visited:
        return Section("popularity", title, lead, notes=("The run has no approved purchase.",))
    fitted = range(FIT_MERCHANTS[0], min(FIT_MERCHANTS[1], visited) + 1)
    figures = [_merchants(tables.rows(_MERCHANTS, sorted({*ranks(visited), *fitted})), visited)]
    cards = tables.rows(_CARDS)
    notes: tuple[str, ...] = ()
    if cards:
        figures.append(_cards(cards))
    else:
        notes = (f"No card has {VISITS_MIN} visits, so a card's own merchants are not drawn.",)
    columns = ("merchant", "city", "country", "MCC", "payments")
    # Payments here, because a cash machine is a busy merchant too.
    top = table_of("The ten merchants with the most payments", columns, tables.rows(_TOP))
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


def _law(fitted: list[tuple[int, float]]) -> str:
    """The exponent in the digits of the scorecard, and the ranks that it was fitted to."""
    exponent = slope(list(fitted))
    if exponent is None:
        return ""
    return f"; exponent {number_text(exponent)} at ranks {fitted[0][0]:,} to {fitted[-1][0]:,}"


def _merchants(rows: list[tuple[Any, ...]], visited: int) -> Figure:
    # Every rank of the fit counts, as in the scorecard; what is drawn and listed is thinned out.
    fitted = [
        (rank, visits / total)
        for rank, visits, total in rows
        if FIT_MERCHANTS[0] <= rank <= FIT_MERCHANTS[1] and visited >= MERCHANTS_MIN
    ]
    shown = set(ranks(visited))
    listed = [(rank, visits, visits / total) for rank, visits, total in rows if rank in shown]
    points = [(rank, share) for rank, _, share in listed]
    law = _law(fitted)
    merchants = many(visited, "merchant")
    title = f"Share of visits by rank of the merchant, {merchants}{law}"
    return Figure(
        "Merchant popularity",
        svg_of(_drawing(points, fitted, "rank of the merchant"), "popularity-merchants", title),
        table_of("Visits by rank of the merchant", ("rank", "visits", "share of visits"), listed),
        f"{merchants} with visits{law}.",
    )


def _cards(rows: list[tuple[Any, ...]]) -> Figure:
    points = [(rank, visits / total) for rank, visits, total, _ in rows]
    fitted = [(x, y) for x, y in points if FIT_CARDS[0] <= x <= FIT_CARDS[1]]
    law = _law(fitted)
    cards = many(rows[0][3], "card")
    title = f"Share of a card's visits by its own rank of the merchant, {cards}{law}"
    return Figure(
        "A card's own merchants",
        svg_of(_drawing(points, fitted, "rank among the card's merchants"), "popularity-c", title),
        table_of(
            f"Visits by rank, cards with {VISITS_MIN} visits or more",
            ("rank", "visits", "share of visits"),
            [(rank, visits, visits / total) for rank, visits, total, _ in rows],
        ),
        f"{cards} with {VISITS_MIN} visits or more{law}.",
    )


def _drawing(points: list[tuple[int, float]], fitted: list[tuple[int, float]], label: str) -> str:
    with drawn(2.5, (0.98, 0.28, 0.46, 0.12)) as (axes, made):
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
        axes.set_ylabel("share of visits")
        plain_logarithm(axes.xaxis, lambda value: f"{value:,.0f}")
        plain_logarithm(axes.yaxis, share_text)
    return made[0]
