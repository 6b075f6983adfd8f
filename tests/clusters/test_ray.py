"""Ray itself runs partitions, on a cluster of this machine that loses workers, a node, a driver."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_runs import (
    arguments,
    ended,
    family,
    kill,
    log_without_retries,
    logical_digests,
    require_gone,
    started,
    survives_a_kill,
    under_way,
    words_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.clusters]
WITH_RAY = ("--executor", "ray", "--workers", "2")
CONFORMS = Path(__file__).with_name("conforms.py")
NODES = Path(__file__).with_name("ray_nodes.py")


def test_ray_keeps_the_rules(python, tmp_path):
    """The public suite, on a cluster of two workers."""
    words = [str(CONFORMS), "fauxpay.delivery.ray_executor:RayExecutor", str(tmp_path)]
    log = ended(started(python, words, tmp_path), tmp_path)
    assert "ExecutorConformance(partitions=27" in log


def test_a_killed_worker_changes_nothing(python, plain, tmp_path):
    """One of two workers is killed in the middle: Ray makes its task again, digests are equal."""
    survives_a_kill(python, tmp_path, WITH_RAY, "ray::make_block")
    assert logical_digests(tmp_path / "out") == plain


def test_without_retries_the_killed_worker_is_missed(python, tmp_path):
    """Negative space: the kill does strike a task at work; nothing is sealed, and it resumes."""
    assert "Ray gave up a task" in log_without_retries(
        python, tmp_path, WITH_RAY, "ray::make_block"
    )


def test_a_lost_node_changes_nothing(python, plain, tmp_path):
    """One of two nodes of the cluster at RAY_ADDRESS is lost with its worker: digests are equal."""
    words = [str(NODES), str(tmp_path / "out"), *arguments(tmp_path / "out", "--executor", "ray")]
    run = started(python, words, tmp_path)
    log = ended(run, tmp_path)
    assert "a node is lost after" in log
    assert logical_digests(tmp_path / "out") == plain


def test_a_killed_driver_leaves_nothing_and_resumes(python, plain, tmp_path):
    """SIGKILL for the run itself: its cluster goes with it, and the same command ends the work."""
    words = ["-m", "fauxpay", *arguments(tmp_path / "out", *WITH_RAY)]
    run = started(python, words, tmp_path)
    under_way(tmp_path / "out", run)
    others = family(run)
    # Ray's own agents, which do no work, notice it only after a minute.
    agents = [one for one in others if "Agent" in words_of(one)]
    run.kill()
    run.wait()
    require_gone([one for one in others if one not in agents])
    for agent in agents:
        kill(agent)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("part-*.json")}
    assert len(before) >= 6
    ended(started(python, words, tmp_path), tmp_path)
    assert logical_digests(tmp_path / "out") == plain
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_cluster_that_is_not_there_is_said(python, tmp_path):
    """A wrong RAY_ADDRESS: exit code 9, the address, what to do; nothing half-written."""
    words = ["-m", "fauxpay", *arguments(tmp_path / "out", "--executor", "ray")]
    run = started(python, words, tmp_path, RAY_ADDRESS="127.0.0.1:1")
    log = ended(run, tmp_path, code=9)
    assert "the Ray cluster 127.0.0.1:1 cannot be used" in log
    assert "--executor processes" in log
