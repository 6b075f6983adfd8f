"""pandas has the ids of the files; floats, which it makes of missing ones, hold no 63 bits."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.cli.summary import openings
from fauxpay.contracts.for_pandas import whole_for_pandas
from fauxpay.readers.flat import export_flat
from fauxpay.readers.run import TABLES

pd = pytest.importorskip("pandas")
LINKS = ("previous_transaction_id", "original_transaction_id", "device_id")


@pytest.fixture
def run(sealed):
    """A run of some days."""
    return fauxpay.open(sealed).latest()


def same(frame, table: pa.Table, name: str) -> bool:
    """Whether a column of a frame has the whole numbers of a table, and its gaps."""
    found = [None if value is pd.NA else int(value) for value in frame[name]]
    return found == table.column(name).to_pylist()


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_its_whole_numbers(run, name):
    """What may be null, too; texts, days and times are as they were."""
    table = run.table(name).to_table()
    frame = table.to_pandas()
    whole = [field.name for field in table.schema if pa.types.is_integer(field.type)]
    assert all(same(frame, table, column) for column in whole)
    plain = table.to_pandas(ignore_metadata=True)
    others = [column for column in table.column_names if column not in whole]
    assert frame[others].equals(plain[others])


def test_ids_have_more_bits_than_floats(run):
    """The fixture would show the fault: left to itself pandas makes other ids."""
    table = run.table("transactions").to_table()
    plain = table.to_pandas(ignore_metadata=True)
    assert plain["device_id"].dtype == "float64"
    told = set(table.column("device_id").drop_null().to_pylist())
    assert not told <= {int(value) for value in plain["device_id"].dropna()}


def test_a_flat_file_and_a_training_set_have_the_ids(run, tmp_path):
    """What beginners open, and what models are taught with; features stay floats."""
    export_flat(run, tmp_path / "flat.parquet")
    flat = pq.read_table(tmp_path / "flat.parquet")
    frame = pd.read_parquet(tmp_path / "flat.parquet")
    assert all(same(frame, flat, name) for name in LINKS)
    assert frame["posted_amount_minor"].dtype == "Int64"
    table = run.training_set("2026-03-03", gap_days=0, train_days=2)
    assert table.column("device_id").null_count not in (0, table.num_rows)
    taught = table.to_pandas()
    assert same(taught, table, "device_id")
    assert taught["device_count_7d"].dtype == "float64"


@pytest.mark.parametrize("name", [name for name in TABLES if name != "campaigns"])
def test_the_files_themselves_have_them(run, name):
    """Who reads a file of a run with pandas alone, and who reads the folder, with its days."""
    for path in run.files(name):
        assert_whole(pd.read_parquet(path), pq.read_table(path))
    for folder in (up for up in run.files(name)[0].parents if up.name == name):
        assert_whole(pd.read_parquet(folder), pq.read_table(folder))


def assert_whole(frame, table: pa.Table):
    """Every column of whole numbers has them."""
    for field in table.schema:
        if pa.types.is_integer(field.type):
            assert same(frame, table, field.name)


def test_the_line_that_a_run_ends_with_has_the_ids(run):
    """As it is printed for pandas."""
    frame = eval(openings(run)["pandas"], {"pd": pd}).set_index("transaction_id")
    table = run.table("transactions").to_table()
    frame = frame.loc[table.column("transaction_id").to_pylist()]
    assert all(same(frame, table, name) for name in LINKS)


def test_a_schema_without_such_columns_is_left_alone():
    """Known answers: what may not be null, and what is no whole number."""
    schema = pa.schema([pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.float64())])
    assert whole_for_pandas(schema).metadata is None
    marked = whole_for_pandas(pa.schema([("a", pa.int16()), ("b", pa.uint32())]), ("b",))
    frame = pa.table({"a": [1, None], "b": [None, 2]}, schema=marked).to_pandas()
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "UInt32"]


def test_what_a_schema_says_already_stays():
    """Other metadata is kept; only columns that are named, or may be null, are marked."""
    fields = [
        pa.field("a", pa.int64()),
        pa.field("b", pa.uint32(), False),
        pa.field("c", pa.string()),
    ]
    schema = pa.schema(fields, {"own": "kept"})
    for names, marked in ((None, {"a": "Int64"}), (("b", "c"), {"b": "UInt32"})):
        made = whole_for_pandas(schema, names)
        assert made.metadata[b"own"] == b"kept"
        columns = json.loads(made.metadata[b"pandas"])["columns"]
        assert {one["name"]: one["numpy_type"] for one in columns} == marked
