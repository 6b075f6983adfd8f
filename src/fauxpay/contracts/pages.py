"""Pages: what a Parquet file says of its pages, before a reader believes it.

A reader allocates what a page header asks for, up to 2 GiB for each column, and a few bytes suffice
to ask. So the headers are walked first; pages that real writers make are far below the limit.

Source: Apache Parquet, parquet.thrift (PageHeader) and the Thrift compact protocol.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from fauxpay.errors import ContractError

PAGE_BYTES_MAX = 256 << 20
"""DuckDB makes pages of up to 100 MiB, others of about 1 MiB."""
HEADER_BYTES_MAX = 1 << 20
FOOTER_BYTES_MAX = 64 << 20
_HEADER_BYTES = 4_096
_DEPTH_MAX = 16
_TAIL_BYTES = 8
# Types of the compact protocol.
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 0, 1, 2, 3, 7, 8, 12
_INTEGERS = frozenset((4, 5, 6))
_LISTS = frozenset((9, 10))
# Fields of FileMetaData, RowGroup, ColumnChunk, ColumnMetaData and PageHeader.
_ROW_GROUPS, _COLUMNS, _META_DATA = 4, 1, 3
_CHUNK_BYTES, _DATA_OFFSET, _DICTIONARY_OFFSET = 7, 9, 11
_UNCOMPRESSED, _COMPRESSED = 2, 3

Struct = dict[int, Any]


class _Torn(ValueError):
    """What should be Thrift does not end inside of the bytes, or is none."""


def require_small_pages(path: Path) -> None:
    """Raise ContractError where a page claims to be larger than PAGE_BYTES_MAX, or is none.

    The footer is read here, not by Arrow, whose Python objects end the process when they are asked
    for the metadata of a column that contradicts itself.
    """
    with path.open("rb") as stream:
        try:
            chunks = _chunks(stream)
        except (_Torn, TypeError, AttributeError) as error:
            raise ContractError(
                f"{path}: the footer is torn; expected a whole Parquet file"
            ) from error
        for start, end in chunks:
            _require_chunk(path, stream, start, end)


def _chunks(stream: BinaryIO) -> list[tuple[int, int]]:
    """First byte, and the byte behind the last, of every column chunk that the footer names."""
    length = stream.seek(0, 2)
    stream.seek(max(0, length - _TAIL_BYTES))
    size = int.from_bytes(stream.read(_TAIL_BYTES)[:4], "little")
    if size > min(length - _TAIL_BYTES, FOOTER_BYTES_MAX):
        raise _Torn
    stream.seek(length - _TAIL_BYTES - size)
    footer, _ = _struct(stream.read(size), 0, 0)
    found = []
    for group in footer.get(_ROW_GROUPS, ()):
        for column in group.get(_COLUMNS, ()):
            facts = column.get(_META_DATA, {})
            offsets = [facts.get(_DATA_OFFSET, 0), facts.get(_DICTIONARY_OFFSET, 0)]
            # An offset of zero says that there is none: the file begins with its magic.
            start = min([offset for offset in offsets if offset > 0], default=length)
            found.append((start, start + facts.get(_CHUNK_BYTES, 0)))
    return found


def _require_chunk(path: Path, stream: BinaryIO, start: int, end: int) -> None:
    while start < end:
        header, length = _header_at(path, stream, start)
        uncompressed, compressed = header.get(_UNCOMPRESSED, -1), header.get(_COMPRESSED, -1)
        is_page = isinstance(uncompressed, int) and isinstance(compressed, int)
        if not is_page or not 0 <= compressed <= end - start or uncompressed < 0:
            raise ContractError(f"{path}: no page at byte {start}; expected a whole Parquet file")
        if uncompressed > PAGE_BYTES_MAX:
            raise ContractError(
                f"{path}: the page at byte {start} says that it holds {uncompressed} bytes; "
                f"expected {PAGE_BYTES_MAX} at most. Write it with smaller pages."
            )
        start += length + compressed


def _header_at(path: Path, stream: BinaryIO, start: int) -> tuple[Struct, int]:
    """A page header by field, and its length."""
    for size in (_HEADER_BYTES, HEADER_BYTES_MAX):
        stream.seek(start)
        try:
            return _struct(stream.read(size), 0, 0)
        except _Torn:
            continue
    raise ContractError(f"{path}: no page header at byte {start}; expected a whole Parquet file")


def _struct(data: bytes, at: int, depth: int) -> tuple[Struct, int]:
    """(values by field number, position behind) of the struct that begins here."""
    if depth > _DEPTH_MAX:
        raise _Torn
    found: Struct = {}
    field = 0
    while True:
        head = _byte(data, at)
        kind, delta = head & 0x0F, head >> 4
        at += 1
        if kind == _STOP:
            return found, at
        if delta:
            field += delta
        else:
            field, at = _integer(data, at)
        if kind in (_TRUE, _FALSE):
            found[field] = kind == _TRUE
        else:
            found[field], at = _value(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """(value, position behind). Of texts and numbers with a point only the place matters."""
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    if kind in _LISTS:
        return _list(data, at, depth)
    if kind in (_BYTE, _TRUE, _FALSE):
        return _byte(data, at), at + 1
    if kind == _DOUBLE:
        size = 8
    elif kind == _BINARY:
        size, at = _varint(data, at)
    else:
        # Maps do not stand in what is read here.
        raise _Torn
    if at + size > len(data):
        raise _Torn
    return None, at + size


def _list(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    head = _byte(data, at)
    size, kind = head >> 4, head & 0x0F
    at += 1
    if size == 15:
        size, at = _varint(data, at)
    if size > len(data) - at:
        raise _Torn
    found = []
    for _ in range(size):
        value, at = _value(data, at, kind, depth + 1)
        found.append(value)
    return found, at


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return value >> 1 ^ -(value & 1), at


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
