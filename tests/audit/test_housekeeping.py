"""Housekeeping: only what nothing needs goes, only when one is certain, and never a named file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fauxpay
from fauxpay.audit.housekeeping import leftovers, quarantined_run, remove
from fauxpay.audit.verify import verify_run
from fauxpay.delivery.sinks import LocalSink
from fauxpay.delivery.staging import Maker, home, is_alive, maker_of
from fauxpay.errors import ConfigError, ConflictError, GateError, StorageError
from sealed import digests, file_of, request, run_of


def soon(days: float = 0.0) -> float:
    """A moment after all that was written so far, however long the tests before took."""
    return time.time() + 1000 + days * 86_400


def dead_pid() -> int:
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def kinds(root: Path, *, days: float = 0.0, unnamed: bool = False) -> list[str]:
    """Kinds of what could go."""
    return [one.kind for one in leftovers(root, days, is_unnamed_too=unnamed, now=soon())]


def test_a_clean_root_has_no_leftovers(sealed):
    """After a run that passed there is nothing to let go, unnamed things included."""
    assert kinds(sealed, unnamed=True) == []


def test_staged_files_of_the_dead_go_and_of_the_living_stay(root):
    """The number of the process in the staged name decides, whatever the age."""
    staging = root / ".staging"
    (staging / f"{dead_pid()}-0").write_bytes(b"abc")
    scratch = staging / f"{dead_pid()}-replay-0"
    (scratch / "worlds").mkdir(parents=True)
    (scratch / "worlds" / "x").write_bytes(b"abcd")
    (staging / f"{os.getpid()}-1").write_bytes(b"alive")
    (staging / "publish.lock").write_bytes(b"")
    found = leftovers(root, 1000, is_unnamed_too=False)
    assert sorted(one.bytes for one in found) == [3, 4]
    assert remove(root, found) == 7
    assert sorted(path.name for path in staging.iterdir()) == [f"{os.getpid()}-1", "publish.lock"]


def test_a_killed_run_leaves_what_gc_takes(tmp_path):
    """SIGKILL while files are staged: gc finds them all, and the resumed run is whole."""
    code = (
        "import fauxpay, os, signal\n"
        "from fauxpay.delivery import sinks\n"
        "plain, calls = sinks.Staged.write, []\n"
        "def write(self, data):\n"
        "    calls.append(1)\n"
        "    if len(calls) > 20: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return plain(self, data)\n"
        "sinks.Staged.write = write\n"
        f"fauxpay.generate({request(tmp_path)!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    found = leftovers(tmp_path, 0, is_unnamed_too=False)
    assert found
    assert {one.kind for one in found} == {"staged"}
    remove(tmp_path, found)
    fauxpay.generate(request(tmp_path))
    assert verify_run(run_of(tmp_path)).differences == ()


def test_unnamed_worlds_and_partitions_go_and_named_files_stay(root):
    """What a killed run published is nobody's: it goes on demand; every sealed file stays."""
    before = digests(root)
    fauxpay.generate(request(root, **{"from": "2026-03-03", "to": "2026-03-05"}))
    other = {**request(root, to="2026-03-02"), "labels": {"enabled": False}}
    fauxpay.generate(other)
    first = run_of(root, next(name.split("/")[2] for name in before if name.endswith("_PASSED")))
    for run in fauxpay.open(root).runs():
        if run.run_id != first.run_id:
            shutil.rmtree(run.folder)
    assert kinds(root) == []
    found = leftovers(root, 0, is_unnamed_too=True, now=soon())
    assert sum(one.path.parent.name == "worlds" for one in found) == 1
    names = {one.path.relative_to(root).as_posix() for one in found}
    assert not names & set(before)
    assert any("event_day=2026-03-04" in name for name in names)
    remove(root, found)
    after = digests(root)
    assert {name: after[name] for name in before} == before
    assert not list(root.glob("worlds/*/seed=1/*/event_day=2026-03-04"))
    assert verify_run(first).differences == ()
    assert kinds(root, unnamed=True) == []


def test_unnamed_files_are_kept_while_somebody_works(root):
    """A living process has published what no receipt names yet: nothing unnamed is chosen."""
    (root / ".staging" / f"{os.getpid()}-1").write_bytes(b"alive")
    with pytest.raises(GateError, match="living process"):
        leftovers(root, 0, is_unnamed_too=True)
    assert leftovers(root, 0, is_unnamed_too=False) == []


@pytest.mark.parametrize("damage", [b"torn", b"{}", None])
def test_unnamed_files_are_kept_while_a_receipt_cannot_be_read(root, damage):
    """Nobody knows what a torn or missing receipt names, so nothing unnamed is chosen."""
    path = file_of(root, "runs/utc_day=*/*/receipt.json")
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(GateError, match="nobody knows which files it names"):
        leftovers(root, 0, is_unnamed_too=True)


def test_files_of_a_run_without_a_mark_stay(root):
    """A run that was not sealed to the end can still be: what it names is kept."""
    file_of(root, "runs/utc_day=*/*/_PASSED").unlink()
    assert kinds(root, unnamed=True) == []


def test_young_leftovers_stay(root):
    """Conflicts, quarantined runs and unnamed files younger than asked for are kept."""
    made = failed_run(root)
    assert made
    assert set(kinds(root)) == {"quarantined"}
    assert kinds(root, days=7) == []
    assert leftovers(root, 7, is_unnamed_too=False, now=soon(8))


def failed_run(root: Path) -> str:
    """A run of another window that does not pass; returns its id."""
    from fauxpay.partitions import fill

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fill, "CHANNEL_OF_KIND", fill.CHANNEL_OF_KIND[::-1].copy())
        with pytest.raises(GateError, match="FAIL"):
            fauxpay.generate(request(root, **{"from": "2026-03-05", "to": "2026-03-06"}))
    (folder,) = (root / "quarantine").iterdir()
    return folder.name


def test_a_quarantined_run_is_found_by_its_beginning(root):
    """By prefix; what is not there is refused with what is."""
    run_id = failed_run(root)
    assert quarantined_run(root, run_id[:6]).run_id == run_id
    with pytest.raises(StorageError, match=run_id):
        quarantined_run(root, "zzz")
    (root / "quarantine" / (run_id[:6] + "0" * 14)).mkdir()
    with pytest.raises(ConfigError, match="several in quarantine"):
        quarantined_run(root, run_id[:6])


def test_conflicts_are_leftovers(root):
    """Bytes that were kept aside are listed with the name that they were meant for."""
    file_of(root, "worlds/*/seed=1/partitions/event_day=2026-03-01/part-0000.json").unlink()
    file_of(root, "worlds/*/seed=1/truth/event_day=2026-03-01/part-0000.parquet").write_bytes(b"x")
    with pytest.raises(ConflictError):
        fauxpay.generate(request(root, to="2026-03-05"))
    found = leftovers(root, 0, is_unnamed_too=False, now=soon())
    assert [one.kind for one in found] == ["conflict", "quarantined"]
    assert "truth/event_day=2026-03-01" in found[0].why
    remove(root, found)
    assert not (root / "conflicts").exists()


def test_a_file_that_cannot_be_removed_says_so(root, monkeypatch):
    """The message names the file and how much went before it."""
    staged = root / ".staging" / f"{dead_pid()}-0"
    staged.write_bytes(b"abc")
    found = leftovers(root, 0, is_unnamed_too=False)

    def refuse(self, missing_ok=False):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageError, match="cannot be removed"):
        remove(root, found)


def test_processes_are_told_from_the_dead():
    """This process lives, one that ended does not, and absurd numbers count as alive."""
    assert is_alive(os.getpid())
    assert not is_alive(dead_pid())
    assert is_alive(10**30)


def aged(path: Path, days: float) -> Path:
    """The file, as if it had been written so many days ago."""
    path.write_bytes(b"abc")
    os.utime(path, (soon(-days),) * 2)
    return path


@pytest.mark.parametrize("days", [0.0, 1000.0])
def test_what_another_machine_stages_stays_until_it_is_old(root, days):
    """Its process numbers mean nothing here: a run in another container is not swept away."""
    theirs = aged(root / ".staging" / f"{dead_pid()}-{'0' * 12}-0", days=6)
    assert leftovers(root, 0, is_unnamed_too=False) == []
    with pytest.raises(GateError, match="another machine"):
        leftovers(root, 0, is_unnamed_too=True)
    aged(theirs, days=8 + days)
    (found,) = leftovers(root, 0, is_unnamed_too=True)
    assert (found.path, found.kind) == (theirs, "staged")
    assert "another machine" in found.why


def test_what_is_staged_says_where_its_process_counts(root):
    """The home is in the name of every staged file, and the dead of our own home go at once."""
    staged = LocalSink(root).stage("x")
    try:
        assert maker_of(staged.path.name) == Maker(os.getpid(), home())
    finally:
        staged.discard()
    (root / ".staging" / f"{dead_pid()}-{home()}-0").write_bytes(b"abc")
    assert kinds(root) == ["staged"]


def test_an_earlier_process_of_our_own_number_is_gone(root):
    """Containers run all as number 1: what stands there from before we began is nobody's."""
    aged(root / ".staging" / f"{os.getpid()}-{home()}-0", days=1)
    assert kinds(root, unnamed=True) == ["staged"]
