"""Aside: detectors learn in a process of their own while the page is drawn.

Reads    a run
Writes   nothing
Draws    nothing
Sources  nothing

Half of what a report costs is Python itself, scikit-learn's modules above all, and threads of one
process take turns at that. The process is a plain `python -c`: one that multiprocessing spawns
would run a caller's script again where it has no main guard.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fauxpay.foundations.without_pandas import pandas_left_out
from fauxpay.readers.run import open_run, open_unverified
from fauxpay.report.difficulty import detectors
from fauxpay.scorecard.difficulty import FRAUDS_MIN, Curve, Difficulty

if TYPE_CHECKING:
    from fauxpay.readers.run import Run

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; import fauxpay.report.aside as a; a.answer()"


@contextmanager
def learning(run: Run) -> Iterator[Callable[[], Difficulty | str]]:
    """What detectors find in a run, as `detectors` says it, to be asked for within the block.

    Where a process of its own does not pay or does not answer, whoever asks waits for it here.
    """
    process = _started() if _pays(run) else None
    if process is None:
        yield lambda: detectors(run)
        return
    with process:
        try:
            _ask(process, run)
            yield lambda: _heard(process, run)
        finally:
            process.kill()


def answer() -> None:
    """Takes a run from standard input and says on standard output what detectors find in it.

    Nothing else is said there: what libraries print goes to standard error.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out, pandas_left_out():
        os.dup2(2, 1)
        root, folder, is_verified = json.load(sys.stdin)
        opened = open_run if is_verified else open_unverified
        found = detectors(opened(Path(root), Path(folder)))
        json.dump(found if isinstance(found, str) else asdict(found), out)


def _pays(run: Run) -> bool:
    """Whether there is enough to learn, something to learn with, and a core beside ours.

    A run in an object store is copied by whoever reads it; two would copy it twice.
    """
    return (
        run.rows.get("truth", 0) >= 2 * FRAUDS_MIN
        and isinstance(run.root, Path)
        and bool(sys.executable)
        and (os.cpu_count() or 1) > 1
        and find_spec("sklearn") is not None
    )


def _started() -> subprocess.Popen[bytes] | None:
    """The process; None where there is no Python to start."""
    # -P: the folder one stands in is no place to import from, unless it was before.
    command = [sys.executable, "-P", "-c", _PROGRAM, *sys.path]
    with suppress(OSError):
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    return None


def _ask(process: subprocess.Popen[bytes], run: Run) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps([str(run.root), str(run.folder), run.is_verified]).encode())
        process.stdin.close()
    except OSError:
        pass  # It is gone already, which shows when its answer is read.


def _heard(process: subprocess.Popen[bytes], run: Run) -> Difficulty | str:
    """The answer of the process; that of our own where there is none."""
    assert process.stdout is not None
    said = process.stdout.read()
    if process.wait() == 0:
        # Whatever stands there: an interpreter may greet, or be no Python at all.
        with suppress(ValueError, TypeError, KeyError):
            found = json.loads(said)
            return found if isinstance(found, str) else _difficulty(found)
    return detectors(run)


def _difficulty(told: dict[str, Any]) -> Difficulty:
    """What `asdict` made of one. Raises TypeError, KeyError for anything else."""
    curves = (
        Curve(**{**one, "roc": _pairs(one["roc"]), "gains": _pairs(one["gains"])})
        for one in told["curves"]
    )
    return Difficulty(**{**told, "curves": tuple(curves)})


def _pairs(listed: list[list[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in listed)
