"""What the machine refuses while tables are read or spilled is no damage of a file."""

from __future__ import annotations

import errno
import os

import duckdb
import pytest

from fauxpay.errors import ContractError, StorageError
from fauxpay.labels.knowledge import as_of
from fauxpay.readers import flat
from fauxpay.readers.query import refusal
from fauxpay.readers.run import open as open_store


@pytest.fixture
def run(sealed):
    """A sealed run."""
    return open_store(sealed).latest()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ('Could not read from file "a.parquet": Input/output error', "Look at the disk"),
        ('Cannot open file "a.parquet": Permission denied', "Allow writing or reading"),
        ('Cannot open file "a.parquet": Too many open files', "ulimit -n"),
        ('Cannot open file "a.parquet": No such file or directory', "Look at what stands"),
    ],
)
def test_the_systems_words_are_known(said, remedy):
    """As the engine says them, and as Arrow passes them on, without a number."""
    for error in (duckdb.IOException(f"IO Error: {said}"), OSError(f"IO Error: {said}")):
        told = refusal(error)
        assert isinstance(told, StorageError)
        assert "a.parquet" in str(told)
        assert remedy in str(told)


def test_damage_is_no_refusal():
    """What the engine says of a file's bytes is left to those who know the file."""
    for text in ("Invalid Input Error: No magic bytes found at end of file 'a: b'", "IO Error: x"):
        assert refusal(duckdb.IOException(text)) is None


def test_an_export_tells_whether_source_or_copy_is_at_fault(run, tmp_path, monkeypatch):
    """Damage (Arrow's OSError without a number) and a bad disk are no fault of the copy."""
    target = tmp_path / "flat.parquet"
    for error, kind, said in (
        (OSError("Corrupt snappy compressed data."), ContractError, "its receipt says"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), StorageError, "the files of the tables"),
    ):

        def failing(path, error=error):
            raise error

        monkeypatch.setattr(flat, "_read", failing)
        with pytest.raises(kind, match=said) as told:
            flat.export_flat(run, target)
        assert "cannot write" not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_labels_of_a_day_tell_damage_and_refusals_apart(run, monkeypatch):
    """Arrow's OSError without a number is damage, one with a number is the machine's."""
    for error, kind in (
        (OSError("Corrupt snappy compressed data."), ContractError),
        (OSError(errno.EIO, os.strerror(errno.EIO)), StorageError),
    ):

        class Failing:
            def to_table(self, error=error, **_):
                raise error

        monkeypatch.setattr(type(run), "table", lambda *_, failing=Failing: failing())
        with pytest.raises(kind):
            as_of(run, "2026-03-03")
