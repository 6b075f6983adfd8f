"""Interrupted: a worker that dies, Ctrl-C, a folder that cannot be written. Said, and resumable."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from test_same_bytes import SMALL, files

from sealed import request, run_of

WINDOW = ("--from", "2026-01-01", "--to", "2026-04-01")


def command(root: Path, *more: str) -> list[str]:
    """Three months of a small world with two workers."""
    sizes = [f"--set=catalog.{key}={value}" for key, value in SMALL.items()]
    own = [sys.executable, "-m", "fauxpay", "generate", "--quiet", "--out", str(root)]
    return [*own, *WINDOW, "--workers", "2", *sizes, *more]


def started(root: Path, at_least: int = 8) -> subprocess.Popen[str]:
    """A run that has published some partitions and is still at work."""
    run = subprocess.Popen(command(root), stderr=subprocess.PIPE, text=True, start_new_session=True)
    until = time.monotonic() + 60
    while len(list(root.glob("worlds/*/seed=1/truth/event_day=*/part-*"))) < at_least:
        assert run.poll() is None, "the run ended before it could be interrupted"
        assert time.monotonic() < until
        time.sleep(0.01)
    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, str]:
    """The files of the run that nobody interrupts."""
    root = tmp_path_factory.mktemp("whole")
    subprocess.run(command(root), check=True)
    return files(root)


def resumed(root: Path) -> dict[str, str]:
    """The files after the same command again."""
    subprocess.run(command(root), check=True)
    return files(root)


def test_a_killed_worker_is_reported_and_the_run_resumes(tmp_path, whole):
    """SIGKILL of one worker, as by the OOM killer: a clear error, no run, the rest is kept."""
    run = started(tmp_path)
    children = psutil.Process(run.pid).children(recursive=True)
    workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    assert len(workers) == 2
    workers[0].kill()
    _, message = run.communicate(timeout=60)
    assert run.returncode not in (0, None)
    assert "Traceback" not in message
    assert "worker" in message
    assert not list(tmp_path.rglob("_PASSED"))
    assert resumed(tmp_path) == whole


@pytest.mark.slow
def test_ctrl_c_is_clean_and_the_run_resumes(tmp_path, whole):
    """SIGINT to the group: exit code 130, one message that says how to go on, no worker left."""
    run = started(tmp_path)
    children = psutil.Process(run.pid).children(recursive=True)
    os.killpg(run.pid, signal.SIGINT)
    _, message = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "resumes" in message
    assert "Traceback" not in message
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert resumed(tmp_path) == whole


SCRIPT = """
import sys

import fauxpay

if __name__ == "__main__":
    print(fauxpay.generate({request!r}).run_id)
    assert sys.modules["__main__"].__file__ == "<stdin>"
"""


def test_a_script_from_standard_input_has_workers(tmp_path):
    """`python - < script.py` with the guard: there is no file that children could run again."""
    own = request(tmp_path, executor="processes", workers=2)
    done = subprocess.run(
        [sys.executable, "-"],
        input=SCRIPT.format(request=own),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert run_of(tmp_path, done.stdout.strip()).run_id


def test_a_root_that_cannot_be_written_is_said(tmp_path):
    """A file where the output folder should be: storage error, its exit code, nothing lost."""
    root = tmp_path / "out"
    root.write_text("mine")
    done = subprocess.run(command(root), capture_output=True, text=True, check=False)
    assert done.returncode == 6
    assert str(root) in done.stderr
    assert "Traceback" not in done.stderr
    assert root.read_text() == "mine"
