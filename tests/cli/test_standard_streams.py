"""Standard streams: what cannot be told ends no run and changes no exit code."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import SMALL, environ_with, fauxpay

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def told(words: list[object], redirection: str) -> subprocess.CompletedProcess[str]:
    """A command as a shell runs it with a redirection."""
    line = shlex.join([sys.executable, "-m", "fauxpay", *map(str, words)])
    return subprocess.run(
        ["sh", "-c", f"exec {line} {redirection}"],
        capture_output=True,
        text=True,
        check=False,
        env=environ_with(),
    )


@needs_full
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_run_whose_log_has_no_room_is_made_all_the_same(tmp_path, log_format):
    """Progress on a full disk: the run is sealed, the code 0, and the summary there."""
    day = ["--logical-date", "2026-03-01", "--log-format", log_format, "--json"]
    done = told(["generate", "--out", tmp_path, *SMALL, *day], "2>/dev/full")
    assert done.returncode == 0
    assert '"verdict": "PASS"' in done.stdout
    assert list(tmp_path.glob("runs/utc_day=*/*/_PASSED"))


@pytest.mark.parametrize("closed", ["2>&-", "2>&- <&-", "2>&- >&- <&-"])
def test_a_run_needs_no_streams(tmp_path, closed):
    """As a daemon may start it, with the handles closed: the run is made, its files whole."""
    day = ["--logical-date", "2026-03-01"]
    assert told(["generate", "--out", tmp_path, *SMALL, *day], closed).returncode == 0
    assert fauxpay("verify", "--quiet", "--out", tmp_path).returncode == 0


@needs_full
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_an_error_that_cannot_be_told_keeps_its_code(tmp_path, redirection):
    """A wrong key is 2 and a missing root 6, with or without somebody who reads why."""
    assert told(["generate", "--set", "catalog.crads=5"], redirection).returncode == 2
    words = ["runs", "list", "--out", tmp_path / "absent"]
    assert told(words, redirection).returncode == 6


@needs_full
def test_a_result_that_finds_no_room_is_a_storage_error(tmp_path):
    """Standard output is no decoration: a full disk there stays exit code 6."""
    assert told(["version"], ">/dev/full").returncode == 6


def test_closed_handles_lead_nowhere(tmp_path):
    """No file of ours gets the number of standard error, where libraries write warnings."""
    code = (
        "import os\n"
        "from fauxpay.cli.standard_streams import streams_kept\n"
        f"with streams_kept(): own = open({os.fspath(tmp_path / 'own')!r}, 'w')\n"
        "assert own.fileno() > 2\n"
    )
    line = shlex.join([sys.executable, "-c", code])
    assert subprocess.run(["sh", "-c", f"exec {line} <&- >&- 2>&-"], check=False).returncode == 0
