"""Run by Airflow's Python: the example DAG for days, one after the other, by `dag.test()`.

Arguments: the DAG's file, then days. Prints a JSON list: of each day its state and its summary.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import UTC, datetime


def main(file: str, *days: str) -> None:
    """Runs the days in the order given."""
    spec = importlib.util.spec_from_file_location("example", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dag = module.fauxpay_daily()
    told = []
    for day in days:
        run = dag.test(logical_date=datetime.fromisoformat(day).replace(tzinfo=UTC))
        (task,) = run.get_task_instances()
        told.append({"day": day, "state": str(run.state), "summary": task.xcom_pull(task.task_id)})
    print(json.dumps(told))


main(*sys.argv[1:])
