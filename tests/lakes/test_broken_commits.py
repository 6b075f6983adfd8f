"""A lake whose commit broke off, or that two worlds want at once, ends whole and of one world."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import fauxpay
from fauxpay.errors import ConflictError, StorageError
from fauxpay.lakes import commits
from fauxpay.lakes.commits import lake_of
from fauxpay.lakes.rows import RUNS
from fauxpay.readers.run import TABLES, Run
from sealed import file_of, request

KILLED = """
import os, signal, sys
import fauxpay
from fauxpay.lakes import commits

root, place, kind, table = sys.argv[1:]
lake = type(commits.lake_of(kind, place))
whole = lake._created

def created(self, put):
    made = whole(self, put)
    if put.name == table:
        os.kill(os.getpid(), signal.SIGKILL)
    return made

lake._created = created
commits.commit(fauxpay.open(root).latest(), place, kind)
"""


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Run:
    """A day of the same world under another seed."""
    return fauxpay.generate(request(tmp_path_factory.mktemp("other"), seed=2, to="2026-03-02"))


def killed(kind, run: Run, lake: Path, table: str) -> None:
    """A commit that dies by SIGKILL where a table was made and nothing put into it yet."""
    own = [sys.executable, "-c", KILLED, str(run.root), str(lake), kind.name, table]
    assert subprocess.run(own, capture_output=True).returncode == -signal.SIGKILL


def is_whole(kind, run: Run, lake: Path) -> None:
    """Every table has the run's rows, each once, and `runs` the run."""
    for name in TABLES:
        if name != "campaigns":
            assert kind.read(str(lake), name, None).num_rows == run.rows[name], name
    assert kind.read(str(lake), RUNS, None)["run_id"].to_pylist() == [run.run_id]


@pytest.mark.parametrize("table", ["cards", "reissues", "labels", RUNS])
def test_a_commit_killed_at_an_empty_table_is_made_whole(kind, run, tmp_path, table):
    """One table of each sort."""
    lake = tmp_path / "lake"
    killed(kind, run, lake, table)
    assert kind.read(str(lake), table, None).num_rows == 0
    assert kind.commit(run, lake).is_new
    is_whole(kind, run, lake)


def test_a_disk_that_filled_at_an_empty_table_is_said_and_made_whole(
    kind, run, tmp_path, monkeypatch
):
    """Exit code 6; with room again the same commit fills every table."""
    lake = tmp_path / "lake"
    own = type(lake_of(kind.name, str(lake)))
    created = own._created

    def full(self, put):
        made = created(self, put)
        if put.name == "cards":
            raise OSError(28, "No space left on device")
        return made

    monkeypatch.setattr(own, "_created", full)
    with pytest.raises(StorageError, match="No space left"):
        kind.commit(run, lake)
    monkeypatch.setattr(own, "_created", created)
    assert kind.commit(run, lake).is_new
    is_whole(kind, run, lake)


def test_two_who_fill_an_empty_table_collide(kind, run, tmp_path):
    """Both saw it empty: the rows of one are there, and the other has nothing left to do."""
    place = tmp_path / "lake"
    killed(kind, run, place, "cards")
    lake = lake_of(kind.name, str(place))
    first, second = lake.opened("cards"), lake.opened("cards")
    assert not lake.is_filled(first)
    lake.put(first, commits._put_of(run, "cards"))
    with pytest.raises(lake.collisions):
        lake.put(second, commits._put_of(run, "cards"))
    assert lake.is_filled(lake.opened("cards"))
    assert kind.commit(run, place).is_new
    is_whole(kind, run, place)


@pytest.mark.parametrize("table", [next(iter(TABLES)), "transactions"])
def test_another_seed_finds_a_broken_lake_taken(kind, run, other, tmp_path, table):
    """Before `runs` is there, and where the first table is still empty too."""
    lake = tmp_path / "lake"
    killed(kind, other, lake, table)
    assert lake_of(kind.name, str(lake)).opened(RUNS) is None
    with pytest.raises(ConflictError, match=r"seed 2; expected .* seed 1\. Name another"):
        kind.commit(run, lake)
    assert kind.commit(other, lake).is_new
    is_whole(kind, other, lake)


def test_a_run_with_a_file_missing_is_refused_before_anything_is_committed(kind, root, tmp_path):
    """The message is of the run's file, as that of export and sql, and no table is made."""
    gone = file_of(root, "worlds/*/seed=1/labels/event_day=2026-03-02/*.parquet")
    gone.unlink()
    found, lake = fauxpay.open(root).latest(), tmp_path / "lake"
    with pytest.raises(StorageError, match=f"^{gone}: missing, or not of .* make the same run"):
        kind.commit(found, lake)
    assert all(lake_of(kind.name, str(lake)).opened(name) is None for name in (*TABLES, RUNS))


def test_of_two_seeds_at_once_one_has_the_lake(kind, run, other, tmp_path):
    """The other is told so, whoever it is, and left nothing in it."""
    for nth in range(2):
        lake, faults = tmp_path / f"lake{nth}", dict[str, Exception]()

        def put(one: Run, lake: Path = lake, faults: dict[str, Exception] = faults) -> None:
            try:
                kind.commit(one, lake)
            except Exception as error:
                faults[one.run_id] = error

        threads = [threading.Thread(target=put, args=(one,)) for one in (run, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [type(fault) for fault in faults.values()] == [ConflictError], faults
        assert "Name another folder" in str(next(iter(faults.values())))
        is_whole(kind, other if run.run_id in faults else run, lake)
