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

from fauxpay.errors import MissingExtraError

if TYPE_CHECKING:
    import duckdb

_GLOB = re.compile(r"[*?\[]")


def connected(
    threads: int | None = None,
    memory_limit: str | None = None,
    temp_directory: str | Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory that spills into a temporary folder, which goes with it."""
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "DuckDB is not installed, which reads card tables; `pip install 'fauxpay[duckdb]'` "
            "brings it"
        ) from error
    folder = str(temp_directory or tempfile.mkdtemp(prefix="fauxpay-score-"))
    settings: dict[str, Any] = {"temp_directory": folder, "preserve_insertion_order": False}
    if threads is not None:
        settings["threads"] = threads
    if memory_limit is not None:
        settings["memory_limit"] = memory_limit
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    if temp_directory is None:
        weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    return connection


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
