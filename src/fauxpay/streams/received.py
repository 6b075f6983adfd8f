"""Received: what a consumer got, set beside what it should have got.

Reads    a run, and a file of received lines or Avro events
Writes   nothing but what DuckDB spills
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from fauxpay.errors import ContractError
from fauxpay.foundations.machine import refused
from fauxpay.readers.query import connected, refusal
from fauxpay.readers.run import Run
from fauxpay.streams.avro_events import encode_avro
from fauxpay.streams.avro_files import is_avro, received_bodies
from fauxpay.streams.envelope import COMPLETED, TYPE, encode
from fauxpay.streams.order import KINDS, pieces

if TYPE_CHECKING:
    import duckdb

_BLOCK = 4 << 20
_LINE_MAX = 1 << 20
_SHOWN = 60
_EXPECTED = "expected lines of JSON as `fauxpay stream` sends them"


@dataclass(frozen=True, slots=True)
class Grade:
    """How a delivery went.

    expected      events of the run, of the kinds that are looked for
    received      lines, without the one that ends a stream
    missing       expected and not there
    repeated      there again, beyond the first time
    unknown       of no event of the run
    altered       other words than the run's under the same id
    out_of_order  lines behind one of a later place in the sequence
    is_completed  whether the line that ends a stream is there
    """

    expected: int
    received: int
    missing: int
    repeated: int
    unknown: int
    altered: int
    out_of_order: int
    is_completed: bool

    @property
    def is_perfect(self) -> bool:
        """Every event once, as it is, in order, to the end."""
        faults = (self.missing, self.repeated, self.unknown, self.altered, self.out_of_order)
        return not any(faults) and self.is_completed

    def document(self) -> dict[str, int | bool]:
        """For programs."""
        return {**asdict(self), "is_perfect": self.is_perfect}


def graded(
    run: Run, path: Path, only: tuple[str, ...] = KINDS, faults: pa.Table | None = None
) -> Grade:
    """Compares a file of lines or an Avro file, as a consumer left it, with a run.

    faults  of the stream, by which a consumer is graded: what was lost is not expected, and what
            was told by a wrong clock or in another shape may stay as it came

    Raises ContractError for a file that is not there or neither of JSON lines nor of Avro events.
    """
    import duckdb

    is_of_avro = is_avro(path)
    with connected() as connection:
        connection.execute(
            "CREATE TABLE expected (id VARCHAR, kind TINYINT, place BIGINT, digest UBIGINT)"
        )
        for piece in pieces(run):
            if is_of_avro:
                events, digest = encode_avro(piece, run.run_id), "hash(line)"
            else:
                events = encode(connection, piece, run.run_id)
                digest = "hash(trim(line, chr(10)))"
            lines = pa.table(
                {
                    "line": events.lines,
                    "id": events.id,
                    "kind": pa.array(events.kind),
                    "place": pa.array(events.sequence),
                }
            )
            connection.register("lines", lines)
            connection.execute(
                f"INSERT INTO expected SELECT id, kind, place, {digest} FROM lines "
                f"WHERE kind IN ({_numbers(only)})"
            )
            connection.unregister("lines")
        if faults is not None:
            connection.register("faults", faults)
            connection.execute(
                "DELETE FROM expected WHERE id IN (SELECT id FROM faults WHERE fault = 'lost'); "
                "UPDATE expected SET digest = NULL WHERE id IN "
                "(SELECT id FROM faults WHERE fault IN ('clock_skew', 'schema_change'))"
            )
        try:
            (_receive_avro if is_of_avro else _receive)(connection, path)
        except duckdb.Error as error:
            if (told := refusal(error)) is not None:
                raise told from error
            first = str(error).partition("\n")[0]
            raise ContractError(f"{path}: {first}; {_EXPECTED}") from error
        return _grade(connection, only)


def _numbers(only: tuple[str, ...]) -> str:
    return ", ".join(str(KINDS.index(kind)) for kind in only)


def _receive(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    types = ", ".join(f"'{TYPE.format(kind)}'" for kind in KINDS)
    connection.execute(
        "CREATE TABLE received (nth BIGINT, id VARCHAR, type VARCHAR, place BIGINT, digest UBIGINT)"
    )
    for batch in _lines(path):
        connection.register("batch", batch)
        wrong = connection.execute(
            "SELECT nth, line FROM batch WHERE NOT json_valid(line) ORDER BY nth LIMIT 1"
        ).fetchone()
        if wrong is not None:
            raise ContractError(
                f"{path}: line {wrong[0]} is no JSON, or was cut: {wrong[1][:_SHOWN]!r}; "
                f"{_EXPECTED}"
            )
        connection.execute(
            f"INSERT INTO received SELECT nth, line ->> '$.id', line ->> '$.type' AS type, "
            f"(line ->> '$.sequence')::BIGINT, hash(line) FROM batch "
            f"WHERE type IN ({types}, '{COMPLETED}')"
        )
        connection.unregister("batch")


def _lines(path: Path) -> Iterator[pa.Table]:
    """Lines with their numbers from 1, without empty ones, whatever ends each of them.

    Files that were put together from several systems end some lines by CR LF, others by LF; the
    engine's reader of text takes one kind in a file.
    """
    first, rest, is_more = 1, "", True
    with (
        _told(path),
        pa.input_stream(str(path)) as packed,
        io.TextIOWrapper(packed, encoding="utf-8-sig", newline=None) as text,
    ):
        while is_more:
            is_more = bool(block := text.read(_BLOCK))
            *lines, rest = (rest + block).split("\n")
            if not is_more:
                lines.append(rest)
            elif len(rest) > _LINE_MAX:
                raise ContractError(
                    f"{path}: line {first + len(lines)} is longer than any event; {_EXPECTED}"
                )
            numbers = pa.array(range(first, first + len(lines)), pa.int64())
            first += len(lines)
            found = pa.table({"nth": numbers, "line": pa.array(lines, pa.string())})
            yield found.filter(pc.not_equal(found["line"], ""))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What stands in the way of reading a file, in words of ours."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise ContractError(f"{path}: is no UTF-8 text ({error.reason}); {_EXPECTED}") from error
    except OSError as error:
        if not isinstance(error, FileNotFoundError) and (told := refused(error, path)) is not None:
            raise told from error
        said = os.strerror(error.errno) if error.errno else str(error).partition("\n")[0]
        raise ContractError(f"{path}: {said}; {_EXPECTED}") from error


def _receive_avro(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    connection.execute(
        "CREATE SEQUENCE nth; CREATE TABLE received (nth BIGINT DEFAULT nextval('nth'), "
        "id VARCHAR, type VARCHAR, place BIGINT, digest UBIGINT)"
    )
    for events in received_bodies(path):
        connection.register("events", events)
        connection.execute(
            "INSERT INTO received (id, type, place, digest) "
            "SELECT id, type, place, hash(body) FROM events"
        )
        connection.unregister("events")


def _grade(connection: duckdb.DuckDBPyConnection, only: tuple[str, ...]) -> Grade:
    def one(query: str) -> int:
        found = connection.execute(query).fetchall()
        return int(found[0][0])

    types = ", ".join(f"'{TYPE.format(kind)}'" for kind in only)
    events = f"(SELECT * FROM received WHERE type IN ({types}))"
    return Grade(
        expected=one("SELECT count(*) FROM expected"),
        received=one(f"SELECT count(*) FROM {events}"),
        missing=one(
            f"SELECT count(*) FROM expected e WHERE NOT EXISTS "
            f"(SELECT 1 FROM {events} r WHERE r.id = e.id)"
        ),
        repeated=one(
            f"SELECT count(*) - count(DISTINCT r.id) FROM {events} r SEMI JOIN expected USING (id)"
        ),
        unknown=one(f"SELECT count(*) FROM {events} r ANTI JOIN expected USING (id)"),
        altered=one(
            f"SELECT count(*) FROM {events} r JOIN expected e USING (id) WHERE r.digest <> e.digest"
        ),
        out_of_order=one(
            f"SELECT count(*) FROM (SELECT place, max(place) OVER (ORDER BY nth ROWS BETWEEN "
            f"UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest FROM {events}) WHERE place < latest"
        ),
        is_completed=bool(one(f"SELECT count(*) FROM received WHERE type = '{COMPLETED}'")),
    )
