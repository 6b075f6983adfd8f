"""A very small run, ways to hurt it, and what must hold afterwards."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

import fauxpay
from fauxpay.delivery.sinks import STAGING
from fauxpay.errors import ContractError
from fauxpay.receipts.records import partition_receipt

Started = subprocess.Popen[str]
TINY = {"cards": 60, "merchants": 120, "places": 8}
FRAUD = {"card_testing_per_card_year": 4.0, "lost_stolen_per_card_year": 4.0}
WINDOW = {"from": "2026-03-01", "to": "2026-03-04"}


def request(root: Path, **run: object) -> dict[str, object]:
    """The tiny run below a root, in this process unless told otherwise."""
    own = {**WINDOW, "out": str(root), "executor": "serial", "report": False, **run}
    return {"catalog": TINY, "fraud": FRAUD, "run": own}


def command(root: Path, *more: str, workers: int = 1) -> list[str]:
    """The command line of the same run."""
    sizes = [f"--set=catalog.{key}={value}" for key, value in TINY.items()]
    sizes += [f"--set=fraud.{key}={value}" for key, value in FRAUD.items()]
    window = ["--from", WINDOW["from"], "--to", WINDOW["to"], "--workers", str(workers)]
    own = [sys.executable, "-m", "fauxpay", "generate", "--quiet", "--out", str(root)]
    return [*own, *window, *sizes, *more]


def mind_signals() -> None:
    """For a child: signals mean what they mean at a terminal, whoever started the tests and how.

    A shell's & has its children ignore Ctrl-C, and so would ours.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def finished(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """A command run to its end, its words kept."""
    return subprocess.run(
        arguments, capture_output=True, text=True, timeout=120, preexec_fn=mind_signals
    )


def digests(root: Path) -> dict[str, str]:
    """SHA-256 of every file of the worlds below a root, by its name."""
    worlds = root / "worlds"
    return {
        str(path.relative_to(worlds)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(worlds.rglob("*"))
        if path.is_file()
    }


def make(root: Path, **run: object) -> dict[str, str]:
    """Makes the tiny run in this process; the digests of its files."""
    fauxpay.generate(request(root, **run))
    return digests(root)


@functools.cache
def expected() -> dict[str, str]:
    """Digests of the run that nothing ever happened to."""
    with tempfile.TemporaryDirectory() as root:
        return make(Path(root))


def require_nothing_torn(root: Path, wanted: dict[str, str] | None = None) -> int:
    """Whatever readers would take for good is good, to the last byte; how many runs they take."""
    wanted = wanted or expected()
    if not root.is_dir():
        return 0
    runs = fauxpay.open(root).runs()
    for run in runs:
        entries = list(run.receipt["catalog"])
        entries += [entry for part in run.receipt["partitions"] for entry in part["tables"]]
        for entry in entries:
            require_good(root, entry, wanted)
    for sidecar in root.glob("worlds/*/seed=*/partitions/*/part-*.json"):
        try:
            receipt = partition_receipt(sidecar.read_bytes())
        except ContractError:
            continue  # Not believed by the product either.
        for table in receipt.tables:
            require_good(root, {"path": table.path, "file_sha256": table.file_sha256}, wanted)
    for world in root.glob("worlds/*/world.json"):
        for entry in json.loads(world.read_bytes())["tables"]:
            require_good(root, entry, wanted)
    return len(runs)


def require_good(root: Path, entry: dict[str, str], wanted: dict[str, str]) -> None:
    """The file of an entry stands there with the bytes that it has in an unharmed run."""
    name = entry["path"].removeprefix("worlds/")
    assert hashlib.sha256((root / entry["path"]).read_bytes()).hexdigest() == wanted[name], name
    assert entry["file_sha256"] == wanted[name], name


def require_whole(root: Path) -> None:
    """One run, passed, whose files are those of the run that nothing happened to."""
    assert digests(root) == expected()
    assert require_nothing_torn(root) == 1
    receipts = list(root.glob("runs/utc_day=*/*/receipt.json"))
    assert len(receipts) == 1, receipts


def staged(root: Path) -> list[str]:
    """Files that were staged and left."""
    return [path.name for path in root.glob(f"{STAGING}/*") if path.name != "publish.lock"]


def started(arguments: list[str], prepare: Callable[[], object] = mind_signals) -> Started:
    """A command in a process group of its own, its standard error kept."""
    return subprocess.Popen(
        arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=prepare,
    )


def wait_for(root: Path, pattern: str, run: Started, count: int = 1) -> None:
    """Returns as soon as so many names of a pattern are there; the run must still be going."""
    until = time.monotonic() + 60
    while len(list(root.glob(pattern))) < count:
        assert run.poll() is None, "the run ended before it could be hurt"
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.001)


def family(run: Started) -> list[psutil.Process]:
    """The processes that a command has started."""
    try:
        return psutil.Process(run.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def require_gone(processes: list[psutil.Process]) -> None:
    """None of the processes lives on."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive


@contextmanager
def mounted(kind: str, source: str, folder: Path, options: str) -> Iterator[Path]:
    """A file system of one's own; skips the test, with the reason, where none can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["mount", "-t", kind, "-o", options, source, str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a file system")
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount {kind} here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
