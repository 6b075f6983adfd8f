"""Shared by the tests of clusters: their environment, and the run they are compared with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cluster_runs import ROOT, arguments, ended, logical_digests, started

from orchestration.environments import environment

EXAMPLE = ROOT / "examples" / "executor_dask"


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """The interpreter of an environment with Ray, Spark and Dask. Skips where there is none."""
    folder = tmp_path_factory.mktemp("clusters")
    packages = "ray>=2.40 pyspark>=4.0 distributed>=2025.1 pytest"
    return environment(packages, "ray", "TEST_CLUSTERS_VENV", folder / "venv") / "python"


@pytest.fixture(scope="session")
def java() -> str:
    """A Java for Spark. Skips where there is none."""
    found = shutil.which("java")
    if found is None:
        pytest.skip("Spark needs Java: tools/install_debian.sh java")
    return found


@pytest.fixture(scope="session")
def plain(python, tmp_path_factory) -> dict[str, str]:
    """Logical digests of the run that one process makes."""
    folder = tmp_path_factory.mktemp("plain")
    words = ["-m", "fauxpay", *arguments(folder / "out", "--executor", "serial")]
    ended(started(python, words, folder), folder)
    return logical_digests(folder / "out")


@pytest.fixture(scope="session")
def dask_site(python, tmp_path_factory) -> str:
    """A folder for PYTHONPATH into which pip has installed a copy of the example package."""
    folder = tmp_path_factory.mktemp("dask")
    shutil.copytree(EXAMPLE, folder / "source")
    # Built by the environment of the tests, which has the build back-end.
    pip = ("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index")
    target = ("--target", str(folder / "site"), str(folder / "source"))
    done = subprocess.run([sys.executable, "-m", *pip, *target], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return str(folder / "site")
