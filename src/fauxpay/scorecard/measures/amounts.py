"""Amounts: how large, how spread, how priced (rows 15-18).

Reads    cube, events
Writes   measured facts
Draws    nothing
Sources  facts.yaml [facts]

Values of several currencies are compared in one, by the rates of the table's first day.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fauxpay.scorecard.blocks import Measured, Sums, from_sums, without
from fauxpay.scorecard.mixtures import component_count
from fauxpay.scorecard.staging import PAYMENT, Staged

BINS_PER_E = 100
"""Bins of the histogram in a factor of e: medians are right to 1 %, and interpolated."""
COARSE = 5
"""Bins that the mixture sees as one."""


def amounts(staged: Staged) -> dict[str, Measured]:
    """Facts of rows 15-18."""
    payments = staged.block_sums(
        [
            *("value", "valued", "cents", "ends_00", "ends_99"),
        ],
        PAYMENT,
    )
    none = "no amounts"
    return {
        **_tickets(staged),
        **shape(staged),
        "endings_00": from_sums(payments, lambda s: s[3] / s[2], none),
        "endings_99": from_sums(payments, lambda s: s[4] / s[2], none),
        "withdrawal_notes": from_sums(
            staged.block_sums(["whole_notes", "rows"], "kind = 'withdrawal' AND is_approved"),
            lambda s: s[0] / s[1],
            "no withdrawals",
        ),
    }


def _tickets(staged: Staged) -> dict[str, Measured]:
    sums = staged.block_sums(
        [
            *_value_and_rows("card_product = 'credit'"),
            *_value_and_rows("card_product = 'debit'"),
            *_value_and_rows("is_contactless"),
            *_value_and_rows("true"),
        ],
        f"{PAYMENT} AND {staged.focus('GB')}",
    )
    return {
        "credit_debit_ticket": from_sums(
            sums,
            lambda s: (s[0] / s[1]) / (s[2] / s[3]),
            "no purchases by credit and by debit card",
        ),
        "contactless_ticket": from_sums(
            sums, lambda s: (s[4] / s[5]) / (s[6] / s[7]), "no contactless purchases"
        ),
    }


def _value_and_rows(condition: str) -> tuple[str, str]:
    return tuple(f"CASE WHEN {condition} THEN {name} END" for name in ("value", "valued"))  # type: ignore[return-value]


def shape(staged: Staged) -> dict[str, Measured]:
    """Facts of row 16, from sums and a histogram of log values by block."""
    block = f"(day - {staged.first_day}) // {staged.block_days}" if staged.day_blocks else "0"
    selected = staged.events.select("day", "value", "kind", "is_approved")
    found = staged.arrays(
        f"""
        SELECT b, bin, count(*)::DOUBLE AS n, sum(value) AS v, sum(l) AS l, sum(l * l) AS ll FROM (
            SELECT {block} AS b, value, ln(value) AS l,
                CAST(floor(ln(value) * {BINS_PER_E}) AS INTEGER) AS bin
            FROM ({selected}) WHERE {PAYMENT} AND value > 0
        ) GROUP BY b, bin
        """
    )
    keys = ("mean_over_median", "amount_log_sd", "amount_components")
    if not found["n"].size:
        return dict.fromkeys(keys, without("no amounts"))
    lowest = int(found["bin"].min())
    width = int(found["bin"].max()) - lowest + 1
    sums = np.zeros((max(1, staged.day_blocks), 3 + width))
    for column, name in enumerate(("v", "l", "ll")):
        np.add.at(sums, (found["b"], np.full(found["b"].size, column)), found[name])
    np.add.at(sums, (found["b"], 3 + found["bin"] - lowest), found["n"])

    def mean_over_median(total: Sums) -> float:
        return float(total[0] / total[3:].sum() / median_of(total[3:], lowest))

    def log_sd(total: Sums) -> float:
        count = total[3:].sum()
        return float(np.sqrt(total[2] / count - (total[1] / count) ** 2))

    return {
        "mean_over_median": from_sums(sums, mean_over_median, "no amounts"),
        "amount_log_sd": from_sums(sums, log_sd, "no amounts"),
        "amount_components": Measured(float(_components(sums.sum(axis=0)[3:], lowest))),
    }


def median_of(counts: NDArray[np.float64], lowest: int) -> float:
    """Median of a histogram of logarithms whose first bin has a number."""
    cumulative = np.cumsum(counts)
    half = cumulative[-1] / 2
    place = int(np.searchsorted(cumulative, half))
    before = cumulative[place - 1] if place else 0.0
    within = (half - before) / counts[place]
    return float(np.exp((lowest + place + within) / BINS_PER_E))


def _components(counts: NDArray[np.float64], lowest: int) -> int:
    padded = np.append(counts, np.zeros(-counts.size % COARSE))
    coarse = padded.reshape(-1, COARSE).sum(axis=1)
    centre = (lowest + COARSE * (np.arange(coarse.size) + 0.5)) / BINS_PER_E
    return component_count(centre[coarse > 0], coarse[coarse > 0])
