"""Arrow, Polars, DuckDB and pandas read the same rows of a run, of any number of shards."""

from __future__ import annotations

import polars as pl
import pytest

import fauxpay
from fauxpay.readers.run import TABLES
from fauxpay.readers.views import connect_run


@pytest.fixture(scope="module")
def run(sealed):
    """A run in two shards."""
    found = fauxpay.open(sealed).latest()
    assert len(found.entries("campaigns")) == 2
    return found


def plain(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """In one order, and what is numbered in dictionaries as texts."""
    texts = [pl.col(name).cast(pl.String) for name in names if _is_numbered(frame.schema[name])]
    return frame.select(names).with_columns(texts).sort(names[0], names[-1])


def _is_numbered(kind: object) -> bool:
    return isinstance(kind, (pl.Categorical, pl.Enum))


@pytest.mark.parametrize("name", TABLES)
def test_all_read_the_same_rows(run, name):
    """Values, nulls, instants; types but for how texts are kept."""
    pytest.importorskip("pandas")
    table = run.table(name).to_table()
    names = table.column_names
    with connect_run(run, threads=1, names=(name,)) as connection:
        asked = pl.from_arrow(connection.sql(f"FROM {name}").to_arrow_table())
    wanted = plain(pl.from_arrow(table), names)
    assert plain(run.scan(name).collect(), names).equals(wanted)
    assert plain(asked, names).equals(wanted)
    from_pandas = plain(pl.from_pandas(table.to_pandas()), names)
    assert from_pandas.cast(dict(wanted.schema)).equals(wanted)


def test_a_campaign_is_one_row(run):
    """Its key is a key, though each shard's file has its own part; Arrow reads some columns."""
    rows = run.table("campaigns").to_table(columns=["campaign_id"]).column("campaign_id")
    assert len(rows) == len(rows.unique()) < run.rows["campaigns"]
    assert run.table("campaigns").schema.names == [
        "campaign_id",
        "typology",
        "started_at",
        "ended_at",
    ]
