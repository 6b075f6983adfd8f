"""Measures: exact counts in bounded memory, from footers where they have them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fauxpay
from fauxpay.errors import StorageError
from fauxpay.readers import measures

SMALL = {"cards": 300, "merchants": 400, "places": 15}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A sealed run of two days."""
    root = tmp_path_factory.mktemp("measured")
    window = {"from": "2026-03-01", "to": "2026-03-03"}
    own = {"out": str(root), "executor": "serial", "report": False, **window}
    return fauxpay.generate({"catalog": SMALL, "run": own})


@pytest.mark.parametrize("ids_at_once", [1, 50, 333, 1 << 20])
def test_passes_change_no_count(run, ids_at_once):
    """However few ids fit into memory, the count is the number of transactions."""
    at_once = max(ids_at_once, run.rows["transactions"] // 40)
    assert measures.unique_count(run, "transaction_id", at_once) == run.rows["transactions"]


def test_repeated_values_count_once(run):
    """A column with repetition has as many different values as numpy finds."""
    cards = run.table("transactions").to_table()["card_id"].to_numpy()
    assert measures.unique_count(run, "card_id", 100) == np.unique(cards).size < cards.size


def test_a_missing_file_is_said(run, tmp_path):
    """What is gone cannot be measured."""
    path = run.files("transactions")[0]
    path.rename(tmp_path / "away")
    try:
        with pytest.raises(StorageError, match="missing"):
            measures.null_counts(run)
    finally:
        (tmp_path / "away").rename(path)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=60),
    st.booleans(),
    st.integers(1, 20),
)
def test_nulls_with_and_without_statistics(tmp_path_factory, values, has_statistics, group):
    """Property: footer or values, any row groups, the count is the number of nulls."""
    path = tmp_path_factory.mktemp("nulls") / "x.parquet"
    table = pa.table({"other": list(range(len(values))), "x": pa.array(values, pa.int64())})
    pq.write_table(table, path, write_statistics=has_statistics, row_group_size=group)
    with pq.ParquetFile(path) as file:
        assert (measures._nulls_in_footer(file, "x") is not None) == has_statistics
        assert measures._nulls_of_file(file, ["x"]) == {"x": values.count(None)}


@given(st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=12))
def test_seen_ids_are_a_set(batches):
    """Property: a set of ids, united when it grows long, counts what a Python set counts."""
    seen = measures._Seen()
    for ids in batches:
        seen.add(np.array(ids, np.int64))
    assert seen.count() == len({one for ids in batches for one in ids})


def test_a_rate_of_nothing_is_nothing():
    """A table without rows has no nulls."""
    assert measures.Nulls("truth", "x", 0, 0).rate == 0
    assert measures.Nulls("truth", "x", 1, 4).rate == 0.25
