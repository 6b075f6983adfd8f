"""Postings in runs: gates stop wrong ones, verify and replay find changed ones, off is off."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.audit.replay import replay_run
from fauxpay.audit.verify import verify_run
from fauxpay.audit.who import who_made
from fauxpay.errors import GateError
from fauxpay.partitions.ledger import Ledger
from fauxpay.readers.flat import LEAKING_KEY, export_flat
from forgeries import forge, with_logical_digest, written
from sealed import file_of, request, run_of

FIRST = "worlds/*/seed=1/postings/event_day=2026-03-01/part-0000.parquet"
KEYED = ("transaction_id", "posted_on")


def findings(root: Path) -> set[tuple[str, str]]:
    """(table, check) of what kept a run below a root from passing."""
    found = set()
    for path in root.glob("quarantine/*/worlds/*/seed=1/partitions/event_day=*/*.json"):
        document = json.loads(path.read_text())
        found |= {(one["table"], one["check"]) for one in document["findings"]}
    return found


def later(path: Path, entry: dict) -> None:
    """One posting a day later."""
    del entry
    rows = pq.read_table(path, partitioning=None)
    days = rows["posted_on"].combine_chunks().cast(pa.int32()).to_numpy().copy()
    days[0] += 1
    at = rows.schema.get_field_index("posted_on")
    moved = pa.array(days).cast(pa.date32())
    written(path, rows.set_column(at, rows.schema.field(at), moved))


def lost(path: Path, entry: dict) -> None:
    """All postings but the first."""
    del entry
    written(path, pq.read_table(path, partitioning=None).slice(1))


def lines(proof: object) -> list[str]:
    """Differences that are errors."""
    return [str(one) for one in proof.differences if one.is_error]


def test_a_run_has_its_postings(sealed):
    """Receipt, gate and reader know the table; row groups are no larger than the config says."""
    run = fauxpay.open(sealed).latest()
    posted = run.table("postings").to_table()
    assert posted.num_rows == run.rows["postings"] > 500
    assert posted.schema.names == [
        "transaction_id",
        "posted_on",
        "posted_amount_minor",
        "posted_currency",
    ]
    kept = set(run.table("transactions").to_table()["transaction_id"].to_pylist())
    assert kept.issuperset(posted["transaction_id"].to_pylist())
    gate = json.loads((run.folder / "gate.json").read_text())
    names = {check["name"]: check for one in gate["gates"] for check in one["checks"]}
    assert names["postings: rows made equal rows written"]["rows"] == posted.num_rows
    assert names["postings: declined_not_posted transaction_id"]["verdict"] == "PASS"
    file = pq.ParquetFile(file_of(sealed, FIRST))
    sizes = [file.metadata.row_group(nth).num_rows for nth in range(file.metadata.num_row_groups)]
    assert max(sizes) <= 256


def test_the_flat_export_says_that_postings_leak(sealed, tmp_path):
    """Day and amount of posting stand in the flat file, null where none was, named as leaks."""
    run = fauxpay.open(sealed).latest()
    export_flat(run, tmp_path / "flat.parquet")
    flat = pq.read_table(tmp_path / "flat.parquet")
    leaks = json.loads(flat.schema.metadata[LEAKING_KEY.encode()])
    assert {"posted_on", "posted_amount_minor"} <= set(leaks)
    told = dict(zip(*(run.table("postings").to_table()[n].to_pylist() for n in KEYED), strict=True))
    assert [told.get(one) for one in flat["transaction_id"].to_pylist()] == flat[
        "posted_on"
    ].to_pylist()
    assert flat["posted_on"].null_count == flat.num_rows - len(told) > 0


def test_who_knows_a_file_of_postings(root):
    """A file of postings is known by its bytes, and as activity's."""
    answer = who_made(root, file_of(root, FIRST))
    assert (answer.facts["table"], answer.facts["segment"]) == ("postings", "activity")
    assert answer.is_sealed


def test_verify_finds_a_lost_posting(root):
    """A forger who makes all digests again cannot hide that an approved row was not posted."""
    forge(root, file_of(root, FIRST).relative_to(root).as_posix(), with_logical_digest(root, lost))
    assert any("check posted transaction_id" in line for line in lines(verify_run(run_of(root))))


def test_replay_finds_a_moved_posting(root):
    """A posting a day later breaks no rule; made again it is another one."""
    forge(root, file_of(root, FIRST).relative_to(root).as_posix(), with_logical_digest(root, later))
    assert not any("check" in line for line in lines(verify_run(run_of(root))))
    found = lines(replay_run(run_of(root)))
    assert any("postings" in line and "logical digest" in line for line in found)


@pytest.mark.parametrize("is_declined_posted", [False, True])
def test_wrong_postings_do_not_ship(tmp_path, monkeypatch, is_declined_posted):
    """A ledger that posts a reversal's purchase, or declined rows, fails the run's gate."""
    if is_declined_posted:
        plain = Ledger.take

        def take(self, buffers, first, parts):
            answers = buffers.values["is_approved"].copy()
            buffers.values["is_approved"][:] = True
            plain(self, buffers, first, parts)
            buffers.values["is_approved"][:] = answers

        monkeypatch.setattr(Ledger, "take", take)
    else:
        from fauxpay.partitions import ledger

        monkeypatch.setattr(ledger, "reversed_rows", lambda keys: keys.card[:0])
    more = {"activity": {"reversal_share": 0.05}}
    with pytest.raises(GateError):
        fauxpay.generate({**request(tmp_path), **more})
    wrong = "declined_not_posted" if is_declined_posted else "reversed_not_posted"
    assert ("postings", wrong) in findings(tmp_path)
    assert not list(tmp_path.glob("runs/utc_day=*"))


def test_a_count_that_differs_is_found(tmp_path, monkeypatch):
    """Conservation: a posting that is counted and not written fails the gate."""
    from fauxpay.partitions.compose import DaysStream

    counted = DaysStream.counts
    monkeypatch.setattr(
        DaysStream,
        "counts",
        lambda self: [{**day, "postings": day["postings"] + 1} for day in counted(self)],
    )
    with pytest.raises(GateError, match="rows made equal rows written"):
        fauxpay.generate(request(tmp_path))


def test_a_run_without_postings(tmp_path):
    """Switched off, the table has no rows in any file; the run passes, verifies and replays."""
    fauxpay.generate({**request(tmp_path), "activity": {"postings": False}})
    run = fauxpay.open(tmp_path).latest()
    assert run.rows["postings"] == 0
    assert lines(verify_run(run_of(tmp_path))) == []
    assert lines(replay_run(run_of(tmp_path), sample=1)) == []


def test_postings_join_on_the_run(sealed):
    """As the README says: a day's books in one join, and nobody posts before the event."""
    run = fauxpay.open(sealed).latest()
    rows, posted = run.table("transactions").to_table(), run.table("postings").to_table()
    both = rows.join(posted, "transaction_id", join_type="inner")
    assert both.num_rows == posted.num_rows
    event_day = pc.cast(pc.floor_temporal(both["event_time"], unit="day"), pa.date32())
    assert pc.all(pc.greater_equal(both["posted_on"], event_day)).as_py()
