"""Ledger: which rows of a long stream repeat the key of an earlier one, in bounded memory.

Keys are kept as words with the number of their row. What passes `ROWS_HELD_MAX` goes to files, by
a hash of the key, so that equal keys meet in one file; each file is judged alone at the end.
Numbers are exact; a text is known by its XXH3-128, so two that collide (1 in 10**24 for ten million
rows) would be taken for one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from fauxpay.contracts.checks import words
from fauxpay.contracts.members import I64, repeats
from fauxpay.errors import StorageError

ROWS_HELD_MAX = 2_000_000
PARTS = 128
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_PARTS_SHIFT = np.uint64(64 - PARTS.bit_length() + 1)


def key_words(arrays: Sequence[pa.Array]) -> list[I64]:
    """Integers that are equal, taken together, where the keys are equal, in any batch."""
    columns: list[I64] = []
    for array in arrays:
        kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
        columns += _hashes(array) if pa.types.is_string(kind) else [words(array)]
    return columns


def _hashes(array: pa.Array) -> list[I64]:
    """Both halves of the XXH3-128 of each text."""
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    names = array.dictionary.to_pylist()
    digests = b"".join(xxhash.xxh3_128_digest((name or "").encode()) for name in names)
    halves = np.frombuffer(digests, np.int64).reshape(-1, 2)
    codes = words(pa.DictionaryArray.from_arrays(array.indices, pa.array(range(len(names)))))
    return [np.ascontiguousarray(halves[codes, half]) for half in (0, 1)]


@dataclass(slots=True)
class Ledger:
    """The keys seen so far. Use it as a context: it may own a temporary folder."""

    rows_held_max: int = ROWS_HELD_MAX
    _held: list[NDArray[np.int64]] = field(default_factory=list)
    _rows_held: int = 0
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *error: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, columns: Sequence[I64], rows: I64) -> None:
        """Take the keys of some rows.

        columns  i64[n] each, as `key_words` gives them
        rows     i64[n], ascending, and above all rows taken before
        """
        self._held.append(np.stack([*columns, rows], axis=1))
        self._rows_held += len(rows)
        if self._rows_held >= self.rows_held_max:
            self._spill()

    def repeated(self) -> I64:
        """Numbers of the rows whose key an earlier row has, ascending."""
        if self._folder is None:
            return _repeated(self._held)
        self._spill()
        found = []
        for part in range(PARTS):
            path = Path(self._folder.name, str(part))
            if path.exists():
                width = int(Path(self._folder.name, "width").read_text())
                found.append(_repeated([np.fromfile(path, np.int64).reshape(-1, width)]))
        return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)

    def _spill(self) -> None:
        if not self._held:
            return
        records = np.concatenate(self._held)
        self._held, self._rows_held = [], 0
        mixed = np.zeros(len(records), np.uint64)
        for column in range(records.shape[1] - 1):
            mixed = (mixed ^ records[:, column].view(np.uint64)) * _MULTIPLIER
        parts = (mixed >> _PARTS_SHIFT).astype(np.int64)
        order = np.argsort(parts, kind="stable")
        edges = np.searchsorted(parts[order], np.arange(PARTS + 1))
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="fauxpay-keys-")
                Path(self._folder.name, "width").write_text(str(records.shape[1]))
            for part in range(PARTS):
                mine = records[order[edges[part] : edges[part + 1]]]
                if len(mine):
                    with Path(self._folder.name, str(part)).open("ab") as stream:
                        mine.tofile(stream)
        except OSError as error:
            raise StorageError(
                f"keys cannot be kept in {tempfile.gettempdir()}: {error.strerror}; expected "
                "room for 16 bytes a row or more. TMPDIR names another folder."
            ) from error


def _repeated(held: Sequence[NDArray[np.int64]]) -> I64:
    if not held:
        return np.empty(0, np.int64)
    records = np.concatenate(held)
    columns = [np.ascontiguousarray(column) for column in records[:, :-1].T]
    rows: I64 = records[repeats(columns), -1]
    return rows
