"""Spellings: numbers and times as people elsewhere write them, told by the first rows of a table.

Reads    the first rows of text columns of a table of somebody's
Writes   SQL expressions
Draws    nothing
Sources  nothing

A column is read in one way. Where its first rows allow two that mean different things, it is
refused: nobody can tell 03/11 as a day of March from one of November.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from fauxpay.errors import ConfigError
from fauxpay.readers.query import literal, quoted
from fauxpay.scorecard.columns import DAY, FIRST_TIME, NUMBERS, TIMES, bounded

if TYPE_CHECKING:
    import duckdb

_SIGNS = r"€|\$|£|¥|[A-Z]{3}|Fr\.?|kr\.?|zł|Kč"
_AROUND = rf"^\s*(?:{_SIGNS})\s*|\s*(?:{_SIGNS})\s*$"
_GROUPS = r"[\s\x{a0}\x{202f}'\x{2019}_]"
_DECIMALS = r"(\d{1,2}|\d{4,})$"
"""Digits behind a sign that parts no thousands."""
_DATES = ("%d{s}%m{s}%Y", "%m{s}%d{s}%Y", "%Y{s}%m{s}%d", "%d{s}%m{s}%y", "%m{s}%d{s}%y")
_CLOCKS = ("", "%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M:%S %p", "%I:%M %p")
_PARTED = ".-/"
_BETWEEN = (" ", "T", ", ")


def spelled(
    connection: duckdb.DuckDBPyConnection, subject: str, first: str, name: str, column: str
) -> str | None:
    """How a text column is read as numbers or times; None where it is read as it is.

    first  what stands behind FROM for the first rows
    Raises ConfigError for a column whose rows are written in two ways, or may be read in two.
    """
    import duckdb

    try:
        if name in NUMBERS:
            return _number(connection, subject, first, column)
        if name not in (*TIMES, DAY):
            return None
        instant = _time(connection, subject, first, column)
        return f"CAST({instant} AS DATE)" if instant and name == DAY else instant
    except duckdb.Error:
        return None  # Whoever reads the column next says what is wrong with it.


def _number(
    connection: duckdb.DuckDBPyConnection, subject: str, first: str, column: str
) -> str | None:
    own = f"regexp_replace({quoted(column)}, {literal(_AROUND)}, '', 'g')"
    clean = f"nullif(regexp_replace({own}, {literal(_GROUPS)}, '', 'g'), '')"
    by_comma, by_point = (
        connection.execute(
            f"SELECT min({quoted(column)}) FROM {first} "
            f"WHERE regexp_matches({clean}, {literal(sign + _DECIMALS)})"
        ).fetchone()
        for sign in (",", r"\.")
    )
    assert by_comma is not None
    assert by_point is not None
    if by_comma[0] is not None and by_point[0] is not None:
        raise ConfigError(
            f"{subject}: column {column!r} holds {by_comma[0]!r} and {by_point[0]!r}; expected "
            f"one sign before decimals, a comma or a point, in all rows"
        )
    point, group = (",", ".") if by_comma[0] is not None else (".", ",")
    number = f"CAST(replace(replace({clean}, '{group}', ''), '{point}', '.') AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _time(
    connection: duckdb.DuckDBPyConnection, subject: str, first: str, column: str
) -> str | None:
    text = quoted(column)
    told = f"{first} WHERE {text} IS NOT NULL AND trim({text}) <> ''"
    odd = connection.execute(
        f"SELECT {text} FROM {told} AND NOT coalesce(TRY_CAST({text} AS TIMESTAMPTZ) "
        f">= TIMESTAMPTZ '{FIRST_TIME}', false) LIMIT 1"
    ).fetchone()
    if odd is None:
        return None
    fitting = [
        one
        for one in _formats()
        if connection.execute(f"SELECT try_strptime({literal(odd[0])}, {literal(one)})").fetchone()
        != (None,)
        and not _misfits(connection, told, text, one)
    ]
    if len({one[:2] for one in fitting}) > 1:
        raise ConfigError(
            f"{subject}: column {column!r} holds times such as {odd[0]!r}, which may begin with "
            f"the day or with the month; write them as 2026-03-01 12:00:00"
        )
    if not fitting:
        return None
    return bounded(f"strptime(trim({text}), {literal(fitting[0])})")


def _formats() -> Iterator[str]:
    for date, parted in product(_DATES, _PARTED):
        for between, clock in product(_BETWEEN, _CLOCKS):
            if clock or between == " ":
                yield f"{date.format(s=parted)}{between if clock else ''}{clock}"


def _misfits(connection: duckdb.DuckDBPyConnection, told: str, text: str, format_: str) -> int:
    found = connection.execute(
        f"SELECT count(*) FROM {told} AND NOT coalesce(try_strptime(trim({text}), "
        f"{literal(format_)}) >= TIMESTAMP '{FIRST_TIME}', false)"
    ).fetchone()
    assert found is not None
    return int(found[0])
