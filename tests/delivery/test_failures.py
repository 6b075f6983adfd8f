"""Failures: failure.json says why, where and what to do, and its command brings the run back."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import fauxpay
from fauxpay.errors import ConflictError, FauxpayError, GateError, StorageError
from fauxpay.receipts.records import read_document
from sealed import request


def failure(root: Path) -> dict[str, object]:
    """The only failure below a root, as its contract wants it."""
    (path,) = root.glob("quarantine/*/failure.json")
    return read_document("run.yaml#/$defs/failure", path.read_bytes())


def test_a_gate_that_fails_leaves_its_segment_and_partition(tmp_path, monkeypatch):
    """Class, exit code, segment, partition, message, remedy: all there, and no clock."""
    from fauxpay.partitions import fill

    monkeypatch.setattr(fill, "CHANNEL_OF_KIND", fill.CHANNEL_OF_KIND[::-1].copy())
    with pytest.raises(GateError):
        fauxpay.generate(request(tmp_path))
    told = failure(tmp_path)
    assert (told["class"], told["code"], told["segment"]) == ("GateError", 4, "activity")
    assert str(told["partition"]).startswith("2026-03-0")
    assert "entry_fits_channel" in str(told["message"])
    first = next(tmp_path.glob("quarantine/*/failure.json")).read_bytes()
    with pytest.raises(GateError):
        fauxpay.generate(request(tmp_path))
    assert next(tmp_path.glob("quarantine/*/failure.json")).read_bytes() == first


@pytest.mark.parametrize("workers", [1, 2])
def test_a_conflict_names_the_table_that_stands_in_the_way(tmp_path, workers):
    """From a worker process as from our own: the segment and partition of the file."""
    fauxpay.generate(request(tmp_path, to="2026-03-03"))
    for side in (tmp_path / "worlds").rglob("event_day=2026-03-02/part-0001.*"):
        if side.suffix == ".json":
            side.unlink()
        elif "labels" in side.parts:
            side.write_bytes(b"other bytes")
    executor = "serial" if workers == 1 else "processes"
    with pytest.raises(ConflictError):
        fauxpay.generate(request(tmp_path, workers=workers, executor=executor))
    told = failure(tmp_path)
    assert (told["class"], told["code"]) == ("ConflictError", 5)
    assert (told["segment"], told["partition"]) == ("labels", "2026-03-02 part 0001")


def test_a_catalog_that_fails_is_the_catalog_s(tmp_path, monkeypatch):
    """What breaks while the world is built belongs to no partition."""
    from fauxpay.catalog import integrity
    from fauxpay.contracts.findings import Finding

    finding = Finding("planted", "cards", "card_id", 1, 1, 0, "7", "another")
    monkeypatch.setattr(integrity, "check_catalog", lambda tables: [finding])
    with pytest.raises(GateError, match="planted"):
        fauxpay.generate(request(tmp_path))
    told = failure(tmp_path)
    assert (told["segment"], told["partition"]) == ("catalog", None)
    assert not list(tmp_path.glob("worlds/*/world.json"))


def test_the_replay_command_makes_the_run_and_clears_the_failure(tmp_path, monkeypatch):
    """A full disk is put right: the command of failure.json resumes, and the failure is gone."""
    from fauxpay.delivery import sinks

    plain = sinks.Staged.write

    def full(self, data):
        if "truth/event_day=2026-03-02" in self.name:
            raise StorageError("cannot write: No space left on device. Free some and run again.")
        return plain(self, data)

    monkeypatch.setattr(sinks.Staged, "write", full)
    root = tmp_path / "with a space"
    with pytest.raises(StorageError):
        fauxpay.generate(request(root))
    monkeypatch.undo()
    told = failure(root)
    assert told["segment"] == "fraud"
    command = shlex.split(str(told["replay"]))
    assert command[:2] == ["fauxpay", "generate"]
    subprocess.run([sys.executable, "-m", *command, "--quiet"], check=True, cwd=tmp_path)
    assert fauxpay.open(root).latest().run_id == told["run_id"]
    assert not list(root.glob("quarantine/*"))


def test_a_run_that_was_not_judged_to_the_end_is_not_published(tmp_path, monkeypatch):
    """UNKNOWN ships as little as FAIL: a partition that never came leaves nothing below runs."""
    from fauxpay.delivery import run

    plain = run._stretches
    monkeypatch.setattr(run, "_stretches", lambda *given: plain(*given)[:-1])
    with pytest.raises(GateError, match="the verdict is UNKNOWN"):
        fauxpay.generate(request(tmp_path))
    assert not list(tmp_path.glob("runs/**/*.json"))
    (gate,) = tmp_path.glob("quarantine/*/gate.json")
    assert json.loads(gate.read_bytes())["verdict"] == "UNKNOWN"
    assert fauxpay.open(tmp_path).runs() == []
    monkeypatch.undo()
    assert fauxpay.generate(request(tmp_path)).receipt["verdict"] == "PASS"


def test_what_the_quarantine_keeps_outlives_a_success(tmp_path, monkeypatch):
    """Evidence of a gate that failed stays, though the same run passes later."""
    from fauxpay.partitions import fill

    monkeypatch.setattr(fill, "CHANNEL_OF_KIND", fill.CHANNEL_OF_KIND[::-1].copy())
    with pytest.raises(GateError):
        fauxpay.generate(request(tmp_path))
    monkeypatch.undo()
    fauxpay.generate(request(tmp_path))
    (folder,) = (tmp_path / "quarantine").iterdir()
    assert {"failure.json", "gate.json", "config.yaml"} <= {path.name for path in folder.iterdir()}


def test_every_class_of_error_has_a_remedy_of_its_own():
    """No two classes share exit code or remedy, and each remedy tells what to do."""
    classes = [FauxpayError, *FauxpayError.__subclasses__()]
    own = [one for one in classes if one.__module__ == "fauxpay.errors"]
    assert len({one.exit_code for one in own}) == len(own) >= 9
    assert len({one.remedy for one in own}) == len(own)


def test_a_failure_that_cannot_be_written_hides_no_error(tmp_path, monkeypatch):
    """Where even failure.json has no room, the error that counts is the one that is raised."""
    from fauxpay.delivery import sinks

    tries: list[str] = []

    def full(self, data):
        tries.append(self.name)
        raise StorageError(f"cannot write: No space left on device, {len(tries)}. Free some.")

    monkeypatch.setattr(sinks.Staged, "write", full)
    with pytest.raises(StorageError, match="No space left on device, 1"):
        fauxpay.generate(request(tmp_path))
    assert len(tries) > 1, "failure.json was tried"
    assert json.dumps([str(path) for path in tmp_path.glob("quarantine/**/*.json")]) == "[]"
