"""A day of card payments for each partition: a daily-partitioned Dagster asset.

Reads    environment variables PAYMENTS_COMMAND, PAYMENTS_OUT, PAYMENTS_ARGUMENTS (see README.md)
Writes   below PAYMENTS_OUT, as `fauxpay generate` does
Returns  the JSON summary of each run, as the materialization's metadata

A day's bytes depend on world, seed and day only, so partitions may be made in any order, twice, or
side by side, and a backfill of March is the March that the schedule would have made.
"""

import json
import os
import shlex
import subprocess

import dagster

# docs/exit-codes.md: trying again helps where a disk, a worker or a person was in the way. A wrong
# config, a failed gate or a conflict would be the same the next time, and want a person.
WORTH_A_RETRY = {1, 6, 9, 130, 143}

DAYS = dagster.DailyPartitionsDefinition(start_date="2026-03-01", timezone="UTC")


def summary_of(command: list[str]) -> dict:
    """Runs fauxpay; its summary, or the right kind of failure. Its log goes to standard error."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise dagster.Failure(
            f"exit code {done.returncode} of {shlex.join(command)}; its log says why",
            metadata={"exit_code": done.returncode},
            allow_retries=done.returncode in WORTH_A_RETRY,
        )
    return json.loads(done.stdout)


@dagster.asset(
    partitions_def=DAYS,
    retry_policy=dagster.RetryPolicy(max_retries=2, delay=60),
    kinds={"parquet"},
)
def payments(context: dagster.AssetExecutionContext) -> dagster.MaterializeResult:
    """Card payments of one UTC day, sealed by a receipt."""
    out = os.environ.get("PAYMENTS_OUT", "/var/lib/fauxpay")
    words = [os.environ.get("PAYMENTS_COMMAND", "fauxpay"), "generate", "--out", out]
    words += ["--logical-date", context.partition_key, "--json", "--log-format", "json"]
    summary = summary_of([*words, *shlex.split(os.environ.get("PAYMENTS_ARGUMENTS", ""))])
    return dagster.MaterializeResult(
        metadata={
            "run_id": summary["run_id"],
            "world_id": summary["world_id"],
            "verdict": summary["verdict"],
            "is_new": summary["is_new"],
            "dagster/row_count": summary["rows"]["transactions"],
            "fraud_rate": summary["fraud_rate"],
            "receipt": dagster.MetadataValue.path(summary["receipt"]),
        }
    )


defs = dagster.Definitions(
    assets=[payments],
    schedules=[
        dagster.build_schedule_from_partitioned_job(
            dagster.define_asset_job("payments_daily", [payments], partitions_def=DAYS)
        )
    ],
)
