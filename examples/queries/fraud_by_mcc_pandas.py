"""Share of payments by MCC that the bank took for fraud, as it knew on a day; pandas.

python fraud_by_mcc_pandas.py FOLDER DAY
"""

from __future__ import annotations

import sys

import pandas as pd


def fraud_by_mcc(folder: str, day: str) -> pd.DataFrame:
    """mcc, payments, frauds, rate of everything before a day, by labels known before it."""
    end = pd.Timestamp(day, tz="UTC")
    payments = pd.read_parquet(
        f"{folder}/transactions",
        columns=["transaction_id", "mcc"],
        filters=[("event_time", "<", end)],
    )
    labels = pd.read_parquet(
        f"{folder}/labels",
        columns=["transaction_id", "label", "known_at"],
        filters=[("known_at", "<", end)],
    )
    known = labels.sort_values("known_at").drop_duplicates("transaction_id", keep="last")
    told = payments.merge(known, on="transaction_id", how="left")
    told["is_fraud"] = told["label"].astype("string").eq("fraud").fillna(False)
    made = told.groupby(told["mcc"].astype("string")).agg(
        payments=("is_fraud", "size"), frauds=("is_fraud", "sum")
    )
    made["rate"] = made["frauds"] / made["payments"]
    return made.sort_index().reset_index()


if __name__ == "__main__":
    print(fraud_by_mcc(*sys.argv[1:]).to_csv(index=False), end="")
