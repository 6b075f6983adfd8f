"""Segments: sealed inputs, verdicts upstream, gate receipts; and nothing starts on what failed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fauxpay
from fauxpay.errors import ContractError, GateError
from fauxpay.foundations.canonical import canonical_json, document_digest
from fauxpay.gates.segments import (
    READS,
    SEGMENT_OF,
    SEGMENTS,
    TABLES_OF,
    SealedInput,
    may_start,
    segment_digest,
    segment_document,
    segment_verdict,
)
from fauxpay.gates.verdicts import Check, Verdict
from fauxpay.receipts import layout
from fauxpay.receipts.identity import world_id
from fauxpay.receipts.records import partition_receipt, read_document
from sealed import KINDS, file_of, request

ZERO = "0" * 64


def test_segments_own_every_table_once_and_read_upstream_only():
    """Each public table belongs to one segment; a segment reads tables of earlier ones alone."""
    tables = {**layout.CATALOG_TABLES, **layout.PLAN_TABLES, **layout.DAY_TABLES}
    owned = [table for segment in SEGMENTS for table in TABLES_OF[segment]]
    assert sorted(owned) == sorted(tables)
    assert len(set(owned)) == len(owned)
    for number, segment in enumerate(SEGMENTS):
        assert all(SEGMENTS.index(SEGMENT_OF[table]) < number for table in READS[segment])


verdicts = st.sampled_from([None, *Verdict])


@given(st.lists(verdicts, max_size=5), st.booleans(), st.booleans())
def test_a_segment_is_no_better_than_what_it_read(upstream, is_written, is_failed):
    """Property: PASS needs every judged input to be PASS, something written, and no finding."""
    inputs = [SealedInput(str(n), ZERO, "activity", one) for n, one in enumerate(upstream)]
    written = ["labels"] if is_written else []
    verdict = segment_verdict("labels", inputs, written, ["labels"] if is_failed else [])
    good = all(one in (None, Verdict.PASS) for one in upstream)
    assert may_start(inputs) == good
    assert (verdict is Verdict.PASS) == (good and is_written and not is_failed)
    assert (verdict is Verdict.FAIL) == is_failed
    check = Check("labels: all", Verdict.PASS, 1, 0, "holds")
    document = segment_document("labels", {"world_id": ZERO, "run_id": None}, inputs, [], [check])
    assert (document["verdict"] == "PASS") == good
    assert document["segment_digest"] == segment_digest(document)


def test_no_check_is_no_pass():
    """An empty gate has proved nothing."""
    document = segment_document("labels", {"world_id": ZERO, "run_id": None}, [], [], [])
    assert document["verdict"] == "UNKNOWN"


def test_a_run_keeps_a_gate_receipt_of_each_segment(sealed):
    """Four segments in the receipt; each names what it read by the digest that its maker gave."""
    run = fauxpay.open(sealed).latest()
    world = json.loads(file_of(sealed, "worlds/*/world.json").read_text())
    documents = {"catalog": world["segment"]}
    for segment in SEGMENTS[1:]:
        data = (run.folder / layout.segment_file(segment)).read_bytes()
        documents[segment] = read_document("run.yaml#/$defs/segment", data)
    assert [one["segment"] for one in run.receipt["segments"]] == list(SEGMENTS)
    outputs: dict[str, str] = {}
    for entry in run.receipt["segments"]:
        document = documents[entry["segment"]]
        assert (entry["verdict"], entry["digest"]) == ("PASS", document["segment_digest"])
        assert [one["table"] for one in document["outputs"]] == list(TABLES_OF[entry["segment"]])
        assert document["checks"]
        for one in document["inputs"]:
            if one["segment"]:
                assert one["verdict"] == "PASS"
                assert outputs[one["name"]] == one["digest"]
        outputs |= {one["table"]: one["digest"] for one in document["outputs"]}
    rows = {o["table"]: o["rows"] for d in documents.values() for o in d["outputs"]}
    assert rows == run.rows


def test_a_partition_says_what_each_segment_read(sealed):
    """In a sidecar fraud read the transactions, labels also the truth, by logical digest."""
    path = file_of(sealed, "worlds/*/seed=1/partitions/event_day=2026-03-02/part-0000.json")
    document = json.loads(path.read_text())
    digests = {entry["name"]: entry["logical_digest"] for entry in document["tables"]}
    states = {one["segment"]: one for one in document["segments"]}
    assert list(states) == ["activity", "fraud", "labels"]
    read = {one["name"]: one["digest"] for one in states["labels"]["inputs"]}
    expected = {name: digests[name] for name in ("transactions", "truth")}
    assert read == {"world": document["world_id"], **expected}
    document["segments"][1]["verdict"] = "FAIL"
    with pytest.raises(ContractError, match="segments do not follow"):
        partition_receipt(canonical_json(document))


def test_nothing_starts_on_a_segment_that_failed(tmp_path, monkeypatch):
    """Activity fails in one row: fraud and labels are not made there, and say why."""
    from fauxpay.partitions import fill

    monkeypatch.setattr(fill, "CHANNEL_OF_KIND", fill.CHANNEL_OF_KIND[::-1].copy())
    with pytest.raises(GateError, match=r"transactions: \w+ \w+ \(FAIL\)"):
        fauxpay.generate(request(tmp_path))
    kept = file_of(tmp_path, "quarantine/*/worlds/*/seed=1/partitions/event_day=*/*.json")
    document = json.loads(kept.read_text())
    assert [entry["name"] for entry in document["tables"]] == ["transactions"]
    told = {one["segment"]: one["verdict"] for one in document["segments"]}
    assert told == {"activity": "FAIL", "fraud": "UNKNOWN", "labels": "UNKNOWN"}
    read = {one["name"]: one["verdict"] for one in document["segments"][2]["inputs"]}
    assert read == {"world": "PASS", "transactions": "FAIL", "truth": "UNKNOWN"}
    (folder,) = (tmp_path / "quarantine").iterdir()
    verdicts_of = {
        path.stem: json.loads(path.read_text())["verdict"]
        for path in (folder / "segments").glob("*.json")
    }
    assert verdicts_of == {"activity": "FAIL", "fraud": "UNKNOWN", "labels": "UNKNOWN"}
    assert not list(tmp_path.rglob("truth/event_day=*"))


def test_a_fault_of_postings_is_one_of_their_segment(tmp_path, monkeypatch):
    """Transactions are sound and their postings are not: fraud does not start on that."""
    from fauxpay.partitions.ledger import Ledger

    plain = Ledger.tables
    monkeypatch.setattr(Ledger, "tables", lambda own: [one.slice(1) for one in plain(own)])
    with pytest.raises(GateError, match=r"postings: posted transaction_id \(FAIL\)"):
        fauxpay.generate(request(tmp_path))
    kept = file_of(tmp_path, "quarantine/*/worlds/*/seed=1/partitions/event_day=*/*.json")
    document = json.loads(kept.read_text())
    assert [entry["name"] for entry in document["tables"]] == ["transactions", "postings"]
    assert set(document["counts"]) == {"transactions", "postings"}


def spoilt(path: Path, verdict: str, *, is_digest_made_again: bool) -> None:
    """A world whose catalog has another verdict."""
    world = json.loads(path.read_text())
    world["segment"]["checks"][0]["verdict"] = verdict
    world["segment"]["verdict"] = verdict
    if is_digest_made_again:
        world["segment"]["segment_digest"] = segment_digest(world["segment"])
    path.write_bytes(canonical_json(world))


@pytest.mark.parametrize("verdict", ["FAIL", "UNKNOWN"])
def test_nothing_starts_on_a_catalog_that_is_not_pass(tmp_path, verdict):
    """A world.json that does not say PASS stops the run before a row is made."""
    fauxpay.generate(request(tmp_path, to="2026-03-02"))
    path = file_of(tmp_path, "worlds/*/world.json")
    spoilt(path, verdict, is_digest_made_again=True)
    with pytest.raises(GateError, match=f"the catalog's verdict is {verdict}; expected PASS"):
        fauxpay.generate(request(tmp_path))
    spoilt(path, "PASS", is_digest_made_again=False)
    with pytest.raises(ContractError, match="gate receipt was changed after it was sealed"):
        fauxpay.generate(request(tmp_path))
    assert not list(tmp_path.rglob("event_day=2026-03-03"))


def test_digests_of_outputs_cover_every_partition(sealed):
    """One other logical digest anywhere is another output digest."""
    from fauxpay.audit.verdicts import request_of
    from fauxpay.receipts.records import Contents
    from fauxpay.receipts.segments import run_segments

    run = fauxpay.open(sealed).latest()
    world = json.loads(file_of(sealed, "worlds/*/world.json").read_text())
    gate = json.loads((run.folder / layout.GATE).read_text())
    sidecars = sorted(sealed.glob("worlds/*/seed=1/partitions/*/*.json"))
    made = [partition_receipt(path.read_bytes()) for path in sidecars]
    days = [one for one in made if "transactions" in one.rows]
    plans = [one for one in made if "transactions" not in one.rows]

    def digest(partitions) -> str:
        contents = Contents(world, plans, partitions)
        return run_segments(request_of(run.receipt), contents, gate)[0]["outputs"][0]["digest"]

    before = digest(days)
    for number, day in enumerate(days):
        tables = (replace(day.tables[0], logical_digest=document_digest(number)), *day.tables[1:])
        changed = [*days[:number], replace(day, tables=tables), *days[number + 1 :]]
        assert digest(changed) != before


def test_a_sidecar_says_nothing_that_does_not_follow(sealed):
    """Verdict and segments follow from tables and findings; what says otherwise is refused."""
    document = json.loads(file_of(sealed, KINDS["sidecar of a day"]).read_bytes())
    assert partition_receipt(canonical_json(document)).document() == document
    with pytest.raises(ContractError, match="verdict FAIL with 0 findings; expected PASS"):
        partition_receipt(canonical_json({**document, "verdict": "FAIL"}))
    document["segments"][1]["verdict"] = "FAIL"
    with pytest.raises(ContractError, match="its segments do not follow from its"):
        partition_receipt(canonical_json(document))


def test_the_order_of_inputs_says_nothing():
    """A world is what it was made from, in whatever order that is listed."""
    inputs = [{"name": name, "sha256": name * 64} for name in "abc"]
    assert world_id(ZERO, inputs) == world_id(ZERO, inputs[::-1])
    assert world_id(ZERO, inputs) != world_id(ZERO, inputs[:2])
