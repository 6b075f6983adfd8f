"""Campaign: many executions, each known by target and seed, counted, in processes that may die.

A worker writes the seed it is about to try into a file; when it is killed by a signal, or hangs
where Python cannot interrupt it, that seed is the crash and a new worker goes on behind it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from fauxpay.errors import FauxpayError

from .guard import Hang, guarded
from .targets import TARGETS

CHUNK = 10_000
SILENT_SECONDS_MAX = 60.0
SEED_DIGITS = 16


@dataclass
class Tally:
    """What a number of executions came to; crashes by what they have in common."""

    executions: int = 0
    refused: int = 0
    crashes: dict[str, int] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "executions": self.executions,
            "refused": self.refused,
            "crashes": self.crashes,
            "outcomes": dict(self.outcomes),
        }

    def add(self, other: dict[str, Any]) -> None:
        """Take in what a worker counted."""
        self.executions += other["executions"]
        self.refused += other["refused"]
        self.outcomes.update(other["outcomes"])
        for what, seed in other["crashes"].items():
            self.crashes.setdefault(what, seed)


def execute(name: str, seed: int, scratch: Path) -> tuple[str, str]:
    """One execution: ("passed" | class of a FauxpayError | "crash", what happened)."""
    random = Random(f"{name}:{seed}")
    try:
        with guarded(scratch.parent) as violations:
            TARGETS[name].execute(random, scratch)
        outcome = ("passed", "")
    except FauxpayError as error:
        outcome = (type(error).__name__, str(error))
    except (Exception, Hang) as error:
        return "crash", _described(error)
    return ("crash", f"touched {violations[0]}") if violations else outcome


def _described(error: BaseException) -> str:
    """Class, and the last place in our own code: two crashes that agree in it are one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "fauxpay" in frame.filename] or list(frames)
    where = f"{Path(own[-1].filename).name}:{own[-1].name}" if own else "nowhere"
    return f"{type(error).__name__} in {where}: {str(error)[:120]!r}"


def in_process(name: str, start: int, count: int, folder: Path, seed_file: Path | None) -> Tally:
    """So many executions from a seed on."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    # Imports and the corpus are no part of an execution.
    for warm in range(3):
        try:
            TARGETS[name].execute(Random(f"warm:{warm}"), scratch)
        except Exception:
            continue
    tally = Tally()
    handle = os.open(seed_file, os.O_WRONLY | os.O_CREAT) if seed_file else -1
    for seed in range(start, start + count):
        if handle >= 0:
            os.pwrite(handle, str(seed).rjust(SEED_DIGITS).encode(), 0)
        outcome, what = execute(name, seed, scratch)
        tally.executions += 1
        tally.outcomes[outcome] += 1
        if outcome == "crash":
            key = what.partition(":")[0] + ":" + what.partition(":")[2].split(":")[0]
            tally.crashes.setdefault(key, seed)
        elif outcome != "passed":
            tally.refused += 1
    if handle >= 0:
        os.close(handle)
    return tally


def in_children(name: str, start: int, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same in processes that may die: (first seed not yet tried, what was counted)."""
    done = start
    with tempfile.TemporaryDirectory(prefix="fauxpay-fuzz-") as folder:
        seed_file = Path(folder, "seed")
        while done < start + count:
            size = min(CHUNK, start + count - done)
            arguments = ("--worker", name, str(done), str(size), folder)
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz", *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            text = _watched(child, seed_file)
            if child.returncode == 0:
                done += size
                yield done, json.loads(text.splitlines()[-1])
                continue
            seed = int(seed_file.read_text()) if seed_file.exists() else done
            crash = {f"process ended with {child.returncode}": seed}
            counted = seed + 1 - done
            done = seed + 1
            yield done, Tally(counted, 0, crash, Counter(crash=1, unknown=counted - 1)).document()


def _watched(child: subprocess.Popen[str], seed_file: Path) -> str:
    """Output of a worker; killed where it stays at one seed for too long."""
    last, since = "", time.monotonic()
    while True:
        try:
            return child.communicate(timeout=2)[0]
        except subprocess.TimeoutExpired:
            seed = seed_file.read_text() if seed_file.exists() else ""
            if seed != last:
                last, since = seed, time.monotonic()
            elif time.monotonic() - since > SILENT_SECONDS_MAX:
                child.kill()
