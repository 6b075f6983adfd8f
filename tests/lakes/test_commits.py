"""Tables of a lake hold what the run holds, however often, raced or broken it was committed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from datetime import date

import pyarrow as pa
import pytest

import fauxpay
from fauxpay.errors import ConfigError, ConflictError, GateError, StorageError
from fauxpay.lakes.commits import Put, commit, lake_of
from fauxpay.lakes.rows import RUNS, shape_of
from fauxpay.lakes.rows import rows_of as rows_of_run
from fauxpay.readers.run import TABLES, Run
from fauxpay.receipts.layout import DAY_TABLES, PLAN_TABLES
from sealed import request


def rows_of(kind, root, name: str, version: int | None = None) -> list[dict]:
    """Rows of a table in an order that is the same twice."""
    found = kind.read(str(root), name, version)
    return ordered(found.drop_columns(["event_day"]) if name in DAY_TABLES else found)


def ordered(found: pa.Table) -> list[dict]:
    """Rows in order of all their values."""
    return sorted(found.to_pylist(), key=lambda row: [str(value) for value in row.values()])


@pytest.fixture(scope="module")
def days(tmp_path_factory) -> list[Run]:
    """A run for each of the three days."""
    root = tmp_path_factory.mktemp("days")
    return [
        fauxpay.generate(request(root, **{"from": f"2026-03-0{day}", "to": f"2026-03-0{day + 1}"}))
        for day in (1, 2, 3)
    ]


def command(run: Run, to: object, kind) -> list[str]:
    """`fauxpay commit`."""
    own = [sys.executable, "-m", "fauxpay", "commit", run.run_id, str(to)]
    return [*own, "--format", kind.name, "--out", str(run.root)]


def test_every_row_of_every_table_is_there(kind, run, tmp_path):
    """Value by value, addresses of the upper half too; commits name run and world.

    Committed again, nothing changes; another seed is refused.
    """
    lake = tmp_path / "lake"
    first = kind.commit(run, lake)
    again = kind.commit(run, lake)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.versions == first.versions
    other = Run(run.root, run.folder, {**run.receipt, "seed": 99})
    with pytest.raises(ConflictError, match="Name another folder"):
        kind.commit(other, lake)
    for name in TABLES:
        wanted = run.table(name).to_table()
        if name == "campaigns":
            ids = {row["campaign_id"] for row in rows_of(kind, lake, name)}
            assert ids == set(wanted["campaign_id"].to_pylist())
            continue
        assert rows_of(kind, lake, name) == ordered(wanted), name
    addresses = run.table("transactions").to_table()["ip_address"].drop_null().to_pylist()
    assert max(addresses) > 2**31
    told = kind.facts(str(lake), "labels")
    assert told["fauxpay.run_id"] == run.run_id
    assert told["fauxpay.world_id"] == run.world_id


def test_yesterday_can_be_travelled_to(kind, run, days, tmp_path):
    """Day by day, then back: the version after a day's run has the labels of days until then."""
    lake, versions, known = tmp_path / "lake", [], []
    for made in days:
        versions.append(kind.commit(made, lake).versions["labels"])
        known.append(made.rows["labels"])
    for nth, version in enumerate(versions):
        assert len(rows_of(kind, lake, "labels", version)) == sum(known[: nth + 1])
    for name in DAY_TABLES:
        assert rows_of(kind, lake, name) == ordered(run.table(name).to_table())
    assert len(rows_of(kind, lake, RUNS)) == 3


def test_a_window_put_over_another_leaves_no_double(kind, run, tmp_path):
    """Two days, then all three, then the two again: each row once."""
    lake = tmp_path / "lake"
    short = fauxpay.generate(request(tmp_path / "root", to="2026-03-03"))
    kind.commit(short, lake)
    kind.commit(run, lake)
    assert not kind.commit(short, lake).is_new
    for name in (*DAY_TABLES, "compromises", "reissues"):
        assert rows_of(kind, lake, name) == ordered(run.table(name).to_table()), name


def test_an_earlier_window_leaves_the_later_plan(kind, run, days, tmp_path):
    """Days come in any order; plans are those of the latest end, whoever comes last."""
    lake = tmp_path / "lake"
    for made in (days[2], days[0]):
        kind.commit(made, lake)
    for name in PLAN_TABLES:
        if name != "campaigns":
            assert rows_of(kind, lake, name) == ordered(run.table(name).to_table()), name


def test_a_commit_that_broke_off_is_made_whole(kind, run, tmp_path):
    """Broken after any table, the run is not in `runs`; the same command ends the same."""
    lake = tmp_path / "lake"

    class Broken(Exception):
        pass

    seen: list[str] = []

    def stop(name: str) -> None:
        seen.append(name)
        if len(seen) == 9:
            raise Broken

    with pytest.raises(Broken):
        kind.commit(run, lake, stop)
    assert not (lake / RUNS).exists()
    assert kind.commit(run, lake).is_new
    kind.commit(run, tmp_path / "whole")
    for name in TABLES:
        assert rows_of(kind, lake, name) == rows_of(kind, tmp_path / "whole", name)


@pytest.mark.slow
def test_a_killed_commit_is_made_whole(kind, run, tmp_path):
    """SIGKILL at many moments, then the same command: every row once, and the run in `runs`."""
    killed = 0
    for nth in range(6):
        lake = tmp_path / f"lake{nth}"
        running = subprocess.Popen(command(run, lake, kind), stdout=subprocess.DEVNULL)
        while not lake.exists() and running.poll() is None:
            time.sleep(0.005)
        time.sleep(0.08 * nth)
        running.send_signal(signal.SIGKILL)
        running.wait()
        killed += running.returncode == -signal.SIGKILL
        subprocess.run(command(run, lake, kind), check=True, capture_output=True)
        for name in DAY_TABLES:
            assert rows_of(kind, lake, name) == ordered(run.table(name).to_table()), name
        assert [row["run_id"] for row in rows_of(kind, lake, RUNS)] == [run.run_id]
    assert killed


def test_two_writers_both_land_or_one_is_told(kind, days, tmp_path):
    """Two days at once by two writers: no row is lost and none is double."""
    lake, faults, made = tmp_path / "lake", list[Exception](), days[:2]

    def put(one: Run) -> None:
        try:
            kind.commit(one, lake)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=put, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(fault, ConflictError) for fault in faults), faults
    for one in made:
        kind.commit(one, lake)  # Who was told comes again; who landed has nothing to do.
    _holds(kind, lake, made, {one.run_id for one in made})


def test_a_commit_onto_what_is_another_now_collides(kind, run, days, tmp_path):
    """The same day by two who saw the same table: one is refused, and leaves no file behind."""
    place = tmp_path / "lake"
    kind.commit(days[0], place)
    lake = lake_of(kind.name, str(place))
    seen = lake.opened("transactions")
    kind.commit(days[1], place)
    files = set((place / "transactions").rglob("*.parquet"))
    shape = shape_of("transactions")
    one = Put(
        "transactions",
        shape,
        rows_of_run(run, "transactions", shape),
        run.run_id,
        run.world_id,
        int(run.receipt["seed"]),
        days=(date(2026, 3, 1), date(2026, 3, 4)),
    )
    with pytest.raises(lake.collisions):
        lake.put(seen, one)
    wanted = pa.concat_tables([one.table("transactions").to_table() for one in days[:2]])
    assert rows_of(kind, place, "transactions") == ordered(wanted)
    if kind.name == "iceberg":  # Delta leaves them to VACUUM.
        assert set((place / "transactions").rglob("*.parquet")) == files


@pytest.mark.slow
@pytest.mark.parametrize("what", ["two days", "one run", "windows that overlap"])
def test_two_processes_race(kind, run, days, tmp_path, what):
    """Exit code 0 or 5; then, after those that were told came again, each row and run once."""
    raced = {"two days": days[:2], "one run": days[:1] * 2, "windows that overlap": [run, days[1]]}
    made = raced[what]
    for nth in range(5):
        lake = tmp_path / f"lake{nth}"
        running = [
            subprocess.Popen(
                command(one, lake, kind), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            for one in made
        ]
        for one in running:
            _, said = one.communicate(timeout=120)
            assert one.returncode in (0, 5), said.decode()
        for one in made:
            kind.commit(one, lake)
        distinct = made if what == "two days" else made[:1]
        _holds(kind, lake, distinct, {one.run_id for one in made})


def _holds(kind, lake, made: list[Run], run_ids: set[str]) -> None:
    for name in DAY_TABLES:
        wanted = pa.concat_tables([one.table(name).to_table() for one in made])
        assert rows_of(kind, lake, name) == ordered(wanted), name
    last = max(made, key=lambda one: one.receipt["window"]["to"])
    for name in ("compromises", "reissues"):
        assert rows_of(kind, lake, name) == ordered(last.table(name).to_table()), name
    assert sorted(row["run_id"] for row in rows_of(kind, lake, RUNS)) == sorted(run_ids)


def test_what_did_not_pass_is_not_committed(kind, run, tmp_path):
    """Nothing is there afterwards."""
    doubtful = Run(run.root, run.folder, run.receipt, is_verified=False)
    with pytest.raises(GateError, match="did not pass"):
        kind.commit(doubtful, tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def test_a_place_that_cannot_be_is_said(kind, run, tmp_path):
    """A file where a folder should be: exit code 6, and what to do."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="expected a place"):
        kind.commit(run, tmp_path / "file" / "lake")
    if kind.name == "delta":
        own = command(run, tmp_path / "file" / "lake", kind)
        done = subprocess.run(own, capture_output=True, text=True)
        assert done.returncode == 6
        assert "Traceback" not in done.stderr


def test_the_command_says_what_it_did(kind, run, tmp_path):
    """Tables the first time, nothing to do the second."""
    own = command(run, tmp_path / "lake", kind)
    said = subprocess.run(own, capture_output=True, text=True, check=True).stdout
    assert f"{len(TABLES) + 1} tables" in said
    assert f"in {kind.name.title()} tables" in said
    if kind.name == "delta":
        said = subprocess.run([*own, "--json"], capture_output=True, text=True, check=True).stdout
        assert json.loads(said)["is_new"] is False
        assert json.loads(said)["versions"]["runs"] == 1
    else:
        assert not kind.commit(run, tmp_path / "lake").is_new


def test_a_catalog_that_is_not_there_is_said(run, tmp_path):
    """Of pyiceberg's config, and an address where a folder of its own should be."""
    pytest.importorskip("pyiceberg")
    with pytest.raises(ConfigError, match="PYICEBERG_CATALOG__NOSUCH__URI"):
        commit(run, "cards", "iceberg", catalog="nosuch")
    with pytest.raises(ConfigError, match="--catalog"):
        commit(run, "s3://bucket/lake", "iceberg")


def test_a_catalog_of_the_readers_own_is_committed_to(run, tmp_path, monkeypatch):
    """Its namespace has the tables; nothing else is made."""
    sql = pytest.importorskip("pyiceberg.catalog.sql")
    own = {"uri": f"sqlite:///{tmp_path}/own.db", "warehouse": f"file://{tmp_path}/warehouse"}
    # As .pyiceberg.yaml would say it, which is read once in a process.
    monkeypatch.setattr("pyiceberg.catalog.load_catalog", lambda name: sql.SqlCatalog(name, **own))
    assert commit(run, "cards", "iceberg", catalog="own").is_new
    assert not commit(run, "cards", "iceberg", catalog="own").is_new
    table = sql.SqlCatalog("own", **own).load_table(("cards", "labels"))
    assert table.scan().to_arrow().num_rows == run.rows["labels"]
