"""Activity: how much cards are used, how unequally, where, and how evenly in time (rows 1-8).

Reads    cube, per-card slices
Writes   measured facts
Draws    nothing
Sources  facts.yaml [facts]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fauxpay.scorecard.blocks import Measured, Sums, from_cards, from_sums
from fauxpay.scorecard.measures.slices import Cards
from fauxpay.scorecard.staging import PAYMENT, Staged

MONTH_LENGTH = 30.4375
ZIPF_FIRST, ZIPF_LAST = 10, 1000
MERCHANTS_MIN = 100
TOP_SHARE = 0.01


def activity(staged: Staged, cards: Cards) -> dict[str, Measured]:
    """Facts of rows 1-3 and 8, which need no merchants."""
    return {
        "payments_per_month": payments_per_month(staged),
        "fano": from_sums(cards.months, fano, "no 30 whole days"),
        "card_rate_log_sd": from_cards((cards.counts,), cards.blocks, log_sd, "no payments"),
        "gini": from_cards((cards.counts,), cards.blocks, gini, "no payments"),
        **{
            name: from_cards(
                (cards.gaps[:, column],),
                cards.gaps[:, -1].astype(np.int64),
                lambda values: float(np.median(values)),
                "no card with 20 visits in the first 90 days",
            )
            for column, name in enumerate(
                ("burstiness", "memory", "burstiness_seconds", "memory_seconds")
            )
        },
    }


def merchants(cards: Cards) -> dict[str, Measured]:
    """Facts of rows 4-7."""
    few = f"fewer than {MERCHANTS_MIN} merchants"
    by_block = np.ascontiguousarray(cards.popularity.T)
    no_cards = "no card with 20 visits"
    return {
        "merchant_zipf": from_sums(by_block, merchant_slope, few),
        "top_merchants": from_sums(by_block, top_share, few),
        "card_zipf": from_sums(cards.ranks, lambda sums: zipf_slope(sums[4:]), no_cards),
        "top_1_share": from_sums(cards.ranks, lambda sums: sums[1] / sums[0], no_cards),
        "top_3_share": from_sums(cards.ranks, lambda sums: sums[2] / sums[0], no_cards),
        "top_10_share": from_sums(cards.ranks, lambda sums: sums[3] / sums[0], no_cards),
    }


def payments_per_month(staged: Staged) -> Measured:
    """Payments of a consumer in a month of 30.44 days."""
    sums = staged.block_sums([f"CASE WHEN {PAYMENT} THEN rows END"])
    block_days = np.full((sums.shape[0], 1), staged.span_days / sums.shape[0])
    if staged.day_blocks:
        block_days[:] = staged.block_days
        block_days[-1] = staged.span_days - staged.block_days * (sums.shape[0] - 1)
    people = max(1, staged.customers)
    return from_sums(
        np.hstack([sums, block_days]),
        lambda total: total[0] / total[1] * MONTH_LENGTH / people,
        "no payments",
    )


def fano(sums: Sums) -> float:
    """Variance over mean, from (how many, sum, sum of squares)."""
    mean = sums[1] / sums[0]
    return float((sums[2] / sums[0] - mean * mean) / mean)


def log_sd(counts: NDArray[np.int64]) -> float:
    """Standard deviation of the logarithm of counts above 0."""
    return float(np.log(counts).std())


def gini(counts: NDArray[np.int64]) -> float:
    """Gini coefficient: 0 where all are equal, near 1 where one has everything."""
    ordered = np.sort(counts).astype(np.float64)
    ranks = np.arange(1, ordered.size + 1)
    total = ordered.sum()
    return float(
        2 * (ranks * ordered).sum() / (ordered.size * total) - (ordered.size + 1) / ordered.size
    )


def zipf_slope(counts: Sums) -> float:
    """Exponent of counts that stand in order of rank from 1 on: least squares, log over log."""
    found = counts > 0
    if found.sum() < 2:
        return float("nan")
    ranks = np.arange(1, counts.size + 1)[found]
    return -float(np.polyfit(np.log(ranks), np.log(counts[found]), 1)[0])


def merchant_slope(visits: Sums) -> float:
    """Zipf exponent of merchants at ranks 10-1000."""
    ordered = np.sort(visits[visits > 0])[::-1]
    if ordered.size < MERCHANTS_MIN:
        return float("nan")
    ranks = np.arange(1, ordered.size + 1)[ZIPF_FIRST - 1 : ZIPF_LAST]
    return -float(np.polyfit(np.log(ranks), np.log(ordered[ZIPF_FIRST - 1 : ZIPF_LAST]), 1)[0])


def top_share(visits: Sums) -> float:
    """Share of the most visited 1 % of merchants."""
    ordered = np.sort(visits[visits > 0])[::-1]
    if ordered.size < MERCHANTS_MIN:
        return float("nan")
    first = round(ordered.size * TOP_SHARE)
    return float(ordered[:first].sum() / ordered.sum())
