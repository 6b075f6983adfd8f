"""Envelope: each event as one line of JSON, a CloudEvent.

Reads    pieces of a run's sequence
Writes   lines, and the schemas that describe them
Draws    nothing
Sources  CloudEvents 1.0.2 with its extensions partitioning (partitionkey) and sequence
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fauxpay.contracts.exports import json_schema_bundle
from fauxpay.contracts.registry import BASE, built_in
from fauxpay.foundations.draws import I64
from fauxpay.readers.query import literal
from fauxpay.streams.order import KINDS, Piece

if TYPE_CHECKING:
    import duckdb

SEQUENCE_DIGITS = 15
TYPE = "fauxpay.{}"
COMPLETED = "fauxpay.stream.completed"
_REFERENCES = {
    "transaction": "activity.yaml#/$defs/transactions",
    "label": "labels.yaml#/$defs/labels",
}
_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Events:
    """Encoded events, in order.

    lines     JSON and a line feed, or bodies of Avro
    id        unique in the run: what two deliveries of one event have in common
    key       i64[n]  card, by which a broker divides
    kind      i64[n]  TRANSACTION or LABEL
    sequence  i64[n]  place in the run's sequence
    time_us   i64[n]  of the event
    """

    lines: pa.LargeStringArray | pa.LargeBinaryArray
    id: pa.StringArray
    key: I64
    kind: I64
    sequence: I64
    time_us: I64

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, rows: Any) -> Events:
        """Some of them: indices, a mask or a slice."""
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            lines, own_id = (one.slice(start, stop - start) for one in (self.lines, self.id))
        else:
            index = pa.array(np.flatnonzero(rows) if rows.dtype == bool else rows)
            lines, own_id = self.lines.take(index), self.id.take(index)
        numbers = (self.key[rows], self.kind[rows], self.sequence[rows], self.time_us[rows])
        return Events(lines, own_id, *numbers)

    def at(self, time_us: I64) -> Events:
        """The same at other times."""
        return Events(self.lines, self.id, self.key, self.kind, self.sequence, time_us)

    def with_lines(self, rows: I64, lines: pa.LargeStringArray) -> Events:
        """Other lines in some rows, in their order."""
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[rows] = True
        replaced = pc.replace_with_mask(self.lines, pa.array(mask), lines)
        return Events(replaced, self.id, self.key, self.kind, self.sequence, self.time_us)

    def text(self) -> memoryview:
        """All lines as bytes, without a copy."""
        if not len(self):
            return memoryview(b"")
        # Validity, offsets, bytes: a slice keeps whole buffers and its own offset.
        ends = np.frombuffer(self.lines.buffers()[1], dtype=np.int64)
        first, last = ends[self.lines.offset], ends[self.lines.offset + len(self)]
        return memoryview(self.lines.buffers()[2])[first:last]


def encode(connection: duckdb.DuckDBPyConnection, piece: Piece, run_id: str) -> Events:
    """Lines of a piece of the sequence."""
    return in_sequence(piece, lambda rows, at, kind: _encoded(connection, rows, at, kind, run_id))


def in_sequence(piece: Piece, encoded: Callable[[pa.Table, I64, str], pa.Table]) -> Events:
    """The events of a piece in the order of its sequence, whatever they are encoded as.

    encoded  (rows of one kind, their places, the kind) -> line, id and key of each row
    """
    count = piece.transactions.num_rows
    place = np.empty(piece.order.size, dtype=np.int64)
    place[piece.order] = np.arange(piece.order.size)
    sequence = piece.first + place
    made = [
        encoded(rows, at, kind)
        for rows, at, kind in (
            (piece.transactions, sequence[:count], KINDS[0]),
            (piece.labels, sequence[count:], KINDS[1]),
        )
        if rows.num_rows
    ]
    whole = pa.concat_tables(made).take(pa.array(piece.order)).combine_chunks()
    return Events(
        whole["line"].chunk(0),
        whole["id"].chunk(0),
        whole["key"].to_numpy(),
        piece.kind,
        piece.first + np.arange(piece.order.size),
        piece.time_us,
    )


def altered_lines(
    connection: duckdb.DuckDBPyConnection,
    rows: pa.Table,
    sequence: I64,
    run_id: str,
    names: Mapping[str, str | None],
) -> pa.LargeStringArray:
    """Lines of transactions under other names of columns (None: left out)."""
    made = _encoded(connection, rows, sequence, KINDS[0], run_id, names)
    return made.combine_chunks()["line"].chunk(0)


def _encoded(
    connection: duckdb.DuckDBPyConnection,
    rows: pa.Table,
    sequence: I64,
    kind: str,
    run_id: str,
    names: Mapping[str, str | None] | None = None,
) -> pa.Table:
    """line, id and key of rows, in their order."""
    columns = [name for name in rows.column_names if kind == KINDS[0] or name != "card_id"]
    told = {name: (names or {}).get(name, name) for name in columns}
    body = ", ".join(
        f"{literal(called)}: {_json(rows.schema.field(name))}"
        for name, called in told.items()
        if called
    )
    at = "event_time" if kind == KINDS[0] else "known_at"
    # A transaction may be judged several times: each is an event of its own.
    own_id = "transaction_id::VARCHAR"
    if kind == KINDS[1]:
        own_id += " || '-' || epoch_us(known_at)"
    head = (
        f'{{"specversion":"1.0","source":"/fauxpay/runs/{run_id}",'
        f'"type":"{TYPE.format(kind)}","datacontenttype":"application/json","id":"'
    )
    line = (
        f"'{head}' || {own_id} || '\",\"time\":\"' || {_json(rows.schema.field(at))} || "
        f'\'","partitionkey":"\' || card_id || \'","sequence":"\' || '
        f"lpad(sequence::VARCHAR, {SEQUENCE_DIGITS}, '0') || '\",\"data\":' || "
        f"to_json({{{body}}}) || '}}' || chr(10)"
    )
    # Lines are set beside their rows by place: threads give batches as they are ready, else.
    connection.execute("SET preserve_insertion_order = true")
    connection.register("rows_of_piece", rows.append_column("sequence", pa.array(sequence)))
    found = connection.sql(
        f"SELECT {line} AS line, {own_id} AS id, card_id AS key FROM rows_of_piece"
    ).to_arrow_table()
    connection.unregister("rows_of_piece")
    shape = pa.schema([("line", pa.large_string()), ("id", pa.string()), ("key", pa.int64())])
    return found.cast(shape)


def _json(field: pa.Field) -> str:
    """SQL of a column as JSON has it."""
    if pa.types.is_timestamp(field.type):
        return f"strftime({field.name}::TIMESTAMP, '{_INSTANT}')"
    return str(field.name)


def completed(run_id: str, sequence: int, data: dict[str, Any]) -> bytes:
    """The line that ends a stream."""
    import json

    event = {
        "specversion": "1.0",
        "source": f"/fauxpay/runs/{run_id}",
        "type": COMPLETED,
        "datacontenttype": "application/json",
        "id": "completed",
        "sequence": f"{sequence:0{SEQUENCE_DIGITS}d}",
        "data": data,
    }
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a line; data is a row of the contract, which is in `$defs`."""
    bundle = json_schema_bundle(built_in())
    text = {"type": "string", "minLength": 1}
    kinds = [
        {
            "properties": {
                "type": {"const": TYPE.format(kind)},
                "data": {"$ref": BASE + reference},
            },
            "required": ["time", "partitionkey"],
        }
        for kind, reference in _REFERENCES.items()
    ]
    data = {
        "type": "object",
        "additionalProperties": False,
        "required": [*KINDS, "sha256"],
        "properties": {
            **{kind: {"type": "integer", "minimum": 0} for kind in KINDS},
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        },
    }
    end = {"properties": {"type": {"const": COMPLETED}, "data": data}}
    return {
        "$schema": bundle["$schema"],
        "$id": BASE + "event.json",
        "title": "An event of `fauxpay stream`: a CloudEvent 1.0",
        "type": "object",
        "additionalProperties": False,
        "required": ["specversion", "id", "source", "type", "sequence", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "description": "The same in every delivery of one event."},
            "source": {"type": "string", "pattern": "^/fauxpay/runs/[0-9a-f]{20}$"},
            "type": {"type": "string"},
            "datacontenttype": {"const": "application/json"},
            "time": {"type": "string", "format": "date-time"},
            "partitionkey": {"type": "string", "pattern": "^[0-9]+$", "description": "The card."},
            "sequence": {"type": "string", "pattern": f"^[0-9]{{{SEQUENCE_DIGITS}}}$"},
            "data": {"type": "object"},
        },
        "oneOf": [*kinds, end],
        "$defs": bundle["$defs"],
    }
