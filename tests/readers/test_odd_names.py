"""Names with signs of globs: a run's rows are those of its own folder, whoever reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fauxpay
from fauxpay.cli.summary import openings
from fauxpay.readers import graph as graphs
from fauxpay.readers.query import connected, exact, literal, parquet
from fauxpay.readers.run import TABLES
from fauxpay.readers.training import sources_of
from fauxpay.readers.views import confine, connect_run
from fauxpay.report.tables import opened
from fauxpay.scorecard.card_table import open_card_table
from fauxpay.scorecard.leak_checks import order

# Each beside a folder that its name would match as a glob.
PAIRS = (("st*ar", "stXXar"), ("run[12]", "run1"), ("run[1]", "run1"), ("q?", "qa"), ("it's*", ""))


@pytest.fixture(params=PAIRS, ids=[name for name, _ in PAIRS])
def odd(request, sealed, tmp_path) -> Path:
    """A copy of the sealed root under an odd name, beside another one."""
    name, beside = request.param
    if beside:
        shutil.copytree(sealed, tmp_path / beside)
    return Path(shutil.copytree(sealed, tmp_path / name))


@pytest.fixture
def run(odd) -> fauxpay.Run:
    """The run of it."""
    return fauxpay.open(odd).latest()


def count(relation: str, connection) -> int:
    """Rows of a relation."""
    ((found,),) = connection.sql(f"SELECT count(*) FROM {relation}").fetchall()
    return found


def test_every_reader_reads_the_rows_of_the_receipt(run):
    """Arrow, Polars, views that are confined or not, the report's and the training set's."""
    with connect_run(run, threads=1) as connection:
        for name in sorted(set(TABLES) - {"campaigns"}):
            rows = sum(entry["rows"] for entry in run.entries(name))
            assert run.table(name).count_rows() == rows
            assert run.scan(name).collect().height == rows
            assert count(name, connection) == rows
        confine(connection, run)
        assert count("transactions", connection) == run.rows["transactions"]
    with opened(run) as tables:
        assert tables.rows("SELECT count(*) FROM transactions") == [(run.rows["transactions"],)]
    with connected(threads=1) as connection:
        sources = sources_of(run)
        assert count(sources.transactions, connection) == run.rows["transactions"]
        assert count(sources.labels, connection) == run.rows["labels"]


def test_scores_graphs_and_training_sets_are_those_of_a_plain_name(run, sealed):
    """Metamorphic: the name of the root changes nothing."""
    plain = fauxpay.open(sealed).latest()
    options = {"gap_days": 0, "train_days": 1}
    day = "2026-03-03"
    assert run.training_set(day, **options).equals(plain.training_set(day, **options))
    assert graphs.graph_of(run).edges.equals(graphs.graph_of(plain).edges)
    table = open_card_table(run)
    with table.connect(threads=1) as connection:
        assert count("transactions", connection) == run.rows["transactions"]


def test_leaks_look_at_the_own_files(run, sealed):
    """The order of the own rows alone is looked at."""
    plain = fauxpay.open(sealed).latest()
    assert order(open_card_table(run), 1) == order(open_card_table(plain), 1)


def test_the_command_reads_no_other_folder(odd):
    """`fauxpay sql` counts what the receipt says."""
    query = "SELECT count(*) AS n FROM transactions"
    command = [sys.executable, "-m", "fauxpay", "sql", "latest", query, "--format", "json"]
    done = subprocess.run([*command, "--out", str(odd)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n"] == fauxpay.open(odd).latest().rows["transactions"]


def test_what_the_summary_says_opens_the_own_rows(run):
    """Each line that a run ends with, given to the tool that it is for."""
    duckdb, pl, pd = map(pytest.importorskip, ("duckdb", "polars", "pandas"))
    lines, rows = openings(run), run.rows["transactions"]
    assert len(duckdb.sql(lines["DuckDB"])) == rows
    assert eval(lines["Polars"], {"pl": pl}).collect().height == rows
    assert len(eval(lines["pandas"], {"pd": pd})) == rows
    assert eval(lines["fauxpay"], {"fauxpay": fauxpay}).count_rows() == rows


def test_a_confined_connection_reads_no_file_beside_it(run, tmp_path):
    """Negative space: the name of a file of ours as a glob opens nothing else."""
    with connect_run(run, threads=1) as connection:
        confine(connection, run)
        other = next(path for path in tmp_path.rglob("cards.parquet"))
        twin = tmp_path / "twin.parquet"
        shutil.copy(other, twin)
        with pytest.raises(Exception, match="Permission Error"):
            connection.sql(f"FROM {parquet([twin])}").fetchall()


def test_card_tables_of_users_may_have_such_names(tmp_path):
    """A file that is there is that file; a glob is one still."""
    for name, rows in (("a[1].csv", 3), ("a1.csv", 5)):
        lines = "".join(f"{n},m,2026-03-01 10:00:00,5\n" for n in range(rows))
        (tmp_path / name).write_text("card,merchant,at,amount\n" + lines)
    for text, rows in (("a[1].csv", 3), ("a1.csv", 5), ("a*.csv", 8), ("a[[]1].csv", 3)):
        with open_card_table(str(tmp_path / text)).connect(threads=1) as connection:
            assert count("transactions", connection) == rows, text


def test_signs_of_globs_stand_for_themselves():
    """Known answers."""
    assert exact("a/b]-c.parquet") == "a/b]-c.parquet"
    assert exact("a*[b]?.parquet") == "a[*][[]b][?].parquet"
    assert literal(exact("it's*")) == "'it''s[*]'"
