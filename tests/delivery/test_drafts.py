"""Drafts: what is checked once for several days is told of the day that it belongs to."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.delivery.draft import take_window
from fauxpay.delivery.inspection import Inspector
from fauxpay.delivery.task import Task
from fauxpay.errors import GateError
from sealed import request

DAY_US = 86_400_000_000
FOUR_DAYS = {"to": "2026-03-05"}


def failing(root: Path, **output: int) -> dict[str, list[dict[str, object]]]:
    """Findings by partition of the run that failed below a root."""
    asked = {**request(root, **FOUR_DAYS), "fraud": {"card_testing_per_card_year": 5.0}}
    asked["output"] |= output
    with pytest.raises(GateError):
        fauxpay.generate(asked)
    found = {}
    for path in sorted(root.glob("quarantine/*/worlds/*/seed=1/partitions/event_day=*/*.json")):
        document = json.loads(path.read_text())
        found[f"{document['event_day']} {document['shard']}"] = document["findings"]
    return found


def passed(root: Path) -> list[str]:
    """Days and shards that were published."""
    paths = sorted(root.glob("worlds/*/seed=1/partitions/event_day=*/*.json"))
    return [json.loads(path.read_text())["event_day"] for path in paths]


def test_a_label_of_another_day_is_found(tmp_path, monkeypatch):
    """Good rows in the wrong day's file point to no transaction of that day."""
    from fauxpay.partitions import compose

    plain = compose.label_tables
    monkeypatch.setattr(compose, "label_tables", lambda *told: plain(*told)[::-1])
    found = failing(tmp_path)
    named = {(one["table"], one["check"]) for findings in found.values() for one in findings}
    assert named == {("labels", "foreign_key")}


def test_one_wrong_row_fails_its_day_alone(tmp_path, monkeypatch):
    """Of days made together the one with a wrong flag stays out, the others are published."""
    from fauxpay.partitions import compose

    plain = compose.truth_tables

    def spoilt(*told):
        first, *others = plain(*told)
        if not others:
            return [first]
        flags = pa.array([False] * first.num_rows, pa.bool_())
        column = first.schema.get_field_index("is_fraud")
        return [first.set_column(column, first.schema.field(column), flags), *others]

    monkeypatch.setattr(compose, "truth_tables", spoilt)
    found = failing(tmp_path)
    assert list(found) == ["2026-03-02 0"]
    (finding,) = found["2026-03-02 0"]
    assert (finding["table"], finding["check"]) == ("truth", "constant")
    assert passed(tmp_path)[:2] == ["2026-03-01", "2026-03-03"]


def test_a_wrong_row_of_a_window_is_told_of_its_day(tmp_path, monkeypatch):
    """A window holds several days: the finding and its row are those of the day in fault."""
    from fauxpay.partitions import fill

    plain = fill._card

    def spoilt(out, rows):
        plain(out, rows)
        out["customer_id"][-1] = 1

    monkeypatch.setattr(fill, "_card", spoilt)
    found = failing(tmp_path)
    assert found
    checks = {(one["check"], one["column"]) for findings in found.values() for one in findings}
    assert ("foreign_key", "customer_id") in checks
    assert ("card_agrees", "card_id") in checks
    for findings in found.values():
        rows = {one["first_row"] for one in findings}
        assert len(rows) == 1, "contract and rules name the same row of the day"


def test_a_broken_rule_keeps_back_every_day_that_breaks_it(tmp_path, monkeypatch):
    """Days of one window that break a rule of the world are told each, and none is published."""
    from fauxpay.delivery import task
    from fauxpay.partitions import fill

    monkeypatch.setattr(task, "first_day_early", iter)  # Three days in the first one.
    plain = fill._manner

    def spoilt(out, *told):
        plain(out, *told)
        out["is_approved"][:] = out["response_code"] != 0

    monkeypatch.setattr(fill, "_manner", spoilt)
    found = failing(tmp_path, row_group_rows=4096)  # A window holds them all.
    assert passed(tmp_path) == []
    # The fourth day may be made before the verdict on the first three is heard.
    assert list(found)[:3] == [f"2026-03-0{day} 0" for day in (1, 2, 3)]
    for findings in found.values():
        (approval,) = (one for one in findings if one["check"] == "approval")
        assert approval["first_row"] == 0
        assert approval["rows"] < 500


def test_a_finding_names_the_row_of_the_partition(tmp_path, monkeypatch):
    """A rule that is broken in a later row group is told by the row's place in the whole day."""
    from fauxpay.partitions import fill

    plain = fill._manner

    def spoilt(out, *told):
        plain(out, *told)
        is_late = out["event_time"] % DAY_US >= DAY_US * 5 // 6
        out["is_approved"][is_late] = (out["response_code"] != 0)[is_late]

    monkeypatch.setattr(fill, "_manner", spoilt)
    found = failing(tmp_path, cards_per_shard=1000)
    for key, findings in found.items():
        (approval,) = (one for one in findings if one["check"] == "approval")
        day, shard = key.split()
        pattern = f"quarantine/*/worlds/*/seed=1/transactions/event_day={day}/part-000{shard}.*"
        (path,) = tmp_path.glob(pattern)
        times = pq.read_table(path).column("event_time").cast(pa.int64()).to_numpy()
        assert approval["first_row"] == np.flatnonzero(times % DAY_US >= DAY_US * 5 // 6)[0] > 256


def test_rows_of_another_shape_are_asked_nothing_more():
    """Rules of the world would look for columns that are not there; each day is told its shape."""
    told, batch = [], pa.record_batch({"card_id": pa.array([1, 2, 3, 4, 5])})

    def asked(*_):
        raise AssertionError("asked")

    books = SimpleNamespace(members={}, inspect=asked)
    drafts = {
        day: SimpleNamespace(
            task=Task(0, day),
            take_rows=lambda part, rules, is_sound: told.append((part.num_rows, rules, is_sound)),
        )
        for day in (1, 2)
    }
    window = SimpleNamespace(batch=batch, claims={}, parts=[(1, 0, 2), (2, 2, 5)])
    take_window(drafts, window, SimpleNamespace(books=lambda shard: books))
    assert told == [(2, [], False), (3, [], False)]


def first_at_midnight(out):
    """Rows of a later row group begin before the last of the one above."""
    out["event_time"][0] -= out["event_time"][0] % DAY_US


def last_on_the_next_day(out):
    """The last row of each row group is of the day after."""
    out["event_time"][-1] += DAY_US


def last_under_one_name(out):
    """The last row of each row group has an identifier that all of them share."""
    out["transaction_id"][-1] = 7


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (first_at_midnight, ("follows", "event_time")),
        (last_on_the_next_day, ("event_day", "event_time")),
        (last_under_one_name, ("unique_in_partition", "transaction_id")),
    ],
)
def test_what_no_row_group_shows_alone_is_found(tmp_path, monkeypatch, how, told):
    """Order, day and identifiers hold over all row groups, or the partition is not published."""
    from fauxpay.partitions import fill

    plain = fill._card

    def spoilt(out, rows):
        plain(out, rows)
        how(out)

    monkeypatch.setattr(fill, "_card", spoilt)
    found = failing(tmp_path, cards_per_shard=1000)
    assert passed(tmp_path) == []
    for findings in found.values():
        assert told in {(one["check"], one["column"]) for one in findings}


def seen(*groups: list[tuple[int, int]]) -> list[tuple[str, int, int | None, str | None]]:
    """Findings about row groups of (microsecond of day 1, identifier)."""
    inspector, findings = Inspector(1), []
    for rows in groups:
        times = pa.array([DAY_US + at for at, _ in rows], pa.int64())
        columns = {
            "event_time": times.cast(pa.timestamp("us", "UTC")),
            "transaction_id": pa.array([own for _, own in rows], pa.int64()),
        }
        findings += inspector.inspect(pa.record_batch(columns))
    findings += inspector.finish()
    return [(one.check, one.offenders, one.first_row, one.first_value) for one in findings]


def test_the_first_and_the_last_instant_belong_to_the_day():
    """From midnight to the last microsecond, equal instants in a row, and nothing at all."""
    assert seen([(0, 1), (5, 2)], [], [(5, 3), (DAY_US - 1, 4)]) == []
    assert seen() == []
    assert seen([(-1, 1), (0, 2)]) == [("event_day", 1, 0, str(DAY_US - 1))]
    assert seen([(0, 1), (DAY_US, 2)]) == [("event_day", 1, 1, str(2 * DAY_US))]


def test_the_seam_of_two_row_groups_is_looked_at():
    """A group may not begin a microsecond before the last row, whatever lies between."""
    assert seen([(9, 1)], [], [(8, 2)]) == [("follows", 1, 0, str(DAY_US + 8))]
    assert seen([(1, 1), (1, 9)], [(2, 5), (3, 9)], [(4, 5)]) == [
        ("unique_in_partition", 2, 3, "9"),
    ]
