"""The lines that a run ends with open that run, whatever else its world has made."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

import fauxpay
from fauxpay.cli.summary import openings
from sealed import WINDOW, request


def test_each_tool_reads_the_days_of_the_run_alone(root):
    """Two runs of one world below one root share its folders of days."""
    duckdb, pl, pd = map(pytest.importorskip, ("duckdb", "polars", "pandas"))
    end = date.fromisoformat(str(WINDOW["to"]))
    days = {"from": end.isoformat(), "to": (end + timedelta(days=1)).isoformat()}
    later = fauxpay.generate(request(root, **days))
    earlier = next(run for run in fauxpay.open(root).runs() if run.run_id != later.run_id)
    assert later.world_id == earlier.world_id
    for run in (earlier, later):
        ids = set(run.table("transactions").to_table().column("transaction_id").to_pylist())
        lines = openings(run)
        found = {
            "DuckDB": {
                row[0]
                for row in duckdb.sql(f"SELECT transaction_id FROM ({lines['DuckDB']})").fetchall()
            },
            "Polars": set(eval(lines["Polars"], {"pl": pl}).collect()["transaction_id"]),
            "pandas": set(eval(lines["pandas"], {"pd": pd})["transaction_id"]),
        }
        assert {tool: rows == ids for tool, rows in found.items()} == dict.fromkeys(found, True)
