"""Same bytes: workers, order, kills and racing runs; and what a failed run leaves."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.errors import ConflictError, GateError, StorageError

SMALL = {"cards": 600, "merchants": 500, "places": 20}
WINDOW = {"from": "2026-03-01", "to": "2026-03-06"}


def request(root: Path, **run: object) -> dict[str, object]:
    """A small run below a root."""
    return {
        "catalog": SMALL,
        "run": {**WINDOW, "out": str(root), "executor": "serial", "report": False, **run},
    }


def files(root: Path) -> dict[str, str]:
    """SHA-256 of every file of the worlds below a root, by its name."""
    worlds = root / "worlds"
    found = sorted(path for path in worlds.rglob("*") if path.is_file())
    return {
        str(path.relative_to(worlds)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }


@pytest.fixture(scope="module")
def serial(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A run made by one process."""
    root = tmp_path_factory.mktemp("serial")
    fauxpay.generate(request(root))
    return root, files(root)


def command(root: Path, *more: str) -> list[str]:
    """The command line of the same run."""
    sizes = [f"--set=catalog.{key}={value}" for key, value in SMALL.items()]
    window = ["--from", WINDOW["from"], "--to", WINDOW["to"]]
    own = [sys.executable, "-m", "fauxpay", "generate", "--out", str(root), "--quiet"]
    return [*own, *window, *sizes, *more]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_change_no_byte(serial, tmp_path, workers):
    """1, 2 and 4 processes write identical files: catalog, partitions and their receipts."""
    subprocess.run(command(tmp_path, "--workers", str(workers)), check=True)
    assert files(tmp_path) == serial[1]


@pytest.mark.parametrize("chunk_rows", [1000, 7777, 65536])
def test_chunks_change_no_byte(serial, tmp_path, chunk_rows):
    """The number of rows filled at a time leaves every file as it is."""
    fauxpay.generate(request(tmp_path, chunk_rows=chunk_rows))
    assert files(tmp_path) == serial[1]


def test_overlapping_windows_share_their_days(serial, tmp_path):
    """Days made backwards, in three runs, are the days of one run; only plans are by window."""
    for first, last in (("05", "06"), ("02", "04"), ("01", "06")):
        fauxpay.generate(request(tmp_path, **{"from": f"2026-03-{first}", "to": f"2026-03-{last}"}))
    made = {name: digest for name, digest in files(tmp_path).items() if "event_day" in name}
    wanted = {name: digest for name, digest in serial[1].items() if "event_day" in name}
    assert made == wanted
    assert len(made) == 5 * 5


def test_asking_again_does_nothing(serial):
    """The same request finds its run: same id, same files, nothing written."""
    root, before = serial
    stamps = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    again = fauxpay.generate(request(root))
    assert again.run_id == fauxpay.open(root).latest().run_id
    assert files(root) == before
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file()} == stamps


MOMENTS = {
    "the catalog": "worlds/*/catalog/*.parquet",
    "the world": "worlds/*/world.json",
    "a day": "worlds/*/seed=*/transactions/event_day=*/part-*",
}


@pytest.mark.parametrize(
    "moment", ["a day", *(pytest.param(one, marks=pytest.mark.slow) for one in list(MOMENTS)[:2])]
)
def test_a_killed_run_resumes_to_the_same_bytes(serial, tmp_path, moment):
    """SIGKILL once something is public, then the same command again: identical files, one PASS."""
    running = subprocess.Popen(
        command(tmp_path, "--workers", "2"), start_new_session=True, stderr=subprocess.DEVNULL
    )
    while not any(tmp_path.glob(MOMENTS[moment])):
        assert running.poll() is None
        time.sleep(0.002)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not any(tmp_path.glob("runs/utc_day=*/*/receipt.json"))
    subprocess.run(command(tmp_path, "--workers", "2"), check=True)
    assert files(tmp_path) == serial[1]


def test_two_processes_agree(serial, tmp_path):
    """Two processes that make the same run at once both succeed, with the same files."""
    both = [subprocess.Popen(command(tmp_path, "--workers", "1")) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert files(tmp_path) == serial[1]
    assert len(fauxpay.open(tmp_path).runs()) == 1


def test_receipt_says_what_stands_on_disk(serial):
    """Rows and digests of every file in the receipt are those of the files."""
    root, digests = serial
    receipt = fauxpay.open(root).latest().receipt
    assert receipt["verdict"] == "PASS"
    entries = [entry for part in receipt["partitions"] for entry in part["tables"]]
    assert len(entries) == 20
    for entry in entries:
        name = entry["path"].removeprefix("worlds/")
        assert digests[name] == entry["file_sha256"]
        assert pq.ParquetFile(root / entry["path"]).metadata.num_rows == entry["rows"]


def test_gate_holds_every_kind_of_check(serial):
    """gate.json has contract, integrity and counts, each with checks that passed."""
    root, _ = serial
    run = fauxpay.open(root).latest()
    gate = json.loads(next((root / "runs").rglob("gate.json")).read_text())
    assert gate["run_id"] == run.run_id
    assert gate["verdict"] == "PASS"
    names = {check["name"] for part in gate["gates"] for check in part["checks"]}
    for wanted in ("foreign_key card_id", "unique transaction_id", "civil_time", "card_agrees"):
        assert any(wanted in name for name in names), wanted
    assert all(part["checks"] for part in gate["gates"])


def test_other_bytes_under_a_published_name_are_refused(serial, tmp_path):
    """A published file that holds other bytes is a conflict: nothing is overwritten."""
    fauxpay.generate(request(tmp_path, to="2026-03-03"))
    for side in (tmp_path / "worlds").rglob("event_day=2026-03-02/part-0000.*"):
        if side.suffix == ".json":
            side.unlink()
        elif "truth" in side.parts:
            side.write_bytes(b"other bytes")
            damaged = side
    with pytest.raises(ConflictError, match="truth"):
        fauxpay.generate(request(tmp_path, to="2026-03-04"))
    assert damaged.read_bytes() == b"other bytes"
    assert len(fauxpay.open(tmp_path).runs()) == 1


def test_a_failing_check_fails_the_run(tmp_path, monkeypatch):
    """One wrong row: the run is kept in quarantine, the reader does not see it."""
    from fauxpay.partitions import fill

    monkeypatch.setattr(fill, "CHANNEL_OF_KIND", fill.CHANNEL_OF_KIND[::-1].copy())
    with pytest.raises(GateError, match="FAIL"):
        fauxpay.generate(request(tmp_path))
    assert fauxpay.open(tmp_path).runs() == []
    assert list((tmp_path / "quarantine").rglob("gate.json"))
    assert not list(tmp_path.rglob("_PASSED"))


def test_a_full_disk_leaves_nothing_half_published(tmp_path, monkeypatch):
    """ENOSPC while a file is staged: a clear error, no sidecar, no staged file left."""
    from fauxpay.delivery import sinks

    written = {"bytes": 0}
    plain = sinks.Staged.write

    def full(self, data):
        written["bytes"] += len(data)
        if written["bytes"] > 150_000:
            raise StorageError("cannot write: No space left on device. Free some and run again.")
        return plain(self, data)

    monkeypatch.setattr(sinks.Staged, "write", full)
    with pytest.raises(StorageError, match="No space left"):
        fauxpay.generate(request(tmp_path))
    monkeypatch.undo()
    staged = [p for p in (tmp_path / ".staging").rglob("*") if p.is_file()]
    assert not staged
    assert not list((tmp_path / "runs").rglob("receipt.json"))
    fauxpay.generate(request(tmp_path))
    assert fauxpay.open(tmp_path).latest().receipt["verdict"] == "PASS"


def test_a_torn_sidecar_is_made_again(tmp_path, serial):
    """A sidecar that was cut short is not believed: the partition is made again, the same."""
    fauxpay.generate(request(tmp_path, to="2026-03-03"))
    for sidecar in (tmp_path / "worlds").rglob("partitions/event_day=*/part-*.json"):
        sidecar.write_bytes(sidecar.read_bytes()[:200])
    fauxpay.generate(request(tmp_path))
    made = {name: digest for name, digest in files(tmp_path).items() if "event_day" in name}
    assert made == {name: d for name, d in serial[1].items() if "event_day" in name}


def test_a_command_that_fails_says_so_and_leaves_nothing(tmp_path):
    """Bad input: one message on standard error, the class's exit code, no file."""
    done = subprocess.run(
        command(tmp_path, "--set", "catalog.crads=5"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "catalog.crads" in done.stderr
    assert "catalog.cards" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_readers_open_in_other_tools(serial):
    """The one-liners of the summary work: DuckDB, Polars and pandas count the same rows."""
    import duckdb
    import pandas as pd
    import polars as pl

    root, _ = serial
    run = fauxpay.open(root).latest()
    rows = run.table("transactions").count_rows()
    folder = root / "worlds" / run.world_id / "seed=1" / "transactions"
    glob = f"{folder}/event_day=*/part-*.parquet"
    query = f"SELECT count(*) FROM read_parquet('{glob}', hive_partitioning=true)"
    assert duckdb.connect().execute(query).fetchall() == [(rows,)]
    assert pl.scan_parquet(glob, hive_partitioning=True).select(pl.len()).collect().item() == rows
    assert len(pd.read_parquet(folder)) == rows
    assert run.scan("transactions").select(pl.len()).collect().item() == rows


def test_flat_export_has_labels_and_says_what_leaks(serial, tmp_path):
    """The beginners' file has every row once, truth and label beside it, and names the leaks."""
    root, _ = serial
    target = tmp_path / "flat.parquet"
    done = subprocess.run(
        [sys.executable, "-m", "fauxpay", "export", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    from fauxpay.readers.flat import export_flat

    run = fauxpay.open(root).latest()
    export_flat(run, target)
    flat = pq.read_table(target)
    assert flat.num_rows == run.table("transactions").count_rows()
    truth = run.table("truth").count_rows()
    assert sum(flat.column("is_fraud").to_pylist()) == truth
    leaks = flat.schema.metadata[b"fauxpay.leaking_columns"].decode()
    assert "is_fraud" in leaks
    assert "label" in leaks
