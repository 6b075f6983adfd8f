"""Slices: what has to be known card by card, some cards at a time, so that memory is bounded.

Reads    events
Writes   per-card counts, and counts of merchants, ranks and gaps
Draws    nothing
Sources  nothing

A visit is a card, a merchant and a day, however many purchases it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fauxpay.scorecard.staging import CARD_BLOCKS, PAYMENT, Staged

ROWS_PER_SLICE = 12_000_000
VISITS_MIN = 20
RANKS = 20
MONTH_DAYS = 30
GAP_DAYS = 90
"""The equal window of gaps between visits."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_BLOCK = f"CAST(hash(card) % {CARD_BLOCKS} AS BIGINT)"


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards with a payment, and what adds up over them.

    counts, blocks  payments and block of each card
    months          float64[blocks, 3]: card-months, sum and sum of squares of their payments
    ranks           float64[blocks, 4 + RANKS]: cards with visits enough, their mean shares of the
                    first 1, 3 and 10 merchants, visits by rank
    popularity      float64[merchants, blocks]: visits, from the most visited on
    gaps            B and M in days, B and M in seconds, block, of each card with visits enough
    """

    counts: Integers
    blocks: Integers
    months: Floats
    ranks: Floats
    popularity: Floats
    gaps: Floats


def card_slices(staged: Staged) -> Cards:
    """Goes through all cards in slices of about ROWS_PER_SLICE rows."""
    slices = max(1, -(-staged.rows // ROWS_PER_SLICE))
    months = np.zeros((CARD_BLOCKS, 3))
    ranks = np.zeros((CARD_BLOCKS, 4 + RANKS))
    counts, blocks, gaps = [], [], []
    staged.connection.execute(
        "CREATE OR REPLACE TEMP TABLE popularity (m UBIGINT, b BIGINT, v BIGINT)"
    )
    has_merchants = "merchant" in staged.table.columns
    for nth in range(slices):
        _visits(staged, f"hash(card, 1) % {slices} = {nth}" if slices > 1 else "true")
        found = staged.arrays(
            f"SELECT {_BLOCK} AS b, CAST(sum(rows) AS BIGINT) AS n FROM visits GROUP BY card"
        )
        counts.append(found["n"])
        blocks.append(found["b"])
        _add_months(staged, months)
        if has_merchants:
            _add_ranks(staged, ranks)
            staged.ask(
                "INSERT INTO popularity "
                f"SELECT hash(merchant), {_BLOCK}, count(*) FROM visits "
                "WHERE merchant IS NOT NULL GROUP BY ALL"
            )
        gaps.append(_gaps(staged))
    staged.connection.execute("DROP TABLE visits")
    return Cards(
        np.concatenate(counts),
        np.concatenate(blocks),
        months,
        ranks,
        _popularity(staged),
        np.concatenate(gaps),
    )


def _visits(staged: Staged, condition: str) -> None:
    selected = staged.events.select("card", "merchant", "day", "at", "kind", "is_approved")
    staged.ask(
        f"""
        CREATE OR REPLACE TEMP TABLE visits AS
        SELECT card, merchant, day, min(epoch_us("at")) AS first_us, count(*) AS rows
        FROM ({selected}) WHERE {PAYMENT} AND {condition} GROUP BY card, merchant, day
        """
    )


def _add_months(staged: Staged, out: Floats) -> None:
    """Adds card-months; those without a payment count by what is missing of them."""
    full = staged.span_days // MONTH_DAYS
    if not full:
        return
    last = staged.first_utc_day + full * MONTH_DAYS
    rows = staged.ask(
        f"""
        SELECT b, count(DISTINCT card), sum(n), sum(n * n) FROM (
            SELECT card, {_BLOCK} AS b,
                greatest(0, day - {staged.first_utc_day}) // {MONTH_DAYS} AS month,
                sum(CASE WHEN day < {last} THEN rows ELSE 0 END)::DOUBLE AS n
            FROM visits GROUP BY ALL
        ) GROUP BY b
        """
    )
    for block, cards, total, squares in rows:
        out[block] += (cards * full, total, squares)


def _add_ranks(staged: Staged, out: Floats) -> None:
    """Adds shares of a card's first merchants, and visits by rank."""
    by_rank = ", ".join(f"sum(coalesce(v[{rank}], 0))" for rank in range(1, RANKS + 1))
    rows = staged.ask(
        f"""
        SELECT b, count(*), sum(v[1] / n), sum(list_sum(v[1:3]) / n), sum(list_sum(v[1:10]) / n),
            {by_rank}
        FROM (
            SELECT card, {_BLOCK} AS b, list_reverse_sort(list(visits)) AS v, sum(visits) AS n
            FROM (
                SELECT card, merchant, count(*) AS visits FROM visits
                WHERE merchant IS NOT NULL GROUP BY card, merchant
            ) GROUP BY card HAVING sum(visits) >= {VISITS_MIN}
        ) GROUP BY b
        """
    )
    for block, *sums in rows:
        out[block] += np.array(sums, np.float64)


def _popularity(staged: Staged) -> Floats:
    columns = ", ".join(
        f"coalesce(sum(v) FILTER (b = {block}), 0)::DOUBLE AS b{block}"
        for block in range(CARD_BLOCKS)
    )
    found = staged.arrays(f"SELECT {columns} FROM popularity GROUP BY m ORDER BY sum(v) DESC")
    staged.connection.execute("DROP TABLE popularity")
    return np.column_stack([found[f"b{block}"] for block in range(CARD_BLOCKS)])


def _gaps(staged: Staged) -> Floats:
    """float64[cards, 5]: burstiness and memory in days and in seconds, block."""
    found = staged.arrays(
        f"""
        SELECT hash(card) AS card, day, first_us FROM visits
        WHERE day < {staged.first_utc_day + GAP_DAYS} ORDER BY 1, 3
        """
    )
    card = found["card"]
    if not card.size:
        return np.empty((0, 5))
    starts = np.flatnonzero(np.concatenate(([True], card[1:] != card[:-1])))
    lengths = np.diff(np.append(starts, card.size))
    kept = np.repeat(lengths >= VISITS_MIN, lengths)
    lengths = lengths[lengths >= VISITS_MIN]
    if not lengths.size:
        return np.empty((0, 5))
    first = np.cumsum(lengths) - lengths
    block = (card[kept][first] % np.uint64(CARD_BLOCKS)).astype(np.float64)
    columns: list[Floats] = []
    for times in (found["day"][kept], found["first_us"][kept]):
        columns += burstiness_memory(times.astype(np.float64), lengths)
    return np.column_stack([*columns, block])


def burstiness_memory(times: Floats, lengths: Integers) -> tuple[Floats, Floats]:
    """B and M of the gaps between events of each card (Goh & Barabasi 2008).

    times    ascending within a card, cards one after the other
    lengths  events of each card, 3 or more
    returns  B = (sd - mean) / (sd + mean); M = correlation of a gap with the next, 0 where gaps
             do not vary
    """
    # Times of wall clocks may go back by an hour or a day when a card travels: no gap is negative.
    gaps = np.maximum(0.0, np.diff(times))
    last = np.cumsum(lengths)[:-1] - 1
    gaps = np.delete(gaps, last)
    counts = lengths - 1
    first = np.cumsum(counts) - counts
    mean = np.add.reduceat(gaps, first) / counts
    spread = np.sqrt(np.add.reduceat(np.square(gaps - np.repeat(mean, counts)), first) / counts)
    total = spread + mean
    burstiness = np.divide(spread - mean, total, out=np.zeros_like(total), where=total > 0)
    left = np.delete(gaps, first + counts - 1)
    right = np.delete(gaps, first)
    return burstiness, _correlations(left, right, counts - 1)


def _correlations(left: Floats, right: Floats, counts: Integers) -> Floats:
    first = np.cumsum(counts) - counts
    left = left - np.repeat(np.add.reduceat(left, first) / counts, counts)
    right = right - np.repeat(np.add.reduceat(right, first) / counts, counts)
    both = np.add.reduceat(left * right, first)
    scale = np.sqrt(
        np.add.reduceat(np.square(left), first) * np.add.reduceat(np.square(right), first)
    )
    out = np.zeros(both.size)
    np.divide(both, scale, out=out, where=scale > 0)
    return out
