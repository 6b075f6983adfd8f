"""Places that take no files and a machine without handles: said plainly, nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import survival_harness as harness


def refused(root: Path, *told: str) -> None:
    """The command ends with code 6, one line that names the root, and says these words.

    told  the words; where it has some, the first of them is what the message names
    """
    done = harness.finished(harness.command(root))
    assert done.returncode == 6, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    for text in told or (str(root),):
        assert text in done.stderr, done.stderr


@pytest.fixture
def disk(tmp_path):
    """A disk that can be made read-only; root is stopped by nothing less."""
    with harness.mounted("tmpfs", "tmpfs", tmp_path / "disk", "size=8m") as folder:
        yield folder


def remounted(disk: Path, option: str) -> None:
    """Makes the disk read-only or writable."""
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], check=True)


def test_a_read_only_disk_is_said(disk):
    """No file can be made: code 6, the folder, the remedy; once writable the same command runs."""
    remounted(disk, "ro")
    refused(disk / "out", str(disk / "out"), "Read-only file system", "Allow writing")
    remounted(disk, "rw")
    harness.make(disk / "out")
    harness.require_whole(disk / "out")


def test_a_read_only_disk_can_still_be_read(disk):
    """A sealed run on a read-only disk is found and read: nothing has to be written for that."""
    harness.make(disk / "out")
    remounted(disk, "ro")
    done = harness.finished(harness.command(disk / "out"))
    assert done.returncode == 0, done.stderr
    assert harness.require_nothing_torn(disk / "out") == 1


def test_a_disk_that_becomes_read_only_at_work_is_said(disk):
    """As kernels do after a disk error: code 6 without a traceback, then resumed."""
    run = harness.started(harness.command(disk / "out"))
    harness.wait_for(disk / "out", "worlds/*/world.json", run)
    # A busy file keeps a disk from being remounted, so this takes a few attempts.
    while run.poll() is None:
        if not subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True).returncode:
            break
    _, told = run.communicate(timeout=60)
    remounted(disk, "rw")
    assert run.returncode in (0, 6), told
    assert "Traceback" not in told
    harness.require_nothing_torn(disk / "out")
    harness.make(disk / "out")
    harness.require_whole(disk / "out")


def test_a_folder_that_may_not_be_changed_is_said(tmp_path):
    """Permissions, or for root the immutable flag: code 6, the folder and the remedy."""
    folder = tmp_path / "mine"
    folder.mkdir()
    is_root = os.geteuid() == 0
    if is_root:
        done = subprocess.run(["chattr", "+i", str(folder)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no immutable flag here: {done.stderr.strip()}")
    else:
        folder.chmod(0o555)
    try:
        refused(folder / "out", str(folder / "out"), "Allow writing")
    finally:
        if is_root:
            subprocess.run(["chattr", "-i", str(folder)], check=True)
        folder.chmod(0o755)


def test_a_root_below_a_file_is_said(tmp_path):
    """The root, or what it should lie in, is a file: code 6, and the file is left as it was."""
    mine = tmp_path / "mine"
    mine.write_text("mine")
    refused(mine)
    refused(mine / "out", str(mine), "this is a file; expected a folder")
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["n" * 300, "/".join(["n" * 200] * 25)], ids=["part", "path"])
def test_a_name_that_is_too_long_is_said(tmp_path, name):
    """A part beyond 255 bytes, a path beyond 4,096: code 6 and the remedy."""
    refused(tmp_path / name, str(tmp_path / name), "File name too long", "shorter name")


HANDLES = """
import resource, sys
import fauxpay.cli.app, fauxpay.cli.standard_streams, fauxpay.cli.stopping
import fauxpay.partitions.compose
import fauxpay.delivery.run, fauxpay.delivery.partition, fauxpay.delivery.sealing
import fauxpay.delivery.failures, fauxpay.cli.logs, fauxpay.cli.metrics
try:
    import typer._click.decorators
except ImportError:
    pass  # Of a version that imports it with the rest.
import fauxpay.catalog.build, fauxpay.catalog.integrity, pyarrow.parquet, jsonschema_rs
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv.pop(1)),) * 2)
from fauxpay.cli import main
main()
"""


FEW, ALL = (4, 9, 32), tuple(range(3, 33))


@pytest.mark.parametrize(
    ("workers", "limits"),
    [
        (1, FEW),
        pytest.param(1, ALL, marks=pytest.mark.slow),
        pytest.param(2, ALL, marks=pytest.mark.slow),
    ],
)
def test_a_machine_without_handles_is_said(tmp_path, workers, limits):
    """RLIMIT_NOFILE from hardly any up to enough: code 6 and `ulimit`, or a good run."""
    codes = []
    for limit in limits:
        root = tmp_path / str(limit)
        arguments = harness.command(root, workers=workers)[3:]
        done = harness.finished([sys.executable, "-c", HANDLES, str(limit), *arguments])
        assert done.returncode in (0, 6), done.stderr
        assert "Traceback" not in done.stderr
        if done.returncode == 6:
            assert "ulimit -n" in done.stderr
            assert harness.require_nothing_torn(root) == 0
        codes.append(done.returncode)
        harness.make(root)
        harness.require_whole(root)
    assert codes[0] == 6
    assert codes[-1] == 0
