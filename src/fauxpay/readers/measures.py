"""Measures: what the files of a run hold, counted after the run and only when asked.

Reads    the Parquet files that a receipt names
Writes   nothing
Draws    nothing
Sources  nothing

Why not while making: the hot path would pay for what few ask. Memory is bounded by a batch, the
ids of cards and merchants, and IDS_AT_ONCE transaction ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fauxpay.readers.run import TABLES, Run

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH_ROWS = 1 << 17
IDS_AT_ONCE = 1 << 23
"""Transaction ids sorted at a time: 64 MB of them."""

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Nulls:
    """How many rows of a nullable column have no value."""

    table: str
    column: str
    nulls: int
    rows: int

    @property
    def rate(self) -> float:
        """Share of rows without a value, 0..1; 0 for no rows."""
        return self.nulls / max(1, self.rows)


def null_counts(run: Run) -> list[Nulls]:
    """Every nullable column of every table that the run has. Raises StorageError: file missing."""
    from fauxpay.contracts.tables import table

    found = []
    for name in [name for name in TABLES if run.rows.get(name) is not None]:
        columns = [column.name for column in table(TABLES[name]).columns if column.nullable]
        counts = dict.fromkeys(columns, 0)
        for file in _files(run, name) if columns else ():
            for column, count in _nulls_of_file(file, columns).items():
                counts[column] += count
        found += [Nulls(name, column, counts[column], run.rows[name]) for column in columns]
    return found


def unique_ids(run: Run) -> dict[str, int]:
    """Different transaction, card and merchant ids in the run's transactions, exactly."""
    seen = {name: _Seen() for name in ("card_id", "merchant_id")}
    for batch in _batches(run, list(seen)):
        for name, ids in seen.items():
            ids.add(_integers(batch.column(name)))
    transactions = unique_count(run, "transaction_id", IDS_AT_ONCE)
    return {"transaction_id": transactions, **{name: ids.count() for name, ids in seen.items()}}


def unique_count(run: Run, column: str, ids_at_once: int) -> int:
    """Different values of an integer column of transactions, in as many passes as memory asks.

    Each pass sorts the values with one remainder; ids are spread evenly over remainders.
    """
    passes = max(1, -(-run.rows["transactions"] // ids_at_once))
    total = 0
    for remainder in range(passes):
        parts = []
        for batch in _batches(run, [column]):
            ids = _integers(batch.column(column))
            parts.append(ids if passes == 1 else ids[ids % passes == remainder])
        total += _unique_of(parts).size
    return total


def _nulls_of_file(file: pq.ParquetFile, columns: Sequence[str]) -> dict[str, int]:
    """Counts by column: from the footer where it has them, from the values where not."""
    counts = {column: _nulls_in_footer(file, column) for column in columns}
    read = [column for column, count in counts.items() if count is None]
    known = {column: count or 0 for column, count in counts.items()}
    if read:
        for batch in file.iter_batches(BATCH_ROWS, columns=read, use_threads=False):
            for column in read:
                known[column] += batch.column(column).null_count
    return known


def _nulls_in_footer(file: pq.ParquetFile, column: str) -> int | None:
    at = file.schema.names.index(column)
    total = 0
    for group in range(file.num_row_groups):
        statistics = file.metadata.row_group(group).column(at).statistics
        if statistics is None or not statistics.has_null_count:
            return None
        total += statistics.null_count
    return total


def _batches(run: Run, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for file in _files(run, "transactions"):
        yield from file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False)


def _files(run: Run, name: str) -> Iterator[pq.ParquetFile]:
    import pyarrow.parquet as pq

    for path in run.files(name):
        with pq.ParquetFile(path) as file:
            yield file


def _integers(column: pa.Array) -> Ids:
    return column.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


class _Seen:
    """A set of ids; a few arrays that are united when they grow long."""

    def __init__(self) -> None:
        self._parts: list[Ids] = []
        self._size = 0

    def add(self, ids: Ids) -> None:
        part = _unique_of([ids])
        self._parts.append(part)
        self._size += part.size
        if self._size > IDS_AT_ONCE:
            self._parts = [_unique_of(self._parts)]
            self._size = self._parts[0].size

    def count(self) -> int:
        return _unique_of(self._parts).size


def _unique_of(parts: Sequence[Ids]) -> Ids:
    """Different values, ascending. np.unique hashes: 20 times slower where all are different."""
    if not parts:
        return np.empty(0, np.int64)
    ids = np.concatenate(parts)
    ids.sort()
    return ids[np.concatenate(([True], ids[1:] != ids[:-1]))[: ids.size]]
