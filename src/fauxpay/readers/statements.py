"""Statements: SQL that only asks, statement by statement.

Reads    views of a run
Writes   nothing: a statement that could is refused before it runs
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fauxpay.errors import ConfigError

if TYPE_CHECKING:
    import duckdb

# What it makes lives in memory and goes with the connection.
ALLOWED = ("SELECT", "CREATE", "DROP")
_EXPLAIN = ("explain", "analyze")


def answers(connection: duckdb.DuckDBPyConnection, text: str) -> Iterator[Any]:
    """The relation of each statement that has rows, in order; others are run.

    Raises ConfigError for SQL that is wrong and for statements that do more than ask.
    """
    import duckdb

    try:
        for statement in connection.extract_statements(text):
            require_asking(connection, statement)
            relation = connection.sql(statement.query)
            if relation is not None:
                yield relation
    except duckdb.Error as error:
        raise ConfigError(f"SQL: {_first_lines(error)}") from error


def require_asking(connection: duckdb.DuckDBPyConnection, statement: Any) -> None:
    """Raises ConfigError for a statement that could write, fetch or change settings."""
    kind = statement.type.name
    if kind == "EXPLAIN":
        # EXPLAIN ANALYZE runs what it explains.
        for inner in connection.extract_statements(_explained(statement.query)):
            require_asking(connection, inner)
        return
    if kind not in ALLOWED:
        raise ConfigError(
            f"SQL: {kind} is not run here; expected statements that only ask: SELECT, FROM, WITH, "
            f"DESCRIBE, SHOW TABLES, SUMMARIZE, EXPLAIN, or CREATE and DROP of what lives in "
            f"memory. `fauxpay export` writes files."
        )


def _explained(query: str) -> str:
    """What a statement explains; with options in brackets it is refused as no statement."""
    words = query.strip().split(None, 1)
    while words and words[0].lower() in _EXPLAIN:
        words = words[1].split(None, 1) if len(words) > 1 else []
    return " ".join(words)


def _first_lines(error: Exception) -> str:
    told = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(told[:2])
