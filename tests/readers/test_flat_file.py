"""The flat file is the join of a run's tables, and what stands in the way of it is said."""

from __future__ import annotations

import json

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.errors import ContractError, StorageError
from fauxpay.readers.flat import LEAKING, export_flat
from sealed import FIRST, file_of

JOINED = """
    SELECT t.*, c.country AS customer_country, c.age_band AS customer_age_band,
           c.income_level AS customer_income_level, c.profile AS customer_profile,
           m.name AS merchant_name, m.presence AS merchant_presence,
           m.price_level AS merchant_price_level, p.posted_on, p.posted_amount_minor,
           f.transaction_id IS NOT NULL AS is_fraud, f.typology,
           l.label, l.source AS label_source, l.known_at AS label_known_at
    FROM transactions t JOIN customers c USING (customer_id) JOIN merchants m USING (merchant_id)
    LEFT JOIN postings p USING (transaction_id) LEFT JOIN truth f USING (transaction_id)
    LEFT JOIN (
        SELECT * FROM labels QUALIFY row_number() OVER
            (PARTITION BY transaction_id ORDER BY known_at DESC) = 1
    ) l USING (transaction_id)
"""


@pytest.fixture(scope="module")
def run(sealed) -> fauxpay.Run:
    """Three days in two shards; row groups are smaller than days."""
    return fauxpay.open(sealed).latest()


def test_each_row_stands_beside_what_is_known_of_it(run, tmp_path):
    """Customer, shop, books, truth and the last word of the bank: as another engine joins them."""
    path = tmp_path / "flat.parquet"
    assert export_flat(run, path) == run.rows["transactions"]
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in ("transactions", "postings", "truth", "labels", "customers", "merchants"):
            rows = pl.from_arrow(run.table(name).to_table())
            connection.register(name, rows.with_columns(pl.col(pl.Categorical).cast(pl.String)))
        wanted = connection.sql(JOINED).pl()
    found = pl.read_parquet(path).with_columns(pl.col(pl.Categorical).cast(pl.String))
    assert found.columns == wanted.columns
    for column in found.columns:
        mine = found.sort("transaction_id")[column].cast(pl.String)
        assert mine.equals(wanted.sort("transaction_id")[column].cast(pl.String)), column
    told = run.table("labels").to_table().column("transaction_id")
    assert len(told) > len(told.unique()), "some were told of more than once"
    assert found["is_fraud"].sum() == run.rows["truth"] > 0
    assert 0 < found["posted_on"].null_count() < found.height


def test_rows_come_in_the_order_of_days_shards_and_time(run, tmp_path):
    """Whoever reads the file from the beginning reads the files of the run one after another."""
    path = tmp_path / "flat.parquet"
    export_flat(run, path)
    parts = [pq.read_table(file) for file in run.files("transactions")]
    wanted = [one for part in parts for one in part.column("transaction_id").to_pylist()]
    assert pq.read_table(path).column("transaction_id").to_pylist() == wanted
    assert pq.ParquetFile(path).num_row_groups > len(parts), "no day is held as a whole"


def test_every_column_that_no_one_knew_then_is_named(run, tmp_path):
    """What is in none of transactions, customers and merchants leaks, and nothing else does."""
    path = tmp_path / "flat.parquet"
    export_flat(run, path)
    schema = pq.read_schema(path)
    known = {*run.table("transactions").schema.names}
    late = [
        name
        for name in schema.names
        if name not in known and not name.startswith(("customer_", "merchant_"))
    ]
    assert json.loads(schema.metadata[b"fauxpay.leaking_columns"]) == late == list(LEAKING)
    assert b"fauxpay.is_verified" not in schema.metadata


def test_a_damaged_or_missing_file_leaves_no_export(root, tmp_path):
    """Damage is told as such, and there is no file under the name."""
    run, path = fauxpay.open(root).latest(), tmp_path / "flat.parquet"
    file = file_of(root, FIRST)
    file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(ContractError, match="does not hold what its receipt says"):
        export_flat(run, path)
    file.unlink()
    with pytest.raises(StorageError, match="missing, or not of"):
        export_flat(run, path)
    assert list(tmp_path.glob("*.parquet*")) == []


def test_a_folder_that_is_a_file_is_told(sealed, tmp_path):
    """The message of the write comes through, not that of tidying up after it."""
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(StorageError, match=r"x\.parquet: cannot write: .* a new file in a folder"):
        export_flat(fauxpay.open(sealed).latest(), tmp_path / "f" / "x.parquet")
