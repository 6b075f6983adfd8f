"""Verification: documents and tables that say what was never sealed are told, and never a crash."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fauxpay.audit.replay import replay_run
from fauxpay.audit.verify import verify_run
from fauxpay.foundations.canonical import document_digest
from fauxpay.receipts.records import partition_receipt
from forgeries import edit, forge, reseal
from sealed import FIRST, KINDS, file_of, run_of


def found(root: Path) -> list[str]:
    """Differences of the one run below a root that are errors, as lines."""
    folder = file_of(root, "runs/utc_day=*/*/gate.json").parent
    proof = verify_run(run_of(root, str(folder)))
    return [str(one) for one in proof.differences if one.is_error]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("sidecar of a day", lambda one: one["tables"][2]),
        ("sidecar of a plan", lambda one: one["tables"][1]),
        ("world", lambda one: one["tables"][2]),
        ("receipt", lambda one: one["partitions"][1]["tables"][3]),
    ],
)
def test_a_whole_number_with_a_point_is_another_byte(root, kind, change):
    """27322 and 27322.0 are the same to a contract and to Python, but not in a sealed document."""
    path = file_of(root, KINDS[kind])

    def pointed(document: dict) -> None:
        entry = change(document)
        entry["bytes"] = float(entry["bytes"])

    edit(path, pointed)
    if kind == "receipt":
        reseal(root)
    assert found(root)


def test_a_point_in_the_gate_is_found(root):
    """The same where the receipt was sealed to the edited gate."""
    at = file_of(root, KINDS["gate"])
    gate = edit(at, lambda one: one["gates"][1]["checks"][0].update(offenders=0.0))
    reseal(root, lambda receipt: receipt.update(gate_digest=document_digest(gate)))
    assert any("offenders" in line for line in found(root))


def test_cards_with_a_point_are_told_not_a_crash(root):
    """The count of cards makes the count of shards, so it must be one."""
    for kind in ("receipt", "world"):
        which = "catalog" if kind == "receipt" else "tables"
        edit(file_of(root, KINDS[kind]), lambda one, which=which: one[which][5].update(rows=500.0))
    assert json.loads(file_of(root, KINDS["world"]).read_text())["tables"][5]["name"] == "cards"
    assert found(root)


@pytest.mark.parametrize(
    "change",
    [
        lambda derived: derived.clear(),
        lambda derived: derived.append(derived[0]),
        lambda derived: derived[0].update(name="other.npz"),
    ],
)
def test_the_draw_tables_are_each_named_once(root, change):
    """No digest of a receipt covers their names in world.json: the catalog says which there are."""
    edit(file_of(root, KINDS["world"]), lambda world: change(world["derived"]))
    assert any(line.startswith("draw tables of world.json") for line in found(root))


def test_draw_tables_of_another_name_are_found_without_making_them(root, monkeypatch):
    """A world of other inputs makes no tables again; where they stand follows from the name."""
    from fauxpay.audit import rows

    monkeypatch.setattr(rows, "differing_inputs", lambda world: ["another"])
    assert found(root) == []
    own = file_of(root, KINDS["draw tables"])
    copy = own.parent.parent / "elsewhere.npz"
    shutil.copy(own, copy)
    name = copy.relative_to(root).as_posix()
    edit(file_of(root, KINDS["world"]), lambda world: world["derived"][0].update(path=name))
    assert any(line.startswith("draw tables of world.json") for line in found(root))


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("verdict", ["FAIL", "UNKNOWN"])
def test_a_segment_that_a_receipt_says_did_not_pass_is_found(root, at, verdict):
    """Not only the gate receipt of a segment, but what the run's receipt says of it."""
    reseal(root, lambda receipt: receipt["segments"][at].update(verdict=verdict))
    assert any(line.startswith("segment ") and "verdict" in line for line in found(root))


@pytest.mark.parametrize(
    "change",
    [
        lambda gate: gate["gates"][1]["checks"].append(gate["gates"][1]["checks"][0]),
        lambda gate: gate["gates"].append(gate["gates"][0]),
        lambda gate: gate["gates"].reverse(),
        lambda gate: gate["gates"][3]["checks"].reverse(),
    ],
)
def test_a_gate_with_its_checks_twice_or_in_another_order_is_found(root, change):
    """Each check is as judged, and yet it is not the gate that was judged."""
    gate = edit(file_of(root, KINDS["gate"]), change)
    reseal(root, lambda receipt: receipt.update(gate_digest=document_digest(gate)))
    assert [line.partition(":")[0] for line in found(root)] == ["gate"]


@pytest.mark.parametrize(
    "change",
    [
        lambda receipt: receipt["partitions"][0]["tables"].reverse(),
        lambda receipt: receipt["catalog"].insert(7, receipt["catalog"].pop()),
        lambda receipt: receipt["rows"].update(cards=500.0),
    ],
)
def test_a_receipt_in_another_order_is_found(root, change):
    """The sidecars and the world make one receipt, not one like it."""
    reseal(root, change)
    assert found(root)


@pytest.mark.parametrize("name", ["transactions", "postings", "truth", "labels"])
def test_an_entry_of_another_table_s_name_is_told_not_a_crash(root, name):
    """One letter of a receipt that rotted: the table that it names is none."""
    path = file_of(root, KINDS["receipt"])
    data = path.read_bytes()
    assert f'"name":"{name}"'.encode() in data
    path.write_bytes(
        data.replace(f'"name":"{name}"'.encode(), f'"name":"{name[:-1]}k"'.encode(), 1)
    )
    lines = found(root)
    assert any(line.startswith("receipt digest") for line in lines)
    assert any(line.startswith("entry of a file") and name in line for line in lines)


@pytest.mark.parametrize(
    "change",
    [
        lambda receipt: receipt["window"].update(to="6026-03-04"),
        lambda receipt: receipt["catalog"][5].update(rows=500_000_000_000),
        lambda receipt: receipt["catalog"][5].update(rows=10**24),
    ],
)
def test_a_receipt_that_asks_for_millions_of_days_is_told_at_once(root, change):
    """One flipped bit of a year asked for 1.5 million days a shard, each told by many lines."""
    edit(file_of(root, KINDS["receipt"]), change)
    lines = found(root)
    assert any(line.startswith("request") and "6 partitions are named" in line for line in lines)
    assert len(lines) < 20


@pytest.mark.parametrize("value", [b"NaN", b"1e999", b"-Infinity", b'"\\ud800"'])
@pytest.mark.parametrize("kind", ["receipt", "world"])
def test_what_no_canonical_json_says_is_a_difference(root, kind, value):
    """Not an error of the command: verification says what is wrong with the file."""
    path = file_of(root, KINDS[kind])
    data = path.read_bytes()
    assert b'"cards_per_shard":250' in data
    path.write_bytes(data.replace(b'"cards_per_shard":250', b'"cards_per_shard":' + value))
    assert any(line.startswith("contract") and str(path) in line for line in found(root))


def test_half_a_character_in_a_sidecar_is_a_difference(root):
    """The same for the sidecars, which are read on their own."""
    path = file_of(root, KINDS["sidecar of a day"])
    finding = {"check": "a", "table": "truth", "column": "", "rows": 1, "offenders": 1}
    finding |= {"first_row": None, "first_value": "\ud800", "expected": "none"}
    sidecar = replace(partition_receipt(path.read_bytes()), findings=(finding,))
    path.write_text(json.dumps(sidecar.document()))
    assert any(line.startswith("sidecar") and str(path) in line for line in found(root))


@pytest.mark.parametrize(
    "name",
    [
        "transactions/old/part-0000.parquet",
        "transactions/event_day=2026-03-02 (copy)/part-0000.parquet",
        "transactions/until=2026-03-04/part-0000.parquet",
        "truth/event_day=2026-03-1/part-0000.parquet",
        "campaigns/event_day=2026-03-01/part-0000.parquet",
        "labels/event_day=2026-03-09",
        "labels/old/inner/part-0000.parquet",
    ],
)
def test_a_folder_that_is_no_day_of_a_table_is_an_error(root, name):
    """Readers of all files below a table would take its rows for rows."""
    target = file_of(root, FIRST).parent.parent.parent / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file_of(root, FIRST), target)
    lines = found(root)
    assert [line.partition(":")[0] for line in lines] == ["extra file"]
    assert str(target) in lines[0]


def test_days_and_plans_of_other_runs_are_nobody_s_extra_files(root):
    """Their folders are such as the world makes for other windows."""
    seed = file_of(root, FIRST).parent.parent.parent
    for name in ("transactions/event_day=2026-03-09", "campaigns/until=2026-03-09"):
        shutil.copytree(next((seed / name).parent.iterdir()), seed / name)
    for name in ("event_day=2026-03-09", "until=2026-03-09"):
        (seed / "partitions" / name).mkdir()
        (seed / "partitions" / name / "part-0000.json").write_text("{}")
    assert verify_run(run_of(root)).differences == ()


def nonsense(path: Path, entry: dict) -> None:
    """No Parquet file at all."""
    path.write_bytes(b"nonsense")


def other_columns(path: Path, entry: dict) -> None:
    """A table of something else."""
    pq.write_table(pa.table({"a": [1, 2]}), path)


def texts(path: Path, entry: dict) -> None:
    """The same columns, of texts."""
    names = pq.read_schema(path).names
    pq.write_table(pa.table({name: ["x", "y"] for name in names}), path)


def nulls(path: Path, entry: dict) -> None:
    """The same columns, without a value."""
    schema = pq.read_schema(path)
    pq.write_table(pa.table({one.name: pa.nulls(3, one.type) for one in schema}), path)


@pytest.mark.parametrize("change", [nonsense, other_columns, texts, nulls])
@pytest.mark.parametrize("table", ["campaigns", "compromises", "reissues", "truth", "transactions"])
def test_a_file_that_is_no_such_table_is_told_behind_forged_digests(root, table, change):
    """Whatever was sealed in place of a table, it is named, and the other files are looked at."""
    path = file_of(root, f"worlds/*/seed=1/{table}/*/part-0001.parquet")
    forge(root, path.relative_to(root).as_posix(), change)
    other = file_of(root, "worlds/*/seed=1/labels/event_day=2026-03-03/part-0001.parquet")
    other.write_bytes(other.read_bytes()[:-1])
    lines = found(root)
    assert any(str(path) in line for line in lines)
    assert any(str(other) in line for line in lines)


def test_a_replay_holds_the_receipt_to_its_own_ids(root):
    """Rows come out alike under any id that a forged receipt bears: it is no proof of that id."""
    folder = run_of(root).folder
    reseal(root, lambda receipt: receipt.update(run_id="0" * 20))
    proof = replay_run(run_of(root, str(folder)), 1, (None, 1))
    assert [one.what for one in proof.differences] == ["run_id"]
    assert not proof.holds


@pytest.mark.parametrize(
    "change",
    [
        {"event_day": "2026-02-31"},
        {"event_day": "2036-02-11"},
        {"event_day": "0001-01-01"},
        {"event_day": "2026-03-04"},
        {"event_day": "2026-03-02"},
        {"shard": 9},
        {"shard": 10**30},
        {"shard": 0.0},
    ],
)
@pytest.mark.parametrize("sample", [1, None])
def test_a_replay_makes_no_day_that_is_not_asked_for(root, change, sample):
    """Days of another window, no days at all, shards without cards: told, and the rest is made."""
    reseal(root, lambda receipt: receipt["partitions"][0].update(change))
    proof = replay_run(run_of(root), sample, (None, 1))
    assert "partition" in [one.what for one in proof.differences]
    assert proof.counts["partitions"] > 1


def test_a_replay_compares_sizes_too(root):
    """A size that is not the file's, under the right digest, is not what the receipt should say."""
    reseal(root, lambda receipt: receipt["catalog"][2].update(bytes=1))
    proof = replay_run(run_of(root), 1, (None, 1))
    assert [one.what for one in proof.differences] == ["bytes"]
