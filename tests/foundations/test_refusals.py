"""Refusals of the machine: an error of ours, with words that are true for every command."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from fauxpay.errors import ResourceError, StorageError
from fauxpay.foundations.machine import refused
from fauxpay.storage.places import place_of

NAMED = ("ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "EEXIST")
KNOWN = ("ENOSPC", "EACCES", "EMFILE", "ENAMETOOLONG", "EIO", *NAMED)


def error_of(name: str, file: str | None = "f/x") -> OSError:
    """What the system raises."""
    number = getattr(errno, name)
    return OSError(number, os.strerror(number), file)


@pytest.mark.parametrize("name", KNOWN)
def test_a_refusal_names_the_file_and_promises_no_more_than_holds(name):
    """Any command may meet it: nothing of --out, nothing of what would resume."""
    told = refused(error_of(name))
    assert isinstance(told, StorageError)
    assert str(told).startswith("f/x: ")
    assert "give the same command again" in str(told)
    assert "--out" not in str(told)
    assert "resumes" not in str(told)


@pytest.mark.parametrize("name", NAMED)
def test_what_names_no_file_is_a_fault_of_ours(name):
    """A missing name is no word of the file system where there is no name."""
    assert refused(error_of(name, None)) is None
    assert refused(ValueError("x")) is None


def test_want_of_memory_says_what_needs_less():
    """Whatever wanted it; what resumes is the making of a run."""
    told = refused(MemoryError())
    assert isinstance(told, ResourceError)
    assert "Where a run is made" in str(told)


@pytest.fixture
def gone(tmp_path, monkeypatch):
    """Works in a folder that somebody removed."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    yield
    os.chdir(tmp_path)


def test_relative_names_need_a_working_folder(gone, tmp_path):
    """A root by a relative name is refused; by an absolute one it is a place as ever."""
    with pytest.raises(StorageError, match="the working folder is gone; cd elsewhere"):
        place_of("data")
    with pytest.raises(StorageError, match="the working folder is gone; cd elsewhere"):
        place_of("")
    assert place_of(tmp_path) == tmp_path
    assert isinstance(refused(error_of("ENOENT", None)), StorageError)


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "list"),
        ("generate", "--out", "{root}", "--workers", "2", "--set=catalog.cards=300"),
    ],
)
def test_commands_say_that_the_working_folder_is_gone(gone, tmp_path, words):
    """Exit code 6 and one line, with an absolute --out too: workers begin in the folder."""
    own = [sys.executable, "-m", "fauxpay", *(word.format(root=tmp_path) for word in words)]
    done = subprocess.run(own, capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert "the working folder is gone; cd elsewhere" in done.stderr
    assert "Traceback" not in done.stderr
