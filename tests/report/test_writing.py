"""Writing: beside the receipt, whole or not at all, and never at the cost of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import SMALL, Page, made

import fauxpay
from fauxpay.audit.housekeeping import leftovers
from fauxpay.cli.generate import DRAWING
from fauxpay.delivery import replacing
from fauxpay.errors import StorageError
from fauxpay.report import writing

SIZES = [f"--set=catalog.{key}={value}" for key, value in SMALL.items()]
DAY = ["--from", "2026-03-01", "--to", "2026-03-02", "--workers", "1", *SIZES]


def command(*words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """The real command line; reports are made unless told otherwise."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FAUXPAY_")}
    return subprocess.run(
        [sys.executable, "-m", "fauxpay", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **environ},
    )


def test_generate_makes_the_report_and_names_it(tmp_path):
    """Beside the receipt, named by both summaries; nothing is written into the home folder."""
    home, root = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    done = command("generate", "--out", root, *DAY, "--json", HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == f"fauxpay: {DRAWING}"
    path = Path(json.loads(done.stdout)["report"])
    assert path == next(root.glob("runs/utc_day=*/*/receipt.json")).with_name("report.html")
    assert not Page(path.read_text()).unmatched
    assert list(home.rglob("*")) == []
    path.unlink()
    again = command("generate", "--out", root, *DAY)
    assert "nothing to do" in again.stdout
    assert not path.exists()
    assert command("report", "--out", root).stdout.strip().endswith(str(path))
    assert path.is_file()
    told = command("verify", "latest", "--out", root, "--json")
    assert told.returncode == 0, told.stdout
    assert "report.html" not in told.stdout
    runs = command("runs", "show", "latest", "--out", root)
    assert runs.returncode == 0


@pytest.mark.parametrize("switch", [["--no-report"], ["--set=run.report=false"]])
def test_the_report_can_be_switched_off(tmp_path, switch):
    """By flag or setting; the run is the same, and the summary says null."""
    done = command("generate", "--out", tmp_path / "out", *DAY, *switch, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["report"] is None
    assert DRAWING not in done.stderr
    assert not list(tmp_path.rglob("report.html"))


def test_the_switch_is_no_part_of_the_run(tmp_path):
    """Metamorphic: with a report or without, the same run id."""
    place = {"from": "2026-03-01", "to": "2026-03-02", "executor": "serial"}
    ids = [
        fauxpay.generate(
            {"catalog": SMALL, "run": {**place, "out": str(tmp_path / str(wish)), "report": wish}}
        ).run_id
        for wish in (True, False)
    ]
    assert ids[0] == ids[1]
    found = [path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("report.html")]
    assert found == ["True"]


def test_a_report_that_fails_is_a_warning(reported, monkeypatch):
    """A fault of ours and a full disk alike: the run stays, the warning says how to try again."""
    for error in (RuntimeError("a drawing fell down"), StorageError("no room left.")):

        def fails(run, error=error):
            raise error

        monkeypatch.setattr(writing, "write_report", fails)
        told: list[str] = []
        assert writing.keep_report(reported, is_wanted=True, warn=told.append) is None
        (text,) = told
        assert str(error) in text
        assert f"fauxpay report {reported.run_id} --out" in text


def test_generate_in_a_program_warns_and_returns_the_run(tmp_path, monkeypatch):
    """fauxpay.generate: Python's own warning, and a run that can be read."""

    def fails(run):
        raise RuntimeError("a drawing fell down")

    monkeypatch.setattr(writing, "write_report", fails)
    place = {"from": "2026-03-01", "to": "2026-03-02", "executor": "serial", "out": str(tmp_path)}
    with pytest.warns(UserWarning, match="a drawing fell down"):
        run = fauxpay.generate({"catalog": SMALL, "run": place})
    assert run.is_verified
    assert run.rows["transactions"] > 0


@pytest.mark.slow
def test_another_file_takes_the_place_of_an_earlier_one(tmp_path):
    """-o writes over an earlier page, leaves nothing beside it, and refuses a folder."""
    run = made(tmp_path / "out", end="2026-03-02")
    target = tmp_path / "pages" / "run.html"
    with pytest.raises(StorageError):
        writing.write_report(run, target)
    target.parent.mkdir()
    target.write_text("earlier")
    assert writing.write_report(run, target) == target
    assert "earlier" not in target.read_text()[:200]
    assert [path.name for path in target.parent.iterdir()] == ["run.html"]
    with pytest.raises(StorageError, match="is a folder"):
        writing.write_report(run, target.parent)


@pytest.mark.slow
def test_a_kept_report_leaves_nothing_staged_and_gc_lets_it_be(tmp_path):
    """Made twice: one file, no staged one, and nothing that gc would choose."""
    run = made(tmp_path / "out", end="2026-03-02")
    first = writing.write_report(run)
    data = first.read_bytes()
    assert writing.write_report(run).read_bytes() == data
    assert leftovers(run.root, 0, is_unnamed_too=True) == []
    assert not [path for path in (run.root / ".staging").glob("*") if path.is_file()]


def test_a_failed_write_leaves_the_earlier_report(tmp_path, monkeypatch):
    """Atomic: where the rename fails, the earlier page stays and no part of the new one."""
    run = made(tmp_path / "out", end="2026-03-02")
    path = writing.report_path(run)
    path.write_text("earlier")

    def fails(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(replacing.os, "replace", fails)
    with pytest.raises(StorageError, match="No space left"):
        writing.write_report(run)
    assert path.read_text() == "earlier"
    assert not [one for one in (run.root / ".staging").glob("*") if one.is_file()]


@pytest.mark.parametrize(("cards", "last_day"), [(1, "2026-03-08"), (400, "2026-03-02")])
def test_the_smallest_runs_have_a_report(cards, last_day, tmp_path):
    """One card, or one day: the page is made, with what there is."""
    config = {
        "catalog": {"cards": cards, "merchants": 600, "places": 30},
        "run": {"to": last_day, "executor": "serial", "out": str(tmp_path), "report": False},
    }
    run = fauxpay.generate(config)
    assert len(writing.write_report(run, tmp_path / "page.html").read_bytes()) > 100_000
