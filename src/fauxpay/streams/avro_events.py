"""Avro events: pieces of a run's sequence as bodies of the event schema.

Reads    pieces of a run's sequence
Writes   bodies
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fauxpay.contracts.tables import table
from fauxpay.foundations.draws import I64
from fauxpay.readers.run import TABLES
from fauxpay.streams.avro_binary import Part, bodies, column_parts, constant, longs, text
from fauxpay.streams.envelope import COMPLETED, TYPE, Events, in_sequence
from fauxpay.streams.order import KINDS, Piece

_BRANCHES = (*KINDS, "completed")


def encode_avro(piece: Piece, run_id: str) -> Events:
    """Bodies of a piece of the sequence; the same events as `envelope.encode` makes."""
    return in_sequence(piece, lambda rows, at, kind: _encoded(rows, at, kind, run_id))


def _encoded(rows: pa.Table, sequence: I64, kind: str, run_id: str) -> pa.Table:
    """Body, id and key of rows, in their order."""
    own = table(TABLES[f"{kind}s"])
    shape, count = own.plain_schema(), rows.num_rows
    columns = {field.name: _one(rows[field.name].cast(field.type)) for field in shape}
    time = columns["event_time" if kind == KINDS[0] else "known_at"]
    own_id = columns["transaction_id"].cast(pa.string())
    if kind == KINDS[1]:  # A transaction may be judged several times: each is an event of its own.
        own_id = pc.binary_join_element_wise(own_id, time.cast(pa.int64()).cast(pa.string()), "-")
    card = _one(rows["card_id"])
    parts: list[Part] = [
        longs(sequence),
        constant(text("1.0"), count),
        *column_parts(own_id, False),
        constant(text(f"/fauxpay/runs/{run_id}") + text(TYPE.format(kind)), count),
        *column_parts(time, True),
        *column_parts(card.cast(pa.string()), True),
        constant(_branch(kind), count),
    ]
    for field in shape:
        parts += column_parts(columns[field.name], field.nullable)
    return pa.table({"line": bodies(parts, count), "id": own_id, "key": card})


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _branch(kind: str) -> bytes:
    return longs(np.array([_BRANCHES.index(kind)]))[1].tobytes()


def completed_avro(run_id: str, sequence: int, data: dict[str, Any]) -> bytes:
    """The body that ends a stream."""
    counts = longs(np.array([data[kind] for kind in KINDS]))[1].tobytes()
    head = text("1.0") + text(COMPLETED.rpartition(".")[2])
    null = b"\0"
    return (
        longs(np.array([sequence]))[1].tobytes()
        + head
        + text(f"/fauxpay/runs/{run_id}")
        + text(COMPLETED)
        + null * 2
        + _branch("completed")
        + counts
        + text(data["sha256"])
    )
