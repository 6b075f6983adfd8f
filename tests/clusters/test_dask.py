"""The example package: installed by pip, found by its entry point, conforms, survives a kill."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_runs import arguments, ended, kill_one, logical_digests, started, under_way

pytestmark = [pytest.mark.slow, pytest.mark.clusters]
CONFORMS = Path(__file__).with_name("conforms.py")


def test_the_example_keeps_the_rules(python, dask_site, tmp_path):
    """The public suite, on two workers of a Dask cluster of this machine."""
    words = [str(CONFORMS), "fauxpay_dask:DaskExecutor", str(tmp_path)]
    log = ended(started(python, words, tmp_path, PYTHONPATH=dask_site), tmp_path)
    assert "ExecutorConformance(partitions=27" in log


def test_a_killed_worker_changes_nothing(python, dask_site, plain, tmp_path):
    """`--executor dask` of the installed package; one of two workers is killed in the middle."""
    more = ("--executor", "dask", "--workers", "2")
    words = ["-m", "fauxpay", *arguments(tmp_path / "out", *more)]
    run = started(python, words, tmp_path, PYTHONPATH=dask_site)
    under_way(tmp_path / "out", run)
    kill_one(run, "spawn_main")
    ended(run, tmp_path)
    assert logical_digests(tmp_path / "out") == plain


def test_without_the_package_its_name_is_unknown(python, tmp_path):
    """Exit code 2, and what is known."""
    words = ["-m", "fauxpay", *arguments(tmp_path / "out", "--executor", "dask")]
    log = ended(started(python, words, tmp_path), tmp_path, code=2)
    assert "one of serial, processes, ray, spark" in log
