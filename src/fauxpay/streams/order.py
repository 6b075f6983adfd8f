"""Order: a run's transactions and labels as one sequence, by time over all shards.

Reads    transactions and labels of a run
Writes   nothing
Draws    nothing
Sources  nothing

Equal instants are ordered transactions first, then by transaction id, so a place in the sequence is
the same whatever the shards, batches and machine. Memory holds a batch of each shard of one day,
and all labels, which are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fauxpay.contracts.tables import table
from fauxpay.foundations.draws import I64
from fauxpay.readers.run import TABLES, Run
from fauxpay.readers.views import connect_run

BATCH_ROWS = 32_768
TRANSACTION, LABEL = 0, 1
KINDS = ("transaction", "label")


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive events of the sequence.

    first         place in the sequence of the first of them
    transactions  rows in contract shape, in order
    labels        rows in contract shape with card_id, in order
    order         i64[n]  n-th event: row of transactions, or their number plus row of labels
    time_us       i64[n]  microseconds since 1970-01-01, never falling
    """

    first: int
    transactions: pa.Table
    labels: pa.Table
    order: I64
    time_us: I64

    @property
    def kind(self) -> I64:
        """i64[n]: TRANSACTION or LABEL."""
        kind: I64 = (self.order >= self.transactions.num_rows).astype(np.int64)
        return kind


def pieces(run: Run, batch_rows: int = BATCH_ROWS) -> Iterator[Piece]:
    """The whole sequence: every transaction at its event time, every label when it was known.

    batch_rows  rows read from a file at a time; the sequence does not depend on it
    Raises StorageError where a file of the receipt is missing.
    """
    labels = _labels(run)
    known = _times(labels, "known_at")
    first = done = 0
    for rows in _transactions(run, batch_rows):
        # A label of the last instant waits for transactions of that instant that may still come.
        end = int(np.searchsorted(known, _times(rows, "event_time")[-1], side="left"))
        piece = _piece(first, rows, labels.slice(done, end - done))
        yield piece
        first, done = first + piece.order.size, end
    rest = labels.slice(done)
    if rest.num_rows:
        yield _piece(first, _no_rows(run), rest)


def _no_rows(run: Run) -> pa.Table:
    return run.table("transactions").schema.empty_table()


def _piece(first: int, transactions: pa.Table, labels: pa.Table) -> Piece:
    time = np.concatenate([_times(transactions, "event_time"), _times(labels, "known_at")])
    order = np.argsort(time, kind="stable")
    return Piece(first, transactions, labels, order, time[order])


def _times(rows: pa.Table, column: str) -> I64:
    found: I64 = rows[column].cast(pa.int64()).to_numpy()
    return found


def _labels(run: Run) -> pa.Table:
    """All labels with their card, in order of known_at, then transaction id."""
    columns = run.table("labels").schema.names
    if not run.entries("labels"):
        return run.table("labels").schema.append(pa.field("card_id", pa.int64())).empty_table()
    names = ", ".join(f"l.{name}" for name in columns)
    with connect_run(run, names=("labels", "transactions")) as connection:
        return connection.sql(
            f"SELECT {names}, t.card_id FROM labels l JOIN transactions t USING (transaction_id) "
            f"ORDER BY l.known_at, l.transaction_id, l.label, l.source, l.stage, l.reason_code"
        ).to_arrow_table()


def _transactions(run: Run, batch_rows: int) -> Iterator[pa.Table]:
    """Transactions in order, in tables of about batch_rows a shard."""
    entries = sorted(
        zip(run.entries("transactions"), run.files("transactions"), strict=True), key=_day
    )
    for _, files in groupby(entries, key=_day):
        yield from _merged([path for _, path in files], batch_rows)


def _day(entry: tuple[Mapping[str, Any], Path]) -> str:
    return str(Path(entry[0]["path"]).parent)


def _merged(files: list[Path], batch_rows: int) -> Iterator[pa.Table]:
    """The rows of files that are each in order of time, as one."""
    readers = [pq.ParquetFile(path) for path in files]
    batches = [reader.iter_batches(batch_rows) for reader in readers]
    # Dictionaries differ from file to file.
    shape = table(TABLES["transactions"]).plain_schema()
    held: list[pa.Table | None] = [None] * len(files)
    open_ones = set(range(len(files)))
    try:
        while open_ones:
            # A file with nothing beyond the watermark could hold it back for ever: read on there.
            for one in sorted(open_ones):
                if held[one] is None or _low(held[one]) == _high(held[one]):
                    batch = next(batches[one], None)
                    if batch is None:
                        open_ones.discard(one)
                        continue
                    parts = [
                        part
                        for part in (held[one], pa.Table.from_batches([batch]).cast(shape))
                        if part is not None
                    ]
                    held[one] = pa.concat_tables(parts)
            if all(rows is None for rows in held):
                continue  # A day on which nobody paid: its files have no rows.
            ready = _ready(held, open_ones)
            if ready.num_rows:
                yield ready
    finally:
        for reader in readers:
            reader.close()


def _ready(held: list[pa.Table | None], open_ones: set[int]) -> pa.Table:
    """Takes what lies before the earliest end of a file that still has rows to come."""
    ends = [_high(rows) for one in open_ones if (rows := held[one]) is not None]
    parts = []
    for one, rows in enumerate(held):
        if rows is None:
            continue
        cut = rows.num_rows
        if ends:
            cut = int(np.searchsorted(_times(rows, "event_time"), min(ends), side="left"))
        parts.append(rows.slice(0, cut))
        held[one] = rows.slice(cut) if cut < rows.num_rows else None
    whole = pa.concat_tables(parts)
    order = pc.sort_indices(
        whole, sort_keys=[("event_time", "ascending"), ("transaction_id", "ascending")]
    )
    return whole.take(order).combine_chunks()


def _low(rows: pa.Table | None) -> int:
    assert rows is not None
    return int(rows["event_time"][0].value)


def _high(rows: pa.Table | None) -> int:
    assert rows is not None
    return int(rows["event_time"][-1].value)
