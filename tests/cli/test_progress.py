"""Progress for people: lines where there is no terminal, a bar where there is one."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pytest
from commands import SMALL, environ_with, generate

from fauxpay.cli import progress
from fauxpay.delivery.progress import GateNews, Progress, WorldNews, silent, to_all


def told(*reports: tuple[float, Progress]) -> list[str]:
    """The lines for reports at given seconds."""
    stream, now = io.StringIO(), [0.0]
    report = progress.plain_lines(stream, lambda: now[0])
    for seconds, one in reports:
        now[0] = seconds
        report(one)
    return stream.getvalue().splitlines()


def test_the_lines_of_a_run_read_well():
    """World, partitions, gates; the receipt is left to the summary."""
    world = WorldNews({"cards": 25000, "places": 400}, is_built=True)
    assert told(
        (0.0, Progress("world", 0, 1, 0)),
        (1.5, Progress("world", 1, 1, 0, news=world)),
        (2.0, Progress("partitions", 0, 4, 0)),
        (2.5, Progress("partitions", 0, 4, 1000)),
        (7.0, Progress("partitions", 2, 4, 50_000)),
        (12.0, Progress("partitions", 4, 4, 100_000)),
        (12.0, Progress("gates", 0, 1, 0)),
        (12.5, Progress("gates", 1, 1, 0, news=GateNews({"verdict": "PASS"}))),
        (12.5, Progress("receipt", 0, 1, 0)),
        (12.6, Progress("receipt", 1, 1, 0)),
    ) == [
        "fauxpay: looking for the world, or building it",
        "fauxpay: world built in 1.5 s, 25,000 cards",
        "fauxpay: partitions, 0 of 4",
        "fauxpay: partitions, 2 of 4, 50,000 rows, 10,000 rows/s, 5 s left",
        "fauxpay: partitions, 4 of 4, 100,000 rows, 10,000 rows/s",
        "fauxpay: gates say PASS",
    ]


def test_lines_come_every_few_seconds_only():
    """A thousand reports in a second are one line."""
    reports = [(n / 1000, Progress("partitions", 0, 9, n)) for n in range(1000)]
    assert told(*reports) == ["fauxpay: partitions, 0 of 9"]


def test_several_listeners_hear_the_same():
    """A report to all reaches each, in order."""
    heard: list[tuple[int, Progress]] = []
    one = Progress("world", 0, 1, 0)
    to_all(lambda p: heard.append((1, p)), silent, lambda p: heard.append((2, p)))(one)
    assert heard == [(1, one), (2, one)]


def test_what_is_being_done_is_said_before_it_is_done():
    """A line where there is no terminal; nothing where it shall be quiet."""
    stream = io.StringIO()
    with progress.told("drawing", is_quiet=False, stream=stream):
        assert stream.getvalue() == "fauxpay: drawing\n"
    with progress.told("drawing", is_quiet=True, stream=stream):
        assert stream.getvalue() == "fauxpay: drawing\n"


def test_without_a_terminal_progress_is_lines_on_standard_error(own_root):
    """Standard output has the summary only; standard error ends with the gates' verdict."""
    done = generate(own_root, "--logical-date", "2026-03-02")
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert lines[0] == "fauxpay: looking for the world, or building it"
    assert lines[1].startswith("fauxpay: world found in ")
    assert lines[-1] == "fauxpay: gates say PASS"
    assert done.stdout.splitlines()[0].split()[0] == "transactions"
    assert "fauxpay:" not in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_there_is_a_bar(own_root):
    """A terminal gets a moving bar that is gone at the end, and no plain lines."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "fauxpay", "generate", "--out", str(own_root), *SMALL]
    run = subprocess.Popen(
        [*command, "--from", "2026-03-01", "--to", "2026-03-05"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environ_with(TERM="xterm", COLUMNS="100"),
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed.
            break
        if not part:
            break
        shown += part
    out, _ = run.communicate(timeout=60)
    os.close(ours)
    assert run.returncode == 0
    assert b"partitions" in shown
    assert b"\x1b[" in shown
    assert b"fauxpay: partitions" not in shown
    assert b"\x1b" not in out
    assert out.split()[0] == b"transactions"
