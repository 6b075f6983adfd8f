"""The cron example, run by sh: same days, one instance at a time, codes handed on, tries."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from days import ARGUMENTS, DAYS, SHUFFLED, require_complete, require_same_days
from environments import ROOT, clean_environ

SCRIPT = ROOT / "examples" / "cron" / "fauxpay-daily.sh"
FAUXPAY = Path(sys.executable).with_name("fauxpay")
pytestmark = pytest.mark.skipif(
    shutil.which("flock") is None or not FAUXPAY.exists(),
    reason="needs flock (util-linux) and the fauxpay command beside this Python",
)


def run_script(out: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The script as cron runs it, with a small environment."""
    environ = clean_environ(PAYMENTS_OUT=str(out), PAYMENTS_COMMAND=str(FAUXPAY))
    environ |= {"PAYMENTS_ARGUMENTS": ARGUMENTS, "PAYMENTS_PAUSE_SECONDS": "0", **more}
    command = ["sh", SCRIPT, *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def fake_command(folder: Path, *codes: int) -> tuple[Path, Path]:
    """A command that ends with one code after the other, and the file where it notes its calls."""
    calls, command = folder / "calls", folder / "command"
    cases = [f"{number}) exit {code} ;;" for number, code in enumerate(codes, start=1)]
    lines = ["#!/bin/sh", f'echo "$*" >> "{calls}"', f'case "$(grep -c . "{calls}")" in', *cases]
    command.write_text("\n".join([*lines, "*) exit 99 ;;", "esac", ""]))
    command.chmod(0o755)
    return command, calls


@pytest.mark.slow
def test_shuffled_days_and_a_rerun_are_one_plain_run(plain, tmp_path):
    """Days out of order, one of them twice: bytes and digests of the plain run; quiet for cron."""
    for day in (*SHUFFLED, DAYS[1]):
        done = run_script(tmp_path, day)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    require_same_days(tmp_path, plain)
    require_complete(tmp_path, plain)
    log = (tmp_path / "log" / "fauxpay-daily.log").read_text()
    assert log.count('"event": "run finished"') == 3
    assert log.count('"event": "run found"') == 1
    assert log.count('"is_new": true') == 3


def test_a_second_instance_leaves_at_once(tmp_path):
    """While another holds the lock nothing is run: code 75, and a word of why."""
    command, calls = fake_command(tmp_path, 0)
    with (tmp_path / "fauxpay-daily.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run_script(tmp_path, DAYS[0], PAYMENTS_COMMAND=str(command))
        assert done.returncode == 75
        assert "another instance" in done.stderr
        assert DAYS[0] in done.stderr
        assert not calls.exists()
    assert run_script(tmp_path, DAYS[0], PAYMENTS_COMMAND=str(command)).returncode == 0


@pytest.mark.parametrize("code", [2, 3, 4, 5, 7, 8, 130, 143])
def test_what_a_second_try_cannot_mend_is_not_tried_again(tmp_path, code):
    """Such a code is handed on after one call."""
    command, calls = fake_command(tmp_path, code, 0)
    done = run_script(tmp_path, DAYS[0], PAYMENTS_COMMAND=str(command))
    assert done.returncode == code
    assert f"exit code {code} after 1 of 3 tries" in done.stderr
    assert len(calls.read_text().splitlines()) == 1


def test_what_a_second_try_may_mend_is_tried_again(tmp_path):
    """Storage and unknown errors: three tries, then the last code; or success on the way."""
    command, calls = fake_command(tmp_path, 6, 9, 0, 1, 6, 6)
    assert run_script(tmp_path, DAYS[0], PAYMENTS_COMMAND=str(command)).returncode == 0
    assert len(calls.read_text().splitlines()) == 3
    done = run_script(tmp_path, DAYS[0], PAYMENTS_COMMAND=str(command))
    assert done.returncode == 6
    assert "after 3 of 3 tries" in done.stderr


def test_without_a_day_it_is_yesterday_in_utc(tmp_path):
    """What cron calls without a word makes the UTC day that has just ended."""
    command, calls = fake_command(tmp_path, 0)
    before = datetime.now(UTC)
    assert run_script(tmp_path, PAYMENTS_COMMAND=str(command)).returncode == 0
    called = calls.read_text()
    # Midnight may strike while it runs.
    days = {(at - timedelta(days=1)).date() for at in (before, datetime.now(UTC))}
    assert any(f"generate --logical-date {day} --out {tmp_path}" in called for day in days)


def test_a_real_failure_stands_in_the_log(tmp_path):
    """A wrong config: exit code 2, and the log's last line says which key, as JSON."""
    done = run_script(tmp_path, DAYS[0], PAYMENTS_ARGUMENTS="--set catalog.crads=5")
    assert done.returncode == 2
    last = (tmp_path / "log" / "fauxpay-daily.log").read_text().splitlines()[-1]
    assert json.loads(last)["code"] == 2
    assert "catalog.crads" in json.loads(last)["message"]
