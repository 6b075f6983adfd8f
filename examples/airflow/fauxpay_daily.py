"""A day of card payments for each day: an Airflow 3 DAG that calls `fauxpay` with the logical date.

Reads    Airflow variables fauxpay_command, fauxpay_out, fauxpay_arguments (see README.md)
Writes   below fauxpay_out, as `fauxpay generate` does
Returns  the JSON summary of each run, as the task's XCom

A day's bytes depend on world, seed and day only, so days may run in any order, twice, or side by
side, and a backfill of March is the March that the schedule would have made.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from datetime import UTC, datetime, timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

# docs/exit-codes.md: trying again helps where a disk, a worker or a person was in the way. A wrong
# config, a failed gate or a conflict would be the same the next time, and want a person.
WORTH_A_RETRY = {1, 6, 9, 130, 143}


def summary_of(command: list[str]) -> dict:
    """Runs fauxpay; its summary, or the right kind of failure. Its log goes to the task's log."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout)
    text = f"exit code {done.returncode} of {shlex.join(command)}; the log above says why"
    if done.returncode in WORTH_A_RETRY:
        raise AirflowException(text)
    raise AirflowFailException(text)


@dag(
    # The run of day D has the logical date D and starts when D is over, as data of D would come.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    catchup=True,
    max_active_runs=2,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["fauxpay"],
)
def fauxpay_daily():
    """Makes the payments of one UTC day."""

    @task
    def payments(day: str, command: str, out: str, arguments: str) -> dict:
        words = [command, "generate", "--logical-date", day, "--out", out]
        return summary_of([*words, "--json", "--log-format", "json", *shlex.split(arguments)])

    payments(
        day="{{ ds }}",
        command="{{ var.value.get('fauxpay_command', 'fauxpay') }}",
        out="{{ var.value.get('fauxpay_out', '/var/lib/fauxpay') }}",
        arguments="{{ var.value.get('fauxpay_arguments', '') }}",
    )


fauxpay_daily()
