"""At once: processes that make the same run, or runs that share days, agree to the last byte."""

from __future__ import annotations

import subprocess

import pytest
import survival_harness as harness

import fauxpay

WINDOWS = (("2026-03-01", "2026-03-04"), ("2026-03-02", "2026-03-04"), ("2026-03-01", "2026-03-03"))


def all_succeed(commands: list[list[str]]) -> None:
    """Runs commands at the same time; all end with exit code 0."""
    running = [
        subprocess.Popen(own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for own in commands
    ]
    told = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(commands), told


def same_run(root, processes: int) -> None:
    """So many processes make the same run at once: one receipt, one instant, equal files."""
    all_succeed([harness.command(root, workers=1 + number % 2) for number in range(processes)])
    harness.require_whole(root)
    stamps = list((root / "runs" / "created").iterdir())
    assert len(stamps) == 1
    created = fauxpay.open(root).latest().receipt["created_utc"]
    assert created in stamps[0].read_text()
    assert not harness.staged(root)
    assert not (root / "conflicts").exists()


def overlapping(root) -> None:
    """Three runs that share days, at once: three receipts, each day's files those of one run."""
    windows = [("--from", first, "--to", last) for first, last in WINDOWS]
    all_succeed([harness.command(root, *window) for window in windows])
    assert len(fauxpay.open(root).runs()) == len(WINDOWS)
    made = {name: digest for name, digest in harness.digests(root).items() if "until" not in name}
    wanted = harness.expected()
    assert made == {name: digest for name, digest in wanted.items() if "until" not in name}
    assert not (root / "conflicts").exists()


def test_two_processes_that_make_the_same_run_agree(tmp_path):
    """Two at once, one of them with workers: both succeed, one receipt, one created_utc."""
    same_run(tmp_path, 2)


def test_overlapping_windows_at_once_share_their_days(tmp_path):
    """Windows that overlap, at once: all succeed, and no day is a mix."""
    overlapping(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["two", "four", "overlapping"])
def test_races_repeated_always_agree(tmp_path, kind):
    """Twenty times each."""
    for number in range(20):
        root = tmp_path / str(number)
        if kind == "overlapping":
            overlapping(root)
        else:
            same_run(root, 2 if kind == "two" else 4)
