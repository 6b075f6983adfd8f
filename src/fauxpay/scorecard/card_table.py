"""Card tables: any table of card payments behind canonical column names, streamed by DuckDB.

Reads    a run of ours, a folder, a glob, CSV or Parquet files
Writes   nothing; DuckDB spills into a temporary folder that goes with the connection
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fauxpay.errors import ConfigError, StorageError
from fauxpay.readers.query import connected as connected
from fauxpay.readers.query import exact, literal, quoted, refusal
from fauxpay.readers.run import Run, run_of
from fauxpay.receipts.listing import is_named_by
from fauxpay.scorecard.columns import CANONICAL, CHOICES, chosen_columns, shaped
from fauxpay.scorecard.own_files import is_own, own_columns
from fauxpay.scorecard.run_columns import run_columns, run_source
from fauxpay.scorecard.spellings import spelled
from fauxpay.storage.places import Place, place_of

if TYPE_CHECKING:
    import duckdb

DEFAULT_ROOT = Path("fauxpay-out")
_ENDINGS = {
    ".parquet": "read_parquet([{}], union_by_name = true)",
    # Dates stay text: the engine takes 03/11/25 for a day of 2003, and tells nobody.
    ".csv": "read_csv([{}], union_by_name = true, "
    "auto_type_candidates = ['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR'])",
}
_CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".txt")
_SAMPLE_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class CardTable:
    """Any card table behind canonical column names.

    subject      as the user named it
    columns      canonical columns that it has
    run          where it is a run of ours
    expressions  canonical name -> (SQL expression, tables to join)
    source       FROM clause without joins, where it is no run
    is_text      whether reading it means parsing text, which one does once only
    """

    subject: str
    columns: frozenset[str]
    run: Run | None
    expressions: Mapping[str, tuple[str, tuple[str, ...]]] = field(repr=False)
    source: str = field(repr=False)
    is_text: bool = False

    def relation(
        self, columns: Iterable[str] | None = None, event_days: frozenset[str] | None = None
    ) -> str:
        """SELECT of some canonical columns, all where None, with only the joins that they need.

        event_days  of a run: only these partitions, such as 2026-03-01; None for all
        """
        wanted = self.columns if columns is None else frozenset(columns)
        names = [name for name in CANONICAL if name in wanted & self.columns]
        assert names, f"none of {sorted(wanted)} is in {self.subject}"
        joins = sorted({join for name in names for join in self.expressions[name][1]})
        selected = ", ".join(f"{self.expressions[name][0]} AS {quoted(name)}" for name in names)
        source = run_source(self.run, joins, event_days) if self.run is not None else self.source
        return f"SELECT {selected} FROM {source}"

    def connect(
        self,
        threads: int | None = None,
        memory_limit: str | None = None,
        temp_directory: str | Path | None = None,
        columns: Iterable[str] | None = None,
    ) -> duckdb.DuckDBPyConnection:
        """A connection with a view `transactions` of canonical columns, all of them where None.

        DuckDB does not leave out a join whose columns nobody reads: name the columns that are
        needed, or put `relation(columns)` into a query. `at` is a word of its SQL: write "at".
        """
        connection = connected(threads, memory_limit, temp_directory)
        connection.execute(f"CREATE VIEW transactions AS {self.relation(columns)}")
        return connection


def open_card_table(
    source: str | Path | Run,
    mapping: Mapping[str, str] | None = None,
    root: str | Place = DEFAULT_ROOT,
    *,
    is_mapped_run_refused: bool = True,
) -> CardTable:
    """A card table by what a user calls it.

    source   a Run; the beginning of a run id or "latest", below `root`; the folder of a run or an
             output root (its latest run); a folder, glob or file of CSV or Parquet
    mapping  canonical name -> their name
    is_mapped_run_refused   whether a mapping beside a run is an error; else it is left aside
    Raises StorageError where nothing is found, GateError for a run that did not pass, ConfigError
    for columns that are not there or cannot be read as what they are said to be.
    """
    if isinstance(source, Run):
        return _of_run(source.run_id, source, mapping if is_mapped_run_refused else None)
    subject = str(source)
    run = _run_named(subject, place_of(root))
    if run is not None:
        return _of_run(subject, run, mapping if is_mapped_run_refused else None)
    return _of_files(subject, mapping or {}, is_strict=is_mapped_run_refused)


def _run_named(text: str, root: Place) -> Run | None:
    """The run that a text means; None where it means files."""
    path = place_of(text) if "://" in text else Path(text)
    if is_named_by(path):
        return run_of(root, text)
    if path.exists() or has_magic(text) or path.suffix:
        return None
    if not root.is_dir():
        raise StorageError(
            f"{text}: neither a file, a folder nor, without the folder {root}, a run; expected a "
            f"run, a folder, a glob, or a CSV or Parquet file. --out names the root of the runs."
        )
    return run_of(root, text)


def _of_run(subject: str, run: Run, mapping: Mapping[str, str] | None) -> CardTable:
    if mapping:
        raise ConfigError(
            f"{subject}: a run of fauxpay knows its own columns; leave --map out, or name the "
            f"files instead of the run"
        )
    expressions = run_columns(run)
    return CardTable(subject, frozenset(expressions), run, expressions, "")


def _of_files(subject: str, mapping: Mapping[str, str], *, is_strict: bool) -> CardTable:
    """A table by its files.

    is_strict  whether a mapping must be of this table, where it is one of ours; else it may be of
               the table beside it
    """
    paths = _files_of(subject)
    source, is_text = _scan_of(subject, paths)
    with connected(threads=1) as connection:
        theirs = {name: sql_type for name, sql_type, *_ in _described(connection, subject, source)}
        own = own_columns(theirs) if is_own(theirs) else None
        if own is not None and not is_strict and not theirs.keys() >= set(mapping.values()):
            mapping = {}
        known = None if own is None else {name: column for name, (column, _) in own.items()}
        found = chosen_columns(subject, theirs, mapping, known)
        first = _first_rows(connection, source)
        expressions = {}
        for name, column in found.items():
            is_ours = own is not None and name not in mapping
            sql = own[name][1] if own and is_ours else shaped(name, column, theirs[column])
            if not is_ours and theirs[column] == "VARCHAR":
                sql = spelled(connection, subject, first, name, column) or sql
            expressions[name] = (sql, ())
            _require_readable(connection, subject, first, name, column, sql)
    return CardTable(subject, frozenset(found), None, expressions, source, is_text)


def _files_of(subject: str) -> list[Path]:
    path = Path(subject)
    if path.is_dir():
        for endings in ((".parquet",), _CSV_ENDINGS):
            found = [p for p in sorted(path.rglob("*")) if p.is_file() and _ends(p, endings)]
            if found:
                return found
        raise StorageError(f"{subject}: neither Parquet nor CSV files in it; expected some")
    if path.is_file():
        return [path]  # Whatever signs are in its name.
    found = sorted(Path(name) for name in glob(subject, recursive=True))
    found = [each for each in found if each.is_file()]
    if not found:
        raise StorageError(
            f"{subject}: no such file, folder or run; expected a run, a folder, a glob, or a CSV "
            f"or Parquet file"
        )
    return found


def _scan_of(subject: str, paths: Sequence[Path]) -> tuple[str, bool]:
    is_text = _ends(paths[0], _CSV_ENDINGS)
    endings = _CSV_ENDINGS if is_text else (".parquet",)
    odd = [path for path in paths if not _ends(path, endings)]
    if odd:
        raise ConfigError(
            f"{subject}: {odd[0].name} is not {' or '.join(endings)}; expected CSV or Parquet "
            f"files, all of one kind"
        )
    listed = ", ".join(literal(exact(path)) for path in paths)
    return _ENDINGS[".csv" if is_text else ".parquet"].format(listed), is_text


def _ends(path: Path, endings: Sequence[str]) -> bool:
    return path.name.lower().endswith(tuple(endings))


def _first_rows(connection: duckdb.DuckDBPyConnection, source: str) -> str:
    """What to ask for the first rows: text is parsed once for all columns, where all can be."""
    import duckdb

    first = f"(SELECT * FROM {source} LIMIT {_SAMPLE_ROWS})"
    try:
        connection.execute(f"CREATE TEMP TABLE first_rows AS {first}")
    except duckdb.Error:  # It may be about a column that nobody asks for.
        return first
    return "first_rows"


def _require_readable(
    connection: duckdb.DuckDBPyConnection,
    subject: str,
    first: str,
    name: str,
    column: str,
    expression: str,
) -> None:
    """Holds the first rows to what a column is said to be. Raises ConfigError."""
    import duckdb

    try:
        values = connection.execute(
            f"SELECT {expression} AS value, count(*) FROM {first} GROUP BY 1 "
            + ("" if name in CHOICES else "LIMIT 1")
        ).fetchall()
    except duckdb.Error as error:
        if (refused := refusal(error)) is not None:
            raise refused from error
        said = str(error).partition("\n")[0]
        raise ConfigError(
            f"{subject}: column {column!r} cannot be read as {name} ({said}); expected "
            f"{CANONICAL[name]}"
        ) from error
    told = [value for value, _ in values if value is not None]
    if name in CHOICES and told and not {*told} & {*CHOICES[name]}:
        seen = ", ".join(map(repr, told[:3]))
        raise ConfigError(
            f"{subject}: column {column!r} cannot be read as {name}: it holds {seen}; expected "
            f"{CANONICAL[name]}"
        )


def _described(
    connection: duckdb.DuckDBPyConnection, subject: str, source: str
) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        return connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    except duckdb.Error as error:
        if (refused := refusal(error)) is not None:
            raise refused from error
        said = str(error).partition("\n")[0]
        raise ConfigError(
            f"{subject}: cannot be read as a table ({said}); expected CSV with a header, or Parquet"
        ) from error
