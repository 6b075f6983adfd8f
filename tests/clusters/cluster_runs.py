"""A run that is long enough to be hurt, on a real local cluster, and what must come of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

import fauxpay

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from orchestration.environments import ROOT, clean_environ

SIZES = {"catalog.cards": 24_000, "catalog.merchants": 2_000, "catalog.places": 40}
SIZES |= {"output.cards_per_shard": 2_000}
WINDOW = ("--from", "2026-03-01", "--to", "2026-03-11")
PARTITIONS = 12 * 11
SIDECARS = "worlds/*/seed=*/partitions/*/part-*.json"
SECONDS_MAX = 180
GLANCE_SECONDS = 0.1
ENDS_SECONDS_MAX = 60
Started = subprocess.Popen[str]


def arguments(root: Path, *more: str) -> list[str]:
    """Of `fauxpay generate` for the run below a root."""
    sizes = [f"--set={key}={value}" for key, value in SIZES.items()]
    return ["generate", "--quiet", "--out", str(root), *WINDOW, *sizes, *more]


def environ_of(**more: str) -> dict[str, str]:
    """The environment of a run: no cluster but the one that the test names."""
    outside = ("RAY_ADDRESS", "PYSPARK_SUBMIT_ARGS", "PYSPARK_PYTHON", "DASK_SCHEDULER_ADDRESS")
    kept = {key: value for key, value in clean_environ().items() if key not in outside}
    return {**kept, **more}


def started(python: Path, words: Sequence[str], folder: Path, **more: str) -> Started:
    """A command of the clusters' environment in a process group of its own; it writes a log."""
    with (folder / "log").open("a") as log:
        return subprocess.Popen(
            [python, *words],
            stdout=log,
            stderr=log,
            text=True,
            env=environ_of(**more),
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=mind_signals,
        )


def mind_signals() -> None:
    """For a child: signals mean what they mean at a terminal, however the tests were started."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def ended(run: Started, folder: Path, code: int = 0) -> str:
    """Waits for a command that ends with a code; what it wrote."""
    try:
        run.wait(SECONDS_MAX)
    finally:
        run.kill()
    log = (folder / "log").read_text()
    assert run.returncode == code, log[-3000:]
    return log


def under_way(root: Path, run: Started, count: int = 6) -> None:
    """Returns as soon as so many partitions are published; most are still to be made."""
    until = time.monotonic() + SECONDS_MAX
    while sidecar_count(root) < count:
        assert run.poll() is None, (root / ".." / "log").read_text()[-3000:]
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.005)
    assert sidecar_count(root) < PARTITIONS - 20, "too late to hurt it"


def sidecar_count(root: Path) -> int:
    """Partitions that are published."""
    return len(list(root.glob(SIDECARS)))


def kill_one(run: Started, sign: str) -> psutil.Process:
    """Kills a process at work below a command, whose command line has a sign in it."""
    until = time.monotonic() + ENDS_SECONDS_MAX
    while time.monotonic() < until:
        # The parent of forked workers has the same command line, and does no work.
        found = [one for one in family(run) if sign in words_of(one) and not has_forked(one)]
        before = [used_seconds(one) for one in found]
        time.sleep(GLANCE_SECONDS)
        busy = [used_seconds(one) - used for one, used in zip(found, before, strict=True)]
        # One that waits for its next task would not be missed.
        if busy and max(busy) >= GLANCE_SECONDS / 3:
            victim = found[busy.index(max(busy))]
            kill(victim)
            return victim
    raise AssertionError(f"no process {sign!r} below the run")


def kill(process: psutil.Process) -> None:
    """SIGKILL, for one that may be gone already."""
    with suppress(psutil.NoSuchProcess):
        process.kill()
        process.wait(ENDS_SECONDS_MAX)


def family(run: Started) -> list[psutil.Process]:
    """Processes that a command has started."""
    return psutil.Process(run.pid).children(recursive=True)


def has_forked(process: psutil.Process) -> bool:
    """Whether a child of it has the same command line."""
    try:
        own = process.cmdline()
        return any(child.cmdline() == own for child in process.children())
    except psutil.Error:
        return False


def words_of(process: psutil.Process) -> str:
    """Its command line, or nothing when it is gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def used_seconds(process: psutil.Process) -> float:
    """Processor time that it has used, or nothing when it is gone."""
    try:
        return sum(process.cpu_times()[:2])
    except psutil.Error:
        return -1.0


def require_gone(processes: list[psutil.Process]) -> None:
    """None of them lives on."""
    _, alive = psutil.wait_procs(processes, timeout=ENDS_SECONDS_MAX)
    assert not alive, [words_of(one) for one in alive]


def logical_digests(root: Path) -> dict[str, str]:
    """Logical digests of all tables of the only run below a root, by path."""
    (run,) = fauxpay.open(root).runs()
    entries = list(run.receipt["catalog"])
    entries += [entry for part in run.receipt["partitions"] for entry in part["tables"]]
    assert len(run.receipt["partitions"]) == PARTITIONS - 12
    return {entry["path"]: entry["logical_digest"] for entry in entries}


def survives_a_kill(python: Path, folder: Path, engine: Sequence[str], sign: str) -> None:
    """A worker is killed in the middle: the run ends well and leaves nothing running."""
    words = ["-m", "fauxpay", *arguments(folder / "out", *engine)]
    run = started(python, words, folder)
    under_way(folder / "out", run)
    kill_one(run, sign)
    others = family(run)
    ended(run, folder)
    require_gone(others)


def log_without_retries(python: Path, folder: Path, engine: Sequence[str], sign: str) -> str:
    """The same kill where no task is tried again: exit code 9, nothing sealed; what it wrote."""
    module = f"fauxpay.delivery.{engine[1]}_executor"
    code = f"import {module} as own; own.RETRIES_MAX = 0\nfrom fauxpay.cli import main; main()"
    run = started(python, ["-c", code, *arguments(folder / "out", *engine)], folder)
    under_way(folder / "out", run)
    kill_one(run, sign)
    log = ended(run, folder, code=9)
    assert "the same command resumes" in log
    assert not list((folder / "out").glob("runs/utc_day=*"))
    return log
