"""Examples of `examples/queries` give one answer, and it is the one that fauxpay itself gives."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest

import fauxpay
from fauxpay.labels import as_of
from fauxpay.receipts.layout import seed_name

EXAMPLES = Path(__file__).parents[2] / "examples" / "queries"
TRINO = EXAMPLES / "fraud_by_mcc_trino.sql"
DAYS = ("2026-03-03", "2026-03-20", "2026-05-01")


def folder_of(run: fauxpay.Run) -> Path:
    """The folder of the run's world and seed."""
    return run.root / seed_name(run.world_id, int(run.receipt["seed"]))


def answer(run: fauxpay.Run, day: str) -> dict[str, tuple[int, int, float]]:
    """Payments, frauds and their share by MCC, by fauxpay's own reading of labels."""
    known = as_of(run, f"{day}T00:00:00+00:00")
    pairs = zip(known["transaction_id"].to_pylist(), known["label"].to_pylist(), strict=True)
    frauds_known = {own_id for own_id, label in pairs if label == "fraud"}
    rows = run.table("transactions").to_table(columns=["transaction_id", "mcc", "event_time"])
    payments, frauds = Counter(), Counter()
    for row in rows.to_pylist():
        if row["event_time"].date().isoformat() < day:
            payments[row["mcc"]] += 1
            frauds[row["mcc"]] += row["transaction_id"] in frauds_known
    return {mcc: (n, frauds[mcc], frauds[mcc] / n) for mcc, n in payments.items()}


def printed(text: str) -> dict[str, tuple[int, int, float]]:
    """What an example printed."""
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["mcc", "payments", "frauds", "rate"]
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])
    return {mcc: (int(n), int(frauds), float(rate)) for mcc, n, frauds, rate in rows[1:]}


@pytest.fixture(scope="module")
def run(sealed) -> fauxpay.Run:
    """Three days with more fraud than usual."""
    return fauxpay.open(sealed).latest()


def test_what_is_known_grows(run):
    """Negative space: days differ in what was known, so a script that ignores that is caught."""
    frauds = [sum(one[1] for one in answer(run, day).values()) for day in DAYS]
    assert 0 < frauds[1] < frauds[2]
    assert frauds[0] < frauds[1]


@pytest.mark.parametrize("tool", ["polars", "pandas", "duckdb"])
@pytest.mark.parametrize("day", DAYS[:2])
def test_a_script_gives_the_answer(run, tool, day):
    """Printed as CSV, row by row, to the last digit."""
    pytest.importorskip(tool)
    script = [sys.executable, str(EXAMPLES / f"fraud_by_mcc_{tool}.py"), str(folder_of(run)), day]
    done = subprocess.run(script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert printed(done.stdout) == answer(run, day)


@pytest.mark.parametrize("day", DAYS)
def test_the_question_for_trino_gives_the_answer(run, day):
    """Its SELECT is standard SQL: DuckDB answers it from the same folders."""
    question = TRINO.read_text().rpartition("'ADD');")[2].replace("2026-03-20", day)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA fauxpay")
        for name in ("transactions", "labels"):
            files = f"{folder_of(run)}/{name}/*/*.parquet"
            connection.execute(
                f"CREATE VIEW fauxpay.{name} AS FROM read_parquet('{files}', hive_partitioning = 1)"
            )
        found = connection.execute(question).fetchall()
    assert {mcc: rest for mcc, *rest in found} == {
        mcc: list(told) for mcc, told in answer(run, day).items()
    }


def test_the_statements_are_those_of_trino(run):
    """Another parser takes all of them; tables name columns of the contract and folders by day."""
    sqlglot = pytest.importorskip("sqlglot")
    statements = sqlglot.parse(TRINO.read_text(), dialect="trino")
    assert [one.key for one in statements] == ["create"] * 3 + ["command"] * 2 + ["select"]
    for made, name in zip(statements[1:3], ("transactions", "labels"), strict=True):
        columns = [one.name for one in made.find_all(sqlglot.exp.ColumnDef)]
        assert columns[-1] == "event_day"
        assert set(columns[:-1]) <= set(run.table(name).schema.names)
        told = made.sql(dialect="trino")
        assert f"/seed=1/{name}'" in told
        assert "PARTITIONED_BY=ARRAY['event_day']" in told.upper().replace("EVENT_DAY", "event_day")
