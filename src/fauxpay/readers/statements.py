"""Statements: SQL that only asks, statement by statement.

Reads    views of a run
Writes   nothing: a statement that could is refused before it runs
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from fauxpay.errors import ConfigError, ContractError, FauxpayError, ResourceError
from fauxpay.readers.query import refusal

if TYPE_CHECKING:
    import duckdb

# What it makes lives in memory and goes with the connection.
ALLOWED = ("SELECT", "CREATE", "DROP")
_EXPLAIN = ("explain", "analyze")
_STOPPING_SECONDS = 2.0
_AGAIN_SECONDS = 0.02
Given = ParamSpec("Given")
Found = TypeVar("Found")


def answers(connection: duckdb.DuckDBPyConnection, text: str) -> Iterator[Any]:
    """The relation of each statement that has rows, in order; others are run.

    Raises ConfigError for SQL that is wrong and for statements that do more than ask.
    """
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ConfigError("SQL: bytes that are no UTF-8 text; expected a statement in UTF-8")
    with _told():
        for statement in connection.extract_statements(text):
            require_asking(connection, statement)
            relation = connection.sql(statement.query)
            if relation is not None:
                yield relation


def heard(
    connection: duckdb.DuckDBPyConnection,
    work: Callable[Given, Found],
    *given: Given.args,
    **named: Given.kwargs,
) -> Found:
    """What work of the engine gives; a signal is heard meanwhile, and the engine stopped.

    The engine keeps the thread that calls it, and signals come to the main thread alone: so it
    works in another. Raises what `answers` does, for a relation is computed when it is read.
    """
    done: Future[Found] = Future()

    def run() -> None:
        try:
            done.set_result(work(*given, **named))
        except BaseException as error:
            done.set_exception(error)

    # Waited for by its result: a thread whose join is interrupted is taken to have ended.
    threading.Thread(target=run, daemon=True).start()
    try:
        wait([done])
    except BaseException:
        end = time.monotonic() + _STOPPING_SECONDS
        while not done.done() and time.monotonic() < end:
            connection.interrupt()  # Heard only while a query runs: it may be about to begin.
            wait([done], _AGAIN_SECONDS)
        raise
    with _told():
        return done.result()


@contextmanager
def _told() -> Iterator[None]:
    """Within the block the engine's errors are raised as ours."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise _ours(error) from error
    except OSError as error:
        # So Arrow passes on what the engine says amid rows; what the system says has a number.
        if error.errno is not None:
            raise
        raise _ours(error) from error


def _ours(error: Exception) -> FauxpayError:
    """What an error of the engine is, by its first words: Arrow keeps nothing else of it."""
    if (told := refusal(error)) is not None:
        return told
    said = _first_lines(error)
    if said.startswith("Out of Memory Error"):
        first = str(error).partition("\n")[0]
        return ResourceError(
            f"SQL: {first}; expected room for what the statement sorts and joins. Give more with "
            f"--memory, or ask for less at once."
        )
    if said.startswith("IO Error"):
        return ContractError(f"SQL: {said}; expected the run's files as they were written")
    return ConfigError(f"SQL: {said}")


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
