"""Logs: JSON lines under contract, from any number of workers; stdout left to the summary."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from commands import fauxpay, generate

from fauxpay.cli import logs
from fauxpay.config.sources import resolve
from fauxpay.contracts.documents import check_document
from fauxpay.delivery.progress import GateNews, PartitionNews, Progress, WorldNews
from fauxpay.errors import ConfigError, ContractError
from fauxpay.receipts.records import PartitionReceipt, TableEntry

LINE = "run.yaml#/$defs/log_line"
SUMMARY = "run.yaml#/$defs/summary"
SEGMENTS = {"catalog", "plan", "activity", "fraud", "labels", "gates", "receipt"}
TIMES = ("timestamp", "seconds")


def lines_in(text: str) -> list[dict]:
    """The log lines, each checked against its contract."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        check_document(LINE, line)
    return lines


@pytest.fixture(scope="module")
def made(sealed_root, tmp_path_factory) -> dict[int, tuple[dict, list[dict]]]:
    """By number of workers: summary and log lines of two more days below a copy of the root."""
    results = {}
    for workers in (1, 2):
        root = tmp_path_factory.mktemp("logged") / "out"
        shutil.copytree(sealed_root, root)
        window = ("--from", "2026-03-01", "--to", "2026-03-04", "--workers", str(workers))
        done = generate(root, *window, "--json", FAUXPAY_LOG_FORMAT="json")
        assert done.returncode == 0, done.stderr
        results[workers] = (json.loads(done.stdout), lines_in(done.stderr))
    return results


@pytest.mark.parametrize("workers", [1, 2])
def test_every_line_names_the_run(made, workers):
    """run_id and world_id stand in each line, equal to those of the summary."""
    summary, lines = made[workers]
    assert {line["run_id"] for line in lines} == {summary["run_id"]}
    assert {line["world_id"] for line in lines} == {summary["world_id"]}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_segment_and_partition_is_told(made, workers):
    """A line for each segment of each partition, found or finished, with its rows."""
    summary, lines = made[workers]
    assert {line["segment"] for line in lines if "segment" in line} == SEGMENTS
    events = Counter(line["event"] for line in lines)
    assert events["partition found"] == 3  # activity, fraud and labels of the day that was there
    assert events["partition finished"] == 1 + 2 * 3  # the plan, and two days
    assert events["world found"] == events["gates judged"] == events["run finished"] == 1
    rows = Counter()
    for line in lines:
        if line["event"].startswith("partition"):
            rows[line["segment"]] += line["rows"]
    made_rows = summary["rows"]
    assert rows["activity"] == made_rows["transactions"] + made_rows["postings"]
    assert rows["fraud"] == summary["rows"]["truth"]
    assert rows["labels"] == summary["rows"]["labels"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_partition_s_seconds_stand_in_one_line(made, workers):
    """One pass makes a day: its seconds are told once; a found day has none."""
    _, lines = made[workers]
    timed = [line for line in lines if line["event"] == "partition finished" and "seconds" in line]
    assert {line["segment"] for line in timed} == {"plan", "activity"}
    assert len({line["partition"] for line in timed}) == len(timed) == 3
    assert all(line["seconds"] > 0 for line in timed)
    assert not [line for line in lines if line["event"] == "partition found" and "seconds" in line]


def test_workers_change_nothing_but_times_and_order(made):
    """What one and two workers log is the same, but for time and order of the partitions."""

    def timeless(lines: list[dict]) -> list[str]:
        kept = [{key: line[key] for key in line if key not in TIMES} for line in lines]
        return sorted(json.dumps(line, sort_keys=True) for line in kept)

    assert timeless(made[1][1]) == timeless(made[2][1])


def test_the_summary_satisfies_its_contract(made):
    """What --json prints is a document of run.yaml#/$defs/summary, and nothing beside it."""
    for summary, _ in made.values():
        check_document(SUMMARY, summary)
        assert Path(summary["receipt"]).is_file()
        assert summary["is_new"] is True


def test_the_summary_contract_can_fail(made):
    """Negative space: a summary without verdict, or with another one, is refused."""
    summary = dict(made[1][0])
    with pytest.raises(ContractError, match="/verdict"):
        check_document(SUMMARY, {**summary, "verdict": "FAIL"})
    del summary["verdict"]
    with pytest.raises(ContractError, match="verdict"):
        check_document(SUMMARY, summary)


def test_a_found_run_is_one_line(sealed_root):
    """The same request again logs that it was found, and the summary says so."""
    done = generate(sealed_root, "--logical-date", "2026-03-01", "--json", "--log-format", "json")
    (line,) = lines_in(done.stderr)
    assert line["event"] == "run found"
    assert json.loads(done.stdout)["is_new"] is False


def test_quiet_json_logs_hold_errors_only(sealed_root):
    """--quiet silences what went well; the summary for programs still comes."""
    words = ("--logical-date", "2026-03-01", "--quiet", "--log-format", "json", "--json")
    done = generate(sealed_root, *words)
    assert done.stderr == ""
    assert json.loads(done.stdout)["verdict"] == "PASS"


def test_the_flag_counts_before_the_variable(sealed_root):
    """FAUXPAY_LOG_FORMAT is read like a setting, and a flag is stronger."""
    words = ("--logical-date", "2026-03-01", "--log-format", "text")
    done = generate(sealed_root, *words, FAUXPAY_LOG_FORMAT="json")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_variable_is_no_setting_of_a_run():
    """Names that say how we speak are left alone by the config; one with a typing error is not."""
    environ = {"FAUXPAY_LOG_FORMAT": "json", "FAUXPAY_AIRFLOW_VENV": "x", "FAUXPAY_RUN__SEED": "3"}
    resolved = resolve(None, environ, (), {})
    assert resolved.config.run.seed == 3
    assert not [key for key, origin in resolved.origins.items() if "LOG_FORMAT" in origin]
    with pytest.raises(ConfigError, match="FAUXPAY_LOG_FROMAT"):
        resolve(None, {"FAUXPAY_LOG_FROMAT": "json"}, (), {})


def test_an_unknown_format_is_refused():
    """Another format is bad input, said as text, with the two that there are."""
    done = fauxpay("generate", FAUXPAY_LOG_FORMAT="xml")
    assert done.returncode == 2
    assert "FAUXPAY_LOG_FORMAT" in done.stderr
    assert "'text', 'json'" in done.stderr


def test_help_imports_no_logger():
    """`fauxpay --help` pays for neither structlog nor prometheus-client."""
    code = (
        "import sys; from fauxpay.cli.app import app; "
        "heavy = {'structlog', 'prometheus_client', 'pyarrow', 'numpy', 'pydantic', 'rich'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "variable", "wanted"),
    [
        ([], "", "text"),
        ([], "json", "json"),
        (["generate", "--log-format", "json"], "", "json"),
        (["generate", "--log-format=json"], "text", "json"),
        (["--log-format", "text"], "json", "text"),
        (["--log-format"], "json", "text"),
        (["--log-format=xml"], "json", "text"),
        (["--log-format=text", "--log-format", "json"], "", "json"),
    ],
)
def test_the_format_of_a_broken_command_line(arguments, variable, wanted):
    """The format is known before the command line is understood; the last flag counts."""
    assert logs.chosen(arguments, {"FAUXPAY_LOG_FORMAT": variable}) == wanted


def receipt(findings: tuple = (), seconds: float | None = 1.5) -> PartitionReceipt:
    """A partition's receipt of one table per segment."""
    names = ("transactions", "truth", "labels")
    entries = tuple(
        TableEntry(name, f"a/{name}", rows, 10, "0" * 64, "1" * 64)
        for rows, name in enumerate(names, start=1)
    )
    return PartitionReceipt("a" * 64, 1, "2026-03-01", 2, entries, {}, findings, seconds)


def test_a_partition_that_fails_is_an_error_line():
    """The level follows the verdict."""
    stream = io.StringIO()
    report = logs.JsonReport(stream, lambda: 0.0)
    report(Progress("partitions", 1, 1, 1, news=PartitionNews(receipt(({},)), is_found=False)))
    lines = lines_in(stream.getvalue())
    assert {line["level"] for line in lines} == {"error"}
    assert {line["verdict"] for line in lines} == {"FAIL"}
    assert lines[0]["partition"] == "event_day=2026-03-01/part-0002"


def test_gates_that_fail_name_the_check():
    """Each check that did not hold is a line with its evidence, then the verdict."""
    check = {"name": "amounts", "verdict": "FAIL", "rows": 9, "offenders": 2, "evidence": "row 3"}
    held = {**check, "name": "ids", "verdict": "PASS"}
    document = {"verdict": "FAIL", "gates": [{"name": "contract", "checks": [check, held]}]}
    told = list(logs.lines_of(Progress("gates", 1, 1, 0, news=GateNews(document)), 0.25))
    assert [event for event, _ in told] == ["check did not hold", "gates judged"]
    assert told[0][1]["check"] == "amounts"
    assert told[0][1]["evidence"] == "row 3"
    assert told[1][1] == {"segment": "gates", "verdict": "FAIL", "seconds": 0.25}


def test_without_news_nothing_is_logged():
    """Rows that come in are progress for a bar, not a line each."""
    assert list(logs.lines_of(Progress("partitions", 1, 3, 500), 1.0)) == []
    assert list(logs.lines_of(Progress("world", 0, 1, 0), 1.0)) == []
    world = Progress("world", 1, 1, 0, news=WorldNews({"cards": 3, "devices": 4}, is_built=True))
    assert list(logs.lines_of(world, 2.0)) == [
        ("world built", {"segment": "catalog", "rows": 7, "seconds": 2.0})
    ]


def test_seconds_are_no_part_of_a_receipt():
    """A clock's reading changes neither the document nor equality, so nothing that is hashed."""
    fast, slow = receipt(seconds=0.1), receipt(seconds=9.9)
    assert fast == slow
    assert fast.document() == slow.document()
    assert fast.entry() == slow.entry()
    assert fast.evidence() == slow.evidence()
    assert "seconds" not in json.dumps(fast.document())
