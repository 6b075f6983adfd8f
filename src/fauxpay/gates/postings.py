"""Posting rules: what came into the books is what was approved and not taken back, each once.

Reads    transactions as written, then postings of the same partition
Writes   findings
Draws    nothing

Postings stand in the order of their transactions, so one comparison proves them all: identifiers
are exactly those that are expected. Only where they differ is it asked in which way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fauxpay.contracts.buffers import one_array, validity, values
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.members import candidates

I64 = NDArray[np.int64]
_EXPECTED = {
    "posted": "every approved transaction that was not taken back, in their order",
    "declined_not_posted": "an approved transaction",
    "reversed_not_posted": "neither a reversal nor what one takes back",
    "not_before_event": "the event day or a later one",
    "billed_currency": "the currency that the transaction was billed in",
}
POSTING_CHECKS = (
    "posted transaction_id",
    "declined_not_posted transaction_id",
    "reversed_not_posted transaction_id",
    "not_before_event posted_on",
    "billed_currency posted_currency",
)
"""Names of the checks of a day's postings, on top of the contract's."""
_POSTS, _DECLINED, _REVERSAL = np.int8(0), np.int8(1), np.int8(2)


@dataclass(slots=True)
class PostingGate:
    """Sees the transactions of one partition, then judges its postings.

    day      event day, since 1970-01-01
    is_kept  whether the world keeps postings at all; where not, none is expected
    """

    day: int
    is_kept: bool
    _ids: list[I64] = field(default_factory=list)
    _fate: list[NDArray[np.int8]] = field(default_factory=list)
    _reversed: list[I64] = field(default_factory=list)
    _currency: list[tuple[NDArray[np.int16], pa.Array]] = field(default_factory=list)

    def see(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Takes the next transactions; what is kept of them is 11 bytes a row."""
        if not self.is_kept or not batch.num_rows:
            return
        columns = {name: one_array(batch.column(name)) for name in _SEEN}
        ids = values(columns["transaction_id"])
        kind = columns["transaction_type"]
        is_reversal = values(kind) == _code(kind, "reversal")
        is_approved = values(columns["is_approved"])
        fate = np.where(is_approved, _POSTS, _DECLINED)
        fate[is_reversal] = _REVERSAL
        originals = columns["original_transaction_id"]
        present = validity(originals)
        undone = is_reversal if present is None else is_reversal & present
        billed = columns["billing_currency"]
        self._ids.append(ids.copy())
        self._fate.append(fate)
        self._reversed.append(values(originals)[undone].copy())
        self._currency.append((values(billed).astype(np.int16), billed.dictionary))

    def judge(self, postings: pa.Table) -> list[Finding]:
        """Findings of the partition's postings, whose schema is known to be right."""
        ids = values(one_array(postings["transaction_id"]))
        day = values(one_array(postings["posted_on"]))
        seen, fate = self._seen()
        due = np.flatnonzero(fate == _POSTS)
        expected = seen[due]
        found = []
        if np.array_equal(ids, expected):
            found += self._currencies(postings, due)
        else:
            found += _differences(ids, (seen, fate))
        early = np.flatnonzero(day < self.day) if day.size and day.min() < self.day else _NONE
        return [*found, *_finding("not_before_event", "posted_on", postings["posted_on"], early)]

    def _seen(self) -> tuple[I64, NDArray[np.int8]]:
        """(identifiers, fate) of all transactions, reversed ones included."""
        if not self._ids:
            return _NONE, np.zeros(0, dtype=np.int8)
        seen, fate = np.concatenate(self._ids), np.concatenate(self._fate)
        undone = np.concatenate(self._reversed)
        row = candidates(seen, undone)
        fate[row[np.isin(seen[row], undone)]] = _REVERSAL
        return seen, fate

    def _currencies(self, postings: pa.Table, due: I64) -> list[Finding]:
        posted = one_array(postings["posted_currency"])
        names = posted.dictionary
        billed = np.concatenate(
            [_renamed(codes, own, names) for codes, own in self._currency] or [_NONE]
        )
        wrong = np.flatnonzero(values(posted) != billed[due])
        return _finding("billed_currency", "posted_currency", posted, wrong)


_NONE: I64 = np.empty(0, dtype=np.int64)
_SEEN = (
    "transaction_id",
    "transaction_type",
    "is_approved",
    "original_transaction_id",
    "billing_currency",
)


def _differences(ids: I64, transactions: tuple[I64, NDArray[np.int8]]) -> list[Finding]:
    """In which way the postings are not those that are expected."""
    seen, fate = transactions
    order = np.argsort(seen, kind="stable")
    if seen.size:
        at = np.searchsorted(seen, ids, sorter=order).clip(max=seen.size - 1)
        own = order[at]
        of_posting = np.where(seen[own] == ids, fate[own], np.int8(-1))
    else:
        of_posting = np.full(ids.size, -1, dtype=np.int8)
    expected = seen[fate == _POSTS]
    column = pa.array(ids)
    found = _finding(
        "declined_not_posted", "transaction_id", column, np.flatnonzero(of_posting == _DECLINED)
    )
    found += _finding(
        "reversed_not_posted", "transaction_id", column, np.flatnonzero(of_posting == _REVERSAL)
    )
    missing = np.flatnonzero(~np.isin(expected, ids))
    if missing.size:
        return [*found, *_finding("posted", "transaction_id", pa.array(expected), missing)]
    shared = min(ids.size, expected.size)
    moved = np.flatnonzero(ids[:shared] != expected[:shared])
    rows = moved if moved.size else np.arange(shared, ids.size)
    return [*found, *_finding("posted", "transaction_id", column, rows)]


def _renamed(
    codes: NDArray[np.int16], own: pa.Array, names: pa.Array
) -> NDArray[np.int16] | NDArray[np.int64]:
    """Codes of one dictionary in the numbers of another."""
    if own.equals(names):
        return codes
    position = {name: at for at, name in enumerate(names.to_pylist())}
    return np.array([position.get(name, -1) for name in own.to_pylist()], dtype=np.int16)[codes]


def _code(array: pa.DictionaryArray, name: str) -> int:
    """The code of a value in a dictionary column, -1 where it has none."""
    known = array.dictionary.to_pylist()
    return known.index(name) if name in known else -1


def _finding(
    check: str, column: str, shown: pa.Array | pa.ChunkedArray, offenders: I64
) -> list[Finding]:
    if not offenders.size:
        return []
    first = int(offenders[0])
    return [
        Finding(
            check=check,
            table="postings",
            column=column,
            rows=len(shown),
            offenders=int(offenders.size),
            first_row=first,
            first_value=str(shown[first].as_py()),
            expected=_EXPECTED[check],
        )
    ]
