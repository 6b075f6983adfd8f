"""The graph of a run holds what met, no more and no less, and a planted ring is found in it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import polars as pl
import polars.testing
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import fauxpay
from fauxpay.contracts.checks import check_batch
from fauxpay.contracts.tables import table
from fauxpay.errors import StorageError
from fauxpay.fraud.typology import OURS
from fauxpay.readers.graph import export_graph

EXAMPLE = Path(__file__).parents[2] / "examples" / "graph" / "find_rings.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> fauxpay.Run:
    """A small world in which rings are the only fraud."""
    quiet = {f"{name}_per_card_year": 0.0 for name in OURS}
    return fauxpay.generate(
        {
            "catalog": {"cards": 3000, "merchants": 2500, "places": 30},
            "fraud": {**quiet, "mule_ring_per_card_year": 0.1},
            "run": {
                "from": "2026-03-01",
                "to": "2026-03-22",
                "out": str(tmp_path_factory.mktemp("rings")),
                "executor": "serial",
            },
        }
    )


def rows_of(run: fauxpay.Run, name: str) -> pl.DataFrame:
    """A table of the run."""
    return pl.from_arrow(run.table(name).to_table())


def test_nodes_and_edges_are_what_transactions_say(run):
    """Counts by node and by pair are those of the rows, and every end of an edge is a node."""
    graph = run.graph()
    nodes, edges = pl.from_arrow(graph.nodes), pl.from_arrow(graph.edges)
    rows = rows_of(run, "transactions")
    cards = nodes.filter(pl.col("kind") == "card")
    assert cards["transactions"].sum() == rows.height
    assert set(cards["key"]) == set(rows["card_id"])
    devices = nodes.filter(pl.col("kind") == "device")
    assert devices["transactions"].sum() == rows["device_id"].drop_nulls().len()
    shops = edges.filter(pl.col("kind") == "card_merchant")
    assert shops["transactions"].sum() == rows.height
    assert shops["declined"].sum() == (~rows["is_approved"]).sum()
    assert (
        shops.select("source", "target").n_unique()
        == rows.select("card_id", "merchant_id").n_unique()
    )
    assert set(edges["source"]) | set(edges["target"]) <= set(nodes["node"])
    for kind, first, second in (
        ("card_device", "card_id", "device_id"),
        ("card_address", "card_id", "ip_address"),
        ("card_merchant", "card_id", "merchant_id"),
        ("device_address", "device_id", "ip_address"),
    ):
        wanted = (
            rows.drop_nulls([first, second])
            .group_by(first, second)
            .agg(
                pl.len().alias("transactions"),
                (~pl.col("is_approved")).sum().alias("declined"),
                pl.col("event_time").min().alias("first_at"),
                pl.col("event_time").max().alias("last_at"),
            )
        )
        from_kind, to_kind = kind.split("_")
        wanted = wanted.select(
            pl.format(f"{from_kind}/{{}}", first).alias("source"),
            pl.format(f"{to_kind}/{{}}", second).alias("target"),
            *("transactions", "declined", "first_at", "last_at"),
        )
        found = edges.filter(pl.col("kind") == kind).select(wanted.columns)
        pl.testing.assert_frame_equal(found, wanted, check_row_order=False, check_dtypes=False)


def test_the_graph_keeps_its_contract(run):
    """Both tables pass the contract that names them; a node twice does not."""
    graph = run.graph("1GB")
    for name, made in (("graph_nodes", graph.nodes), ("graph_edges", graph.edges)):
        contract = table(f"activity.yaml#/$defs/{name}")
        assert check_batch(contract, made, {}) == []
        spoilt = made.slice(0, 3).set_column(0, made.field(0), [["?"] * 3])
        assert {finding.check for finding in check_batch(contract, spoilt, {})} >= {"pattern"}


def test_a_planted_ring_is_found(run):
    """The example loads the graph in networkx; nearly all cards of a large ring lie together."""
    spec = importlib.util.spec_from_file_location("find_rings", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    truth = rows_of(run, "truth").join(rows_of(run, "transactions"), on="transaction_id")
    online = truth.filter(pl.col("device_id").is_not_null())
    largest = online.group_by("campaign_id").agg(pl.col("card_id").unique())
    largest = largest.sort(pl.col("card_id").list.len(), descending=True)["card_id"][0]
    ring = {f"card/{card}" for card in largest}
    assert len(ring) >= 5
    found = example.rings(run)
    best = max(found, key=lambda group: len(group & ring))
    assert len(best & ring) >= 0.7 * len(ring)
    assert found.index(best) < 3, "it is among the first that one would look at"


def test_the_graph_is_exported(run, tmp_path):
    """Two Parquet files, the same tables as in memory, and never over what is there."""
    from fauxpay.cli.app import app

    folder = tmp_path / "graph"
    command = ["export", str(folder), "--out", str(run.root), "--graph"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert "graph_nodes" in told.output
    graph = run.graph()
    assert pq.read_table(folder / "graph_nodes.parquet").equals(graph.nodes)
    assert pq.read_table(folder / "graph_edges.parquet").equals(graph.edges)
    with pytest.raises(StorageError, match="expected a place for a new folder"):
        export_graph(run, folder)
