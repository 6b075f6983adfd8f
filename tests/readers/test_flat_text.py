"""The flat file in text: CSV as its name says, and no other kind."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

import fauxpay
from fauxpay.errors import ConfigError, StorageError
from fauxpay.readers.flat import export_flat, flat_schema
from fauxpay.readers.one_file import rows_into
from fauxpay.scorecard.scoring import score


@pytest.fixture
def run(sealed):
    """A run of some days."""
    return fauxpay.open(sealed).latest()


def plain(schema: pa.Schema) -> pa.Schema:
    """The schema with texts in place of codes, as text has them."""
    return pa.schema(
        [
            (one.name, pa.string() if pa.types.is_dictionary(one.type) else one.type)
            for one in schema
        ]
    )


def read_csv(path, schema: pa.Schema) -> pa.Table:
    """A CSV with the types that are expected; empty is null."""
    options = csv.ConvertOptions(column_types=plain(schema), strings_can_be_null=True)
    return csv.read_csv(path, convert_options=options)


def test_a_folder_that_is_a_file_is_told(run, tmp_path):
    """The message of the write comes through, not that of tidying up after it."""
    (tmp_path / "f").write_bytes(b"")
    for name in ("x.csv", "x.csv.gz"):
        told = rf"{name}: cannot write: .* a new file in a folder"
        with pytest.raises(StorageError, match=told):
            export_flat(run, tmp_path / "f" / name)


@pytest.mark.parametrize("name", ["flat.csv", "flat.csv.gz", "FLAT.CSV"])
def test_text_holds_what_parquet_holds(run, tmp_path, name):
    """Every value of every row, times with their zone, ids to the last digit."""
    rows = export_flat(run, tmp_path / "flat.parquet")
    assert export_flat(run, tmp_path / name) == rows > 1000
    schema = flat_schema(run)
    wanted = pq.read_table(tmp_path / "flat.parquet").cast(plain(schema))
    found = read_csv(tmp_path / name, schema)
    assert found.column_names == schema.names
    assert found.to_pylist() == wanted.to_pylist()


def test_packed_text_is_the_same_text_each_time(run, tmp_path):
    """gzip notes no time and no name, so the same run makes the same file."""
    for name in ("a.csv.gz", "b.csv.gz", "a.csv"):
        export_flat(run, tmp_path / name)
    first, second = ((tmp_path / f"{name}.csv.gz").read_bytes() for name in "ab")
    assert first == second
    assert gzip.decompress(first) == (tmp_path / "a.csv").read_bytes()


@pytest.mark.slow
def test_a_flat_csv_can_be_scored(run, tmp_path):
    """As any card table in text: times are times, and every row is read."""
    export_flat(run, tmp_path / "flat.csv")
    mapping = {"card": "card_id", "at": "event_time", "label": "is_fraud"}
    found = score(tmp_path / "flat.csv", mapping)
    assert found.evidence["rows"] == run.rows["transactions"]


@pytest.mark.parametrize("name", ["flat.xlsx", "flat.json", "flat.csv.zip"])
def test_other_kinds_of_files_are_refused(run, tmp_path, name):
    """Rows of Parquet under such a name would be read by nobody."""
    told = r"no file of the kind .* is made; expected a name that ends in \.parquet, \.csv or"
    with pytest.raises(ConfigError, match=told):
        export_flat(run, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["flat", "flat.pq", "FLAT.PARQUET"])
def test_a_name_without_an_end_is_parquet(run, tmp_path, name):
    """As it was before there was CSV; capitals change nothing."""
    export_flat(run, tmp_path / name)
    assert pq.read_schema(tmp_path / name).names == flat_schema(run).names


def test_text_has_values_and_parquet_keeps_the_groups_that_it_is_given(tmp_path):
    """A dictionary is no text; each table that is written is one row group."""
    names = pa.array(["b", "a", "b"] * 700).dictionary_encode()
    rows = pa.table({"name": names, "n": list(range(2100))})
    for name in ("t.csv", "t.parquet"):
        with rows_into(tmp_path / name, tmp_path / name, rows.schema) as write:
            write(rows)
            write(rows.slice(0, 0))
    text = (tmp_path / "t.csv").read_text().splitlines()
    assert text[:3] == ['"name","n"', '"b",0', '"a",1']
    assert len(text) == 2101
    assert pq.read_table(tmp_path / "t.parquet").equals(rows)
    groups = pq.ParquetFile(tmp_path / "t.parquet").metadata
    assert groups.row_group(0).num_rows == 2100
