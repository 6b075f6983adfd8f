"""Fraud: how much, where, how large, of which kind, and when the bank learns of it (rows 23-33).

Reads    cube, frauds
Writes   measured facts
Draws    nothing
Sources  facts.yaml [facts, typologies]
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fauxpay.readers.query import literal
from fauxpay.scorecard.blocks import Measured, Sums, from_cards, from_sums, without
from fauxpay.scorecard.events import DAY_US
from fauxpay.scorecard.measures.channels import share
from fauxpay.scorecard.staging import CARD_BLOCKS, PAYMENT, REMOTE, SPENDING, Staged

SMALL_AMOUNT = 2.0
NIGHT_HOURS = 6
NO_FRAUD = "no such frauds"


def fraud(staged: Staged) -> dict[str, Measured]:
    """Facts of rows 23-28 and 32, from the cube."""
    return {
        "fraud_rate_count": share(staged, "rows", "is_fraud", SPENDING),
        "fraud_rate_remote": share(staged, "rows", "is_fraud", f"{PAYMENT} AND {REMOTE}"),
        "fraud_rate_value": share(staged, "value", "is_fraud", SPENDING),
        "fraud_remote_value": share(staged, "value", REMOTE, f"{SPENDING} AND is_fraud"),
        "fraud_internet_pos": rate_ratio(
            staged, "value", "channel = 'ecom'", "channel = 'pos'", PAYMENT
        ),
        "fraud_cross_border": rate_ratio(staged, "value", "NOT is_home", "is_home", SPENDING),
        "fraud_ticket": _ticket(staged),
        "night_ratio": night_ratio(staged),
        "fraud_small": _small(staged),
    }


def rate_ratio(staged: Staged, measure: str, one: str, other: str, where: str) -> Measured:
    """Fraud rate of one part over that of another."""
    sums = staged.block_sums(
        [
            f"CASE WHEN {part} AND {whose} THEN {measure} END"
            for part in (one, other)
            for whose in ("is_fraud", "true")
        ],
        where,
    )
    return from_sums(sums, lambda s: (s[0] / s[1]) / (s[2] / s[3]), NO_FRAUD)


def night_ratio(staged: Staged) -> Measured:
    """Fraud rate by count at night over that of the other hours."""
    if not staged.has_clock:
        return without("the times of the table are days without hours")
    night = f"hour < {NIGHT_HOURS}"
    return rate_ratio(staged, "rows", night, f"NOT {night}", SPENDING)


def typologies(staged: Staged) -> dict[str, Measured]:
    """Facts of row 30: shares of the value of fraud by class of typology."""
    names = staged.rules.typologies
    sums = staged.block_sums(
        [
            *(
                f"CASE WHEN lower(typology) IN ({', '.join(map(literal, kinds))}) THEN value END"
                for kinds in names.values()
            ),
            "value",
        ],
        SPENDING,
        "frauds",
    )

    def share_of(place: int) -> Callable[[Sums], float]:
        return lambda total: float(total[place] / total[-1])

    return {
        f"typology_{name}": from_sums(sums, share_of(place), NO_FRAUD)
        for place, name in enumerate(names)
    }


def bursts(staged: Staged) -> dict[str, Measured]:
    """Facts of row 31: frauds of a card's day, and how long a card's frauds last."""
    block = f"CAST(hash(card) % {CARD_BLOCKS} AS BIGINT)"
    per_day = _card_sums(
        staged,
        f"SELECT {block} AS b, count(*), count(DISTINCT (card, day)) FROM frauds GROUP BY b",
    )
    ended = _card_sums(
        staged,
        f"""
        SELECT b, count(*) FILTER (lasted <= {DAY_US}), count(*) FROM (
            SELECT {block} AS b, max(epoch_us("at")) - min(epoch_us("at")) AS lasted
            FROM frauds GROUP BY card HAVING count(*) > 1
        ) GROUP BY b
        """,
    )
    return {
        "frauds_per_card_day": from_sums(per_day, lambda s: s[0] / s[1], NO_FRAUD),
        "bursts_in_a_day": from_sums(ended, lambda s: s[0] / s[1], "no card with 2 frauds"),
    }


def knowledge(staged: Staged) -> dict[str, Measured]:
    """Facts of row 33: days from the fraud to the bank's first word of it."""
    found = staged.arrays(
        f"""
        SELECT CAST(hash(card) % {CARD_BLOCKS} AS BIGINT) AS b,
            (epoch_us(known_at) - epoch_us("at")) / {DAY_US}::DOUBLE AS days
        FROM frauds WHERE known_at IS NOT NULL
        """
    )
    days, blocks = found["days"].astype(np.float64), found["b"].astype(np.int64)
    reason = "the bank learnt of no fraud"

    def quantile(share_below: float) -> Measured:
        def statistic(values: NDArray[np.float64]) -> float:
            return float(np.quantile(values, share_below))

        return from_cards((days,), blocks, statistic, reason)

    last = Measured(float(days.max())) if days.size else without(reason)
    return {"known_median": quantile(0.5), "known_p90": quantile(0.9), "known_max": last}


def _ticket(staged: Staged) -> Measured:
    sums = staged.block_sums(
        [
            f"CASE WHEN {whose} THEN {measure} END"
            for whose in ("is_fraud", "NOT is_fraud")
            for measure in ("value", "valued")
        ],
        SPENDING,
    )
    return from_sums(sums, lambda s: (s[0] / s[1]) / (s[2] / s[3]), NO_FRAUD)


def _small(staged: Staged) -> Measured:
    sums = staged.block_sums(
        [f"CASE WHEN value <= {SMALL_AMOUNT} THEN 1 ELSE 0 END", "1"],
        f"{PAYMENT} AND {REMOTE} AND value IS NOT NULL",
        "frauds",
    )
    return from_sums(sums, lambda s: s[0] / s[1], NO_FRAUD)


def _card_sums(staged: Staged, query: str) -> NDArray[np.float64]:
    sums = np.zeros((CARD_BLOCKS, 2))
    for block, *values in staged.ask(query):
        sums[block] = values
    return sums
