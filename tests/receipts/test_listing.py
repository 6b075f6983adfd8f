"""Listing: the order of runs, which nothing but their receipts decides; and how one is named."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path

import pytest

import fauxpay
from fauxpay.errors import ConfigError, GateError, StorageError
from fauxpay.foundations.canonical import canonical_json, document_digest
from fauxpay.gates.verdicts import Verdict
from fauxpay.receipts.listing import Wanted, latest_run, listed_runs, resolve_run
from sealed import SEALED_AT, request, run_of

DAYS = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> tuple[Path, list[str]]:
    """Three runs of one world, and their ids from the newest to the oldest.

    The two newest share a second, so the run id decides between them.
    """
    root = tmp_path_factory.mktemp("three") / "root"
    made = []
    for seconds, first, end in ((100, 0, 1), (0, 1, 2), (100, 0, 3)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SOURCE_DATE_EPOCH", str(SEALED_AT + seconds))
            window = {"from": DAYS[first], "to": DAYS[end]}
            made.append((seconds, fauxpay.generate(request(root, **window)).run_id))
    return root, [run_id for _, run_id in sorted(made, reverse=True)]


@pytest.fixture
def runs(three, tmp_path) -> tuple[Path, list[str]]:
    """A copy of them that a test may damage."""
    return Path(shutil.copytree(three[0], tmp_path / "root")), three[1]


def order(root: Path) -> list[str]:
    """Run ids in the order of the listing."""
    return [run.run_id for run in listed_runs(root)]


def receipt_of(root: Path, run_id: str) -> Path:
    """The receipt of a run."""
    return next(root.glob(f"runs/utc_day=*/{run_id}/receipt.json"))


def test_runs_are_in_the_order_of_created_then_id(three):
    """Newest first; of the same second the greater run id first; the latest is the first."""
    root, expected = three
    assert order(root) == expected
    assert latest_run(listed_runs(root)).run_id == expected[0]
    assert fauxpay.open(root).latest().run_id == expected[0]
    assert [run.run_id for run in fauxpay.open(root).runs()] == expected[::-1]


def test_touching_never_changes_the_order(runs):
    """Every file and folder touched, the oldest run last: the order stays."""
    root, expected = runs
    for path in sorted(root.rglob("*")):
        os.utime(path, (1, 1))
    os.utime(receipt_of(root, expected[-1]), (4e9, 4e9))
    assert order(root) == expected


def test_copying_never_changes_the_order(runs, tmp_path):
    """A root copied elsewhere, a run copied under another day: each run once, the same order."""
    root, expected = runs
    folder = receipt_of(root, expected[-1]).parent
    for day in ("utc_day=2020-01-01", "utc_day=2031-01-01"):
        shutil.copytree(folder, root / "runs" / day / folder.name)
    other = shutil.copytree(root, tmp_path / "other")
    for place in (root, other):
        assert order(place) == expected
        assert len(listed_runs(place)[-1].copies) == 2
    assert [run.run_id for run in fauxpay.open(root).runs()] == expected[::-1]


def test_restoring_never_changes_the_order(runs, tmp_path):
    """A run that was lost and restored from a copy is where it was."""
    root, expected = runs
    folder = receipt_of(root, expected[0]).parent
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(folder)
    assert order(root) == expected[1:]
    shutil.copytree(tmp_path / "copy", folder)
    assert order(root) == expected


def test_a_damaged_copy_does_not_stand_for_the_run(runs):
    """Of two copies the one that passed counts, wherever it is filed."""
    root, expected = runs
    folder = receipt_of(root, expected[0]).parent
    copy = shutil.copytree(folder, root / "runs" / "utc_day=2020-01-01" / folder.name)
    (copy / "receipt.json").write_bytes(b"{")
    first = listed_runs(root)[0]
    assert (first.run_id, first.folder, first.copies) == (expected[0], folder, (copy,))


def without_date(receipt: Path) -> None:
    """The member is gone."""
    document = json.loads(receipt.read_bytes())
    del document["created_utc"]
    receipt.write_bytes(canonical_json(document))


UNREADABLE = {
    "torn": lambda path: path.write_bytes(path.read_bytes()[:300]),
    "empty": lambda path: path.write_bytes(b""),
    "missing member": without_date,
    "missing file": lambda path: path.unlink(),
    "garbage": lambda path: path.write_bytes(os.urandom(64)),
    "nested": lambda path: path.write_bytes(b"[" * 100_000),
    "no object": lambda path: path.write_bytes(b'"2031-01-01T00:00:00Z"'),
    "a number": lambda path: path.write_bytes(b'{"created_utc": 1893456000}'),
    "another format": lambda path: path.write_bytes(b'{"created_utc": "01/02/2031 10:00"}'),
    "no zone": lambda path: path.write_bytes(b'{"created_utc": "2031-01-01T00:00:00"}'),
    "a zone": lambda path: path.write_bytes(b'{"created_utc": "2031-01-01T00:00:00+01:00"}'),
    "no such day": lambda path: path.write_bytes(b'{"created_utc": "2031-02-30T00:00:00Z"}'),
}


@pytest.mark.parametrize("how", UNREADABLE)
def test_receipts_without_a_date_come_last_and_are_reported(runs, how):
    """Whatever is wrong with it, and however new its file is, it is behind all others, and said."""
    root, expected = runs
    UNREADABLE[how](receipt_of(root, expected[0]))
    found = listed_runs(root)
    assert [run.run_id for run in found] == [*expected[1:], expected[0]]
    assert found[-1].created is None
    assert found[-1].verdict is Verdict.UNKNOWN
    assert "no readable created_utc" in found[-1].warning
    assert [run.warning for run in found[:-1]] == ["", ""]
    assert latest_run(found).run_id == expected[1]


def test_receipts_without_a_date_are_ordered_by_the_time_of_their_file(runs):
    """Among themselves the newest file is first; without any other run it is the latest."""
    root, expected = runs
    for seconds, run_id in zip((20, 30, 10), expected, strict=True):
        path = receipt_of(root, run_id)
        path.write_bytes(b"torn")
        os.utime(path, (seconds, seconds))
    assert order(root) == [expected[1], expected[0], expected[2]]
    assert resolve_run(root, "latest").run_id == expected[1]
    with pytest.raises(GateError, match="no run that passed"):
        fauxpay.open(root).latest()


def test_an_edited_receipt_is_never_the_latest(runs):
    """A later date that was written into a receipt does not make it pass."""
    root, expected = runs
    path = receipt_of(root, expected[-1])
    text = path.read_bytes()
    path.write_bytes(text.replace(b'"created_utc":"2026', b'"created_utc":"2036'))
    assert path.read_bytes() != text
    assert order(root)[0] == expected[-1]
    assert listed_runs(root)[0].fault
    assert resolve_run(root, "latest").run_id == expected[0]
    assert fauxpay.open(root).latest().run_id == expected[0]


def test_filters_hold_what_was_asked_for(three):
    """By world, seed, verdict and overlap of the window, which ends before its last day."""
    root, expected = three
    runs = listed_runs(root)
    world = runs[0].receipt["world_id"]

    def held(**wanted):
        return [run.run_id for run in runs if Wanted(**wanted).holds(run)]

    assert held() == expected
    assert held(world=world[:9]) == expected
    assert held(world="0" * 9) == []
    assert held(seed=1) == expected
    assert held(seed=2) == []
    assert held(verdict=Verdict.PASS) == expected
    assert held(verdict=Verdict.FAIL) == []
    windows = {run.run_id: run.receipt["window"] for run in runs}
    third = [name for name in expected if windows[name]["to"] == DAYS[3]]
    assert held(first=date(2026, 3, 3)) == third
    assert held(end=date(2026, 3, 1)) == []
    first = [name for name in expected if windows[name]["from"] == DAYS[0]]
    assert held(first=date(2026, 3, 1), end=date(2026, 3, 2)) == first
    assert held(first=date(2026, 3, 2), end=date(2026, 3, 3)) == [
        name for name in expected if windows[name]["to"] != DAYS[1]
    ]


def test_a_run_is_named_by_prefix_path_or_latest(three, tmp_path, monkeypatch):
    """The beginning of its id, its folder, its receipt, also below another root."""
    root, expected = three
    for run_id in expected:
        assert resolve_run(root, run_id).run_id == run_id
        assert resolve_run(root, run_id[:12]).run_id == run_id
        folder = receipt_of(root, run_id).parent
        assert resolve_run(tmp_path, str(folder)).root == root
        assert resolve_run(tmp_path, str(folder / "receipt.json")).run_id == run_id
    assert resolve_run(root, "latest").run_id == expected[0]
    monkeypatch.chdir(root)
    assert resolve_run(root, str(folder.relative_to(root))).run_id == run_id


def test_what_names_no_run_is_refused(three, tmp_path):
    """Unknown texts name what is known; a prefix of several runs names them; an empty root."""
    root, expected = three
    with pytest.raises(StorageError, match=expected[0]):
        resolve_run(root, "nothing")
    with pytest.raises(GateError, match="no run there"):
        resolve_run(tmp_path, "latest")
    folder = receipt_of(root, expected[0]).parent
    twin = f"{expected[0][:10]}{'0' * 10}"
    copied = Path(shutil.copytree(root, tmp_path / "root"))
    (copied / folder.relative_to(root).parent / twin).mkdir()
    with pytest.raises(ConfigError, match="2 runs begin so"):
        resolve_run(copied, expected[0][:10])


@pytest.mark.parametrize("text", ["../..", "..", "*", "", "a" * 21, "/", "latest/"])
def test_strange_names_are_refused(three, text):
    """Patterns and paths that hold no run name none."""
    with pytest.raises(StorageError, match="no run"):
        resolve_run(three[0], text)


def test_of_two_broken_copies_the_one_with_a_date_counts(root):
    """Neither passed: the receipt that still says when it was sealed stands for the run."""
    own = run_of(root)
    copy = root / "runs" / "utc_day=2020-01-01" / own.run_id
    shutil.copytree(own.folder, copy)
    (own.folder / "_PASSED").unlink()
    (copy / "receipt.json").write_bytes(b"{}")
    (found,) = listed_runs(root)
    assert (found.folder, found.copies) == (own.folder, (copy,))
    assert found.created == own.created


def changed(path: Path, **members: object) -> None:
    """Members of a document are others; a receipt's digest is its own again."""
    document = json.loads(path.read_bytes()) | members
    if document.pop("receipt_digest", None):
        document["receipt_digest"] = document_digest(document)
    path.write_bytes(canonical_json(document))


@pytest.mark.parametrize(
    ("gate", "receipt", "verdict"),
    [
        ({"verdict": "FAIL"}, {}, Verdict.FAIL),
        ({"verdict": "PASS", "gates": "broken"}, {}, Verdict.FAIL),
        ({}, {"verdict": "FAIL"}, Verdict.FAIL),
        ({}, {}, Verdict.UNKNOWN),
    ],
)
def test_without_a_seal_the_worst_that_is_said_counts(root, gate, receipt, verdict):
    """The gate's own word, and what its checks add up to; a broken seal alone says nothing."""
    own = run_of(root).folder
    (own / "_PASSED").unlink()
    if gate.get("gates") == "broken":
        gates = json.loads((own / "gate.json").read_bytes())["gates"]
        gates[1]["checks"][0]["verdict"] = "FAIL"
        gate = {**gate, "gates": gates}
    changed(own / "gate.json", **gate)
    changed(own / "receipt.json", **receipt)
    assert listed_runs(root)[0].verdict is verdict


def test_what_stands_in_the_quarantine_never_passed(root, tmp_path):
    """A sealed run that is moved there is listed on demand alone, and found by its path."""
    own = run_of(root)
    kept = root / "quarantine" / own.run_id
    shutil.copytree(own.folder, kept)
    (listed,) = listed_runs(root)
    assert (listed.folder, listed.is_quarantined, listed.copies) == (own.folder, False, ())
    both = listed_runs(root, is_quarantine_too=True)
    assert {run.folder: run.is_quarantined for run in both} == {own.folder: False, kept: True}
    moved = next(run for run in both if run.is_quarantined)
    assert "stands in the quarantine" in moved.fault
    assert moved.verdict is Verdict.UNKNOWN
    assert moved.warning == ""
    assert latest_run(both[::-1]).folder == own.folder
    for name in (".", "receipt.json", "gate.json"):
        found = resolve_run(tmp_path, str(kept / name))
        assert (found.root, found.folder) == (root, kept)
    assert resolve_run(root, own.run_id[:8]).folder == own.folder
    shutil.rmtree(own.folder)
    assert resolve_run(root, own.run_id[:8]).folder == kept


def test_a_failure_speaks_for_a_run_without_a_receipt(root):
    """Where the receipt is there it is told of; a torn one is warned of, a missing one is not."""
    own = run_of(root)
    kept = root / "quarantine" / own.run_id
    kept.mkdir(parents=True)
    failure = {"class": "GateError", "message": "2 checks", "seed": 7, "world_id": "ab"}
    (kept / "failure.json").write_bytes(canonical_json(failure))
    (broken,) = (run for run in listed_runs(root, is_quarantine_too=True) if run.is_quarantined)
    assert broken.fault == "GateError: 2 checks"
    assert broken.receipt == failure
    assert Wanted(seed=7, world="a").holds(broken)
    assert not Wanted(first=date(2026, 3, 1)).holds(broken), "it says no window"
    assert broken.warning == ""
    (kept / "receipt.json").write_bytes(b"{")
    (torn,) = (run for run in listed_runs(root, is_quarantine_too=True) if run.is_quarantined)
    assert torn.receipt == failure
    assert "GateError" not in torn.fault
    assert "no readable created_utc" in torn.warning
    (kept / "receipt.json").write_bytes((own.folder / "receipt.json").read_bytes())
    (dated,) = (run for run in listed_runs(root, is_quarantine_too=True) if run.is_quarantined)
    assert dated.created == own.created
    assert dated.receipt["run_id"] == own.run_id


def test_of_two_broken_copies_the_one_sealed_first_counts(root):
    """Neither passed and both say when: the earlier stands for the run, wherever it is filed."""
    own = run_of(root)
    copy = root / "runs" / "utc_day=2020-01-01" / own.run_id
    shutil.copytree(own.folder, copy)
    for folder in (own.folder, copy):
        (folder / "_PASSED").unlink()
    changed(copy / "receipt.json", created_utc="2031-01-01T00:00:00Z")
    (found,) = listed_runs(root)
    assert (found.folder, found.copies) == (own.folder, (copy,))
