"""The commands: exit codes, JSON on standard output, messages on standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fauxpay.cli import main
from forgeries import written
from sealed import FIRST, SEALED_AT, SECOND, digests, file_of, run_of, settings


@pytest.fixture
def fauxpay(capsys, monkeypatch):
    """The command line in this process: (exit code, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fauxpay", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_runs_list_latest_and_show(fauxpay, sealed):
    """One run, in words and as JSON, by all three commands."""
    run = run_of(sealed)
    code, out, err = fauxpay("runs", "list", "--out", sealed)
    assert (code, err) == (0, "")
    assert run.run_id in out
    assert "2026-03-01..2026-03-04" in out
    (listed,) = json.loads(fauxpay("runs", "list", "--out", sealed, "--json")[1])
    latest = json.loads(fauxpay("runs", "latest", "--out", sealed, "--json")[1])
    shown = json.loads(fauxpay("runs", "show", run.run_id[:7], "--out", sealed, "--json")[1])
    assert latest == shown
    assert shown["receipt"]["receipt_digest"] == run.receipt["receipt_digest"]
    assert {**listed, "receipt": shown["receipt"]} == shown
    assert shown["verdict"] == "PASS"
    assert shown["is_dated"]
    assert run.receipt["world_id"] in fauxpay("runs", "show", "latest", "--out", sealed)[1]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (("--window", "2026-03-03..2026-03-09"), 1),
        (("--window", "2026-03-04..2026-03-09"), 0),
        (("--window", "..2026-03-02"), 1),
        (("--from", "2026-03-04"), 0),
        (("--to", "2026-03-01"), 0),
        (("--verdict", "pass"), 1),
        (("--verdict", "FAIL"), 0),
        (("--seed", "1"), 1),
        (("--seed", "2"), 0),
        (("--world", "zz"), 0),
    ],
)
def test_runs_are_filtered(fauxpay, sealed, filters, count):
    """Window, verdict, seed and world; a latest run that is not there is exit code 4."""
    code, out, _ = fauxpay("runs", "list", "--out", sealed, "--json", *filters)
    assert (code, len(json.loads(out))) == (0, count)
    assert fauxpay("runs", "latest", "--out", sealed, *filters)[0] == (0 if count else 4)


@pytest.mark.parametrize(
    "filters",
    [
        ("--window", "2026-03-01"),
        ("--window", "2026-03-01..x"),
        ("--verdict", "GOOD"),
        ("--from", "1.3.2026"),
        ("--window", "2026-03-01..2026-03-02", "--to", "2026-03-02"),
        ("--window", "2026-03-05..2026-03-01"),
        ("--window", "2026-03-05..2026-03-05"),
        ("--from", "2026-03-05", "--to", "2026-03-01"),
        ("--seed", "-1"),
    ],
)
def test_filters_that_are_none_are_bad_input(fauxpay, sealed, filters):
    """Exit code 2, and the message repeats what was given."""
    code, out, err = fauxpay("runs", "list", "--out", sealed, *filters)
    assert (code, out) == (2, "")
    assert filters[0] in err


def test_a_receipt_without_a_date_is_warned_of(fauxpay, root):
    """A line on standard error, and a field in JSON."""
    file_of(root, "runs/utc_day=*/*/receipt.json").write_bytes(b"torn")
    code, out, err = fauxpay("runs", "list", "--out", root, "--json")
    (run,) = json.loads(out)
    assert code == 0
    assert err.startswith("fauxpay: warning: ")
    assert err.count("\n") == 1
    assert (run["is_dated"], run["verdict"], run["is_verified"]) == (False, "UNKNOWN", False)
    assert run["warning"]


def test_verify_of_a_torn_receipt_counts_one_difference(fauxpay, root):
    """Nothing of it was counted, so no count is told beside it."""
    run = run_of(root)
    file_of(root, "runs/utc_day=*/*/receipt.json").write_bytes(b"torn")
    code, _, err = fauxpay("verify", run.folder, "--out", root, "--quiet")
    assert code == 8
    assert ": 1 difference; expected none." in err


def test_verify_says_what_holds_and_what_does_not(fauxpay, root):
    """Exit code 0 and one line; after damage 8, a line for each difference, or JSON."""
    code, out, _ = fauxpay("verify", "latest", "--out", root, "--quiet")
    assert code == 0
    assert "all holds" in out
    assert len(out.splitlines()) == 1
    path = file_of(root, FIRST)
    written(path, pq.read_table(path, partitioning=None))
    code, out, err = fauxpay("verify", "latest", "--out", root, "--quiet")
    assert code == 8
    assert f"file SHA-256: {path}: expected" in out
    assert "differences" in err
    code, out, err = fauxpay("verify", "latest", "--out", root, "--quiet", "--json")
    document = json.loads(out)
    assert (code, document["holds"]) == (8, False)
    assert {"what", "path", "expected", "found", "remedy", "is_error"} == set(
        document["differences"][0]
    )


@pytest.mark.parametrize("words", [("verify",), ("replay", "--sample", 1)])
def test_where_logs_are_json_no_progress_is_text(fauxpay, sealed, monkeypatch, words):
    """Standard error has JSON alone or nothing: whoever parses it never meets a line of text."""
    monkeypatch.setenv("FAUXPAY_LOG_FORMAT", "json")
    code, out, err = fauxpay(*words, "--out", sealed)
    assert (code, err) == (0, "")
    assert "all holds" in out


def test_replay_says_what_holds(fauxpay, sealed):
    """Exit code 0, with counts; a sample is smaller."""
    code, out, _ = fauxpay("replay", "--out", sealed, "--workers", 1, "--quiet", "--json")
    assert (code, json.loads(out)["counts"]["partitions"]) == (0, 8)
    more = ("--workers", 1, "--quiet", "--sample", 1)
    code, out, _ = fauxpay("replay", "latest", "--out", sealed, *more)
    assert code == 0
    assert "2 partitions" in out


def test_who_has_an_exit_code_for_each_answer(fauxpay, sealed, root, tmp_path):
    """0 sealed, 8 other bytes, 6 no run there, 3 not of ours."""
    path = file_of(root, FIRST)
    code, out, _ = fauxpay("who", path, "--out", root)
    assert code == 0
    assert run_of(root).run_id in out
    identifier = pq.read_table(path, partitioning=None)["transaction_id"][3].as_py()
    code, out, _ = fauxpay("who", identifier, "--out", root, "--json")
    assert (code, json.loads(out)[0]["row"]) == (0, 3)
    written(path, pq.read_table(path, partitioning=None))
    code, _, err = fauxpay("who", path, "--out", root)
    assert code == 8
    assert "restore it from a copy" in err
    code, _, err = fauxpay("who", path, "--out", sealed)
    assert code == 8
    assert f"take {file_of(sealed, FIRST)}" in err
    assert fauxpay("who", path, "--out", tmp_path)[0] == 6
    assert fauxpay("who", tmp_path / "absent", "--out", root)[0] == 6
    assert fauxpay("who", __file__, "--out", root)[0] == 3
    assert fauxpay("who", path, "--out", tmp_path / "absent")[0] == 6


def test_gc_is_dry_unless_one_is_certain(fauxpay, root):
    """Without --yes nothing goes; with it the bytes that were named."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    staged = root / ".staging" / f"{process.pid}-0"
    staged.write_bytes(b"12345")
    before = digests(root)
    code, out, _ = fauxpay("gc", "--out", root)
    assert code == 0
    assert "5 bytes would go; nothing was removed" in out
    assert digests(root) == before
    code, out, _ = fauxpay("gc", "--out", root, "--yes", "--json")
    assert json.loads(out) == {
        "removed": True,
        "bytes": 5,
        "items": [
            {
                "kind": "staged",
                "path": str(staged),
                "bytes": 5,
                "why": f"staged by process {process.pid}, which is gone",
            }
        ],
    }
    assert not staged.exists()
    assert "0 items" in fauxpay("gc", "--out", root, "--unnamed", "--older-than", 0)[1]


@pytest.mark.parametrize("words", [("list",), ("show", "ab"), ("drop", "ab")])
def test_a_quarantine_is_looked_for_in_a_folder_that_is_there(fauxpay, tmp_path, words):
    """Exit code 6 for a name that nobody wrote to, as of other commands."""
    code, out, err = fauxpay("quarantine", *words, "--out", tmp_path / "nowhere")
    assert (code, out) == (6, "")
    assert "no such folder" in err


@pytest.mark.parametrize("days", ["nan", "inf", "-1"])
def test_an_age_that_is_none_is_bad_input(fauxpay, root, days):
    """Exit code 2, and nothing is removed."""
    code, out, err = fauxpay("gc", "--out", root, "--older-than", days, "--yes")
    assert (code, out) == (2, "")
    assert f"--older-than {days}: expected a number of days, 0 or more" in err


def test_quarantine_is_listed_shown_and_dropped(fauxpay, root, monkeypatch):
    """The first failing check in the list, all of them when shown; dropping is dry at first."""
    from fauxpay.partitions import fill

    with monkeypatch.context() as patch:
        patch.setattr(fill, "CHANNEL_OF_KIND", fill.CHANNEL_OF_KIND[::-1].copy())
        day = ("--logical-date", "2026-03-07", "--workers", 1, "--quiet")
        assert fauxpay("generate", "--out", root, *day, *settings())[0] == 4
    (run,) = json.loads(fauxpay("quarantine", "list", "--out", root, "--json")[1])
    assert run["verdict"] == "FAIL"
    assert run["window"] == {"from": "2026-03-07", "to": "2026-03-08"}
    listed = fauxpay("quarantine", "list", "--out", root)[1]
    assert listed.startswith(run["run_id"])
    assert run["failed"][0]["name"] in listed
    shown = fauxpay("quarantine", "show", run["run_id"][:8], "--out", root)[1]
    assert all(check["evidence"] in shown for check in run["failed"])
    (failed,) = json.loads(fauxpay("runs", "list", "--verdict", "FAIL", "--out", root, "--json")[1])
    assert failed["is_quarantined"]
    assert fauxpay("export", root / "flat.parquet", "--out", root, "--run", run["run_id"])[0] == 4
    out = fauxpay("quarantine", "drop", run["run_id"], "--out", root)[1]
    assert "nothing was removed" in out
    assert (root / "quarantine").exists()
    assert fauxpay("quarantine", "drop", run["run_id"], "--out", root, "--yes")[0] == 0
    assert not (root / "quarantine").exists()
    assert fauxpay("quarantine", "show", run["run_id"], "--out", root)[0] == 6
    assert fauxpay("runs", "list", "--out", root, "--verdict", "FAIL", "--json")[1] == "[]\n"


def test_a_scheduled_day_asked_again_is_one_line(fauxpay, tmp_path, monkeypatch):
    """The day D is [D, D+1); asked again nothing is done, and said in one line."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(SEALED_AT))
    asked = ("generate", "--out", tmp_path, "--logical-date", "2026-03-01", "--workers", 1)
    code, out, _ = fauxpay(*asked, "--json", *settings())
    assert code == 0
    assert json.loads(out)["window"] == {"from": "2026-03-01", "to": "2026-03-02"}
    before = digests(tmp_path)
    code, out, err = fauxpay(*asked, *settings())
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1
    assert "nothing to do" in out
    assert digests(tmp_path) == before


def test_a_logical_date_and_a_window_are_bad_input(fauxpay, tmp_path):
    """Exit code 2, nothing written."""
    code, _, err = fauxpay(
        "generate", "--out", tmp_path, "--logical-date", "2026-03-01", "--to", "2026-03-05"
    )
    assert code == 2
    assert "--logical-date" in err
    assert list(tmp_path.iterdir()) == []


def test_runs_import_no_pandas(tmp_path):
    """Nothing asks for pandas, nor, asked again, for Acero, whose imports cost more than all."""
    code = (
        "import sys\n"
        "from fauxpay.cli import main\n"
        "main_error = None\n"
        "try: main()\n"
        "except SystemExit as stop: main_error = stop.code\n"
        "heavy = [name for name in ('pandas', 'pyarrow.acero', 'polars') if name in sys.modules]\n"
        "print('heavy', heavy, main_error)\n"
    )
    day = ["--logical-date", "2026-03-01", "--workers", "1", *settings()]
    command = [sys.executable, "-c", code, "generate", "--out", str(tmp_path), *day]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "verdict       PASS" in made.stdout
    assert "'pandas'" not in made.stdout.rpartition("heavy ")[2]
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "nothing to do" in again.stdout
    assert "heavy []" in again.stdout


def test_export_takes_what_all_commands_take(fauxpay, sealed, tmp_path):
    """A prefix, latest, or the path of a run's folder."""
    run = run_of(sealed)
    for number, text in enumerate((run.run_id[:9], "latest", run.folder)):
        target = tmp_path / f"{number}.parquet"
        assert fauxpay("export", target, "--out", sealed, "--run", text)[0] == 0
        assert pq.read_metadata(target).num_rows == run.receipt["rows"]["transactions"]


@pytest.mark.parametrize("command", ["verify", "replay", "runs show", "export x.parquet --run"])
def test_an_unknown_run_is_a_storage_error(fauxpay, sealed, command, monkeypatch, tmp_path):
    """Exit code 6, and the message names those that are known."""
    monkeypatch.chdir(tmp_path)
    code, _, err = fauxpay(*command.split(), "nothing", "--out", sealed)
    assert code == 6
    assert run_of(sealed).run_id in err
    assert os.listdir(tmp_path) == []


def test_help_names_every_command(fauxpay):
    """The commands of this part are found."""
    out = fauxpay("--help")[1]
    for command in ("runs", "verify", "replay", "who", "quarantine", "gc"):
        assert f"  {command}" in out, Path(command)


def test_a_failure_without_a_gate_is_listed_and_shown(fauxpay, root):
    """A run that broke off before it was judged: its failure.json answers why, where and what."""
    file_of(root, "worlds/*/seed=1/partitions/event_day=2026-03-02/part-0000.json").unlink()
    file_of(root, SECOND).write_bytes(b"other bytes")
    own = ("--out", root, "--workers", 1, "--quiet", *settings())
    assert fauxpay("generate", "--from", "2026-03-02", "--to", "2026-03-03", *own)[0] == 5
    (run,) = json.loads(fauxpay("quarantine", "list", "--out", root, "--json")[1])
    failure = run["failure"]
    assert (failure["class"], failure["segment"]) == ("ConflictError", "activity")
    assert run["world_id"] == run_of(root).receipt["world_id"]
    code, line, err = fauxpay("quarantine", "list", "--out", root)
    assert (code, err) == (0, "")
    assert line.startswith(f"{run['run_id']}  UNKNOWN ConflictError: ")
    assert line.count("\n") == 1
    assert len(line) < 250
    shown = fauxpay("quarantine", "show", run["run_id"], "--out", root)[1]
    for name in ("partition", "remedy", "replay"):
        assert str(failure[name]) in shown
    assert "read it" not in shown, "there is no receipt to read it by"
    code, out, err = fauxpay("runs", "list", "--verdict", "UNKNOWN", "--out", root)
    assert (code, err) == (0, ""), "it was never sealed, so no created_utc is missed"
    assert "2026-03-02..2026-03-03" in out
