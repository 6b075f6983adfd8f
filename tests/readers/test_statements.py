"""`fauxpay sql` answers what the tables hold, and does nothing else."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import fauxpay
from fauxpay.errors import ConfigError
from fauxpay.readers.run import TABLES
from fauxpay.readers.statements import answers
from fauxpay.readers.views import confine, connect_run


@pytest.fixture
def connection(sealed):
    """A confined connection to the sealed run."""
    run = fauxpay.open(sealed).latest()
    found = connect_run(run, threads=1)
    confine(found, run)
    yield found
    found.close()


def asked(root: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """`fauxpay sql` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "fauxpay", "sql", "--out", str(root), *arguments],
        input=given,
        capture_output=True,
        text=True,
    )


def test_every_table_has_its_rows(connection, sealed):
    """Each view counts what the receipt says."""
    run = fauxpay.open(sealed).latest()
    for name in TABLES:
        (relation,) = answers(connection, f"SELECT count(*) FROM {name}")
        wanted = sum(entry["rows"] for entry in run.entries(name))
        if name == "campaigns":  # Each shard has its part of some.
            whole = len(set(run.table(name).to_table()["campaign_id"].to_pylist()))
            assert whole < wanted
            wanted = whole
        assert relation.fetchall() == [(wanted,)], name


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '{path}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}'",
        "EXPLAIN EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}'",
        "PREPARE a AS COPY (SELECT 1) TO '{path}'",
        "ATTACH '{path}' AS other",
        "EXPORT DATABASE '{path}'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "CALL pragma_version()",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '{path}'",
    ],
)
def test_what_does_more_than_ask_is_refused(connection, tmp_path, statement):
    """Nothing is written, fetched, or read beyond the run."""
    path = tmp_path / "made"
    with pytest.raises(ConfigError, match="SQL: "):
        list(answers(connection, statement.format(path=path)))
    assert list(tmp_path.iterdir()) == []


def test_the_files_of_the_run_cannot_be_overwritten(connection, sealed):
    """They may be read, and COPY to them is refused all the same."""
    path = fauxpay.open(sealed).latest().files("cards")[0]
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="COPY is not run here"):
        list(answers(connection, f"SELECT 1; COPY (SELECT 1) TO '{path}'"))
    assert path.read_bytes() == before


def test_memory_is_for_playing(connection):
    """Tables and views of one's own last as long as the connection."""
    text = (
        "CREATE TABLE mine AS SELECT mcc FROM merchants; SELECT count(*) FROM mine; DROP TABLE mine"
    )
    ((count,),) = next(answers(connection, text)).fetchall()
    assert count > 0


def test_answers_are_those_of_another_engine(sealed):
    """Rows by MCC as Polars counts them, printed as JSON lines and as CSV."""
    query = "SELECT mcc, count(*) AS n FROM transactions GROUP BY mcc ORDER BY mcc"
    frame = fauxpay.open(sealed).latest().scan("transactions").group_by("mcc").len("n")
    wanted = dict(
        frame.sort("mcc").collect().with_columns(pl.col("mcc").cast(pl.String)).iter_rows()
    )
    done = asked(sealed, "latest", query, "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["mcc"]: row["n"] for row in rows} == wanted
    printed = asked(sealed, "latest", query, "--format", "csv").stdout.splitlines()
    assert printed[0] == '"mcc","n"'
    assert len(printed) == 1 + len(wanted)


def test_standard_input_holds_statements(sealed):
    """Several, over several lines, the last without its semicolon."""
    done = asked(sealed, "--format", "json", given="SELECT\n 1 AS a;\n\nSELECT 2 AS b")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("query", "told"),
    [("SELEC 1", "syntax error"), ("SELECT * FROM card", "cards"), ("SELECT 1/", "syntax error")],
)
def test_wrong_sql_is_said_in_one_line(sealed, query, told):
    """Exit code 2, no traceback, the nearest name where there is one."""
    done = asked(sealed, "latest", query)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert told in done.stderr


def test_at_a_prompt_a_mistake_is_not_the_end(sealed):
    """On a terminal the prompt comes back after wrong SQL."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "fauxpay", "sql", "--out", str(sealed), "--format", "json"]
    running = subprocess.Popen(command, stdin=child, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(child)
    os.write(parent, b"SELEC 1;\nSELECT 3 AS c;\n\x04")
    output, errors = running.communicate(timeout=60)
    os.close(parent)
    assert running.returncode == 0
    assert b"syntax error" in errors
    assert b'{"c": 3}' in output
    assert b"fauxpay> " in output
