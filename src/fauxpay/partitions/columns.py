"""Columns: the buffers of one row group of `transactions`, and the Arrow batch over them.

Buffers are allocated once and reused: a batch must be consumed before the next one is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import I64

_NUMPY_OF = {
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint32": np.uint32,
    "float": np.float32,
    "double": np.float64,
    "bool": np.bool_,
}
PLACES = ("card", "merchant", "terminal", "device")
NULLABLE = {
    "latitude": "remote",
    "longitude": "remote",
    "device_id": "no_device",
    "ip_address": "offline",
    "user_agent_family": "no_device",
    "previous_transaction_id": "first",
    "original_transaction_id": "own",
}


@dataclass(frozen=True, slots=True)
class Buffers:
    """values: one array per column; nulls: one mask per reason that columns share.

    places  where the keys of each row stand in the world: card, merchant, terminal, device
    """

    schema: pa.Schema
    dictionaries: Mapping[str, pa.Array]
    values: Mapping[str, NDArray[Any]]
    nulls: Mapping[str, Bool]
    places: Mapping[str, I64]

    def batch(self, rows: int) -> pa.RecordBatch:
        """The first `rows` rows as a record batch over these buffers, without a copy."""
        bitmaps = {
            name: (
                pa.py_buffer(np.packbits(~mask[:rows], bitorder="little")),
                int(np.count_nonzero(mask[:rows])),
            )
            for name, mask in self.nulls.items()
        }
        arrays = [self._array(field, rows, bitmaps) for field in self.schema]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _array(self, field: pa.Field, rows: int, bitmaps: Mapping[str, Any]) -> pa.Array:
        values = self.values[field.name][:rows]
        reason = NULLABLE.get(field.name)
        validity, null_count = bitmaps[reason] if reason else (None, 0)
        if pa.types.is_boolean(field.type):
            values = np.packbits(values, bitorder="little")
        kind = field.type.index_type if pa.types.is_dictionary(field.type) else field.type
        array = pa.Array.from_buffers(kind, rows, [validity, pa.py_buffer(values)], null_count)
        if pa.types.is_dictionary(field.type):
            return pa.DictionaryArray.from_arrays(array, self.dictionaries[field.name], safe=False)
        return array


def allocate(schema: pa.Schema, domains: Mapping[str, Sequence[str]], rows: int) -> Buffers:
    """Buffers of so many rows for a schema whose dictionary columns have these domains."""
    values = {field.name: np.zeros(rows, dtype=_dtype(field.type)) for field in schema}
    dictionaries = {
        field.name: pa.array(domains[field.name], pa.string())
        for field in schema
        if pa.types.is_dictionary(field.type)
    }
    nulls = {reason: np.zeros(rows, dtype=np.bool_) for reason in sorted(set(NULLABLE.values()))}
    places = {name: np.zeros(rows, dtype=np.int64) for name in PLACES}
    return Buffers(schema, dictionaries, values, nulls, places)


def _dtype(kind: pa.DataType) -> Any:
    if pa.types.is_dictionary(kind):
        kind = kind.index_type
    return np.int64 if pa.types.is_timestamp(kind) else _NUMPY_OF[str(kind)]
