"""Share of payments by MCC that the bank took for fraud, as it knew on a day; Polars.

python fraud_by_mcc_polars.py FOLDER DAY
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time

import polars as pl


def fraud_by_mcc(folder: str, day: str) -> pl.DataFrame:
    """mcc, payments, frauds, rate of everything before a day, by labels known before it."""
    end = datetime.combine(date.fromisoformat(day), time(), UTC)
    payments = pl.scan_parquet(f"{folder}/transactions/*/*.parquet")
    labels = pl.scan_parquet(f"{folder}/labels/*/*.parquet")
    known = (
        labels.filter(pl.col("known_at") < end)
        .sort("known_at")
        .group_by("transaction_id")
        .agg(pl.col("label").last())
    )
    return (
        payments.filter(pl.col("event_time") < end)
        .select("transaction_id", pl.col("mcc").cast(pl.String))
        .join(known, on="transaction_id", how="left")
        .group_by("mcc")
        .agg(payments=pl.len(), frauds=(pl.col("label").cast(pl.String) == "fraud").sum())
        .with_columns(rate=pl.col("frauds") / pl.col("payments"))
        .sort("mcc")
        .collect()
    )


if __name__ == "__main__":
    print(fraud_by_mcc(*sys.argv[1:]).write_csv(), end="")
