"""A full disk at every stage: said with file and remedy, nothing torn, resumed with room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import survival_harness as harness

import fauxpay
from fauxpay.errors import StorageError
from fauxpay.readers.query import connected
from fauxpay.readers.views import connect_run, readable
from fauxpay.scorecard.events import asked

ROOMY = "size=24m,nr_inodes=2000"
SPILLING = (
    "CREATE TEMP TABLE big AS SELECT range AS a, hash(range) AS b, random()::VARCHAR AS c "
    "FROM range(3_000_000)"
)


@pytest.fixture
def disk(tmp_path):
    """A small disk of one's own."""
    with harness.mounted("tmpfs", "tmpfs", tmp_path / "disk", ROOMY) as folder:
        yield folder


def resized(disk: Path, options: str) -> None:
    """Gives the disk other limits."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def used(disk: Path, what: str) -> int:
    """KiB or inodes in use."""
    column = {"size": "--output=used", "inodes": "--output=iused"}[what]
    told = subprocess.run(["df", "-k", column, str(disk)], capture_output=True, text=True)
    return int(told.stdout.split()[-1])


def fills_up(root: Path) -> bool:
    """Whether the run meets the end of the disk; then it says so, and nothing torn is left."""
    told = ""
    try:
        fauxpay.generate(harness.request(root))
    except StorageError as error:
        told = str(error)
    if not told:
        return False
    assert str(root) in told
    assert "No space left on device" in told
    assert "Make room" in told
    assert harness.require_nothing_torn(root) == 0
    assert not harness.staged(root)
    return True


def swept(disk: Path, option: str, limits: list[str]) -> int:
    """How many of the limits a run meets; each time it ends well after there is room."""
    met = 0
    for number, limit in enumerate(limits):
        root = disk / str(number)
        resized(disk, f"{option}={limit}")
        met += fills_up(root)
        resized(disk, ROOMY)
        harness.make(root)
        harness.require_whole(root)
        subprocess.run(["rm", "-r", str(root)], check=True)
    return met


PAGE_KIB = 4
TAIL_KIB = 320
"""The last of a run's bytes: partitions, gates, receipt. Before them come the large draw tables."""


def sizes(need_kib: int, step_kib: int) -> list[int]:
    """Sizes of a disk that are too small: at each step where files are small, a few in between."""
    head = range(step_kib, 2 * TAIL_KIB, step_kib)
    middle = range(2 * TAIL_KIB, need_kib - TAIL_KIB, max(256, step_kib))
    return [*head, *middle, *range(max(head.stop, need_kib - TAIL_KIB), need_kib, step_kib)]


@pytest.mark.parametrize(
    "step_kib", [512, pytest.param(PAGE_KIB, marks=pytest.mark.slow)], ids=["coarse", "every page"]
)
def test_a_disk_that_fills_up_at_any_size(disk, step_kib):
    """Sizes of the disk up to what the run needs: StorageError, then resumed to the end."""
    harness.make(disk / "measure")
    need_kib = used(disk, "size")
    subprocess.run(["rm", "-r", str(disk / "measure")], check=True)
    limits = [f"{kib}k" for kib in sizes(need_kib, step_kib)]
    assert swept(disk, "size", limits) >= len(limits) - 1
    assert len(limits) >= 5


@pytest.mark.parametrize(
    "step", [12, pytest.param(1, marks=pytest.mark.slow)], ids=["coarse", "every file"]
)
def test_a_disk_that_runs_out_of_inodes(disk, step):
    """Every number of files and folders up to what the run needs: the same."""
    harness.make(disk / "measure")
    need = used(disk, "inodes")
    subprocess.run(["rm", "-r", str(disk / "measure")], check=True)
    limits = [str(count) for count in range(3, need, step)]
    assert swept(disk, "nr_inodes", limits) >= len(limits) - 1
    assert len(limits) >= 5


@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_says_what_is_full(disk, workers):
    """Exit code 6, one message with file and remedy, and the same command resumes."""
    root = disk / "out"
    resized(disk, "size=300k")
    done = harness.finished(harness.command(root, workers=workers))
    assert done.returncode == 6, done.stderr
    assert done.stderr.count("\n") == 1
    assert str(root) in done.stderr
    assert "Make room" in done.stderr
    assert harness.require_nothing_torn(root) == 0
    resized(disk, ROOMY)
    assert harness.finished(harness.command(root, workers=workers)).returncode == 0
    harness.require_whole(root)


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from fauxpay.cli import main
main()
"""


@pytest.mark.parametrize(
    "limit_bytes",
    [pytest.param(0, marks=pytest.mark.slow), 1000, pytest.param(9000, marks=pytest.mark.slow)],
)
def test_a_limit_on_the_size_of_files_is_said(tmp_path, limit_bytes):
    """RLIMIT_FSIZE, which stands in for a quota anywhere: exit code 6, then resumed."""
    root = tmp_path / "out"
    arguments = harness.command(root)[3:]
    done = harness.finished([sys.executable, "-c", LIMITED, str(limit_bytes), *arguments])
    assert done.returncode == 6, done.stderr
    assert str(root) in done.stderr
    assert "Make room" in done.stderr
    assert harness.require_nothing_torn(root) == 0
    harness.make(root)
    harness.require_whole(root)


@pytest.mark.parametrize("setting", ["SELECT 1", "SET max_temp_directory_size = '100GB'"])
def test_a_full_temporary_folder_is_no_damaged_run(sealed, disk, monkeypatch, setting):
    """Reading that spills to a full disk says so: by the engine's own limit, by the system's."""
    run = fauxpay.open(sealed).latest()
    resized(disk, "size=2m")
    monkeypatch.setattr("tempfile.tempdir", str(disk))

    def spill_views():
        with readable(run), connect_run(run, 1, "30MB") as connection:
            connection.execute(setting)
            connection.execute(SPILLING)

    def spill_events():
        with connected(1, "30MB") as connection:
            connection.execute(setting)
            asked(connection, SPILLING)

    for spill in (spill_views, spill_events):
        with pytest.raises(StorageError, match="TMPDIR") as told:
            spill()
        assert str(disk) in str(told.value)
