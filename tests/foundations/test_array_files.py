"""Array files: what was sealed is what is read, byte for byte, and nothing else is read."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fauxpay.activity.engine import Tables
from fauxpay.errors import ContractError
from fauxpay.foundations.array_files import array_bytes, read_arrays
from fauxpay.partitions.compose import derived_tables, world_of
from worlds import catalog_of, config, parameters


@dataclass(frozen=True)
class Inner:
    """A record inside a record."""

    words: NDArray[np.uint64]
    limit: int


@dataclass(frozen=True)
class Outer:
    """A record."""

    inner: Inner
    scale: NDArray[np.float64]


def outer(words: list[int], limit: int, scale: list[float]) -> Outer:
    """A record of these values."""
    return Outer(Inner(np.array(words, np.uint64), limit), np.array(scale, np.float64))


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.lists(st.floats(), max_size=20),
)
def test_a_record_comes_back_as_it_was(words, limit, scale):
    """Property: every bit, type and whole number of a record survives, and so do the bytes."""
    record = outer(words, limit, scale)
    data = array_bytes(record)
    found = read_arrays(Outer, data, "test")
    assert found.inner.words.tolist() == words
    assert found.inner.limit == limit
    assert type(found.inner.limit) is int
    assert found.scale.tobytes() == record.scale.tobytes()
    assert array_bytes(found) == data


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_other_bytes_are_refused(noise, at):
    """Negative: noise and torn files give a ContractError that names the file, or the same data."""
    whole = array_bytes(outer([1, 2, 3], 4, [0.5]))
    for data in (noise, whole[:at], whole[:at] + noise):
        message, found = "", None
        try:
            found = read_arrays(Outer, data, "worlds/x/derived/y.npz")
        except ContractError as error:
            message = str(error)
        assert found is not None or "worlds/x/derived/y.npz" in message
        assert found is None or found.inner.words.tolist() == [1, 2, 3]


def test_pickles_are_never_read():
    """Security: an array of objects, which would run code when unpickled, is refused."""
    held = io.BytesIO()
    objects = np.array([{"not": "numbers"}], dtype=object)
    np.savez(held, **{"inner.words": objects, "inner.limit": np.array(1), "scale": objects})
    with pytest.raises(ContractError, match="allow_pickle"):
        read_arrays(Outer, held.getvalue(), "test")


@pytest.mark.parametrize("realism", ["v1", "v2"])
def test_the_draw_tables_of_a_world_come_back(realism):
    """The tables that a world seals are restored in full, types included."""
    settings = config(activity={"realism": realism})
    made = derived_tables(world_of(catalog_of(settings)), settings, parameters())
    data = array_bytes(made)
    found = read_arrays(Tables, data, "test")
    assert array_bytes(found) == data
    assert found.where.pool.entry.dtype == np.uint64
    assert isinstance(found.cells.travel_goes, int)
