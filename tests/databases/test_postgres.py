"""A real PostgreSQL holds what the run holds, with its keys, and never half of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import date

import numpy as np
import pytest

import fauxpay
from fauxpay.contracts.tables import table
from fauxpay.databases import postgres
from fauxpay.databases.postgres import load
from fauxpay.errors import ConfigError, ConflictError, StorageError
from fauxpay.readers.run import TABLES
from sealed import request

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(sealed) -> fauxpay.Run:
    """The sealed run."""
    return fauxpay.open(sealed).latest()


@pytest.fixture
def asked(server):
    """A function that asks the server."""
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        yield lambda query: connection.execute(query).fetchall()


def in_database(asked, schema: str, name: str) -> list[tuple]:
    """Rows of a table in order of its key."""
    contract = table(TABLES[name])
    columns = ", ".join(column.name for column in contract.columns)
    return asked(f"SELECT {columns} FROM {schema}.{name} ORDER BY {', '.join(contract.key)}")


def in_run(run, name: str) -> list[tuple]:
    """Rows of a table of a run in order of its key."""
    contract = table(TABLES[name])
    frame = run.table(name).to_table().sort_by([(key, "ascending") for key in contract.key])
    rows = [tuple(row.values()) for row in frame.to_pylist()]
    if name != "campaigns":
        return rows
    # Each shard has the part of a campaign that its own cards saw.
    parts: dict[tuple, list[tuple]] = {}
    for own_id, typology, started, ended in rows:
        parts.setdefault((own_id, typology), []).append((started, ended))
    return [
        (*key, min(start for start, _ in spans), max(end for _, end in spans))
        for key, spans in parts.items()
    ]


def test_every_row_of_every_table_is_there(run, server, asked):
    """Value by value, floats as 32 bits; sums as the command says."""
    loaded = load(run, server.url, "whole")
    assert loaded.is_new
    for name in TABLES:
        wanted, found = in_run(run, name), in_database(asked, "whole", name)
        assert len(wanted) == len(found) == loaded.rows.get(name, 0)
        for mine, theirs in zip(wanted, found, strict=True):
            assert [as_told(value) for value in theirs] == [as_told(value) for value in mine]
    assert not load(run, server.url, "whole").is_new


def as_told(value: object) -> object:
    """A value as both sides hold it: real numbers have 32 bits."""
    return np.float32(value) if isinstance(value, float) else value


def test_keys_and_meanings_are_there(run, server, asked):
    """Each table has its primary key; strangers are refused; columns say what they mean."""
    import psycopg

    load(run, server.url, "keys")
    keys = asked(
        "SELECT count(*) FROM information_schema.table_constraints WHERE "
        "constraint_type = 'PRIMARY KEY' AND table_schema = 'keys' "
        "AND table_name NOT LIKE 'fauxpay%'"
    )
    assert keys == [(len(TABLES),)]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        asked("INSERT INTO keys.postings SELECT -1, posted_on, 1, 'EUR' FROM keys.postings LIMIT 1")
    with pytest.raises(psycopg.errors.NotNullViolation):
        asked("UPDATE keys.cards SET card_id = NULL RETURNING 1")
    told = asked(
        "SELECT count(*) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid JOIN "
        "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'keys' AND d.objsubid > 0"
    )
    assert told[0][0] > 20


def test_a_run_that_overlaps_adds_what_is_missing(run, server, asked, tmp_path):
    """Two days, then three: the same rows as three at once, the plan that of the longer window."""
    root = tmp_path / "root"
    short = fauxpay.generate(request(root, to="2026-03-03"))
    load(short, server.url, "grown")
    longer = fauxpay.generate(request(root))
    added = load(longer, server.url, "grown")
    assert 0 < added.rows["transactions"] < run.rows["transactions"]
    assert "cards" not in added.rows
    load(run, server.url, "at_once")
    for name in TABLES:
        assert in_database(asked, "grown", name) == in_database(asked, "at_once", name), name
    assert asked("SELECT count(*), max(window_to) FROM grown.fauxpay_runs") == [
        (2, date(2026, 3, 4))
    ]
    assert load(short, server.url, "grown").is_new is False


def test_another_world_is_refused(run, server, tmp_path):
    """A schema holds one world and seed."""
    load(run, server.url, "mine")
    other = fauxpay.generate(request(tmp_path / "other", seed=99))
    with pytest.raises(ConflictError, match="Name another --schema"):
        load(other, server.url, "mine")


def test_a_schema_that_was_granted_is_enough(run, server):
    """Who owns a schema but may make none in the database loads into it, as in production."""
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE loader LOGIN PASSWORD 'not-a-secret'")
        connection.execute("CREATE SCHEMA granted AUTHORIZATION loader")
    url = server.url.replace("://postgres:", "://loader:")
    assert load(run, url, "granted").is_new
    with pytest.raises(StorageError, match="permission denied"):
        load(run, url, "not_granted")


def test_a_server_killed_in_the_middle_holds_nothing_of_it(run, server):
    """Killed after the second table: a StorageError; after a restart the same command loads all."""
    seen = []

    def report(name: str, rows: int) -> None:
        seen.append(name)
        if len(seen) == 9:
            server.kill()

    try:
        with pytest.raises(StorageError, match="Nothing was changed"):
            load(run, server.url, "killed", report)
    finally:
        server.start()
    import psycopg

    with psycopg.connect(server.url) as connection:
        query = "SELECT 1 FROM information_schema.schemata WHERE schema_name = 'killed'"
        assert connection.execute(query).fetchall() == []
    assert load(run, server.url, "killed").is_new


def test_two_loaders_at_once_load_once(run, server, asked):
    """The second waits, and has nothing to do."""
    news: list[bool] = []
    threads = [
        threading.Thread(target=lambda: news.append(load(run, server.url, "raced").is_new))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(news) == [False, False, True]
    count = asked("SELECT count(*) FROM raced.transactions")
    assert count == [(run.rows["transactions"],)]


def test_secrets_are_not_told(run, server):
    """A wrong password: said without it, exit code 6."""
    url = server.url.replace(":not-a-secret@", ":hunter2@")
    own = [sys.executable, "-m", "fauxpay", "load", run.run_id, url, "--out", str(run.root)]
    done = subprocess.run(own, capture_output=True, text=True)
    assert done.returncode == 6
    assert "password authentication failed" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_the_command_says_what_it_did(run, server):
    """Rows the first time, nothing to do the second; the password is masked."""
    own = [sys.executable, "-m", "fauxpay", "load", run.run_id, server.url]
    own += ["--out", str(run.root), "--schema", "told"]
    first = subprocess.run(own, capture_output=True, text=True, check=True)
    again = subprocess.run(own, capture_output=True, text=True, check=True)
    assert "rows" in first.stdout
    assert "nothing to do" in again.stdout
    assert "not-a-secret" not in first.stdout + again.stdout


@pytest.mark.parametrize(
    ("url", "schema", "told"),
    [
        ("mysql://h/d", "fauxpay", "expected postgres://"),
        ("postgres://h/d", "Bad Name", "expected a name"),
        ("postgres://h/d", "pg_mine", "expected a name"),
    ],
)
def test_wrong_addresses_are_refused(run, url, schema, told):
    """Before anything is asked of a server."""
    with pytest.raises(ConfigError, match=told):
        load(run, url, schema)


def test_nobody_there_is_said(run):
    """A closed port: StorageError with the host."""
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:9"):
        postgres.load(run, "postgres://me:pw@127.0.0.1:9/x")
