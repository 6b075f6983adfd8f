"""Paths of objects answer as paths of files do."""

from __future__ import annotations

import io
import itertools
import os
import pickle
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.errors import ConfigError
from fauxpay.storage import objects
from fauxpay.storage.arrow_files import dataset_files
from fauxpay.storage.objects import ObjectPath, object_path
from fauxpay.storage.places import (
    folder_of,
    have_sizes,
    is_memory,
    local_copies,
    local_copy,
    name_below,
    place_of,
)

_counter = itertools.count()
PARTS = st.sampled_from(["a", "b", "utc_day=2026-03-01", "part-0000.json", "x.parquet"])
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
PATTERNS = ["*", "a/*", "utc_day=*/*", "a/b/part-0000.json", "*/b", "a/**/*", "no/*", "*.parquet"]


def bucket() -> ObjectPath:
    """An empty place in memory."""
    return object_path(f"memory://m{next(_counter)}/root")


def put(path: ObjectPath, data: bytes) -> None:
    """An object of some bytes."""
    path.store.put(path.key, data)


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, max_size=6), st.sampled_from(PATTERNS))
def test_globs_find_what_they_find_on_a_disk(tmp_path_factory, names, pattern):
    """The same tree in memory and in a folder: listings and globs agree."""
    folder, root = tmp_path_factory.mktemp("tree"), bucket()
    for name in names:
        file = folder / name
        if file.exists() or any((folder / str(above)).is_file() for above in Path(name).parents):
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
        put(root / name, name.encode())

    def told(found, base) -> list[str]:
        return sorted(name_below(path, base) for path in found if path.is_file())

    assert told(root.glob(pattern), root) == told(folder.glob(pattern), folder)
    assert told(root.rglob("*"), root) == told(folder.rglob("*"), folder)
    assert sorted(path.name for path in root.iterdir()) == sorted(p.name for p in folder.iterdir())
    for name in names:
        assert (root / name).is_file() == (folder / name).is_file()
        assert (root / name).is_dir() == (folder / name).is_dir()
        assert (root / name).exists() == (folder / name).exists()


def test_what_a_path_says_of_itself():
    """Names, parents, order and text are those of a path."""
    path = object_path("s3://lake/a/b/c.tar")
    assert (path.name, path.suffix, str(path.parent)) == ("c.tar", ".tar", "s3://lake/a/b")
    assert [str(one) for one in path.parents] == ["s3://lake/a/b", "s3://lake/a", "s3://lake"]
    assert str(object_path("s3://lake/")) == "s3://lake"
    assert path.is_relative_to(object_path("s3://lake/a"))
    assert not path.is_relative_to(object_path("s3://lake/a/b/c"))
    assert name_below(path, object_path("s3://lake/a")) == "b/c.tar"
    assert sorted([path, path.parent]) == [path.parent, path]
    assert pickle.loads(pickle.dumps(path)) == path


@pytest.mark.parametrize(
    "address",
    [
        "s3://key:secret@lake/x",
        "s3://lake/x?versionId=1",
        "s3://lake/x#y",
        "s3://lake/../x",
        "s3://lake/a//x",
        "s3://lake:9000/x",
        "s3:///x",
        "ftp://lake/x",
        "s3://lake/.hidden",
        "s3://lake/a b",
    ],
)
def test_addresses_that_no_root_can_have_are_refused_without_their_secrets(address):
    """The message says what is allowed, and shows neither user, password nor query."""
    with pytest.raises(ConfigError, match="credentials never stand in an address") as caught:
        object_path(address)
    assert "secret" not in str(caught.value)
    assert "versionId" not in str(caught.value)


def test_objects_are_read_whole_by_ranges_and_as_files():
    """Bytes, a seekable file that Parquet can be read from, and a copy on the disk."""
    root = bucket()
    table = pa.table({"n": list(range(50_000))})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    path = root / "a/x.parquet"
    put(path, sink.getvalue())
    assert path.read_bytes() == sink.getvalue()
    assert path.stat().st_size == len(sink.getvalue())
    with path.open() as file:
        file.seek(-4, io.SEEK_END)
        assert file.read() == b"PAR1"
        assert file.read() == b""
        assert pq.ParquetFile(file).read().equals(table)
    assert pq.read_table(local_copy(path)).equals(table)


def test_a_copy_is_of_the_version_that_stands_there():
    """An object that was put anew is copied anew; one that was not is not copied twice."""
    path = bucket() / "a/b.txt"
    put(path, b"one")
    first = local_copy(path)
    assert local_copies([path, path]) == [first, first]
    put(path, b"two")
    assert local_copy(path).read_bytes() == b"two"
    assert first.read_bytes() == b"one"
    assert local_copy(first) == first


def test_two_who_copy_one_object_do_not_share_a_file(monkeypatch):
    """While one is at it another brings the whole copy: both get it, and nothing is left lying."""
    path = bucket() / "a/b.txt"
    put(path, b"whole")
    plain, copies = shutil.copyfileobj, []

    def overtaken(source, target, *size):
        monkeypatch.setattr(shutil, "copyfileobj", plain)
        copies.append(local_copy(path))
        assert copies[0].read_bytes() == b"whole"
        plain(source, target, *size)

    monkeypatch.setattr(shutil, "copyfileobj", overtaken)
    copies.append(local_copy(path))
    assert copies[0] == copies[1]
    assert copies[1].read_bytes() == b"whole"
    assert list(copies[1].parent.iterdir()) == [copies[1]]


def test_what_is_not_there_is_said_as_on_a_disk():
    """FileNotFoundError, and False for every question."""
    path = bucket() / "no"
    for ask in (path.read_bytes, path.stat, path.open, path.unlink, lambda: local_copy(path)):
        with pytest.raises(FileNotFoundError):
            ask()
    assert not any(ask() for ask in (path.exists, path.is_file, path.is_dir))
    path.unlink(missing_ok=True)
    assert list(path.iterdir()) == []


@pytest.mark.parametrize("count", [3, 40])
def test_sizes_of_few_and_of_many_files_are_compared(count):
    """Few are asked for one by one, many by listings; a missing or other one is seen."""
    root = bucket()
    wanted = [(f"worlds/w/seed=1/t/day={n}/part.parquet", n + 1) for n in range(count)]
    for name, size in wanted:
        put(root / name, b"x" * size)
    assert have_sizes(root, wanted)
    assert not have_sizes(root, [*wanted[:-1], (wanted[-1][0], 1_000)])
    (root / wanted[0][0]).unlink()
    assert not have_sizes(root, wanted)


def test_places_are_folders_or_addresses(tmp_path, monkeypatch):
    """A name with a scheme is an address; file:// and plain names are folders."""
    monkeypatch.chdir(tmp_path)
    assert place_of("out") == tmp_path / "out"
    assert place_of(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    place = place_of("memory://one/two", 3.0)
    assert is_memory(place)
    assert place_of(place) is place
    assert isinstance(place, ObjectPath)
    assert place.patience_seconds == 3.0
    assert folder_of(tmp_path, "why") == tmp_path
    with pytest.raises(ConfigError, match="expected a local folder, not an object store; why"):
        folder_of(place, "why")


@pytest.mark.parametrize(
    "address", ["file://data/out", "file://", "file:///a?b", "file:///a#b", "file:///a%00b"]
)
def test_an_address_of_a_folder_loses_nothing(address):
    """What stands where a host does, or after ? and #, is not dropped: it is refused."""
    with pytest.raises(ConfigError, match="expected"):
        place_of(address)


def test_a_folder_has_a_name_that_can_be_written_down(tmp_path, monkeypatch):
    """Bytes that are no UTF-8 broke receipts, SQL and verify after the run; now nothing begins."""
    odd = os.fsdecode(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not a name in UTF-8"):
        place_of(tmp_path / odd)
    (tmp_path / odd).mkdir()
    monkeypatch.chdir(tmp_path / odd)
    with pytest.raises(ConfigError, match="not a name in UTF-8"):
        place_of("out")


def test_names_are_taken_for_one_encoding(tmp_path, monkeypatch):
    """Where Python takes names for Latin-5, Arrow found no file of a good run: verify blamed it."""
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "iso8859-9")
    with pytest.raises(ConfigError, match="for iso8859-9 here"):
        place_of(tmp_path / "wörld")
    assert place_of(tmp_path / "world") == tmp_path / "world"


def test_a_dataset_reads_what_is_asked_for(monkeypatch):
    """One column of one of many row groups does not bring the whole object."""
    root = bucket()
    table = pa.table({"n": list(range(400_000)), "x": [0.1 * n for n in range(400_000)]})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=10_000, compression="none", use_dictionary=False)
    put(root / "a/x.parquet", sink.getvalue())
    system, names = dataset_files([root / "a/x.parquet"])
    assert names == ["root/a/x.parquet"]
    found = dataset.FileSystemDataset.from_paths(
        names, schema=table.schema, format=dataset.ParquetFileFormat(), filesystem=system
    )
    got = []
    original = objects._Ranges.readinto

    def counted(self, buffer):
        count = original(self, buffer)
        got.append(count)
        return count

    monkeypatch.setattr(objects._Ranges, "readinto", counted)
    few = found.to_table(columns=["n"], filter=dataset.field("n") < 5)
    assert few["n"].to_pylist() == [0, 1, 2, 3, 4]
    assert 0 < sum(got) < len(sink.getvalue()) / 2
    assert found.count_rows() == 400_000
    assert system == dataset_files([root / "b"])[0]
