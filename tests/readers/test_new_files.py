"""New files: whole or not there, on any file system, and never in place of another."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.errors import ConflictError, ContractError
from fauxpay.readers.flat import export_flat
from fauxpay.readers.graph import export_graph
from fauxpay.readers.new_files import new_file
from sealed import SECOND, file_of


@pytest.fixture
def no_links(monkeypatch):
    """Refuses every hard link, as a memory stick does."""

    def refuse(*names, **options):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


def names(folder: Path) -> list[str]:
    """What stands in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_flat_file_is_written_where_there_are_no_links(sealed, tmp_path, no_links):
    """All rows, once; the second of that name is refused, and nothing else is left lying."""
    run, path = fauxpay.open(sealed).latest(), tmp_path / "flat.parquet"
    assert export_flat(run, path) == run.rows["transactions"] == pq.read_metadata(path).num_rows
    with pytest.raises(ConflictError, match="exists already"):
        export_flat(run, path)
    assert names(tmp_path) == ["flat.parquet"]


@pytest.mark.parametrize("has_links", [True, False])
def test_whoever_was_first_keeps_the_name(tmp_path, request, has_links):
    """Two write one name at the same time: the second is told, the first one's bytes stay."""
    if not has_links:
        request.getfixturevalue("no_links")
    path = tmp_path / "rows"

    def overtaken() -> None:
        with new_file(path) as second:
            second.write_bytes(b"second")
            with new_file(path) as first:
                first.write_bytes(b"first")

    with pytest.raises(ConflictError, match="made by another"):
        overtaken()
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["rows"]


def test_a_graph_that_fails_leaves_no_folder(root, tmp_path):
    """A damaged file is told as such, and the same command may be given again."""
    path = file_of(root, SECOND)
    path.write_bytes(b"PAR1" + bytes(path.stat().st_size - 8) + b"PAR1")
    with pytest.raises(ContractError, match="does not hold what its receipt says"):
        export_graph(fauxpay.open(root).latest(), tmp_path / "graph")
    assert not (tmp_path / "graph").exists()
