"""Out of memory: the kernel's killer, a limit on the address space; said, no run, resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import survival_harness as harness

# Long enough that a worker is still at work when it is found.
MONTHS = ("--from", "2025-05-01", "--to", "2026-03-04")
OUT_OF_RESOURCES = 9
GROUPS_V1, GROUPS_V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@contextmanager
def memory_group(name: str):
    """A control group that can be given a limit: (its folder, the file of the limit)."""
    old = (GROUPS_V1 / "memory.limit_in_bytes").exists()
    folder = (GROUPS_V1 if old else GROUPS_V2) / f"fauxpay-{name}-{os.getpid()}"
    limit = folder / ("memory.limit_in_bytes" if old else "memory.max")
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        if not limit.exists():
            pytest.skip("control groups here do not limit memory")
        yield folder, limit
    finally:
        folder.rmdir()


def used_bytes(folder: Path) -> int:
    """Memory that a group uses."""
    names = ("memory.usage_in_bytes", "memory.current")
    return next(int((folder / name).read_text()) for name in names if (folder / name).exists())


def kills(folder: Path) -> int:
    """How often the kernel's killer was at work in a group."""
    for name in ("memory.oom_control", "memory.events"):
        if (folder / name).exists():
            told = dict(line.split() for line in (folder / name).read_text().splitlines())
            return int(told["oom_kill"])
    return 0


def worker_of(run: subprocess.Popen[str]) -> int:
    """A worker of a run that is at work."""
    spawned = [one for one in harness.family(run) if "spawn_main" in " ".join(one.cmdline())]
    return spawned[0].pid


def require_said(run: subprocess.Popen[str], root: Path) -> None:
    """One line, code 9, which names the remedy; no run; then the same command ends well."""
    _, told = run.communicate(timeout=120)
    assert run.returncode == OUT_OF_RESOURCES, told
    assert told.count("\n") == 1, told
    assert "memory" in told
    assert "--workers" in told
    assert "the same command resumes" in told
    assert not list(root.glob("runs/utc_day=*"))
    again = harness.finished(harness.command(root, *MONTHS, workers=1))
    assert again.returncode == 0, again.stderr
    assert (
        harness.expected().items()
        >= {
            name: digest
            for name, digest in harness.digests(root).items()
            if name in harness.expected()
        }.items()
    )


@pytest.mark.slow
def test_a_worker_that_the_kernel_kills_for_its_memory_is_said(tmp_path):
    """A worker in a control group whose limit shrinks below its use: the real killer takes it."""
    with memory_group("worker") as (folder, limit):
        run = harness.started(harness.command(tmp_path, *MONTHS, workers=2))
        harness.wait_for(tmp_path, "worlds/*/seed=1/truth/event_day=*/part-*", run)
        (folder / "cgroup.procs").write_text(str(worker_of(run)))
        # What the worker takes from here on is counted; it has to be more than nothing.
        limit.write_text(str(max(used_bytes(folder), 64 << 10)))
        require_said(run, tmp_path)
        assert kills(folder) >= 1


@pytest.mark.slow
def test_a_worker_that_is_killed_is_said(tmp_path):
    """SIGKILL of one worker, which is what the killer sends: the same words and code."""
    run = harness.started(harness.command(tmp_path, *MONTHS, workers=2))
    harness.wait_for(tmp_path, "worlds/*/seed=1/truth/event_day=*/part-*", run)
    os.kill(worker_of(run), signal.SIGKILL)
    require_said(run, tmp_path)


LIMITED = """
import resource, sys
def more_than_now(bytes):
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + bytes,) * 2)
import fauxpay.delivery.workers as workers, fauxpay.delivery.run as run
room, make = int(sys.argv.pop(1)), workers.open_world
def open_world(context):
    workshop = make(context)
    more_than_now(room)
    return workshop
import fauxpay.delivery.executors as executors
executors.open_world = open_world
from fauxpay.cli import main
main()
"""


def test_memory_that_is_refused_at_work_is_said(tmp_path):
    """A real MemoryError, by a limit on the address space after the world is open: code 9."""
    big = ("--set", "catalog.cards=60000", "--set", "run.chunk_rows=1048576")
    root = tmp_path / "out"
    arguments = [*harness.command(root)[3:], *big]
    done = harness.finished([sys.executable, "-c", LIMITED, str(1 << 20), *arguments])
    assert done.returncode == OUT_OF_RESOURCES, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "out of memory" in done.stderr
    assert "the same command resumes" in done.stderr
    assert not harness.staged(root)
    assert not list(root.glob("runs/utc_day=*"))


def test_a_worker_s_memory_error_is_no_fault_of_ours():
    """Python's, NumPy's and Arrow's refusals reach the parent as one error with its remedy."""
    import numpy as np
    import pyarrow as pa

    from fauxpay.delivery.workers import failure
    from fauxpay.errors import ResourceError

    def too_much():
        np.empty(1 << 60, dtype=np.uint8)

    def too_much_for_arrow():
        pa.allocate_buffer(1 << 60)

    for refuse in (too_much, too_much_for_arrow, lambda: bytearray(1 << 60)):
        with pytest.raises(MemoryError) as raised:
            refuse()
        failed = failure("2026-03-01 part 0000", raised.value)
        assert failed.kind == ResourceError.__name__
        assert "the same command resumes" in failed.message
        assert failed.trace == ""
