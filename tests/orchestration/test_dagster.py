"""Dagster itself materializes the example asset: shuffled partitions, a rerun, a wrong config."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from days import ARGUMENTS, DAYS, SHUFFLED, require_complete, require_same_days
from environments import ROOT, clean_environ, environment

EXAMPLE = ROOT / "examples" / "dagster" / "definitions.py"
DRIVER = Path(__file__).with_name("dagster_days.py")
pytestmark = [pytest.mark.slow, pytest.mark.dagster]


@pytest.fixture(scope="module")
def dagster(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The bin folder of Dagster's environment, and the variables of an instance of its own."""
    folder = tmp_path_factory.mktemp("dagster")
    programs = environment("dagster", "dagster", "FAUXPAY_DAGSTER_VENV", folder / "venv")
    (folder / "home").mkdir()
    environ = clean_environ(
        DAGSTER_HOME=str(folder / "home"),
        DAGSTER_DISABLE_TELEMETRY="yes",
        PAYMENTS_COMMAND=str(programs / "fauxpay"),
    )
    return programs, environ


def run_days(dagster, out: Path, arguments: str, *days: str) -> list[dict]:
    """What Dagster says of each day, in the order in which they were materialized."""
    programs, environ = dagster
    done = subprocess.run(
        [programs / "python", DRIVER, EXAMPLE, *days],
        env={**environ, "PAYMENTS_OUT": str(out), "PAYMENTS_ARGUMENTS": arguments},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_shuffled_partitions_and_a_rerun_are_one_plain_run(dagster, plain, tmp_path):
    """Partitions out of order, two of them twice: bytes and digests of the plain run."""
    told = run_days(dagster, tmp_path, ARGUMENTS, *SHUFFLED, DAYS[1], DAYS[0])
    assert all(one["success"] for one in told)
    made = [one["metadata"] for one in told]
    assert [one["is_new"] for one in made] == [True, True, True, False, False]
    assert {one["verdict"] for one in made} == {"PASS"}
    assert all(one["dagster/row_count"] > 0 for one in made)
    require_same_days(tmp_path, plain)
    require_complete(tmp_path, plain)


def test_a_wrong_config_fails_the_asset_at_once(dagster, tmp_path):
    """Exit code 2 is not tried again: the materialization fails, and nothing is written."""
    (told,) = run_days(dagster, tmp_path, "--set catalog.crads=5", DAYS[0])
    assert told == {"day": DAYS[0], "success": False, "retries": 0, "metadata": {}}
    assert not list(tmp_path.iterdir())


def test_the_definitions_load(dagster, tmp_path):
    """Dagster's own validation accepts the file, with its asset, job and schedule."""
    programs, environ = dagster
    command = [programs / "dagster", "definitions", "validate", "-f", EXAMPLE]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
