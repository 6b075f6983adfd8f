"""The flat file: what stands in the way of it is said."""

from __future__ import annotations

import pytest

import fauxpay
from fauxpay.errors import StorageError
from fauxpay.readers.flat import export_flat


def test_a_folder_that_is_a_file_is_told(sealed, tmp_path):
    """The message of the write comes through, not that of tidying up after it."""
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(StorageError, match=r"x\.parquet: cannot write: .* a new file in a folder"):
        export_flat(fauxpay.open(sealed).latest(), tmp_path / "f" / "x.parquet")
