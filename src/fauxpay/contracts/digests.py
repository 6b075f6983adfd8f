"""Digests: the law by which the values of a table have one name, for writer and verifier alike.

docs/digests.md says it in words, and nothing else does. The digest sees values only: not batches,
not compression, not the order of a dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from fauxpay.contracts.buffers import (
    one_array,
    validity,
    values,
    without_dictionary_nulls,
)
from fauxpay.contracts.tables import Column, Table
from fauxpay.errors import ContractError
from fauxpay.foundations.canonical import document_digest

# Chunks of this size keep the columns being hashed inside the second-level cache.
_ROWS_AT_ONCE = 32_768
_INTEGER_OF_WIDTH = {4: np.int32, 8: np.int64}


def _column_domain(column: Column, domains: Mapping[str, Domain | Sequence[str]]) -> Domain | None:
    if not column.is_dictionary:
        return None
    if column.enum is not None:
        return _enum_domain(column.enum)
    assert column.name in domains, f"the domain of {column.name} is not given"
    given = domains[column.name]
    return given if isinstance(given, Domain) else Domain.of(given)


@lru_cache(maxsize=64)
def _enum_domain(enum: tuple[str, ...]) -> Domain:
    return Domain.of(enum)


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a dictionary column may take, in the order that numbers them."""

    values: pa.Array
    digest: str

    @staticmethod
    def of(names: Sequence[str]) -> Domain:
        """A domain of distinct texts; make it once where it is large."""
        listed = list(names)
        assert len(set(listed)) == len(listed), "a domain names each value once"
        return Domain(pa.array(listed, pa.string()), document_digest(listed))

    def positions(self, dictionary: pa.Array) -> NDArray[np.int32] | None:
        """Position of each dictionary value, -1 where it has none; None if they are the same."""
        if dictionary.equals(self.values):
            return None
        found = pc.index_in(dictionary, value_set=self.values)
        return np.asarray(found.fill_null(-1), dtype=np.int32)


@dataclass(slots=True)
class LogicalDigest:
    """The digest of a table that arrives in batches, however they are cut.

    table    the contract; batches have its columns, in its order
    domains  for every dictionary column without an enum: its values in order
    """

    table: Table
    domains: Mapping[str, Domain | Sequence[str]]
    _columns: list[_ColumnDigest] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._columns = [
            _ColumnDigest(column, _column_domain(column, self.domains))
            for column in self.table.columns
        ]

    def update(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Take the next rows; raises ContractError for columns or values the law cannot name."""
        if tuple(batch.schema.names) != self.table.names:
            raise ContractError(
                f"digest of {self.table.name}: columns are {', '.join(batch.schema.names)}; "
                f"expected {', '.join(self.table.names)}"
            )
        for digest, column in zip(self._columns, batch.columns, strict=True):
            digest.update(one_array(column))

    def hexdigest(self) -> str:
        """SHA-256, 64 hexadecimal digits, of all rows taken so far."""
        return document_digest([digest.entry() for digest in self._columns])


@dataclass(slots=True)
class _ColumnDigest:
    """Running digest of one column."""

    column: Column
    domain: Domain | None
    rows: int = 0
    nulls: int = 0
    values: Any = field(default_factory=xxhash.xxh3_128)
    lengths: Any = field(default_factory=xxhash.xxh3_128)
    validity: Any = field(default_factory=xxhash.xxh3_128)

    def entry(self) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "name": self.column.name,
            "type": self.column.arrow,
            "rows": self.rows,
            "nulls": self.nulls,
            "values": self.values.hexdigest(),
        }
        if self.nulls:
            entry["validity"] = self.validity.hexdigest()
        if self.domain is not None:
            entry["domain"] = self.domain.digest
        elif self.column.arrow == "string":
            entry["lengths"] = self.lengths.hexdigest()
        return entry

    def update(self, array: pa.Array) -> None:
        array = self._as_stated(array)
        present = validity(array)
        if self.domain is not None:
            self._codes(array, present, self.domain)
        elif self.column.arrow == "string":
            self._texts(array)
        else:
            self._numbers(values(array), present)
        self._validity(len(array), array.null_count, present)

    def _as_stated(self, array: pa.Array) -> pa.Array:
        """The array in the form the law hashes; a dictionary may come as plain strings, too."""
        kind = array.type
        if self.domain is not None:
            if not pa.types.is_dictionary(kind):
                array = array.dictionary_encode()
            array = without_dictionary_nulls(array)
            kind = array.type.value_type
        if kind != self.column.value_type:
            raise ContractError(
                f"digest of {self.column.name}: type {array.type}; "
                f"expected {self.column.arrow_type}"
            )
        return array

    def _validity(self, rows: int, nulls: int, present: NDArray[np.bool_] | None) -> None:
        if nulls and not self.nulls:
            self.validity.update(b"\x01" * self.rows)
        if nulls or self.nulls:
            self.validity.update(np.ones(rows, np.bool_) if present is None else present)
        self.rows += rows
        self.nulls += nulls

    def _numbers(self, slots: NDArray[Any], present: NDArray[np.bool_] | None) -> None:
        if present is None:
            self.values.update(slots)
            return
        # Multiplied as integers: a float would keep the NaN that may stand in a null's slot.
        bits = slots.view(_INTEGER_OF_WIDTH[slots.itemsize]) if slots.itemsize > 2 else slots
        for start in range(0, len(slots), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            mask = present[part].view(np.uint8)
            self.values.update(np.multiply(bits[part], mask, dtype=bits.dtype, casting="unsafe"))

    def _codes(self, array: pa.Array, present: NDArray[np.bool_] | None, domain: Domain) -> None:
        positions = domain.positions(array.dictionary)
        indexes = values(array)
        codes = np.empty(min(len(indexes), _ROWS_AT_ONCE), np.int32)
        for start in range(0, len(indexes), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            out = codes[: len(indexes[part])]
            np.copyto(out, indexes[part])
            if positions is not None and len(positions):
                # Clipped, since the slot of a null may hold any index.
                positions.take(out, out=out, mode="clip")
            if present is not None:
                np.multiply(out, present[part].view(np.uint8), out=out)
            if out.min(initial=0) < 0:
                raise self._outside(array, domain, positions)
            self.values.update(out)

    def _outside(
        self, array: pa.Array, domain: Domain, positions: NDArray[np.int32] | None
    ) -> ContractError:
        assert positions is not None, f"{self.column.name} has a negative index"
        strangers = array.dictionary.filter(pa.array(positions < 0)).to_pylist()
        return ContractError(
            f"digest of {self.column.name}: a value outside its domain of {len(domain.values)}, "
            f"one of {strangers[:5]}; give the domain that the rows were made with"
        )

    def _texts(self, array: pa.Array) -> None:
        plain = array.fill_null("") if array.null_count else array
        if not len(plain):
            return
        _, offsets, data = plain.buffers()
        bounds = np.frombuffer(offsets, np.int32)[plain.offset : plain.offset + len(plain) + 1]
        self.lengths.update(np.diff(bounds))
        if data is not None:
            self.values.update(memoryview(data)[bounds[0] : bounds[-1]])
