"""Buffers: columns as NumPy arrays, with nobody's help but NumPy's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fauxpay.contracts import buffers

WIDTHS = {
    pa.int8(): np.int8,
    pa.int16(): np.int16,
    pa.int32(): np.int32,
    pa.int64(): np.int64,
    pa.uint8(): np.uint8,
    pa.uint16(): np.uint16,
    pa.uint32(): np.uint32,
    pa.uint64(): np.uint64,
    pa.float16(): np.float16,
    pa.float32(): np.float32,
    pa.float64(): np.float64,
    pa.date32(): np.int32,
    pa.timestamp("us", "UTC"): np.int64,
}


@pytest.mark.parametrize("kind", WIDTHS, ids=str)
def test_values_have_the_width_of_their_type(kind):
    """Numbers, days and instants come as they lie in memory, from any slice, and empty."""
    array = pa.array(np.arange(5).astype(WIDTHS[kind])).view(kind)
    assert buffers.values(array).dtype == WIDTHS[kind]
    assert buffers.values(array[2:]).tolist() == [2, 3, 4]
    assert buffers.values(array[:0]).dtype == WIDTHS[kind]


class _Wanting:
    """A type as it was before Arrow 26, which said its NumPy type only where pandas is."""

    def __init__(self, kind):
        self.id, self.bit_width = kind.id, kind.bit_width

    def to_pandas_dtype(self):
        """As without pandas."""
        raise ModuleNotFoundError("No module named 'pandas'")


@pytest.mark.parametrize("kind", WIDTHS, ids=str)
def test_no_pandas_is_asked_for_the_width(kind):
    """Older Arrow imports pandas for a type's NumPy name: the plain install made no run."""
    assert buffers._numpy_type(_Wanting(kind)) == WIDTHS[kind]
