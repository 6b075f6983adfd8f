"""Inspection: what the contract of a batch cannot see, over a whole partition.

Reads    transactions in order, truth, labels
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fauxpay.contracts.findings import Finding
from fauxpay.contracts.members import repeats

DAY_US = 86_400_000_000
_EXPECTED = {
    "follows": "a time that is not before the last of the row group above",
    "event_day": "a time of the partition's own UTC day",
    "unique_in_partition": "values that stand in no earlier row",
}
INSPECTIONS = (
    "follows event_time",
    "event_day event_time",
    "unique_in_partition transaction_id",
)
"""Names of the checks that an inspector makes, on top of the contract's."""


class Inspector:
    """Follows the transactions of one partition: their order, their day, their identifiers."""

    def __init__(self, day: int) -> None:
        self._first_us = day * DAY_US
        self._last_us: int | None = None
        self._identifiers: list[NDArray[np.int64]] = []

    def inspect(self, batch: pa.RecordBatch) -> list[Finding]:
        """Findings about the batch that follows those seen before."""
        times = integers(batch, "event_time")
        if not times.size:
            return []
        self._identifiers.append(integers(batch, "transaction_id").copy())
        return [*self._follows(times), *self._in_day(times)]

    def identifiers(self) -> NDArray[np.int64]:
        """Identifiers of all transactions so far."""
        if len(self._identifiers) != 1:
            empty = np.empty(0, np.int64)
            self._identifiers = [np.concatenate([empty, *self._identifiers])]
        return self._identifiers[0]

    def finish(self) -> list[Finding]:
        """Findings about all batches together."""
        if len(self._identifiers) <= 1:
            return []  # The contract's own check has seen the only batch.
        identifiers = self.identifiers()
        twice = repeats([identifiers])
        return _finding("unique_in_partition", "transaction_id", identifiers, twice)

    def _follows(self, times: NDArray[np.int64]) -> list[Finding]:
        """Order inside of a batch is in the contract; this is the seam between two."""
        last, self._last_us = self._last_us, int(times[-1])
        is_early = last is not None and times[0] < last
        return _finding("follows", "event_time", times, np.flatnonzero([is_early]))

    def _in_day(self, times: NDArray[np.int64]) -> list[Finding]:
        first, end = self._first_us, self._first_us + DAY_US
        if times.min() >= first and times.max() < end:
            return []
        strange = np.flatnonzero((times < first) | (times >= end))
        return _finding("event_day", "event_time", times, strange)


def integers(batch: pa.RecordBatch | pa.Table, name: str) -> NDArray[np.int64]:
    """A column of 64-bit values without nulls as integers; a view where there is one chunk."""
    column = batch.column(name)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks)
    buffer = column.buffers()[1]
    if buffer is None:
        return np.empty(0, np.int64)
    values: NDArray[np.int64] = np.frombuffer(buffer, np.int64)
    return values[column.offset : column.offset + len(column)]


def _finding(
    check: str, column: str, values: NDArray[np.int64], offenders: NDArray[np.int64]
) -> list[Finding]:
    if not offenders.size:
        return []
    first = int(offenders[0])
    return [
        Finding(
            check=check,
            table="transactions",
            column=column,
            rows=int(values.size),
            offenders=int(offenders.size),
            first_row=first,
            first_value=str(values[first]),
            expected=_EXPECTED[check],
        )
    ]
