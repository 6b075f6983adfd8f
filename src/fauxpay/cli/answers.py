"""Answers in SQL on standard output: a table for people, CSV, or an object of JSON a line.

Rows come by batches and each leaves at once, so an answer may be larger than memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH_ROWS = 65_536
_TABLE_ROWS = 40


class Form(StrEnum):
    """How answers are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def show(connection: duckdb.DuckDBPyConnection, text: str, form: Form) -> None:
    """Prints the answer of each statement that has one.

    Raises ConfigError for what is wrong with a statement or its values, or cannot be printed so;
    ResourceError out of memory, StorageError where standard output takes no more.
    """
    from fauxpay.readers.statements import answers, heard

    relations = answers(connection, text)
    while (relation := heard(connection, partial(next, relations, None))) is not None:
        if form is Form.TABLE:
            _write(_shown(heard(connection, partial(_drawn, relation))))
            continue
        reader = heard(connection, lambda rows: rows.to_arrow_reader(_BATCH_ROWS), relation)
        batches = iter(partial(heard, connection, partial(next, reader, None)), None)
        for part in (_csv if form is Form.CSV else _json)(reader.schema, batches):
            _write(part)


def _drawn(relation: Any) -> str:
    """The table that the engine draws; it would write it to standard output by itself."""
    from contextlib import redirect_stdout
    from io import StringIO
    from shutil import get_terminal_size

    width = get_terminal_size((160, 24)).columns
    with redirect_stdout(StringIO()) as drawn:
        relation.show(max_width=width, max_rows=_TABLE_ROWS)
    return drawn.getvalue()


def _shown(text: str) -> bytes:
    """A text in the encoding of standard output; a sign that it lacks is a question mark."""
    return text.encode(sys.stdout.encoding or "utf-8", errors="replace")


def _csv(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """UTF-8 with a header. Raises ConfigError for a kind of column that CSV has not."""
    from io import BytesIO

    import pyarrow
    from pyarrow import csv

    from fauxpay.errors import ConfigError

    sink = BytesIO()
    try:
        with csv.CSVWriter(sink, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
                yield sink.getvalue()
                sink.seek(0)
                sink.truncate()
    except pyarrow.ArrowException as error:
        first = str(error).partition("\n")[0]
        raise ConfigError(
            f"--format csv: {first}; expected columns that CSV can hold. --format json takes all, "
            f"or cast the column to VARCHAR."
        ) from error
    yield sink.getvalue()  # The header of no rows.


def _json(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """UTF-8, a line a row. Raises ConfigError where two columns have one name."""
    import json

    from fauxpay.errors import ConfigError

    twice = [name for name in schema.names if schema.names.count(name) > 1]
    if twice:
        raise ConfigError(
            f"--format json: {len(twice)} columns are called {twice[0]!r}; expected a name for "
            f"each, for an object has each name once. Name them with AS."
        )
    for batch in batches:
        lines = [
            json.dumps(_plain(row), default=str, ensure_ascii=False) + "\n"
            for row in batch.to_pylist()
        ]
        yield "".join(lines).encode()


def _plain(value: Any) -> Any:
    """A value as JSON has it: no number is null, bytes are hexadecimal digits."""
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _write(text: bytes) -> None:
    """Raises StorageError where standard output is closed or full."""
    from fauxpay.errors import StorageError

    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise StorageError(
            f"standard output: {error.strerror or error}; expected to be able to write"
        ) from error
