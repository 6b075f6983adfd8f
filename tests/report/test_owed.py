"""Owed reports: what a kill leaves is drawn by the same command, and by one alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import SMALL

import fauxpay
from fauxpay.delivery.staging import home, staged_name
from fauxpay.report import owed
from fauxpay.report.writing import is_due, report_path

KILLED = """
import os, signal
from fauxpay.report import page
page.report_html = lambda run: os.kill(os.getpid(), signal.SIGKILL)
from fauxpay.cli import main
main()
"""
SIZES = [f"--set=catalog.{key}={value}" for key, value in SMALL.items()]
DAY = ["--from", "2026-03-01", "--to", "2026-03-02", "--workers", "1", *SIZES]


def generated(root: Path, code: str = "from fauxpay.cli import main; main()"):
    """The real command, which wants a report."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("FAUXPAY_")}
    words = [sys.executable, "-c", code, "generate", "--out", str(root), *DAY]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environ)


def signs(root: Path) -> list[str]:
    """Names of those who draw, or drew."""
    return [path.name for path in (root / ".staging").glob("*-report-*")]


def test_a_run_killed_over_its_report_gets_it_when_asked_again(tmp_path):
    """SIGKILL while the page is drawn: the same command draws it, once, and says so."""
    root = tmp_path / "out"
    assert generated(root, KILLED).returncode == -9
    (receipt,) = root.glob("runs/utc_day=*/*/receipt.json")
    page = receipt.with_name("report.html")
    assert len(signs(root)) == 1
    assert not page.exists()
    again = generated(root)
    assert again.returncode == 0, again.stderr
    assert f"only its report was left to draw, in {page}" in again.stdout
    assert page.is_file()
    assert not signs(root)
    page.unlink()
    assert "nothing to do" in generated(root).stdout
    assert not page.exists(), "what was removed is not owed"


@pytest.fixture
def run(root):
    """A sealed run without a report."""
    return fauxpay.open(root).latest()


def dead_pid() -> int:
    """The number of a process that is gone."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def put(run, pid: int, where: str) -> Path:
    """A sign of a process."""
    sign = Path(run.root) / ".staging" / f"{pid}-{where}-report-{run.run_id}"
    sign.parent.mkdir(exist_ok=True)
    sign.touch()
    return sign


def test_whose_maker_may_be_alive_is_left_to_it(run):
    """A living process of this machine, and any of another one within the hour."""
    for sign in (put(run, os.getppid(), home()), put(run, dead_pid(), "0" * 12)):
        assert not is_due(run, is_new=False, is_asked=True)
        assert sign.exists()
        os.utime(sign, (0, 0))
        if home() not in sign.name:
            assert is_due(run, is_new=False, is_asked=True)
            owed.finish(run)
        sign.unlink(missing_ok=True)
    assert not signs(run.root)


def test_one_alone_takes_over(run):
    """Of two that find the same sign the first has it; what is not asked for is not taken."""
    put(run, dead_pid(), home())
    assert not is_due(run, is_new=False, is_asked=False)
    assert is_due(run, is_new=False, is_asked=True)
    assert signs(run.root) == [staged_name(f"report-{run.run_id}")]
    assert not is_due(run, is_new=False, is_asked=True)
    owed.finish(run)
    assert not signs(run.root)


def test_a_report_that_is_there_is_not_owed(run):
    """Killed between the page and its sign: the page is whole."""
    put(run, dead_pid(), home())
    report_path(run).write_text("a page")
    assert not is_due(run, is_new=False, is_asked=True)
