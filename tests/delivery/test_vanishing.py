"""Vanishing: files that go while a run counts on them. The run says so, and is made again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import fauxpay
from fauxpay.audit.housekeeping import leftovers
from fauxpay.audit.verify import verify_run
from fauxpay.errors import ConflictError, GateError, StorageError
from fauxpay.storage.places import place_of
from sealed import FIRST, file_of, request, run_of

STEPS = ("world", "partitions", "gates", "receipt")


def unnamed(root: Path) -> list[str]:
    """Kinds of what a housekeeper would remove at once; raises where somebody is at work."""
    return [one.kind for one in leftovers(root, 0, is_unnamed_too=True, now=float("inf"))]


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_stages_nothing_is_still_at_work(root, step):
    """While a resumed run looks for its world and files, or judges, nothing unnamed is chosen."""
    shutil.rmtree(root / "runs")
    assert "unnamed" in unnamed(root)
    asked = []

    def report(progress):
        if progress.stage == step:
            with pytest.raises(GateError, match="living process is at work"):
                unnamed(root)
            asked.append(progress.stage)

    fauxpay.generate(request(root), report=report)
    assert asked
    assert unnamed(root) == []


def test_a_run_that_fails_is_at_work_no_more(root):
    """The sign goes with the run, whatever ended it."""
    shutil.rmtree(root / "runs")
    file_of(root, "worlds/*/seed=1/partitions/event_day=2026-03-01/part-0000.json").unlink()
    file_of(root, FIRST).write_bytes(b"x")
    with pytest.raises(ConflictError):
        fauxpay.generate(request(root))
    assert list((root / ".staging").iterdir()) == []
    assert "unnamed" in unnamed(root)


def test_files_that_go_before_the_seal_leave_no_sealed_run(root):
    """What was found and then removed is missed before the mark; the same request makes it."""
    shutil.rmtree(root / "runs")

    def report(progress):
        if progress.stage == "gates" and progress.done:
            file_of(root, FIRST).unlink()

    with pytest.raises(StorageError, match=r"went missing .* The same command makes them again"):
        fauxpay.generate(request(root), report=report)
    assert not list(root.glob("runs/utc_day=*/*/_PASSED"))
    fauxpay.generate(request(root))
    assert verify_run(run_of(root)).differences == ()


def test_objects_that_go_before_the_seal_leave_no_sealed_run():
    """Likewise in an object store."""
    root = place_of("memory://vanishing/root")

    def report(progress):
        if progress.stage == "gates" and progress.done:
            sorted(root.glob(FIRST))[0].unlink()

    with pytest.raises(StorageError, match="went missing"):
        fauxpay.generate(request(str(root)), report=report)
    assert not list(root.glob("runs/utc_day=*/*/_PASSED"))
    assert fauxpay.generate(request(str(root))).run_id


def test_a_world_that_goes_before_its_partitions_is_told(root):
    """A worker that finds no world says that it went, not that we are at fault."""
    shutil.rmtree(root / "runs")
    for path in root.glob("worlds/*/seed=1"):
        shutil.rmtree(path)

    def report(progress):
        if progress.stage == "partitions":
            shutil.rmtree(root / "worlds", ignore_errors=True)

    with pytest.raises(StorageError, match=r"files of world .* went missing"):
        fauxpay.generate(request(root), report=report)
    fauxpay.generate(request(root))
    assert verify_run(run_of(root)).differences == ()
