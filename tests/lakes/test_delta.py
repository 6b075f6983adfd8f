"""Delta tables hold what the run holds, however often, raced or broken it was committed."""

from __future__ import annotations

import subprocess
import sys
import threading

import pyarrow as pa
import pytest

import fauxpay
from fauxpay.errors import ConflictError, GateError, StorageError
from fauxpay.lakes.delta import RUNS, commit
from fauxpay.readers.run import TABLES, Run
from fauxpay.receipts.layout import DAY_TABLES
from sealed import request

deltalake = pytest.importorskip("deltalake")


@pytest.fixture(scope="module")
def run(sealed) -> Run:
    """The sealed run."""
    return fauxpay.open(sealed).latest()


def rows_of(root, name: str, version: int | None = None) -> list[dict]:
    """Rows of a Delta table in any order that is the same twice."""
    found = deltalake.DeltaTable(f"{root}/{name}", version=version).to_pyarrow_table()
    return ordered(found.drop_columns(["event_day"]) if name in DAY_TABLES else found)


def ordered(found: pa.Table) -> list[dict]:
    """Rows in order of all their values."""
    return sorted(found.to_pylist(), key=lambda row: [str(value) for value in row.values()])


def test_every_row_of_every_table_is_there(run, tmp_path):
    """Value by value, addresses of the upper half too; commits name run and world."""
    done = commit(run, str(tmp_path / "lake"))
    assert done.is_new
    for name in TABLES:
        wanted = run.table(name).to_table()
        if name == "campaigns":
            ids = {row["campaign_id"] for row in rows_of(tmp_path / "lake", name)}
            assert ids == set(wanted["campaign_id"].to_pylist())
            continue
        assert rows_of(tmp_path / "lake", name) == ordered(wanted), name
    addresses = run.table("transactions").to_table()["ip_address"].drop_null().to_pylist()
    assert max(addresses) > 2**31
    (told,) = deltalake.DeltaTable(str(tmp_path / "lake" / "labels")).history(1)
    assert told["fauxpay.run_id"] == run.run_id
    assert told["fauxpay.world_id"] == run.world_id


def test_again_is_nothing_to_do(run, tmp_path):
    """No version is added."""
    first = commit(run, str(tmp_path / "lake"))
    again = commit(run, str(tmp_path / "lake"))
    assert (again.is_new, again.versions) == (False, first.versions)


def test_yesterday_can_be_travelled_to(run, tmp_path):
    """Day by day, then back: the version after a day's run has the labels of days until then."""
    root, lake = tmp_path / "root", str(tmp_path / "lake")
    versions, known = [], []
    for end in ("2026-03-02", "2026-03-03", "2026-03-04"):
        day = fauxpay.generate(request(root, **{"from": f"2026-03-0{int(end[-1]) - 1}", "to": end}))
        versions.append(commit(day, lake).versions["labels"])
        known.append(day.rows["labels"])
    for nth, version in enumerate(versions):
        assert len(rows_of(lake, "labels", version)) == sum(known[: nth + 1])
    for name in DAY_TABLES:
        assert rows_of(lake, name) == ordered(run.table(name).to_table())
    assert len(rows_of(lake, RUNS)) == 3


def test_a_window_put_over_another_leaves_no_double(run, tmp_path):
    """Two days, then all three, then the two again: each row once."""
    root, lake = tmp_path / "root", str(tmp_path / "lake")
    short = fauxpay.generate(request(root, to="2026-03-03"))
    commit(short, lake)
    commit(run, lake)
    assert not commit(short, lake).is_new
    for name in (*DAY_TABLES, "compromises", "reissues"):
        assert rows_of(lake, name) == ordered(run.table(name).to_table()), name


def test_a_commit_that_broke_off_is_made_whole(run, tmp_path):
    """Broken after any table, the run is not in `runs`; the same command ends the same."""
    lake = str(tmp_path / "lake")

    class Broken(Exception):
        pass

    seen: list[str] = []

    def stop(name: str) -> None:
        seen.append(name)
        if len(seen) == 9:
            raise Broken

    with pytest.raises(Broken):
        commit(run, lake, stop)
    assert not (tmp_path / "lake" / RUNS).exists()
    assert commit(run, lake).is_new
    commit(run, str(tmp_path / "whole"))
    for name in TABLES:
        assert rows_of(lake, name) == rows_of(tmp_path / "whole", name)


def test_two_writers_both_land_or_one_is_told(run, sealed, tmp_path):
    """Two days at once by two writers: no row is lost and none is double."""
    lake, faults, made = str(tmp_path / "lake"), [], []
    for end in ("2026-03-02", "2026-03-03"):
        begin = f"2026-03-0{int(end[-1]) - 1}"
        made.append(fauxpay.generate(request(tmp_path / "root", **{"from": begin, "to": end})))

    def put(one: Run) -> None:
        try:
            commit(one, lake)
        except ConflictError as error:
            faults.append(error)

    threads = [threading.Thread(target=put, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in made:
        commit(one, lake)  # Who was told comes again; who landed has nothing to do.
    for name in DAY_TABLES:
        wanted = pa.concat_tables([one.table(name).to_table() for one in made])
        assert rows_of(lake, name) == ordered(wanted), name
    assert len(rows_of(lake, RUNS)) == 2


def test_another_world_is_refused(run, tmp_path):
    """A folder holds one world and seed."""
    commit(run, str(tmp_path / "lake"))
    other = fauxpay.generate(request(tmp_path / "other", seed=99))
    with pytest.raises(ConflictError, match="Name another folder"):
        commit(other, str(tmp_path / "lake"))


def test_what_did_not_pass_is_not_committed(run, tmp_path):
    """Nothing is there afterwards."""
    doubtful = Run(run.root, run.folder, run.receipt, is_verified=False)
    with pytest.raises(GateError, match="did not pass"):
        commit(doubtful, str(tmp_path / "lake"))
    assert not (tmp_path / "lake").exists()


def test_a_place_that_cannot_be_is_said(run, tmp_path):
    """A file where a folder should be: exit code 6, and what to do."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="expected a place"):
        commit(run, str(tmp_path / "file" / "lake"))
    own = [sys.executable, "-m", "fauxpay", "commit", run.run_id, str(tmp_path / "file" / "lake")]
    done = subprocess.run([*own, "--out", str(run.root)], capture_output=True, text=True)
    assert done.returncode == 6
    assert "Traceback" not in done.stderr


def test_the_command_says_what_it_did(run, tmp_path):
    """Tables the first time, nothing to do the second."""
    own = [sys.executable, "-m", "fauxpay", "commit", run.run_id, str(tmp_path / "lake")]
    said = [
        subprocess.run([*own, "--out", str(run.root)], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert f"{len(TABLES) + 1} tables" in said[0].stdout
    assert "nothing to do" in said[1].stdout
