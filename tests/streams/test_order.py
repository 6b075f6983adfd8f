"""The sequence of a run is its rows in order of time, whatever the shards and batches."""

from __future__ import annotations

import json
import re

import jsonschema
import jsonschema_rs
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fauxpay
from fauxpay.readers.query import connected
from fauxpay.streams.envelope import completed, encode, json_schema
from fauxpay.streams.order import LABEL, TRANSACTION, Piece, pieces


def lines_of(run, batch_rows=1000) -> list[dict]:
    """All events of a run as a consumer sees them."""
    with connected(threads=1) as connection:
        texts = [
            bytes(encode(connection, piece, run.run_id).text()) for piece in pieces(run, batch_rows)
        ]
    return [json.loads(line) for line in b"".join(texts).splitlines()]


@pytest.fixture(scope="module")
def events(played) -> list[dict]:
    """The events of the sealed run."""
    return lines_of(played)


def test_every_row_is_there_once_as_it_is(played, events):
    """Transactions and labels of the events are the tables of the run, value by value."""
    for kind, table in (("transaction", "transactions"), ("label", "labels")):
        data = [one["data"] for one in events if one["type"] == f"fauxpay.{kind}"]
        frame = played.scan(table).collect()
        moments = [name for name, of in frame.schema.items() if of == pl.Datetime("us", "UTC")]
        wanted = frame.with_columns(
            pl.col(moments).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
            pl.col(pl.Categorical).cast(pl.String),
        )
        assert len(data) == len(wanted) > 0

        def by(row: dict) -> tuple:
            return (row["transaction_id"], row.get("known_at", ""))

        found = sorted(data, key=by)
        expected = sorted(wanted.to_dicts(), key=by)
        for mine, theirs in zip(found, expected, strict=True):
            latitude = mine.get("latitude"), theirs.get("latitude")
            if latitude[0] is not None:
                assert pa.scalar(latitude[0], pa.float32()) == pa.scalar(latitude[1], pa.float32())
            drop = ("latitude", "longitude")
            assert {k: v for k, v in mine.items() if k not in drop} == {
                k: v for k, v in theirs.items() if k not in drop
            }


def test_time_never_falls_and_numbers_count_up(events):
    """Events are in order of their time, numbered without a gap; a label follows its purchase."""
    assert [int(one["sequence"]) for one in events] == list(range(len(events)))
    times = [one["time"] for one in events]
    assert times == sorted(times)
    assert len({one["id"] for one in events}) == len(events)
    at = {one["id"]: place for place, one in enumerate(events) if one["type"].endswith("tion")}
    labels = [(place, one) for place, one in enumerate(events) if one["type"] == "fauxpay.label"]
    assert labels
    for place, one in labels:
        assert at[str(one["data"]["transaction_id"])] < place


def test_the_key_is_the_card(events):
    """Labels go where their transaction went."""
    card = {
        one["data"]["transaction_id"]: one["partitionkey"]
        for one in events
        if one["type"] == "fauxpay.transaction"
    }
    for one in events:
        assert one["partitionkey"] == card[one["data"]["transaction_id"]]
        if "card_id" in one["data"]:
            assert one["partitionkey"] == str(one["data"]["card_id"])


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batch_rows=st.integers(1, 3000))
def test_batches_change_nothing(played, events, batch_rows):
    """Any size of batches gives the same sequence."""
    order = []
    for piece in pieces(played, batch_rows):
        ids = piece.transactions["transaction_id"].to_pylist()
        ids += piece.labels["transaction_id"].to_pylist()
        kinds = piece.kind.tolist()
        assert set(kinds) <= {TRANSACTION, LABEL}
        order += [(kind, ids[row]) for kind, row in zip(kinds, piece.order.tolist(), strict=True)]
    wanted = [
        (int(one["type"] == "fauxpay.label"), one["data"]["transaction_id"]) for one in events
    ]
    assert order == wanted


def test_shards_change_nothing(events, played, tmp_path):
    """The same cards in one shard are the same stream, but for the name of the run."""
    import sealed

    request = sealed.request(tmp_path / "one")
    request["output"] = {**request.get("output", {}), "cards_per_shard": 100_000}
    other = lines_of(fauxpay.generate(request))
    assert played.receipt["partitions"][0]["shard"] != played.receipt["partitions"][1]["shard"]
    assert [{**one, "source": ""} for one in other] == [{**one, "source": ""} for one in events]


def test_rows_in_many_batches_keep_their_lines(played):
    """Threads take batches as they come: each line stands beside the row that it was made of."""
    rows = next(pieces(played)).transactions
    batches = pa.concat_tables([rows] * 20)
    order = np.arange(batches.num_rows)
    piece = Piece(0, batches, _no_labels(played), order, np.zeros(order.size, dtype=np.int64))
    with connected(threads=4) as connection:
        for _ in range(5):
            found = encode(connection, piece, played.run_id)
            lines = bytes(found.text()).splitlines()
            assert [int(json.loads(line)["sequence"]) for line in lines] == order.tolist()
            assert found.id.to_pylist() == list(map(str, batches["transaction_id"].to_pylist()))


def _no_labels(run: fauxpay.Run) -> pa.Table:
    shape = run.table("labels").schema
    return shape.append(pa.field("card_id", pa.int64())).empty_table()


def test_days_on_which_nobody_paid_have_no_events(tmp_path):
    """Two cards leave days without a row: the stream goes on with the next day, in order."""
    catalog = {"cards": 2, "merchants": 120, "places": 6}
    out = {"from": "2026-03-01", "to": "2026-03-08", "out": str(tmp_path), "executor": "serial"}
    run = fauxpay.generate({"catalog": catalog, "run": {**out, "report": False}})
    rows = [entry["rows"] for entry in run.entries("transactions")]
    assert 0 in rows
    assert sum(rows) > 0
    found = lines_of(run)
    assert [int(one["sequence"]) for one in found] == list(range(sum(rows)))
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)


def test_each_line_keeps_the_schema(played, events):
    """Two validators take every line, and refuse lines that are wrong."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    quick = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    slow = jsonschema.Draft202012Validator(schema)
    end = json.loads(
        completed(played.run_id, 5, {"transaction": 4, "label": 1, "sha256": "0" * 64})
    )
    for one in (*events[:400], *(one for one in events if one["type"] == "fauxpay.label"), end):
        quick.validate(one)
    slow.validate(events[0])
    slow.validate(end)
    for wrong in (
        {**events[0], "type": "fauxpay.refund"},
        {**events[0], "sequence": "7"},
        {**events[0], "data": {**events[0]["data"], "mcc": 5411}},
        {**events[0], "data": {**events[0]["data"], "is_fraud": True}},
        {key: value for key, value in events[0].items() if key != "partitionkey"},
        {**end, "data": {"transaction": 4}},
    ):
        assert not quick.is_valid(wrong)
        assert not slow.is_valid(wrong)


def test_nothing_of_the_truth_is_sent(events):
    """No event of a transaction has a column that its contract does not have."""
    text = json.dumps([one for one in events if one["type"] == "fauxpay.transaction"])
    assert not re.search("fraud|typology|campaign", text.replace("fauxpay", ""))
