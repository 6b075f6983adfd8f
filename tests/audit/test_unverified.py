"""Readers: what has no PASS is refused, unless one says out loud that it may be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fauxpay
from fauxpay.audit.replay import replay_run
from fauxpay.audit.who import who_made
from fauxpay.errors import ContractError, FauxpayError, GateError
from fauxpay.readers.flat import export_flat
from forgeries import edit
from sealed import digests, file_of, request, run_of


@pytest.fixture
def failed(tmp_path, monkeypatch) -> Path:
    """A root with one run that did not pass."""
    from fauxpay.partitions import fill

    root = tmp_path / "failed"
    monkeypatch.setattr(fill, "CHANNEL_OF_KIND", fill.CHANNEL_OF_KIND[::-1].copy())
    with pytest.raises(GateError, match="FAIL"):
        fauxpay.generate(request(root))
    return root


def test_a_failed_run_is_refused(failed):
    """Not listed, not the latest, and its id says where to look."""
    store = fauxpay.open(failed)
    assert store.runs() == []
    with pytest.raises(GateError, match="no run that passed"):
        store.latest()
    (folder,) = (failed / "quarantine").iterdir()
    with pytest.raises(GateError, match="allow_unverified=True"):
        store.run(folder.name)


def test_a_failed_run_can_be_read_when_that_is_said(failed):
    """The quarantined rows themselves, with a run that says that it is not verified."""
    store = fauxpay.open(failed, allow_unverified=True)
    (run,) = store.runs()
    assert run.is_verified is False
    assert store.latest().run_id == run.run_id == store.run(run.run_id[:8]).run_id
    assert run.receipt["verdict"] == "FAIL"
    assert all("quarantine" in path.parts for path in run.files("transactions"))
    assert run.table("transactions").count_rows() == run.rows["transactions"] > 0
    assert run.table("cards").count_rows() == 500


def test_a_failed_run_says_what_it_was(failed):
    """Gate and receipt are kept: config, seed, window, verdict; there is no mark and no stamp."""
    (folder,) = (failed / "quarantine").iterdir()
    receipt = json.loads((folder / "receipt.json").read_bytes())
    assert receipt["verdict"] == "FAIL"
    assert receipt["config"]["run"] == {"seed": 1, "from": "2026-03-01", "to": "2026-03-04"}
    assert not list(failed.rglob("_PASSED"))
    assert not list(failed.glob("runs/**/*.json"))


def test_a_failed_run_can_be_made_again(failed, monkeypatch):
    """Replay works from the quarantined receipt: the same code fails in the same way."""
    (folder,) = (failed / "quarantine").iterdir()
    before = digests(failed)
    proof = replay_run(run_of(failed, str(folder)), None, (None, 1))
    assert proof.holds, proof.differences
    assert digests(failed) == before


def test_a_run_without_its_mark_is_refused(root):
    """A run that was not sealed to the end: refused, or opened as not verified."""
    file_of(root, "runs/utc_day=*/*/_PASSED").unlink()
    run_id = run_of(root).run_id
    with pytest.raises(GateError, match="no _PASSED mark"):
        fauxpay.open(root).run(run_id)
    assert fauxpay.open(root).runs() == []
    run = fauxpay.open(root, allow_unverified=True).run(run_id)
    assert run.is_verified is False
    assert run.table("transactions").count_rows() == run.rows["transactions"]


def test_an_export_of_an_unverified_run_says_so(root, tmp_path):
    """The flat file carries it, and `who` tells it, wherever the file goes."""
    file_of(root, "runs/utc_day=*/*/_PASSED").unlink()
    target = tmp_path / "flat.parquet"
    export_flat(fauxpay.open(root, allow_unverified=True).latest(), target)
    answer = who_made(root, target)
    assert answer.facts["is_verified"] == "false"
    assert [run.verdict.name for run in answer.runs] == ["UNKNOWN"]


def test_a_verified_run_says_so(sealed):
    """With or without the permission, what passed is verified."""
    assert fauxpay.open(sealed).latest().is_verified
    assert fauxpay.open(sealed, allow_unverified=True).latest().is_verified


def test_what_lies_beside_the_receipt_of_a_good_run_is_not_read(root):
    """Only what failed stands in its own folder: a file planted there takes no one's place."""
    run = fauxpay.open(root).latest()
    (name, *_) = (entry["path"] for entry in run.entries("transactions"))
    planted = run.folder / name
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"not these")
    assert run.path(name) == run.root / name
    assert run.table("transactions").count_rows() == run.rows["transactions"]


def test_an_edited_gate_is_refused(root):
    """A verdict that was edited to PASS does not make it so."""
    edit(run_of(root).folder / "gate.json", lambda gate: gate["gates"].pop())
    with pytest.raises(ContractError, match="not the gate"):
        fauxpay.open(root).run(run_of(root).run_id)
    assert not fauxpay.open(root, allow_unverified=True).latest().is_verified


def test_an_unreadable_receipt_cannot_be_opened_at_all(root):
    """Without a receipt nobody knows the files, whatever is allowed."""
    file_of(root, "runs/utc_day=*/*/receipt.json").write_bytes(b"{}")
    store = fauxpay.open(root, allow_unverified=True)
    assert store.runs() == []
    with pytest.raises(FauxpayError):
        store.run(run_of(root).run_id)
