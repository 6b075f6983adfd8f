"""Runs in memory: the whole way of a run through an object store, without a server."""

from __future__ import annotations

import itertools
import json

import pytest
from stored_runs import files, generate

import fauxpay
from fauxpay.cli.housekeeping import drop, gc
from fauxpay.errors import ConfigError, GateError
from fauxpay.readers.views import connect_run
from fauxpay.storage.objects import object_path
from sealed import request

_counter = itertools.count()


@pytest.fixture(scope="session")
def stored() -> fauxpay.Run:
    """The run in memory; made in this process whatever executor is asked for."""
    return generate("memory://box/a", executor="processes", workers=2, report=True)


def test_memory_holds_the_bytes_of_a_folder(stored, sealed):
    """Every file of the worlds."""
    assert files(object_path("memory://box/a")) == files(sealed)


def test_every_reader_reads_it(stored):
    """Datasets, lazy frames, views, one flat file, a training set's tables and the graph."""
    again = fauxpay.open("memory://box/a").latest()
    assert again.run_id == stored.run_id
    rows = stored.rows["transactions"]
    assert again.table("transactions").count_rows() == rows
    assert again.scan("truth").collect().height == stored.rows["truth"]
    with connect_run(again) as connection:
        assert connection.sql("SELECT count(*) FROM transactions").fetchall() == [(rows,)]
    assert again.graph().nodes.num_rows > 0
    assert fauxpay.score(again).findings
    assert (again.folder / "report.html").is_file()


def test_asking_again_finds_it_and_a_lost_day_is_made_again(stored):
    """The same request does nothing; a removed object is made again under the same name."""
    root = object_path("memory://box/a")
    before = root.sizes()
    assert generate("memory://box/a").run_id == stored.run_id
    assert root.sizes() == before
    entry = stored.entries("transactions")[0]
    (root / entry["path"]).unlink()
    assert generate("memory://box/a").run_id == stored.run_id
    assert root.sizes() == before


def test_what_fails_goes_to_the_quarantine():
    """Nothing is published, and why is kept with a command that asks again; success forgets it."""
    root = f"memory://q{next(_counter)}/a"
    asked = request(root)
    asked["catalog"] = {**asked["catalog"], "mode": "load"}
    with pytest.raises(ConfigError, match="no sealed world"):
        fauxpay.generate(asked)
    kept = {path.name for path in (object_path(root) / "quarantine").rglob("*")}
    assert kept == {"failure.json", "config.yaml"}
    failure = json.loads(
        (next((object_path(root) / "quarantine").iterdir()) / "failure.json").read_bytes()
    )
    assert failure["replay"].startswith(f"fauxpay generate --config {root}/quarantine/")
    with pytest.raises(GateError, match="no run that passed"):
        fauxpay.open(root).latest()
    asked["catalog"]["mode"] = "build"
    fauxpay.generate(asked)
    fauxpay.generate({**asked, "catalog": {**asked["catalog"], "mode": "load"}})
    assert list((object_path(root) / "quarantine").rglob("*")) == []


def test_nothing_of_another_writer_is_ever_chosen(stored):
    """Nobody can ask whether a writer of a store lives: housekeeping is refused."""
    root = object_path("memory://box/a")
    staged = root / ".staging/big"
    staged.put(b"a part that somebody is sending")
    before = root.sizes()
    for refused in (
        lambda: gc(is_certain=True, older_than=0, is_unnamed_too=True, out=str(root)),
        lambda: drop(stored.run_id, is_certain=True, out=str(root)),
    ):
        with pytest.raises(ConfigError, match="lifecycle rules"):
            refused()
    assert root.sizes() == before
    staged.unlink()
