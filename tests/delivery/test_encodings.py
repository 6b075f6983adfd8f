"""Encodings: how columns lie in the files. Readers get the same values; bytes and time differ."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fauxpay.contracts.tables import table
from fauxpay.delivery.tables import INCOMPRESSIBLE, writer_options
from fauxpay.receipts import layout
from worlds import DAY, config, maker_of


@pytest.fixture(scope="module")
def rows() -> dict[str, pa.Table]:
    """A day of transactions and postings."""
    stream = maker_of(config()).make(range(DAY, DAY + 1), 0)
    made = [pa.Table.from_batches([window.batch]).combine_chunks() for window in stream.windows()]
    return {"transactions": made[0], "postings": stream.side_tables()["postings"][0]}


def written(rows: pa.Table, name: str, codec: str, path) -> tuple[pa.Table, dict]:
    """(the table read back, facts of each column's first chunk by name)."""
    schema, options = writer_options(table(layout.DAY_TABLES[name]), codec)
    with pq.ParquetWriter(path, schema, **options) as writer:
        writer.write_table(rows)
    group = pq.ParquetFile(path).metadata.row_group(0)
    chunks = [group.column(position) for position in range(group.num_columns)]
    return pq.ParquetFile(path).read(), {chunk.path_in_schema: chunk for chunk in chunks}


@pytest.mark.parametrize("codec", ["snappy", "lz4", "zstd", "none"])
@pytest.mark.parametrize("name", ["transactions", "postings"])
def test_any_codec_gives_the_same_values(rows, name, codec, tmp_path):
    """Metamorphic: codec and encoding change no value."""
    read, _ = written(rows[name], name, codec, tmp_path / "rows.parquet")
    assert read.to_pylist() == rows[name].to_pylist()


def test_amounts_are_written_as_differences(rows, tmp_path):
    """Amounts fill seven plain bytes in eight with zeros, so they are packed before any codec."""
    for name, amounts in (
        ("transactions", ("amount_minor", "billing_amount_minor")),
        ("postings", ("posted_amount_minor",)),
    ):
        _, chunks = written(rows[name], name, "none", tmp_path / f"{name}.parquet")
        for amount in amounts:
            assert "DELTA_BINARY_PACKED" in chunks[amount].encodings
            assert chunks[amount].total_uncompressed_size < 4 * rows[name].num_rows


def test_random_bits_are_left_to_thorough_codecs(rows, tmp_path):
    """Fast codecs pass by columns of random bits alone; zstd takes them, for cards recur."""
    _, fast = written(rows["transactions"], "transactions", "snappy", tmp_path / "fast.parquet")
    passed_by = {name for name, chunk in fast.items() if chunk.compression == "UNCOMPRESSED"}
    assert passed_by == set(INCOMPRESSIBLE)
    _, thorough = written(rows["transactions"], "transactions", "zstd", tmp_path / "z.parquet")
    assert {chunk.compression for chunk in thorough.values()} == {"ZSTD"}
