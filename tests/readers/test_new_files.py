"""New files: whole or not there, on any file system, and never in place of another."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.delivery.replacing import replaced, replaced_below
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


def durable_in_order(monkeypatch, call) -> list[str]:
    """Calls of a function that make bytes and names durable, and those that give names."""
    told: list[str] = []
    kinds = {"fsync": os.fsync, "link": os.link, "rename": os.rename, "replace": os.replace}

    def spied(kind, real):
        def spy(*given, **options):
            is_folder = kind == "fsync" and stat.S_ISDIR(os.fstat(given[0]).st_mode)
            told.append("folder" if is_folder else kind)
            return real(*given, **options)

        return spy

    with monkeypatch.context() as patch:
        for kind, real in kinds.items():
            patch.setattr(os, kind, spied(kind, real))
        call()
    return told


def test_what_has_a_name_is_durable(sealed, root, tmp_path, monkeypatch):
    """Bytes before the name, the name before the return: exports, pages, whatever replaces."""
    run = fauxpay.open(sealed).latest()
    calls = {
        "flat": lambda: export_flat(run, tmp_path / "flat.parquet"),
        "page": lambda: replaced(tmp_path / "page.html", b"page"),
        "kept": lambda: replaced_below(root, root / "streams" / "offset.json", b"kept"),
    }
    for what, call in calls.items():
        told = durable_in_order(monkeypatch, call)
        assert [kind for kind in told if kind != "folder"][-2] == "fsync", what
        assert told[-1] == "folder", what
    told = durable_in_order(monkeypatch, lambda: export_graph(run, tmp_path / "graph"))
    assert told == ["fsync", "fsync", "folder", "rename", "folder"]


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
