"""Ledger: the postings of consecutive days, gathered while their transactions are filled.

Reads    keys of the days, filled buffers of transactions, clearing
Writes   postings(transaction_id, posted_on, posted_amount_minor, posted_currency)
Draws    those of clearing
Sources  nothing

A reversal lies in the cell of its purchase, so that what is taken back within the day is known
before the first row is filled, and never posted.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.activity.addresses import REFUND, REVERSAL, cards_of, classes, days_of, is_return
from fauxpay.activity.rows import REVERSAL_TYPE
from fauxpay.clearing.postings import Authorised, Clearing, posted
from fauxpay.contracts.tables import table
from fauxpay.foundations.draws import I64, U64
from fauxpay.fraud.story import NO_ORIGINAL
from fauxpay.partitions.columns import Buffers
from fauxpay.partitions.fill import Keys

POSTINGS = "activity.yaml#/$defs/postings"


class Ledger:
    """Takes window after window; what is posted stands in arrays of 26 bytes a row."""

    def __init__(self, clearing: Clearing, keys: Keys, currencies: pa.Array) -> None:
        size = keys.card.size if clearing.is_kept else 0
        self.counts = np.zeros(len(keys.days), dtype=np.int64)
        self._clearing, self._keys, self._currencies = clearing, keys, currencies
        self._refunds = _refunds(keys) if clearing.is_kept else _no_refunds()
        # Purchases that are taken back were made before the days, some of them.
        made = days_of(self._refunds[1])
        self._first_day = int(min(keys.days.start, made.min(initial=keys.days.start)))
        waited = range(self._first_day, keys.days.stop)
        self._waits = clearing.books.waits(waited, clearing.lag_count)
        self._undone = reversed_rows(keys) if clearing.is_kept else np.zeros(0, dtype=np.int64)
        self._id = np.empty(size, dtype=np.int64)
        self._row = np.empty(size, dtype=np.int32)
        self._day = np.empty(size, dtype=np.int32)
        self._amount = np.empty(size, dtype=np.int64)
        self._currency = np.empty(size, dtype=np.int16)

    def take(self, buffers: Buffers, first: int, parts: tuple[tuple[int, int, int], ...]) -> None:
        """Posts what stands in the buffers: rows of the days from row `first` on.

        parts  (day, first row, end row) in the buffers
        """
        if not self._clearing.is_kept:
            return
        last = parts[-1][2]
        values = {name: column[:last] for name, column in buffers.values.items()}
        kind = values["transaction_type"]
        posts = values["is_approved"] & (kind != REVERSAL_TYPE)
        undone = self._undone[slice(*np.searchsorted(self._undone, [first, first + last]))]
        posts[undone - first] = False
        row = np.flatnonzero(posts)
        nth = [day - self._keys.days.start for day, _, _ in parts]
        ends = np.searchsorted(row, [end for _, _, end in parts])
        each = np.diff(ends, prepend=0)
        of_row: Any = np.repeat(np.array(nth), each) if len(parts) > 1 else nth[0]
        wait, amount = posted(
            self._clearing,
            self._waits,
            Authorised(
                address=self._keys.address[first : first + last].take(row),
                card=buffers.places["card"].take(row),
                merchant=buffers.places["merchant"].take(row),
                nth=of_row + (self._keys.days.start - self._first_day),
                amount=values["billing_amount_minor"].take(row),
                channel=values["channel"].take(row),
                kind=kind.take(row),
                refunds=self._refunds_among(row + first),
            ),
        )
        at = int(self.counts.sum())
        own = slice(at, at + row.size)
        np.take(values["transaction_id"], row, out=self._id[own], mode="clip")
        np.add(row, first, out=self._row[own], casting="unsafe")
        self._day[own] = wait
        self._day[own] += np.asarray(of_row + self._keys.days.start).astype(np.int32)
        self._amount[own] = amount
        np.take(values["billing_currency"], row, out=self._currency[own], mode="clip")
        np.add.at(self.counts, nth, each)

    def _refunds_among(self, row: I64) -> tuple[I64, U64, I64]:
        """`Authorised.refunds` of some rows of the days, rising."""
        refund, source = self._refunds
        own = slice(*np.searchsorted(refund, [row[0], row[-1] + 1])) if row.size else slice(0)
        refund, source = refund[own], source[own]
        at = np.searchsorted(row, refund)
        posts = row.take(at, mode="clip") == refund
        at, source = at[posts], source[posts]
        return at, source, days_of(source) - self._first_day

    def posted_days(self, row: I64) -> I64:
        """UTC day on which some rows of the days are posted, -1 for those that never are."""
        known = self._row[: int(self.counts.sum())]
        if not known.size:
            return np.full(row.size, -1)
        at = np.searchsorted(known, row).clip(max=known.size - 1)
        return np.where(known[at] == row, self._day[at], -1).astype(np.int64)

    def tables(self) -> list[pa.Table]:
        """postings of each day, in the order of their transactions."""
        schema = table(POSTINGS).arrow_schema()
        index = schema.field("posted_currency").type.index_type
        rows = int(self.counts.sum())
        columns = [
            _array(pa.int64(), self._id, rows),
            _array(pa.date32(), self._day, rows),
            _array(pa.int64(), self._amount, rows),
            pa.DictionaryArray.from_arrays(
                _array(index, self._currency, rows), self._currencies, safe=False
            ),
        ]
        whole = pa.Table.from_arrays(columns, schema=schema)
        ends = np.concatenate([[0], np.cumsum(self.counts)]).tolist()
        return [whole.slice(start, end - start) for start, end in pairwise(ends)]


def _no_refunds() -> tuple[I64, U64]:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)


def _refunds(keys: Keys) -> tuple[I64, U64]:
    """(refunds, rising; addresses of their purchases): those due, and those of refund abuse."""
    row, attack = keys.attacks
    original = keys.own.plan.attacks.original
    abuse = np.flatnonzero(original[attack] != NO_ORIGINAL)
    rows, sources = [row[abuse]], [original[attack[abuse]]]
    if keys.source is not None:
        row, entry = keys.repeats
        back = np.flatnonzero(classes(keys.source.code[entry].view(np.uint64)) == REFUND)
        rows.append(row[back])
        sources.append(keys.source.source[entry[back]])
    refund = np.concatenate(rows)
    order = np.argsort(refund)
    return refund[order], np.concatenate(sources).astype(np.uint64)[order]


def return_rows(keys: Keys) -> I64:
    """Refunds and reversals that are due, rising; those of refund abuse are attacks."""
    row, entry = keys.repeats
    if keys.source is None:
        return row
    return row[is_return(keys.source.code.view(np.uint64)[entry])]


def reversed_sources(keys: Keys) -> U64:
    """Addresses of the purchases that are taken back on their own day."""
    if keys.source is None:
        return np.zeros(0, dtype=np.uint64)
    is_back = classes(keys.source.code.view(np.uint64)) == REVERSAL
    source: U64 = keys.source.source[is_back]
    return source


def reversed_rows(keys: Keys) -> I64:
    """Rows, in time order, whose purchase is taken back on its own day."""
    sources: U64 = np.sort(reversed_sources(keys))
    if not sources.size:
        return np.zeros(0, dtype=np.int64)
    first_card = keys.own.activity.first_card
    marked = np.zeros(keys.own.card_count, dtype=np.bool_)
    marked[cards_of(sources) - first_card] = True
    # Only rows of cards that took something back are searched for: one in a hundred.
    local = keys.card - first_card if first_card else keys.card
    row: I64 = np.flatnonzero(marked.take(local, mode="clip"))
    at = np.searchsorted(sources, keys.address[row]).clip(max=sources.size - 1)
    row = row[sources[at] == keys.address[row]]
    assert row.size == sources.size, "a reversal lies in the day of its purchase"
    return row


def _array(kind: pa.DataType, values: Any, rows: int) -> pa.Array:
    return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(values)])
