"""PostgreSQL: a run's tables with keys and meanings, in one transaction.

Reads    a sealed run
Writes   a schema of a database
Draws    nothing
Sources  nothing

Files are loaded once: a run that overlaps an earlier one adds only the days that are missing. Plan
tables are cumulative and take the place of an earlier run's. A schema holds one world and seed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from fauxpay.contracts.tables import Table, table
from fauxpay.databases.definitions import key_sql, table_sql
from fauxpay.errors import ConfigError, ConflictError, MissingExtraError, StorageError
from fauxpay.foundations.addresses import masked
from fauxpay.readers.query import literal, quoted
from fauxpay.readers.run import TABLES, Run
from fauxpay.readers.views import CAMPAIGNS, whole_campaigns
from fauxpay.receipts.layout import PLAN_TABLES

if TYPE_CHECKING:
    import psycopg

SCHEMES = ("postgres", "postgresql")
BATCH_ROWS = 65_536
_LOCK = 7_046_029_254_386_353_131  # Any number, the same for all loaders.
_NAME = r"[a-z_][a-z0-9_]{0,62}"
Report = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded.

    rows    by table, of this time
    is_new  False where the run was there already
    """

    rows: dict[str, int]
    is_new: bool


def load(
    run: Run, url: str, schema: str = "fauxpay", report: Report = lambda name, rows: None
) -> Loaded:
    """Loads a run, wholly or not at all.

    url     postgres://USER@HOST:PORT/DATABASE; what it lacks comes from PGHOST, PGPASSWORD,
            PGSERVICE and the password file
    report  is told table and rows of each file
    Raises ConfigError for a wrong address or name, ConflictError where the schema holds another
    world or seed, StorageError where the server does not do it; then nothing was changed.
    """
    psycopg = _library()
    _require_name(url, schema)
    try:
        with psycopg.connect(_address(url), connect_timeout=10) as connection:
            return _load(connection, run, schema, report)
    except psycopg.Error as error:
        first = str(error).strip().partition("\n")[0]
        raise StorageError(
            f"{masked(url)}: {first or type(error).__name__}; expected a server that takes the "
            f"run. Nothing was changed; the same command begins again."
        ) from error


def _library() -> Any:
    try:
        import psycopg
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "psycopg is not installed, which loads PostgreSQL; `pip install 'fauxpay[postgres]'` "
            "brings it"
        ) from error
    return psycopg


def _require_name(url: str, schema: str) -> None:
    import re

    if url.partition("://")[0] not in SCHEMES:
        raise ConfigError(f"{masked(url)}: expected postgres://USER@HOST:PORT/DATABASE")
    if not re.fullmatch(_NAME, schema) or schema.startswith("pg_"):
        raise ConfigError(f"--schema {schema}: expected a name such as fauxpay, of {_NAME}")


def _address(url: str) -> str:
    return "postgresql://" + url.partition("://")[2]


def _load(connection: psycopg.Connection[Any], run: Run, schema: str, report: Report) -> Loaded:
    with connection.transaction(), connection.cursor() as cursor:
        # Two loaders at once: the second waits, then finds what the first has done.
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        # Of one that is there the database is not asked: IF NOT EXISTS wants the right to make it.
        cursor.execute(f"SELECT 1 FROM pg_namespace WHERE nspname = {literal(schema)}")
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE SCHEMA {quoted(schema)}")
        is_first = _make_books(cursor, run, schema)
        if not is_first and _is_loaded(cursor, run, schema):
            return Loaded({}, is_new=False)
        tables = [table(reference) for reference in TABLES.values()]
        if is_first:
            for one in tables:
                for statement in table_sql(schema, one):
                    cursor.execute(statement)
        rows = _fill(cursor, run, schema, report)
        if is_first:
            for statement in key_sql(schema, tables):
                cursor.execute(statement)
        window = run.receipt["window"]
        cursor.execute(
            f"INSERT INTO {quoted(schema)}.fauxpay_runs VALUES ({literal(run.run_id)}, "
            f"{literal(run.world_id)}, {int(run.receipt['seed'])}, {literal(window['from'])}, "
            f"{literal(window['to'])}, {literal(run.receipt['created_utc'])})"
        )
    connection.execute(f"ANALYZE {quoted(schema)}.transactions")
    return Loaded(rows, is_new=True)


def _make_books(cursor: Any, run: Run, schema: str) -> bool:
    """Which runs and files are there; returns whether none was. Raises ConflictError."""
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {quoted(schema)}.fauxpay_runs (run_id text PRIMARY KEY, "
        f"world_id text NOT NULL, seed bigint NOT NULL, window_from date NOT NULL, "
        f"window_to date NOT NULL, created_utc timestamptz NOT NULL)"
    )
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {quoted(schema)}.fauxpay_files (path text PRIMARY KEY, "
        f"table_name text NOT NULL, logical_digest text NOT NULL)"
    )
    cursor.execute(f"SELECT DISTINCT world_id, seed FROM {quoted(schema)}.fauxpay_runs")
    found = cursor.fetchall()
    wanted = (run.world_id, int(run.receipt["seed"]))
    for world, seed in found:
        if (world, seed) != wanted:
            raise ConflictError(
                f"schema {schema} holds world {world[:12]} with seed {seed}; expected "
                f"{wanted[0][:12]} with seed {wanted[1]}. Name another --schema."
            )
    return not found


def _is_loaded(cursor: Any, run: Run, schema: str) -> bool:
    cursor.execute(
        f"SELECT 1 FROM {quoted(schema)}.fauxpay_runs WHERE run_id = {literal(run.run_id)}"
    )
    return cursor.fetchone() is not None


def _fill(cursor: Any, run: Run, schema: str, report: Report) -> dict[str, int]:
    """Copies the files that are not there yet; returns rows by table."""
    cursor.execute(f"SELECT path FROM {quoted(schema)}.fauxpay_files")
    there = {row[0] for row in cursor.fetchall()}
    rows: dict[str, int] = {}
    for name, reference in TABLES.items():
        files = list(zip(run.entries(name), run.files(name), strict=True))
        missing = [one for one in files if one[0]["path"] not in there]
        if name in PLAN_TABLES and not _is_newer(cursor, run, schema):
            continue  # A later window's plan holds all of this one's.
        if name in PLAN_TABLES and missing:
            cursor.execute(f"DELETE FROM {quoted(schema)}.{quoted(name)}")
        if name == CAMPAIGNS and missing:
            whole = whole_campaigns(run)
            rows[name] = _copied(cursor, schema, table(reference), whole.to_batches())
            report(name, rows[name])
        for entry, path in missing:
            _note(cursor, schema, entry)
            if name == CAMPAIGNS:
                continue
            with pq.ParquetFile(path) as file:
                copied = _copied(cursor, schema, table(reference), file.iter_batches(BATCH_ROWS))
            rows[name] = rows.get(name, 0) + copied
            report(name, copied)
    return rows


def _is_newer(cursor: Any, run: Run, schema: str) -> bool:
    """Whether the run's window ends after that of every run which is there."""
    cursor.execute(f"SELECT max(window_to) FROM {quoted(schema)}.fauxpay_runs")
    latest = cursor.fetchone()[0]
    return latest is None or latest.isoformat() < run.receipt["window"]["to"]


def _note(cursor: Any, schema: str, entry: Mapping[str, Any]) -> None:
    cursor.execute(
        f"INSERT INTO {quoted(schema)}.fauxpay_files VALUES ({literal(entry['path'])}, "
        f"{literal(entry['name'])}, {literal(entry['logical_digest'])})"
    )


def _copied(cursor: Any, schema: str, contract: Table, batches: Iterable[pa.RecordBatch]) -> int:
    shape = contract.plain_schema()
    names, count = shape.names, 0
    columns = ", ".join(quoted(name) for name in names)
    into = f"{quoted(schema)}.{quoted(contract.name)} ({columns})"
    with cursor.copy(f"COPY {into} FROM STDIN (FORMAT csv, NULL '')") as copy:
        for batch in batches:
            sink = io.BytesIO()
            csv.write_csv(
                batch.select(names).cast(shape), sink, csv.WriteOptions(include_header=False)
            )
            copy.write(sink.getvalue())
            count += batch.num_rows
    return count
