"""Array files: a record of arrays as bytes, and back, so that tables are built once and sealed.

A record is a frozen dataclass of arrays, whole numbers and further records. The file is NumPy's
own .npz, uncompressed, read without pickle; its bytes depend on the values alone.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from fauxpay.errors import ContractError

Record = TypeVar("Record")


def array_bytes(record: Any) -> bytes:
    """The file of a record: one array per leaf, named by its path ("where.pool.entry")."""
    assert is_dataclass(record)
    held = io.BytesIO()
    np.savez(held, allow_pickle=False, **dict(_leaves(record, "")))
    return held.getvalue()


def read_arrays(kind: type[Record], data: bytes, place: str) -> Record:
    """The record of a file. Raises ContractError where it is not one of that kind.

    place  what to call the file in a message
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        return _record(kind, arrays, "")
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ContractError(
            f"{place}: not the arrays of {kind.__name__}: {error}; restore it, or remove the "
            f"world's folder and run the same command again"
        ) from error


def _leaves(record: Any, prefix: str) -> Iterator[tuple[str, NDArray[Any]]]:
    for field in fields(record):
        value, name = getattr(record, field.name), f"{prefix}{field.name}"
        if is_dataclass(value):
            yield from _leaves(value, f"{name}.")
        else:
            array = np.asarray(value)
            assert array.dtype.kind in "iufb", (name, array.dtype)
            yield name, array


def _record(kind: type[Record], arrays: Mapping[str, NDArray[Any]], prefix: str) -> Record:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        name, hint = f"{prefix}{field.name}", hints[field.name]
        if isinstance(hint, type) and is_dataclass(hint):
            values[field.name] = _record(hint, arrays, f"{name}.")
        else:
            values[field.name] = int(arrays[name]) if hint is int else arrays[name]
    return kind(**values)
