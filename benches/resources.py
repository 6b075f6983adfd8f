"""Start-up, memory and workers of whole commands, each in a process of its own.

    python -m benches.resources

Prints: wall time of `fauxpay --help`, of the way from start to the first row, of a request whose
run is there, of the demo world without and with its report; peak memory of 3 and of 30 days of the
same world (100,000 cards, one process); one worker against two, and two runs side by side that
share nothing but the machine: what its second core is worth.
"""

from __future__ import annotations

import datetime
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

CARDS = ("--set", "catalog.cards=100000", "--set", "catalog.merchants=20000")


def run(*arguments: str) -> tuple[float, float, float]:
    """(wall seconds, peak MB of the largest process, CPU seconds) of a fauxpay command."""
    begun = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "fauxpay", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=compiled(),
    )
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, arguments
    return time.perf_counter() - begun, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


@cache
def compiled_code() -> tempfile.TemporaryDirectory[str]:
    """A folder for what Python compiles; gone when the bench ends."""
    return tempfile.TemporaryDirectory()


def compiled() -> dict[str, str]:
    """An environment where Python keeps what it compiles, as pip does for whoever installs us."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": compiled_code().name}


def generate(days: int, workers: int, *settings: str) -> tuple[float, float, float]:
    """A run of so many days in a new folder."""
    with tempfile.TemporaryDirectory() as root:
        first = datetime.date(2026, 3, 1)
        last = first + datetime.timedelta(days=days)
        window = ("--from", str(first), "--to", str(last))
        more = ("--out", root, "--workers", str(workers), *CARDS, *window)
        executor = "serial" if workers == 1 else "processes"
        return run(
            "generate",
            "--quiet",
            "--no-report",
            *more,
            "--set",
            f"run.executor={executor}",
            *settings,
        )


def found() -> float:
    """Seconds to say that a run is there already."""
    with tempfile.TemporaryDirectory() as root:
        request = ("generate", "--quiet", "--out", root, "--to", "2026-03-04")
        run(*request)
        return min(run(*request)[0] for _ in range(5))


def demo(*settings: str) -> float:
    """Seconds of `fauxpay generate` as it comes, on all cores."""
    with tempfile.TemporaryDirectory() as root:
        return run("generate", "--quiet", "--out", root, *settings)[0]


def cost_of_fraud() -> float:
    """Share of the CPU of 60 days that goes without fraud: median of alternating pairs."""
    without = ("--set", "fraud.enabled=false")
    pairs = [(generate(60, 1)[2], generate(60, 1, *without)[2]) for _ in range(3)]
    return statistics.median(1 - plain / whole for whole, plain in pairs)


def side_by_side(days: int) -> float:
    """How much more two separate one-worker runs get done at once than one after the other."""
    alone = min(generate(days, 1)[0] for _ in range(2))
    begun = time.perf_counter()
    threads = [threading.Thread(target=generate, args=(days, 1)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 2 * alone / (time.perf_counter() - begun)


def first_row() -> float:
    """Seconds from the start of the process to the first published partition."""
    with tempfile.TemporaryDirectory() as root:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "fauxpay", "generate", "--quiet", "--out", root]
        command += ["--workers", "1"]
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=compiled())
        while not list(Path(root).glob("worlds/*/seed=1/transactions/event_day=*/part-*")):
            time.sleep(0.005)
            assert child.poll() in (None, 0)
        seconds = time.perf_counter() - begun
        child.wait()
        return seconds


def main() -> None:
    """Prints the figures, the best of some runs where the machine's noise adds only."""
    print(f"--help: {min(run('--help')[0] for _ in range(5)):.2f} s")
    print(f"start to first published day, demo world: {min(first_row() for _ in range(3)):.2f} s")
    print(f"the same request again: {found():.2f} s")
    pairs = [(demo("--no-report"), demo()) for _ in range(3)]
    bare, whole = (min(column) for column in zip(*pairs, strict=True))
    print(f"demo world, from start to end: {bare:.1f} s, with its report {whole:.1f} s")
    (_, short, _), (_, long, _) = generate(3, 1), generate(30, 1)
    print(f"peak memory, 100,000 cards: 3 days {short:.0f} MB, 30 days {long:.0f} MB")
    one = [generate(120, 1)[0] for _ in range(2)]
    two = [generate(120, 2)[0] for _ in range(2)]
    print(
        f"120 days of 100,000 cards: one worker {min(one):.1f} s, two {min(two):.1f} s, "
        f"{min(one) / min(two):.2f} times faster"
    )
    print(f"fraud and labels: {cost_of_fraud():.1%} of the CPU")
    print(f"two separate runs side by side: {side_by_side(60):.2f} times one after the other")


if __name__ == "__main__":
    main()
