"""Ctrl-C and SIGTERM mean on a cluster what they mean elsewhere, whatever engines do with them."""

from __future__ import annotations

import os
import signal

import pytest
from cluster_runs import arguments, ended, family, kill, require_gone, started, under_way, words_of

from fauxpay.delivery.sinks import STAGING

pytestmark = [pytest.mark.slow, pytest.mark.clusters, pytest.mark.usefixtures("java")]


@pytest.mark.parametrize("engine", ["ray", "spark"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_nothing_running(python, tmp_path, engine, number, code):
    """The exit code of the signal, how to go on, no process, and no run that was not made."""
    root = tmp_path / "out"
    words = ["-m", "fauxpay", *arguments(root, "--executor", engine, "--workers", "2")]
    run = started(python, words, tmp_path)
    under_way(root, run)
    others = family(run)
    agents = [one for one in others if "Agent" in words_of(one)]
    if number == signal.SIGINT:
        os.killpg(run.pid, number)  # As a terminal does.
    else:
        run.send_signal(number)
    log = ended(run, tmp_path, code)
    assert "the same command resumes" in log
    assert "Traceback" not in log
    for agent in agents:
        kill(agent)
    require_gone([one for one in others if one not in agents])
    assert not list(root.glob("runs/utc_day=*"))
    if engine == "ray" and number == signal.SIGTERM:
        assert [one.name for one in root.glob(f"{STAGING}/*") if one.name != "publish.lock"] == []
