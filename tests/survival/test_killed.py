"""Killed at any moment: what is left is never torn, and the rerun ends as if never killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest
import survival_harness as harness

ROUNDS, ROUNDS_PER_TIMING = 100, 20
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


def killed(root, workers: int, wait_seconds: float, *, from_first_file: bool) -> float | None:
    """Starts the run and kills its whole group after a time; the seconds it took if it had ended.

    Both times count from the first staged file or from the start.
    """
    run = harness.started(harness.command(root, workers=workers))
    if from_first_file:
        harness.wait_for(root, ".staging", run)
    begun = time.monotonic()
    try:
        run.wait(wait_seconds)
        return time.monotonic() - begun
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        return None
    finally:
        run.communicate(timeout=60)


@pytest.mark.slow
def test_a_hundred_killed_runs_end_as_if_never_killed(tmp_path):
    """SIGKILL at 100 seeded moments: nothing torn is readable, the rerun has the same files.

    Half of the moments are spread over the whole life of the command, half over the part from the
    first staged file on, in which world, partitions and receipt are written. How long that is
    changes with what else the machine does: it is measured again and again, and a run that had
    ended before its moment says it better.
    """
    moments = random.Random(SEED)
    hit = torn = 0
    for number in range(ROUNDS):
        if number % ROUNDS_PER_TIMING == 0:
            spans = {}
            for count, (first, end) in lifetimes(tmp_path / f"timed-{number}").items():
                spans |= {(count, False): end, (count, True): end - first}
        root = tmp_path / str(number)
        kind = workers, from_first_file = 1 + number % 2, number % 4 > 1
        wait_seconds = moments.random() * spans[kind]
        lived = killed(root, workers, wait_seconds, from_first_file=from_first_file)
        hit += lived is None
        spans[kind] = spans[kind] if lived is None else lived
        torn += root.is_dir() and harness.require_nothing_torn(root) == 0
        harness.make(root)
        harness.require_whole(root)
    print(f"{ROUNDS} rounds, {hit} killed at work, {torn} left files and no run")
    assert hit > ROUNDS // 2, f"only {hit} of {ROUNDS} were hit at work"
    assert torn > 0


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
