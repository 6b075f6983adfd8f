"""Airflow itself runs the example DAG: three days in shuffled order, a rerun, a wrong config."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from days import ARGUMENTS, DAYS, SHUFFLED, require_complete, require_same_days
from environments import ROOT, clean_environ, environment

EXAMPLE = ROOT / "examples" / "airflow" / "fauxpay_daily.py"
DRIVER = Path(__file__).with_name("airflow_days.py")
pytestmark = [pytest.mark.slow, pytest.mark.airflow]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The bin folder of Airflow's environment, and the variables of a home with a database."""
    folder = tmp_path_factory.mktemp("airflow")
    programs = environment("apache-airflow>=3", "airflow", "FAUXPAY_AIRFLOW_VENV", folder / "venv")
    environ = clean_environ(
        AIRFLOW_HOME=str(folder / "home"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(EXAMPLE.parent),
        AIRFLOW_VAR_FAUXPAY_COMMAND=str(programs / "fauxpay"),
    )
    migrate = [programs / "airflow", "db", "migrate"]
    subprocess.run(migrate, env=environ, check=True, capture_output=True)
    return programs, environ


def run_days(airflow, out: Path, arguments: str, *days: str) -> list[dict]:
    """What `dag.test()` says of each day, in the order in which they were run."""
    programs, environ = airflow
    own = {"AIRFLOW_VAR_FAUXPAY_OUT": str(out), "AIRFLOW_VAR_FAUXPAY_ARGUMENTS": arguments}
    done = subprocess.run(
        [programs / "python", DRIVER, EXAMPLE, *days],
        env={**environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_shuffled_days_and_a_rerun_are_one_plain_run(airflow, plain, tmp_path):
    """Days by logical date, out of order, two of them twice: bytes and digests of the plain run."""
    told = run_days(airflow, tmp_path, ARGUMENTS, *SHUFFLED, DAYS[1], DAYS[0])
    assert [one["state"] for one in told] == ["success"] * 5
    summaries = [one["summary"] for one in told]
    assert [one["window"]["from"] for one in summaries] == [*SHUFFLED, DAYS[1], DAYS[0]]
    assert [one["is_new"] for one in summaries] == [True, True, True, False, False]
    assert {one["verdict"] for one in summaries} == {"PASS"}
    assert len({one["run_id"] for one in summaries}) == 3
    require_same_days(tmp_path, plain)
    require_complete(tmp_path, plain)


def test_a_wrong_config_fails_the_task_at_once(airflow, tmp_path):
    """Exit code 2 is not tried again: the run fails, and nothing is written."""
    (told,) = run_days(airflow, tmp_path, "--set catalog.crads=5", DAYS[0])
    assert told == {"day": DAYS[0], "state": "failed", "summary": None}
    assert not list(tmp_path.iterdir())


def test_the_scheduler_would_make_each_day_once_it_is_over(airflow):
    """Airflow parses the DAG without an error; its days are data intervals with catch-up."""
    programs, environ = airflow
    code = (
        "import importlib.util as u, json, pendulum\n"
        f"s = u.spec_from_file_location('example', {str(EXAMPLE)!r})\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m); d = m.fauxpay_daily()\n"
        "from airflow.serialization.serialized_objects import DagSerialization as S\n"
        "back = S.from_dict(S.to_dict(d))\n"
        "infos = list(back.iter_dagrun_infos_between(\n"
        "    pendulum.datetime(2026, 3, 1), pendulum.datetime(2026, 3, 3)))\n"
        "print(json.dumps([[str(i.logical_date)[:10], str(i.run_after)[:10]] for i in infos]))\n"
        "print(json.dumps([back.catchup, back.max_active_runs]))\n"
    )
    done = subprocess.run(
        [programs / "python", "-c", code], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    days, (catchup, active) = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert days == [
        ["2026-03-01", "2026-03-02"],
        ["2026-03-02", "2026-03-03"],
        ["2026-03-03", "2026-03-04"],
    ]
    assert catchup is True
    assert active == 2
