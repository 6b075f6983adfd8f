"""Run by Dagster's Python: the example asset for days, in-process, one after the other.

Arguments: the definitions' file, then days. Prints a JSON list: of each day whether it went well,
the metadata of its materialization, and how often it was tried.
"""

from __future__ import annotations

import importlib.util
import json
import sys

import dagster


def main(file: str, *days: str) -> None:
    """Materializes the days in the order given, in the instance of DAGSTER_HOME."""
    spec = importlib.util.spec_from_file_location("example", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    told = []
    with dagster.DagsterInstance.get() as instance:
        for day in days:
            done = dagster.materialize(
                [module.payments], partition_key=day, instance=instance, raise_on_error=False
            )
            events = done.asset_materializations_for_node("payments") if done.success else []
            metadata = {key: value.value for one in events for key, value in one.metadata.items()}
            retries = sum(event.is_step_up_for_retry for event in done.all_events)
            one = {"day": day, "success": done.success, "retries": retries, "metadata": metadata}
            told.append(one)
    print(json.dumps(told))


main(*sys.argv[1:])
