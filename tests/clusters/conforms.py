"""Run by the tests in the environment of clusters: an executor is held against the suite.

python conforms.py MODULE:CLASS FOLDER [SPARK_MASTER]
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from fauxpay.testing import check_executor


def main(name: str, folder: str, master: str | None = None) -> None:
    """Prints what the suite saw."""
    module, _, attribute = name.partition(":")
    if master is not None:
        start_spark(master)
    elif "ray" in module:
        start_ray()
    print(check_executor(getattr(importlib.import_module(module), attribute), Path(folder)))


def start_ray() -> None:
    """One cluster for all rules, for each start takes seconds."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=500_000_000)


def start_spark(master: str) -> None:
    """One session for all rules, such as a notebook has."""
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    from pyspark import SparkConf, SparkContext

    own = {"spark.ui.enabled": "false", "spark.executor.memory": "1g"}
    SparkContext(conf=SparkConf().setMaster(master).setAll(list(own.items())))


if __name__ == "__main__":
    main(*sys.argv[1:])
