"""A clock that goes back: instants are stamped once, `latest` keeps its rule, nothing refuses."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime, timedelta, timezone

import pytest
import survival_harness as harness

import fauxpay
from fauxpay.config.model import Config
from fauxpay.delivery.engine import Engine
from fauxpay.delivery.run import make_run
from fauxpay.foundations.parameters import load_parameters

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def made_at(root, instant: datetime, **run: object):
    """Makes or finds the run while the clock shows an instant."""
    config = Config(**harness.request(root, **run))
    engine = dataclasses.replace(Engine(), clock=lambda: instant)
    return make_run(config, load_parameters(config.parameters), engine)


def test_a_clock_set_back_between_runs(tmp_path):
    """The run made later on an earlier clock is sealed; latest is the greatest instant."""
    first = made_at(tmp_path, NOON)
    second = made_at(tmp_path, NOON - timedelta(days=400), seed=2)
    store = fauxpay.open(tmp_path)
    assert [run.run_id for run in store.runs()] == [second.run_id, first.run_id]
    assert store.latest().run_id == first.run_id
    assert store.run(second.run_id).receipt["created_utc"] == "2025-05-27T12:00:00Z"


def test_equal_instants_are_ordered_by_run_id(tmp_path):
    """Of two runs of one second the greater run id is the latest, whichever was made last."""
    runs = [made_at(tmp_path, NOON, seed=seed).run_id for seed in (1, 2, 3)]
    assert fauxpay.open(tmp_path).latest().run_id == max(runs)


@pytest.mark.parametrize("hours", [-1, 1, 24 * 365 * 30])
def test_asking_again_on_another_clock_finds_the_same_run(tmp_path, hours):
    """Back, forward, decades on: created_utc stays, nothing is written."""
    made_at(tmp_path, NOON)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = made_at(tmp_path, NOON + timedelta(hours=hours))
    assert not again.is_new
    assert fauxpay.open(tmp_path).latest().receipt["created_utc"] == "2026-07-01T12:00:00Z"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_clock_set_back_between_start_and_seal(tmp_path):
    """The clock is asked once, when the run is sealed; that it showed more before is no matter."""
    shown = iter([NOON - timedelta(days=1), NOON])
    config = Config(**harness.request(tmp_path))
    engine = dataclasses.replace(Engine(), clock=lambda: next(shown))
    make_run(config, load_parameters(config.parameters), engine)
    harness.require_whole(tmp_path)
    assert fauxpay.open(tmp_path).latest().receipt["created_utc"] == "2026-06-30T12:00:00Z"
    assert next(shown) == NOON


@pytest.mark.parametrize("lost", ["_PASSED", "receipt.json", "gate.json", "all but the stamp"])
def test_a_run_sealed_anew_keeps_its_first_instant(tmp_path, lost):
    """Whatever of the run's own documents is lost, and whatever the clock shows by then."""
    folder = made_at(tmp_path, NOON).folder
    for path in list(folder.iterdir()):
        if lost in (path.name, "all but the stamp"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    again = made_at(tmp_path, NOON - timedelta(days=30))
    assert again.folder == folder
    harness.require_whole(tmp_path)
    assert fauxpay.open(tmp_path).latest().receipt["created_utc"] == "2026-07-01T12:00:00Z"


def test_a_lost_stamp_is_not_missed(tmp_path):
    """Runs that were copied without their stamps keep the instant of their receipts."""
    made_at(tmp_path, NOON)
    for stamp in (tmp_path / "runs" / "created").iterdir():
        stamp.unlink()
    next(tmp_path.glob("runs/utc_day=*/*/_PASSED")).unlink()
    made_at(tmp_path, NOON - timedelta(days=30))
    harness.require_whole(tmp_path)
    assert fauxpay.open(tmp_path).latest().receipt["created_utc"] == "2026-07-01T12:00:00Z"


def test_the_instant_is_whole_seconds_of_utc(tmp_path):
    """Whatever the zone of the clock and its fractions: the day that a run is filed under, too."""
    there = timezone(timedelta(hours=-9, minutes=-30))
    evening = datetime(2026, 6, 30, 23, 59, 59, 999_999, tzinfo=there)
    folder = made_at(tmp_path, evening).folder
    assert folder.parent.name == "utc_day=2026-07-01"
    assert fauxpay.open(tmp_path).latest().receipt["created_utc"] == "2026-07-01T09:29:59Z"


def test_a_torn_stamp_of_a_lost_run_is_made_anew(tmp_path):
    """Where nothing else tells the first instant, the run is sealed with that of now."""
    shutil.rmtree(made_at(tmp_path, NOON).folder)
    (stamp,) = (tmp_path / "runs" / "created").iterdir()
    stamp.write_bytes(stamp.read_bytes()[:9])
    again = made_at(tmp_path, NOON + timedelta(hours=1))
    harness.require_whole(tmp_path)
    assert again.sealed.receipt["created_utc"] == "2026-07-01T13:00:00Z"


@pytest.mark.parametrize("mark", [b"", b"0" * 64 + b"\n"])
def test_a_mark_of_another_receipt_is_mended(tmp_path, mark):
    """Torn, or of another receipt: such a run is not read, and the same request seals it anew."""
    folder = made_at(tmp_path, NOON).folder
    (folder / "_PASSED").write_bytes(mark)
    assert fauxpay.open(tmp_path).runs() == []
    again = made_at(tmp_path, NOON + timedelta(days=3))
    assert (again.is_new, again.folder) == (True, folder)
    harness.require_whole(tmp_path)
    assert fauxpay.open(tmp_path).latest().receipt["created_utc"] == "2026-07-01T12:00:00Z"


def test_the_clock_is_taken_from_the_environment(tmp_path, monkeypatch):
    """SOURCE_DATE_EPOCH set back between two runs and a third that is asked again."""
    for epoch, seed in ((1790000000, 1), (1700000000, 2), (1600000000, 1)):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(epoch))
        harness.make(tmp_path, seed=seed)
    created = [run.receipt["created_utc"] for run in fauxpay.open(tmp_path).runs()]
    assert created == ["2023-11-14T22:13:20Z", "2026-09-21T14:13:20Z"]
