"""Pages: what a Parquet file says of its pages, before a reader believes it.

A reader allocates what a page header asks for, up to 2 GiB for each column, and a few bytes suffice
to ask. So the headers are walked first; pages that real writers make are far below the limit.

Source: Apache Parquet, parquet.thrift (PageHeader) and the Thrift compact protocol.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq

from fauxpay.errors import ContractError

PAGE_BYTES_MAX = 256 << 20
"""DuckDB makes pages of up to 100 MiB, others of about 1 MiB."""
HEADER_BYTES_MAX = 1 << 20
_HEADER_BYTES = 4_096
_DEPTH_MAX = 16
_UNCOMPRESSED, _COMPRESSED = 2, 3
# Types of the compact protocol.
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY = 0, 1, 2, 3, 7, 8
_INTEGERS = frozenset((4, 5, 6))
_STRUCT = 12


class _Torn(ValueError):
    """A header does not end inside of the bytes, or is none."""


def require_small_pages(path: Path, metadata: pq.FileMetaData) -> None:
    """Raise ContractError where a page claims to be larger than PAGE_BYTES_MAX, or is none."""
    with path.open("rb") as stream:
        for group in range(metadata.num_row_groups):
            for position in range(metadata.num_columns):
                column = metadata.row_group(group).column(position)
                offsets = [column.data_page_offset]
                if column.has_dictionary_page and column.dictionary_page_offset:
                    offsets.append(column.dictionary_page_offset)
                start, size = min(offsets), column.total_compressed_size
                _require_chunk(path, stream, start, start + size)


def _require_chunk(path: Path, stream: BinaryIO, start: int, end: int) -> None:
    while start < end:
        header, length = _header_at(path, stream, start)
        uncompressed, compressed = header.get(_UNCOMPRESSED, -1), header.get(_COMPRESSED, -1)
        if not 0 <= compressed <= end - start or uncompressed < 0:
            raise ContractError(f"{path}: no page at byte {start}; expected a whole Parquet file")
        if uncompressed > PAGE_BYTES_MAX:
            raise ContractError(
                f"{path}: the page at byte {start} says that it holds {uncompressed} bytes; "
                f"expected {PAGE_BYTES_MAX} at most. Write it with smaller pages."
            )
        start += length + compressed


def _header_at(path: Path, stream: BinaryIO, start: int) -> tuple[dict[int, int], int]:
    """Whole numbers of a page header by field, and the header's length."""
    for size in (_HEADER_BYTES, HEADER_BYTES_MAX):
        stream.seek(start)
        try:
            return _fields(stream.read(size))
        except _Torn:
            continue
    raise ContractError(f"{path}: no page header at byte {start}; expected a whole Parquet file")


def _fields(data: bytes) -> tuple[dict[int, int], int]:
    found: dict[int, int] = {}
    at, field = 0, 0
    while True:
        kind, field, at = _field(data, at, field)
        if kind == _STOP:
            return found, at
        if kind in _INTEGERS:
            value, at = _varint(data, at)
            found[field] = value >> 1 ^ -(value & 1)
        else:
            at = _skipped(data, at, kind, 0)


def _field(data: bytes, at: int, before: int) -> tuple[int, int, int]:
    """(type, number, position behind) of the field that begins here."""
    head = _byte(data, at)
    kind, delta = head & 0x0F, head >> 4
    at += 1
    if kind == _STOP or delta:
        return kind, before + delta, at
    number, at = _varint(data, at)
    return kind, number >> 1 ^ -(number & 1), at


def _skipped(data: bytes, at: int, kind: int, depth: int) -> int:
    """The position behind a value that does not matter."""
    if depth > _DEPTH_MAX or at > len(data):
        raise _Torn
    if kind in (_TRUE, _FALSE):
        return at
    if kind in _INTEGERS:
        return _varint(data, at)[1]
    if kind == _BYTE:
        return at + 1
    if kind == _DOUBLE:
        return at + 8
    if kind == _BINARY:
        size, at = _varint(data, at)
        return at + size
    if kind == _STRUCT:
        field = 0
        while True:
            inner, field, at = _field(data, at, field)
            if inner == _STOP:
                return at
            at = _skipped(data, at, inner, depth + 1)
    # Lists and maps do not stand in a page header.
    raise _Torn


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = _byte(data, at)
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise _Torn


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise _Torn
    return data[at]
