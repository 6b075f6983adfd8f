"""Imperfect delivery is what was asked for, the same every time, and written down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fauxpay.errors import ConfigError, ContractError
from fauxpay.streams import play as playing
from fauxpay.streams.faults import Faults, read_faults, read_table
from fauxpay.streams.order import pieces
from fauxpay.streams.pace import Pace
from fauxpay.streams.play import Asked, play
from fauxpay.streams.received import graded

CHANGE_AT = "2026-03-02T12:00:00Z"
ALL = {
    "lost": 0.03,
    "duplicate": {"share": 0.05, "seconds": [0, 60]},
    "late": {"share": 0.05, "seconds": [600, 7200]},
    "out_of_order": {"share": 0.2, "seconds": [0, 300]},
    "clock_skew": {"share": 0.05, "seconds": [-300, 300]},
    "schema_change": {"at": CHANGE_AT, "rename": {"mcc": "category"}, "drop": ["longitude"]},
}


def spoiled(run, path, faults: dict) -> tuple[list[dict], pa.Table]:
    """(events as they arrive, table of faults) of a stream to a new file."""
    done = play(run, Asked(str(path), faults=Faults.model_validate(faults)), Pace())
    events = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert events.pop()["type"] == "fauxpay.stream.completed"
    assert done.faults is not None
    return events, done.faults


@pytest.fixture(scope="module")
def plain(played, tmp_path_factory) -> dict[str, dict]:
    """The stream as it should be, by id."""
    path = tmp_path_factory.mktemp("plain") / "events.ndjson"
    events, table = spoiled(played, path, {})
    assert table.num_rows == 0
    return {one["id"]: one for one in events}


def ids_of(table: pa.Table, fault: str) -> set[str]:
    """Ids of the events that had a fault."""
    rows = zip(table["id"].to_pylist(), table["fault"].to_pylist(), strict=True)
    return {own_id for own_id, kind in rows if kind == fault}


def test_without_faults_it_is_the_plain_stream(played, tmp_path):
    """Asked for none, byte for byte."""
    play(played, Asked(str(tmp_path / "a")), Pace())
    play(played, Asked(str(tmp_path / "b"), faults=Faults()), Pace())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_lost_or_doubled_is_in_the_table(played, plain, tmp_path):
    """Counted on the lines: none of the lost, two of the doubled, one of all others."""
    events, table = spoiled(played, tmp_path / "events", ALL)
    got = Counter(one["id"] for one in events)
    lost, doubled = ids_of(table, "lost"), ids_of(table, "duplicate")
    assert lost
    assert doubled
    assert not lost & doubled
    for own_id in plain:
        assert got[own_id] == (0 if own_id in lost else 2 if own_id in doubled else 1)


@pytest.mark.parametrize("fault", ["late", "out_of_order"])
def test_what_is_late_comes_later_by_what_the_table_says(played, plain, tmp_path, fault):
    """Sorted by time plus delay the stream is as it arrived; without delays nothing moves."""
    events, table = spoiled(played, tmp_path / "events", {fault: ALL[fault]})
    from datetime import datetime, timedelta

    rows = zip(table["id"].to_pylist(), table["seconds"].to_pylist(), strict=True)
    delay = dict(rows)
    assert len(delay) > 30

    def due(one: dict) -> tuple:
        moment = datetime.fromisoformat(one["time"])
        return (moment + timedelta(seconds=delay.get(one["id"], 0.0)), one["sequence"])

    assert [one["id"] for one in events] == [one["id"] for one in sorted(events, key=due)]
    assert [one["id"] for one in events] != list(plain)
    low, high = ALL[fault]["seconds"]
    assert all(low <= seconds <= high for seconds in delay.values())


def test_a_wrong_clock_shows_in_the_event_alone(played, plain, tmp_path):
    """time and event_time are off by what the table says; nothing else is, nor the order."""
    events, table = spoiled(played, tmp_path / "events", {"clock_skew": ALL["clock_skew"]})
    from datetime import datetime

    skew = dict(zip(table["id"].to_pylist(), table["seconds"].to_pylist(), strict=True))
    assert [one["id"] for one in events] == list(plain)
    assert min(skew.values()) < -200 < 200 < max(skew.values()), "the seconds that were asked for"
    for one in events:
        right = plain[one["id"]]
        off = datetime.fromisoformat(one["time"]) - datetime.fromisoformat(right["time"])
        assert off.total_seconds() == pytest.approx(skew.get(one["id"], 0.0))
        if one["id"] in skew:
            assert one["data"]["event_time"] == one["time"]
            one["data"]["event_time"] = one["time"] = right["time"]
        assert one["data"].get("event_time") == right["data"].get("event_time")
        assert {**one, "time": ""} == {**right, "time": ""}


def test_a_new_shape_begins_at_its_instant(played, plain, tmp_path):
    """Before it nothing changes; from it on names and columns of transactions do."""
    events, table = spoiled(played, tmp_path / "events", {"schema_change": ALL["schema_change"]})
    changed = ids_of(table, "schema_change")
    assert 0 < len(changed) < len(plain)
    for one in events:
        right = dict(plain[one["id"]]["data"])
        is_later = one["time"] >= CHANGE_AT.replace("Z", ".000000Z")
        is_changed = one["type"] == "fauxpay.transaction" and is_later
        assert (one["id"] in changed) == is_changed
        if is_changed:
            right["category"] = right.pop("mcc")
            del right["longitude"]
        assert one["data"] == right


@pytest.mark.slow
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batch_rows=st.integers(20, 3000))
def test_batches_change_no_fault(played, tmp_path_factory, batch_rows):
    """The same faults and the same order of arrival under any size of batches."""
    folder = tmp_path_factory.mktemp("batches")
    one = spoiled(played, folder / "a", ALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(playing, "pieces", lambda run: pieces(run, batch_rows))
        other = spoiled(played, folder / "b", ALL)
    assert one[0] == other[0]
    assert one[1].equals(other[1])


def test_shares_are_as_asked(played, plain, tmp_path):
    """Within four standard errors of the share of events."""
    _, table = spoiled(played, tmp_path / "events", ALL)
    counts = Counter(table["fault"].to_pylist())
    for fault in ("late", "out_of_order"):
        share = ALL[fault]["share"] * (1 - ALL["lost"])
        spread = (share * (1 - share) * len(plain)) ** 0.5
        assert abs(counts[fault] - share * len(plain)) < 4 * spread, fault


def test_a_consumer_that_copes_is_graded_perfect(played, tmp_path):
    """Doubles dropped and order restored: nothing is left but what nobody could have known."""
    path, mended, told = tmp_path / "events", tmp_path / "mended", tmp_path / "faults.parquet"
    _, table = spoiled(played, path, ALL)
    pq.write_table(table, told)
    assert not graded(played, path, faults=read_table(told)).is_perfect
    lines = {json.loads(line)["id"]: line for line in path.read_bytes().splitlines()}
    ordered = sorted(lines.values(), key=lambda line: json.loads(line)["sequence"])
    mended.write_bytes(b"\n".join(ordered) + b"\n")
    assert graded(played, mended, faults=read_table(told)).is_perfect
    careless = graded(played, mended)
    assert careless.missing == len(ids_of(table, "lost"))
    assert careless.altered > 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lost: 2", "lost: Input should be less than or equal to 1"),
        ("late: {share: 0.1, seconds: [9, 1]}", "smaller number first"),
        ("late: {share: 0.1, seconds: [-1, 1]}", "greater than or equal to 0"),
        ("lots: 0.1", "lots: Extra inputs"),
        ("schema_change: {at: 2026-03-02T00:00:00}", "with its zone"),
        ("schema_change: {at: 2026-03-02T00:00:00Z, drop: [amount]}", "no column 'amount'"),
        (
            "schema_change: {at: 2026-03-02T00:00:00Z, rename: {mcc: currency}}",
            "2 columns would be called 'currency'",
        ),
        ("schema_change: {at: 2026-03-02T00:00:00Z, rename: {mcc: ''}}", "would be called ''"),
        ("lost: [", "faults.yaml"),
    ],
)
def test_a_wrong_file_is_refused(played, tmp_path, text, told):
    """What, where, what is allowed."""
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises((ConfigError, ContractError), match=told):
        read_faults(path, played.table("transactions").schema.names)


def test_a_new_name_may_hold_a_quote(played, tmp_path):
    """A name is a text, whatever stands in it."""
    change = {"at": CHANGE_AT, "rename": {"mcc": "it's"}}
    events, _ = spoiled(played, tmp_path / "events", {"schema_change": change})
    assert any("it's" in event["data"] for event in events)


def test_the_command_writes_the_table_and_asks_for_both(played, tmp_path):
    """--faults without --fault-table is refused; with it both files are there."""
    faults, table, to = tmp_path / "f.yaml", tmp_path / "f.parquet", tmp_path / "events"
    faults.write_text("lost: 0.1")
    own = [sys.executable, "-m", "fauxpay", "stream", "--out", str(played.root), "--to", str(to)]
    done = subprocess.run([*own, "--faults", str(faults)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "expected both" in done.stderr
    assert not to.exists()
    nowhere = [*own, "--faults", str(faults), "--fault-table", str(tmp_path / "no" / "f.parquet")]
    done = subprocess.run(nowhere, capture_output=True, text=True)
    assert done.returncode == 6
    assert "f.parquet: cannot write" in done.stderr
    assert not to.exists(), "what was sent could not be told from mistakes"
    subprocess.run([*own, "--faults", str(faults), "--fault-table", str(table)], check=True)
    assert set(read_table(table)["fault"].to_pylist()) == {"lost"}
    again = [
        *own[:-1],
        str(tmp_path / "more"),
        "--faults",
        str(faults),
        "--fault-table",
        str(table),
    ]
    assert subprocess.run(again, capture_output=True).returncode == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events", "f.parquet", "f.yaml"]
    with pytest.raises(ContractError, match="expected"):
        read_table(played.files("cards")[0])


def test_a_table_that_cannot_be_written_is_told_before_anything_is_sent(played, tmp_path):
    """Exit code 6, and no events whose faults nobody knows."""
    faults, to = tmp_path / "f.yaml", tmp_path / "events"
    faults.write_text("lost: 0.1")
    own = [sys.executable, "-m", "fauxpay", "stream", "--out", str(played.root), "--to", str(to)]
    table = tmp_path / "absent" / "f.parquet"
    words = [*own, "--faults", str(faults), "--fault-table", str(table)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 6
    assert "cannot write: No such file or directory" in done.stderr
    assert not to.exists()


def test_faults_are_not_gone_on_with(played, tmp_path):
    """A stream with faults has another order: --resume is refused."""
    asked = Asked(str(tmp_path / "x"), is_resumed=True, faults=Faults(lost=0.5))
    with pytest.raises(ConfigError, match="from its beginning"):
        play(played, asked, Pace())
