"""Killed at any moment: what is left is never torn, and the rerun ends as if never killed."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
import survival_harness as harness

ROUNDS_DEFAULT, ROUNDS_ALL = 10, 100
SEED = 20260301


def lifetimes(root) -> dict[int, tuple[float, float]]:
    """Seconds from the start to the first staged file and to the end, by number of workers."""
    found = {}
    for workers in (1, 2):
        own = root / f"timed-{workers}"
        begun = time.monotonic()
        run = harness.started(harness.command(own, workers=workers))
        harness.wait_for(own, ".staging", run)
        first = time.monotonic() - begun
        run.communicate(timeout=60)
        assert run.returncode == 0
        found[workers] = (first, time.monotonic() - begun)
    return found


def killed(root, workers: int, wait_seconds: float, *, from_first_file: bool) -> bool:
    """Starts the run and kills its whole group after a time; whether it was still going."""
    run = harness.started(harness.command(root, workers=workers))
    if from_first_file:
        harness.wait_for(root, ".staging", run)
    time.sleep(wait_seconds)
    was_going = run.poll() is None
    if was_going:
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    return was_going


def hurt_and_mended(tmp_path, rounds: int) -> None:
    """Rounds of kill, look, run again.

    Half of the moments are spread over the whole life of the command, half over the part from the
    first staged file on, in which world, partitions and receipt are written.
    """
    moments = random.Random(SEED)
    lives = lifetimes(tmp_path)
    going = torn = 0
    for number in range(rounds):
        root = tmp_path / str(number)
        workers, from_first_file = 1 + number % 2, number % 4 > 1
        first, end = lives[workers]
        span = end - first if from_first_file else end
        going += killed(root, workers, moments.random() * span, from_first_file=from_first_file)
        torn += root.is_dir() and harness.require_nothing_torn(root) == 0
        harness.make(root)
        harness.require_whole(root)
    print(f"{rounds} rounds, {going} killed at work, {torn} left files and no run")
    assert going > rounds // 2, f"only {going} of {rounds} were hit at work"
    assert torn > 0


def test_a_killed_run_ends_as_if_never_killed(tmp_path):
    """SIGKILL at 10 seeded moments: nothing torn is readable, the rerun has the same files."""
    hurt_and_mended(tmp_path, ROUNDS_DEFAULT)


@pytest.mark.slow
def test_a_hundred_killed_runs_end_as_if_never_killed(tmp_path):
    """SIGKILL at 100 seeded moments of the whole life of the command: the same."""
    hurt_and_mended(tmp_path, ROUNDS_ALL)


@pytest.mark.slow
def test_a_run_killed_again_and_again_gets_there(tmp_path):
    """Twelve kills of the same run, each a little later: the rest is made, nothing is spoilt."""
    first, end = lifetimes(tmp_path)[2]
    root = tmp_path / "again"
    for number in range(12):
        seconds = first + (end - first) * number / 12
        killed(root, 2, seconds, from_first_file=False)
        harness.require_nothing_torn(root)
    done = harness.finished(harness.command(root, workers=2))
    assert done.returncode == 0, done.stderr
    harness.require_whole(root)
