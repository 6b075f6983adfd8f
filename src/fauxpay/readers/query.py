"""Query engine: DuckDB connections in memory that spill into a folder of their own.

Reads    nothing
Writes   a temporary folder that goes with the connection
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fauxpay.errors import ConfigError, FauxpayError, MissingExtraError, StorageError
from fauxpay.foundations.machine import AGAIN, refusal_in, refused, remedy

if TYPE_CHECKING:
    import duckdb

_TEMPORARY = "duckdb_temp"
_NO_TEMPORARY_ROOM = "max_temp_directory_size"
"""So the engine calls the end of the disk that it spills to; nobody sets it here."""
_GLOB = re.compile(r"[*?\[]")
_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([kmgt])(i?)b", re.IGNORECASE | re.ASCII)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
MEMORY_BYTES_MIN = 1_000_000
"""The engine does not even start with much less."""
THREADS_MAX = 1024


def memory_limit_of(text: str, name: str = "--memory") -> str:
    """A size that DuckDB reads. Raises ConfigError for a text that is none, or too little.

    name  of the setting, for the message
    """
    found = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is not None:
        unit = 1024 if found[3] else 1000
        size = float(found[1]) * unit ** _POWERS[found[2].lower()]
    if found is None or size < MEMORY_BYTES_MIN:
        raise ConfigError(f"{name} {text}: expected a size, such as 512MB or 4GB, of at least 1MB")
    return f"{found[1]}{found[2]}{found[3]}B"


def connected(
    threads: int | None = None,
    memory_limit: str | None = None,
    temp_directory: str | Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory that spills into a temporary folder, which goes with it.

    Raises ConfigError for a memory limit that is no size or threads that are no number of them,
    MissingExtraError without DuckDB.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "DuckDB is not installed, which reads card tables; `pip install 'fauxpay[duckdb]'` "
            "brings it"
        ) from error
    settings: dict[str, Any] = {"preserve_insertion_order": False}
    if threads is not None:
        settings["threads"] = _threads_of(threads)
    if memory_limit is not None:
        settings["memory_limit"] = memory_limit_of(memory_limit, "memory_limit")
    connection = duckdb.connect(":memory:", config=settings)
    # Made last: it goes with a connection, and there may have been none.
    folder = str(temp_directory or tempfile.mkdtemp(prefix="fauxpay-score-"))
    if temp_directory is None:
        weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    connection.execute(f"SET temp_directory = {literal(folder)}")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    return connection


def _threads_of(count: int) -> int:
    """The number itself. Raises ConfigError for what the engine would not live with."""
    if type(count) is not int or not 1 <= count <= THREADS_MAX:
        raise ConfigError(f"threads {count!r}: expected a whole number from 1 to {THREADS_MAX}")
    return count


def refusal(error: BaseException) -> FauxpayError | None:
    """What the machine refused while tables were read or spilled; None for anything else.

    The engine's errors, also as Arrow passes them on, have no number of the system's refusal.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return refused(error, "the files of the tables")
    said = str(error)
    first = said.partition("\n")[0]
    system = refusal_in(first)
    if _NO_TEMPORARY_ROOM in said or (system is not None and _TEMPORARY in first):
        return StorageError(
            f"no room or right to keep temporary files in {tempfile.gettempdir()} ({first}). Make "
            f"room there, name another folder with TMPDIR, or give more --memory, {AGAIN}."
        )
    if system is None:
        return None
    return StorageError(f"the files of the tables: {first}. {remedy(system)}")


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def exact(path: str | Path) -> str:
    """A path as DuckDB reads it where a glob may stand: that file, whatever signs are in its name.

    DuckDB has no way to switch globs off; a sign in brackets stands for itself.
    """
    return _GLOB.sub(r"[\g<0>]", str(path))


def parquet(paths: Iterable[str | Path]) -> str:
    """The rows of exactly these Parquet files as SQL; names of folders are no columns."""
    listed = ", ".join(literal(exact(path)) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def quoted(name: str) -> str:
    """A name of a column as SQL."""
    return '"' + name.replace('"', '""') + '"'
