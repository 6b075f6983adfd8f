"""`fauxpay generate --executor`: names are judged before anything is made."""

from __future__ import annotations

import subprocess
import sys


def generate(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "fauxpay", "generate", "--quiet", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_unknown_executor_is_refused_with_the_nearest(tmp_path):
    """Exit code 2, the flag, what is known and what was probably meant; nothing is written."""
    done = generate("--out", str(tmp_path / "out"), "--executor", "sparc")
    assert done.returncode == 2
    assert "run.executor = 'sparc' (from flag --executor)" in done.stderr
    assert "one of serial, processes, ray, spark" in done.stderr
    assert "did you mean spark?" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_flag_chooses_and_no_byte_tells(tmp_path):
    """A run made serially is the run that processes are asked for: it is found, not made."""
    sizes = ("--set=catalog.cards=200", "--set=catalog.merchants=400", "--set=catalog.places=12")
    words = ("--out", str(tmp_path), "--to", "2026-03-03", "--no-report", *sizes)
    first = generate(*words, "--executor", "serial")
    assert first.returncode == 0, first.stderr
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    second = generate(*words, "--executor", "processes", "--workers", "2")
    assert second.returncode == 0, second.stderr
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
