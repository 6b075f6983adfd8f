"""Behaviour: simple features of each payment, from what was known when it was asked for.

Reads    a card table (card, merchant, at, amount, label; channel, countries, is_recurring if there)
Writes   nothing
Draws    nothing
Sources  the aggregates of the Fraud Detection Handbook, chapter 3

Whole cards are taken, so that counts over a card's windows are exact: every card with a fraud, and
of the others a share chosen by a hash of the card, so that the answer is the same twice. A row of
a card that was chosen by its hash counts for as many as the share says (`weight`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import duckdb

    from fauxpay.scorecard.card_table import CardTable

NEEDED = ("card", "merchant", "at", "amount", "label")
HELPFUL = ("billing_amount", "channel", "merchant_country", "card_country", "is_recurring", "kind")
ROWS_WANTED = 120_000
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
FEATURES = (
    "amount",
    "amount_to_card_mean",
    "hour_of_day",
    "weekday",
    "is_remote",
    "is_cash",
    "is_recurring",
    "is_foreign",
    "seconds_since_last",
    "card_count_1h",
    "card_count_1d",
    "card_count_7d",
    "card_amount_1d",
    "card_amount_7d",
    "visits_before",
    "merchant_count_7d",
    "amount_to_merchant_mean",
)

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Features of rows, ordered by a hash so that a part of them is a sample.

    features      float64[rows] each, NaN where there is no history
    is_fraud      bool[rows]
    weight        how many rows of the table each stands for
    at_us         microseconds, UTC
    share_cards   of the cards without fraud, chosen
    first, last   at_us of the table's first and last row
    """

    features: dict[str, Column]
    is_fraud: NDArray[np.bool_]
    weight: Column
    at_us: NDArray[np.int64]
    share_cards: float
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Extent:
    """What a table holds: rows, frauds among them, at_us of the first and the last."""

    rows: int
    frauds: int
    first: int
    last: int


def extent(connection: duckdb.DuckDBPyConnection, condition: str) -> Extent:
    """Rows and frauds of the view `transactions` where a condition holds."""
    found = connection.execute(
        f"""SELECT count(*), coalesce(sum(label), 0)::BIGINT, min(epoch_us("at")),
                   max(epoch_us("at")) FROM transactions WHERE {condition}"""
    ).fetchone()
    assert found is not None
    return Extent(found[0], found[1], found[2] or 0, found[3] or 0)


def condition_of(table: CardTable, channels: Sequence[str] = ()) -> str:
    """SQL for the payments to judge: those of some channels, without what takes back others."""
    parts = ["TRUE"]
    if "kind" in table.columns:
        parts.append("kind IN ('purchase', 'withdrawal')")
    if channels:
        assert "channel" in table.columns, "channels need the column channel"
        parts.append(f"channel IN ({', '.join(repr(channel) for channel in channels)})")
    return " AND ".join(parts)


def behaviour(
    table: CardTable, connection: duckdb.DuckDBPyConnection, condition: str, whole: Extent
) -> Behaviour:
    """Features of the rows of chosen cards; see the module.

    connection  of the table, with its view `transactions`
    """
    share = min(1.0, ROWS_WANTED / max(1, whole.rows))
    connection.execute(_MERCHANTS.format(condition=condition, amount=_amount(table)))
    columns = {
        "amount": _amount(table),
        "is_remote": _has(table, ("channel",), "channel IN ('ecom', 'moto')"),
        "is_cash": _has(table, ("channel",), "channel = 'atm'"),
        "is_recurring": _has(table, ("is_recurring",), "is_recurring"),
        "is_foreign": _has(
            table, ("merchant_country", "card_country"), "merchant_country <> card_country"
        ),
    }
    found = connection.execute(
        _ROWS.format(
            condition=condition, limit=round(share * 1_000_000), hour=HOUR_US, day=DAY_US,
            week=7 * DAY_US, **columns,
        )
    ).fetchnumpy()  # fmt: skip
    connection.execute("DROP TABLE merchant_days")
    is_sampled = ~_filled(found["is_victim"], False).astype(bool)
    return Behaviour(
        {name: _filled(found[name], np.nan).astype(np.float64) for name in FEATURES},
        _filled(found["label"], 0).astype(bool),
        np.where(is_sampled, 1 / share, 1.0),
        _filled(found["at_us"], 0).astype(np.int64),
        share,
        whole.first,
        whole.last,
    )


def _filled(column: Any, value: Any) -> NDArray[Any]:
    """DuckDB gives masked arrays where a value is null."""
    if isinstance(column, np.ma.MaskedArray):
        if value is np.nan:
            column = column.astype(np.float64)
        return np.ma.filled(column, value)
    return np.asarray(column)


def _amount(table: CardTable) -> str:
    """In the card's currency where it is known: one card then counts in one currency."""
    return "billing_amount" if "billing_amount" in table.columns else "amount"


def _has(table: CardTable, columns: Sequence[str], expression: str) -> str:
    return f"({expression})" if set(columns) <= table.columns else "FALSE"


# Seven days before the day of the row: a merchant's own day is still under way.
_MERCHANTS = f"""
    CREATE OR REPLACE TEMP TABLE merchant_days AS
    SELECT merchant, day,
           coalesce(sum(rows) OVER seven, 0)::BIGINT AS merchant_count_7d,
           sum(total) OVER seven / nullif(sum(rows) OVER seven, 0) AS merchant_mean
    FROM (
        SELECT merchant, epoch_us("at") // {DAY_US} AS day, count(*) AS rows,
               sum(({{amount}} * 100)::BIGINT)::BIGINT / 100.0 AS total
        FROM transactions WHERE {{condition}} GROUP BY ALL
    )
    WINDOW seven AS (
        PARTITION BY merchant ORDER BY day RANGE BETWEEN 7 PRECEDING AND 1 PRECEDING
    )
"""
_ROWS = """
    WITH victims AS (SELECT DISTINCT card FROM transactions WHERE label = 1 AND {condition}),
    chosen AS (
        SELECT card, merchant, epoch_us("at") AS at_us, {amount}::DOUBLE AS amount, label,
               {is_remote} AS is_remote, {is_cash} AS is_cash, {is_recurring} AS is_recurring,
               {is_foreign} AS is_foreign, card IN (SELECT card FROM victims) AS is_victim
        FROM transactions
        WHERE {condition}
          AND (hash(card) % 1000000 < {limit} OR card IN (SELECT card FROM victims))
    )
    SELECT chosen.* REPLACE (is_remote::TINYINT AS is_remote, is_cash::TINYINT AS is_cash,
                             is_recurring::TINYINT AS is_recurring,
                             is_foreign::TINYINT AS is_foreign),
           (at_us // {hour}) % 24 AS hour_of_day,
           (at_us // {day} + 3) % 7 AS weekday,
           (at_us - lag(at_us) OVER card_order) / 1e6 AS seconds_since_last,
           count(*) OVER (by_card RANGE BETWEEN {hour} PRECEDING AND CURRENT ROW) AS card_count_1h,
           count(*) OVER (by_card RANGE BETWEEN {day} PRECEDING AND CURRENT ROW) AS card_count_1d,
           count(*) OVER (by_card RANGE BETWEEN {week} PRECEDING AND CURRENT ROW) AS card_count_7d,
           sum(amount) OVER (by_card RANGE BETWEEN {day} PRECEDING AND CURRENT ROW)
               AS card_amount_1d,
           sum(amount) OVER (by_card RANGE BETWEEN {week} PRECEDING AND CURRENT ROW)
               AS card_amount_7d,
           amount / nullif(avg(amount) OVER (card_order ROWS BETWEEN 50 PRECEDING AND 1 PRECEDING),
                           0) AS amount_to_card_mean,
           row_number() OVER (PARTITION BY card, chosen.merchant ORDER BY at_us, amount) - 1
               AS visits_before,
           merchant_count_7d,
           amount / nullif(merchant_mean, 0) AS amount_to_merchant_mean
    FROM chosen JOIN merchant_days
      ON merchant_days.merchant = chosen.merchant AND merchant_days.day = at_us // {day}
    WINDOW by_card AS (PARTITION BY card ORDER BY at_us),
           card_order AS (PARTITION BY card ORDER BY at_us, amount, chosen.merchant)
    ORDER BY hash(at_us, card), at_us, card, amount
"""
