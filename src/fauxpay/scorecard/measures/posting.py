"""Posting: how many days pass from a payment to the books (row 14).

Reads    day and posted_on of a card table
Writes   measured facts
Draws    nothing
Sources  facts.yaml [facts]
"""

from __future__ import annotations

from datetime import date

from fauxpay.scorecard.blocks import Measured, from_sums
from fauxpay.scorecard.staging import EPOCH, WEEK, Staged

LAG_DAYS_MAX = 3
ROWS_MAX = 5_000_000
"""Above, whole weeks are read: postings is as long as transactions, and the join is dear."""


def posting(staged: Staged) -> dict[str, Measured]:
    """The fact of row 14, from the rows that are posted."""
    relation = staged.table.relation(("at", "posted_on"), _event_days(staged))
    source = f"""(
        SELECT CAST(epoch_us("at") // 86400000000 AS INTEGER) AS day,
            date_diff('day', CAST("at" AS DATE), posted_on) AS lag
        FROM ({relation}) WHERE posted_on IS NOT NULL AND "at" IS NOT NULL
    )"""
    # A local day may lie a day before or after the UTC day, beyond the last block.
    last = staged.first_day + staged.days - 1
    inside = f"day BETWEEN {staged.first_day} AND {last}"
    sums = staged.block_sums(
        [f"CASE WHEN lag <= {LAG_DAYS_MAX} THEN 1 ELSE 0 END", "1"], inside, source
    )
    return {"posting_lag": from_sums(sums, lambda s: s[0] / s[1], "no row is posted")}


def _event_days(staged: Staged) -> frozenset[str] | None:
    """Whole weeks, evenly spread, of a run with many rows; None for every day."""
    run = staged.table.run
    if run is None or staged.rows <= ROWS_MAX:
        return None
    days = sorted({partition["event_day"] for partition in run.receipt["partitions"]})
    every = -(-staged.rows // ROWS_MAX)
    return frozenset(
        day for day in days if (date.fromisoformat(day) - EPOCH).days // WEEK % every == 0
    )
