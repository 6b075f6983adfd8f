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

from fauxpay.contracts.checks import Finding
from fauxpay.receipts.identity import day_text

DAY_US = 86_400_000_000
INSPECTIONS = ("time order", "event day", "identifiers once")
"""Names of the findings that an inspector may bring, on top of the contract's."""


class Inspector:
    """Follows the transactions of one partition: their order, their day, their identifiers."""

    def __init__(self, day: int) -> None:
        self._first_us = day * DAY_US
        self._last_us: int | None = None
        self._identifiers: list[NDArray[np.int64]] = []

    def inspect(self, batch: pa.RecordBatch | pa.Table) -> list[Finding]:
        """Findings about the batch that follows those seen before."""
        times = integers(batch, "event_time")
        if not times.size:
            return []
        self._identifiers.append(integers(batch, "transaction_id").copy())
        return [*self._order(times), *self._day(times)]

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
        order = np.argsort(identifiers, kind="stable")
        twice = np.flatnonzero(identifiers[order][1:] == identifiers[order][:-1])
        return _finding(
            "identifiers once",
            "transaction_id",
            identifiers,
            np.sort(order[twice + 1]),
            "each identifier once in a partition",
        )

    def _order(self, times: NDArray[np.int64]) -> list[Finding]:
        last = self._last_us
        self._last_us = int(times[-1])
        early = np.flatnonzero(times[1:] < times[:-1]) + 1
        if last is not None and times[0] < last:
            early = np.concatenate([np.zeros(1, early.dtype), early])
        return _finding("time order", "event_time", times, early, "not before the row above")

    def _day(self, times: NDArray[np.int64]) -> list[Finding]:
        offset = times - self._first_us
        strange = np.flatnonzero((offset < 0) | (offset >= DAY_US))
        expected = f"a time of {day_text(self._first_us // DAY_US)} (UTC)"
        return _finding("event day", "event_time", times, strange, expected)


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
    check: str,
    column: str,
    values: NDArray[np.int64],
    offenders: NDArray[np.int64],
    expected: str,
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
            expected=expected,
        )
    ]
