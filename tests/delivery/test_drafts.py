"""Drafts: what is checked once for several days is told of the day that it belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

import fauxpay
from fauxpay.errors import GateError
from sealed import request

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
