"""Share of payments by MCC that the bank took for fraud, as it knew on a day; DuckDB.

python fraud_by_mcc_duckdb.py FOLDER DAY
"""

from __future__ import annotations

import sys

import duckdb

QUERY = """
WITH known AS (
    SELECT transaction_id, arg_max(label, known_at) AS label
    FROM read_parquet($labels) WHERE known_at < $day::DATE GROUP BY ALL
)
SELECT mcc, count(*) AS payments, count(*) FILTER (label = 'fraud') AS frauds,
    frauds / payments AS rate
FROM read_parquet($payments) LEFT JOIN known USING (transaction_id)
WHERE event_time < $day::DATE
GROUP BY mcc ORDER BY mcc
"""


def fraud_by_mcc(folder: str, day: str) -> duckdb.DuckDBPyConnection:
    """mcc, payments, frauds, rate of everything before a day, by labels known before it."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")  # Else a day begins where you live.
    named = {
        "labels": f"{folder}/labels/*/*.parquet",
        "payments": f"{folder}/transactions/*/*.parquet",
        "day": day,
    }
    return connection.execute(QUERY, named)


if __name__ == "__main__":
    found = fraud_by_mcc(*sys.argv[1:])
    names = [column[0] for column in found.description]
    for row in (names, *found.fetchall()):
        print(*row, sep=",")
