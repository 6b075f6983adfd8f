"""A file system without hard links: a name is still given once, and racing writers still agree."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import survival_harness as harness

import fauxpay
from fauxpay.delivery.sinks import Document, LocalSink, Outcome
from fauxpay.errors import ConflictError

CODES = ("EPERM", "ENOTSUP", "ENOSYS", "EMLINK")
WITHOUT_LINKS = """
import errno, os, sys
code = getattr(errno, sys.argv.pop(1))
def refuse(*names, **options):
    raise OSError(code, os.strerror(code))
os.link = refuse
from fauxpay.cli import main
main()
"""


def without_links(root: Path, code: str) -> list[str]:
    """The tiny run where every hard link is refused."""
    return [sys.executable, "-c", WITHOUT_LINKS, code, *harness.command(root)[3:]]


@pytest.fixture
def no_links(monkeypatch):
    """Refuses every hard link in this process."""

    def refuse(*names, **options):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("code", ["EPERM", pytest.param("ENOTSUP", marks=pytest.mark.slow)])
def test_a_run_without_links_has_the_same_files(tmp_path, code):
    """Whatever the file system calls it, the run ends and its files are the same."""
    done = harness.finished(without_links(tmp_path, code))
    assert done.returncode == 0, done.stderr
    harness.require_whole(tmp_path)
    assert not harness.staged(tmp_path)


def test_publishing_without_links_never_replaces(tmp_path, no_links):
    """Other bytes under a name are refused and kept aside; the same bytes are found."""
    sink = LocalSink(tmp_path)

    def write(data: bytes) -> list[Outcome]:
        return sink.mend([Document("a/b.json", data, lambda standing: None)])

    assert write(b"first") == [Outcome.WRITTEN]
    assert write(b"first") == [Outcome.IDENTICAL]
    with pytest.raises(ConflictError):
        write(b"other")
    assert sink.claim("a/c.json", b"mine") == b"mine"
    assert sink.claim("a/c.json", b"yours") == b"mine"
    assert (tmp_path / "a/b.json").read_bytes() == b"first"
    assert [path.read_bytes() for path in tmp_path.glob("conflicts/a/*")] == [b"other"]
    assert not harness.staged(tmp_path)


def race(root: Path) -> None:
    """Three processes without links make the same run at once: all succeed, one receipt."""
    running = [
        subprocess.Popen(without_links(root, code), stderr=subprocess.PIPE, text=True)
        for code in CODES[:3]
    ]
    told = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    harness.require_whole(root)
    assert not harness.staged(root)
    assert not (root / "conflicts").exists()


@pytest.mark.slow
def test_racing_writers_without_links_agree(tmp_path):
    """Names are given under a lock instead: one receipt, equal files, in ten races."""
    for number in range(10):
        race(tmp_path / str(number))


def test_folders_that_cannot_be_synced_are_lived_with(tmp_path, monkeypatch):
    """Some network file systems refuse to fsync a folder (EINVAL): the files are synced."""
    plain = os.fsync

    def without_folders(handle):
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        plain(handle)

    monkeypatch.setattr(os, "fsync", without_folders)
    harness.make(tmp_path)
    harness.require_whole(tmp_path)


@pytest.fixture
def exfat(tmp_path):
    """A real file system without hard links, in a file: exFAT by FUSE, or skip with the reason."""
    tools = ("mkfs.exfat", "mount.exfat-fuse", "losetup", "umount")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and {', '.join(tools)} (Debian: exfatprogs, exfat-fuse)")
    image, folder = tmp_path / "image", tmp_path / "exfat"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.exfat", str(image)], check=True, capture_output=True)
    told = subprocess.run(["losetup", "-f", "--show", str(image)], capture_output=True, text=True)
    if told.returncode:
        pytest.skip(f"no loop device here: {told.stderr.strip()}")
    device = told.stdout.strip()
    try:
        done = subprocess.run(["mount.exfat-fuse", device, folder], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"cannot mount exFAT here: {done.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


def test_a_real_file_system_without_links(exfat):
    """exFAT: links are refused there for real; two processes at once make the same run."""
    (exfat / "one").write_text("x")
    with pytest.raises(OSError, match=re.escape(str(exfat))):
        os.link(exfat / "one", exfat / "two")
    commands = [harness.command(exfat / "out") for _ in range(2)]
    running = [subprocess.Popen(own, stderr=subprocess.PIPE, text=True) for own in commands]
    told = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    harness.require_whole(exfat / "out")
    assert len(fauxpay.open(exfat / "out").runs()) == 1
