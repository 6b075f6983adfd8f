"""Buffers: Arrow columns as NumPy arrays, without a copy wherever Arrow's layout allows it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Values = NDArray[Any]
Bools = NDArray[np.bool_]

# The digest law hashes buffers as they lie in memory, and says little-endian.
assert sys.byteorder == "little", "fauxpay runs on little-endian machines only"


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array; chunks are joined, and their dictionaries made one."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    joined = column.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined


def values(array: pa.Array) -> Values:
    """The value slots of a fixed-width array; slots of nulls hold anything.

    returns  [n] of the width of the type: dates and times as integers, booleans as bool, a
             dictionary column as its indexes
    """
    if pa.types.is_dictionary(array.type):
        array = array.indices
    if pa.types.is_boolean(array.type):
        return _unpacked(array.buffers()[1], array.offset, len(array))
    width = _numpy_type(array.type)
    if not len(array):
        return np.empty(0, width)
    slots = np.frombuffer(array.buffers()[1], width, count=array.offset + len(array))
    return slots[array.offset :]


def validity(array: pa.Array) -> Bools | None:
    """True where a value stands; None for an array without nulls."""
    if not array.null_count:
        return None
    if pa.types.is_dictionary(array.type):
        array = array.indices
    return _unpacked(array.buffers()[0], array.offset, len(array))


def without_dictionary_nulls(array: pa.Array) -> pa.Array:
    """A dictionary array whose nulls are all in the indexes, where Arrow counts them."""
    if not array.dictionary.null_count:
        return array
    return array.dictionary_decode().dictionary_encode()


def _unpacked(bitmap: pa.Buffer | None, offset: int, length: int) -> Bools:
    if not length or bitmap is None:
        return np.ones(length, np.bool_)
    first, last = offset // 8, (offset + length + 7) // 8
    packed = np.frombuffer(bitmap, np.uint8, count=last)[first:]
    bits = np.unpackbits(packed, bitorder="little")
    return bits[offset % 8 : offset % 8 + length].view(np.bool_)


def _numpy_type(kind: pa.DataType) -> np.dtype[Any]:
    # Not by Arrow's `to_pandas_dtype`: before Arrow 26 it wants pandas, which is not ours to want.
    if pa.types.is_temporal(kind):
        return np.dtype(f"i{kind.bit_width // 8}")
    sort = "f" if pa.types.is_floating(kind) else "i" if pa.types.is_signed_integer(kind) else "u"
    assert sort != "u" or pa.types.is_unsigned_integer(kind), kind
    return np.dtype(f"{sort}{kind.bit_width // 8}")
