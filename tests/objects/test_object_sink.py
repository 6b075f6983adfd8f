"""Sinks of object stores: once, whole, never over other bytes."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fauxpay
from fauxpay.delivery import object_sink
from fauxpay.delivery.object_sink import ObjectSink, require_write_once
from fauxpay.delivery.sinks import Document, LocalSink, Outcome, Sink, sink_of
from fauxpay.errors import ConflictError, ContractError, StorageError
from fauxpay.storage.objects import ObjectPath, object_path
from sealed import request

_counter = itertools.count()


def sink() -> ObjectSink:
    """An empty one in memory."""
    made = sink_of(object_path(f"memory://s{next(_counter)}/root"))
    assert isinstance(made, ObjectSink)
    return made


def staged(own: Sink, name: str, data: bytes):
    """A file of some bytes, not yet public."""
    file = own.stage(name)
    for first in range(0, len(data), 1 << 20):
        file.write(data[first : first + (1 << 20)])
    return file


def require_json(data: bytes) -> object:
    """A document that is torn where it is no JSON."""
    try:
        return json.loads(data)
    except ValueError as error:
        raise ContractError("torn") from error


def test_the_place_says_which_sink_there_is(tmp_path):
    """A folder has the local one."""
    assert isinstance(sink_of(tmp_path), LocalSink)


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_files_are_published_once(size):
    """The same bytes again change nothing; nobody sees a file before."""
    own, data = sink(), bytes(size)
    file = staged(own, "a/b.bin", data)
    assert not (own.root / "a/b.bin").exists()
    assert (file.size, file.tell()) == (size, size)
    assert own.publish([file]) == [Outcome.WRITTEN]
    assert own.publish([staged(own, "a/b.bin", data)]) == [Outcome.IDENTICAL]
    assert (own.root / "a/b.bin").read_bytes() == data
    assert list((own.root / ".staging").rglob("*")) == []


def test_big_files_go_out_part_by_part(monkeypatch):
    """Beyond the limit nothing is kept in memory, and the law is the same."""
    monkeypatch.setattr(object_sink, "WHOLE_BYTES_MAX", 1 << 20)
    own = sink()
    data = np.random.default_rng(1).bytes(7 << 20)
    file = staged(own, "a/big.bin", data)
    assert file.data is None
    assert own.publish([file]) == [Outcome.WRITTEN]
    assert (own.root / "a/big.bin").read_bytes() == data
    assert own.publish([staged(own, "a/big.bin", data)]) == [Outcome.IDENTICAL]
    with pytest.raises(ConflictError):
        own.publish([staged(own, "a/big.bin", data[:-1] + b"x")])
    dropped = staged(own, "a/other.bin", data)
    dropped.seal()
    dropped.discard()
    assert list((own.root / ".staging").rglob("*")) == []
    assert (own.root / "a/big.bin").read_bytes() == data


def test_other_bytes_are_refused_and_both_are_kept():
    """A conflict names both files."""
    own = sink()
    own.publish([staged(own, "a/b.txt", b"one")])
    with pytest.raises(ConflictError, match="other bytes stand under this name") as caught:
        own.publish([staged(own, "a/b.txt", b"two")])
    (kept,) = (own.root / "conflicts").rglob("*")
    assert (kept.read_bytes(), (own.root / "a/b.txt").read_bytes()) == (b"two", b"one")
    assert str(kept) in str(caught.value)
    assert caught.value.about == "a/b.txt"


def test_of_many_writers_of_a_name_one_wins():
    """Sixteen writers of other bytes at once: one is there, and every other one is told."""
    own = sink()

    def write(nth: int) -> bool:
        try:
            return own.publish([staged(own, "a/c.txt", bytes([nth]))]) == [Outcome.WRITTEN]
        except ConflictError:
            return False

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(write, range(16)))
    assert sum(won) == 1
    assert (own.root / "a/c.txt").read_bytes() == bytes([won.index(True)])
    assert len(list((own.root / "conflicts").rglob("*"))) == 15


def test_a_claim_is_of_who_comes_first():
    """All later ones read what the first one wrote."""
    own = sink()
    with ThreadPoolExecutor(8) as pool:
        said = set(pool.map(lambda nth: own.claim("stamp.json", bytes([nth])), range(8)))
    assert said == {(own.root / "stamp.json").read_bytes()}


def test_documents_are_mended():
    """A torn one goes to the conflicts, a good one stays, another one is a conflict."""
    own = sink()
    document = Document("runs/a.json", b'{"a": 1}', require_json)
    assert own.mend([document]) == [Outcome.WRITTEN]
    assert own.mend([document]) == [Outcome.IDENTICAL]
    with pytest.raises(ConflictError):
        own.mend([Document("runs/a.json", b'{"a": 2}', require_json)])
    path = own.root / "runs/a.json"
    path.store.put(path.key, b'{"a"')
    assert own.mend([document]) == [Outcome.WRITTEN]
    assert path.read_bytes() == document.data
    kept = {one.read_bytes() for one in (own.root / "conflicts").rglob("*")}
    assert kept == {b'{"a"', b'{"a": 2}'}


def test_what_failed_is_kept_for_inspection():
    """In a folder of its own, in place of an earlier one."""
    own = sink()
    own.keep("gate.json", b"1", "quarantine/r")
    assert own.keep("gate.json", b"2", "quarantine/r").read_bytes() == b"2"
    kept = own.move(staged(own, "a/b.txt", b"rows"), "quarantine/r")
    assert str(kept) == f"{own.root}/quarantine/r/a/b.txt"
    assert kept.read_bytes() == b"rows"
    assert not (own.root / "a/b.txt").exists()


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", ".hidden", "a/.b"])
def test_names_stay_inside(name):
    """What would lead elsewhere is refused before anything is written."""
    own = sink()
    for write in (
        lambda: own.stage(name),
        lambda: own.claim(name, b""),
        lambda: own.keep(name, b"", "quarantine"),
    ):
        with pytest.raises(StorageError):
            write()
    assert list(own.root.rglob("*")) == []


def test_a_file_that_was_given_up_takes_no_more():
    """Encoders flush when they are closed."""
    file = staged(sink(), "a", b"123")
    file.discard()
    assert file.write(b"456") == 3
    assert file.size == 3


class Careless:
    """A store that puts a file over another, whatever it is asked."""

    def __init__(self, store) -> None:
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def put(self, key, data, mode="overwrite", **more):
        """Forgets the condition."""
        return self._store.put(key, data, **more)


def test_a_store_that_ignores_conditions_is_refused(monkeypatch):
    """Before anything is made; nothing of the question is left, in a good store neither."""
    root = object_path(f"memory://s{next(_counter)}/root")
    require_write_once(root)
    careful = root.store
    monkeypatch.setattr(ObjectPath, "store", property(lambda self: Careless(careful)))
    with pytest.raises(StorageError, match="the store ignores If-None-Match"):
        fauxpay.generate(request(str(root)))
    assert list(root.rglob("*")) == []
