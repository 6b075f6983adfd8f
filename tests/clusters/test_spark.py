"""Spark itself runs partitions, on local clusters that lose workers, an executor, a driver."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_runs import (
    arguments,
    ended,
    family,
    kill_one,
    log_without_retries,
    logical_digests,
    require_gone,
    started,
    survives_a_kill,
    under_way,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.clusters,
    pytest.mark.usefixtures("java"),
]
WITH_SPARK = ("--executor", "spark", "--workers", "2")
CONFORMS = Path(__file__).with_name("conforms.py")
# Workers of their own process each, as on machines of their own.
TWO_EXECUTORS = "--master local-cluster[2,1,1024] --conf spark.executor.memory=1g pyspark-shell"


def test_spark_keeps_the_rules(python, tmp_path):
    """The public suite, on two workers."""
    name = "fauxpay.delivery.spark_executor:SparkExecutor"
    words = [str(CONFORMS), name, str(tmp_path), "local[2,4]"]
    log = ended(started(python, words, tmp_path), tmp_path)
    assert "ExecutorConformance(partitions=27" in log


def test_a_killed_worker_changes_nothing(python, plain, tmp_path):
    """A Python worker is killed in the middle: Spark makes its task again, digests are equal."""
    survives_a_kill(python, tmp_path, WITH_SPARK, "pyspark.daemon")
    assert logical_digests(tmp_path / "out") == plain


def test_without_retries_the_killed_worker_is_missed(python, tmp_path):
    """Negative space: the kill does strike a task at work; nothing is sealed, and it resumes."""
    assert "Spark gave up after 1 tries of a task" in log_without_retries(
        python, tmp_path, WITH_SPARK, "pyspark.daemon"
    )


def test_a_lost_executor_changes_nothing(python, plain, tmp_path):
    """One of the cluster's two executors is killed, with its worker: digests are equal."""
    words = ["-m", "fauxpay", *arguments(tmp_path / "out", *WITH_SPARK)]
    own = {"PYSPARK_SUBMIT_ARGS": TWO_EXECUTORS, "SPARK_LOCAL_IP": "127.0.0.1"}
    run = started(python, words, tmp_path, **own, PYSPARK_PYTHON=str(python))
    under_way(tmp_path / "out", run)
    kill_one(run, "CoarseGrainedExecutorBackend")
    log = ended(run, tmp_path)
    assert logical_digests(tmp_path / "out") == plain
    assert "Lost executor" in log


def test_a_killed_driver_leaves_nothing_and_resumes(python, plain, tmp_path):
    """SIGKILL for the run itself: its cluster goes with it, and the same command ends the work."""
    words = ["-m", "fauxpay", *arguments(tmp_path / "out", *WITH_SPARK)]
    run = started(python, words, tmp_path)
    under_way(tmp_path / "out", run)
    others = family(run)
    run.kill()
    run.wait()
    require_gone(others)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("part-*.json")}
    assert len(before) >= 6
    ended(started(python, words, tmp_path), tmp_path)
    assert logical_digests(tmp_path / "out") == plain
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_missing_java_is_said(python, tmp_path):
    """Without Java: exit code 7, what to install, and nothing half-written."""
    words = ["-m", "fauxpay", *arguments(tmp_path / "out", "--executor", "spark")]
    run = started(python, words, tmp_path, PATH=str(tmp_path), JAVA_HOME=str(tmp_path))
    log = ended(run, tmp_path, code=7)
    assert "openjdk-17-jre-headless" in log
    assert not list((tmp_path / "out").glob("worlds/*"))
