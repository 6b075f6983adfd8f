"""Share of payments by MCC that the bank took for fraud, as it knew on a day; PySpark.

python fraud_by_mcc_spark.py FOLDER DAY
"""

from __future__ import annotations

import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f


def fraud_by_mcc(spark: SparkSession, folder: str, day: str) -> DataFrame:
    """mcc, payments, frauds, rate of everything before a day, by labels known before it."""
    end = f.lit(f"{day}T00:00:00Z").cast("timestamp")
    payments = spark.read.parquet(f"{folder}/transactions").where(f.col("event_time") < end)
    labels = spark.read.parquet(f"{folder}/labels").where(f.col("known_at") < end)
    known = labels.groupBy("transaction_id").agg(f.max_by("label", "known_at").alias("label"))
    return (
        payments.join(known, "transaction_id", "left")
        .groupBy("mcc")
        .agg(
            f.count("*").alias("payments"),
            f.count_if(f.col("label") == "fraud").alias("frauds"),
        )
        .withColumn("rate", f.col("frauds") / f.col("payments"))
        .orderBy("mcc")
    )


if __name__ == "__main__":
    session = SparkSession.builder.appName("fraud_by_mcc").getOrCreate()
    found = fraud_by_mcc(session, *sys.argv[1:])
    for row in (found.columns, *found.collect()):
        print(*row, sep=",")
    session.stop()
