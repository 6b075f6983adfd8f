"""Verification: what does not hold is told by its own name, whatever else does not hold then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fauxpay.audit.contents import shard_count
from fauxpay.audit.verify import verify_run
from fauxpay.foundations.canonical import document_digest
from fauxpay.gates.segments import segment_digest
from forgeries import edit, forge, reseal
from sealed import KINDS, file_of, run_of

ZEROS = "0" * 64
Change = Callable[[dict[str, Any]], object]


def told(root: Path) -> dict[str, bool]:
    """What was found below a root, and whether it is an error."""
    folder = file_of(root, "runs/utc_day=*/*/receipt.json").parent
    return {one.what: one.is_error for one in verify_run(run_of(root, str(folder))).differences}


def rename(receipt: dict[str, Any]) -> None:
    """The second file of the catalog under the first one's name."""
    receipt["catalog"][1]["name"] = receipt["catalog"][0]["name"]


def unknown(receipt: dict[str, Any]) -> None:
    """A file of the catalog under a name of no table."""
    receipt["catalog"][1]["name"] = "strangers"


def strange(receipt: dict[str, Any]) -> None:
    """A file more than the window asks for."""
    entry = receipt["partitions"][0]["tables"][0]
    receipt["catalog"].append({**entry, "path": f"elsewhere/{entry['name']}.parquet"})


RECEIPT: dict[str, tuple[Change, str]] = {
    "seed": (lambda one: one.update(seed=2), "run_id"),
    "run": (lambda one: one["config"]["run"].update(seed=2), "config.run"),
    "window": (lambda one: one["window"].update(to="2026-03-01"), "window"),
    "day": (lambda one: one["window"].update(to="2026-02-31"), "request"),
    "order": (lambda one: one["window"].update({"from": "2026-03-09"}), "request"),
    "config": (lambda one: one["config"]["fraud"].update(enabled=False), "parameter_hash"),
    "parameters": (lambda one: one.update(parameters_digest=ZEROS), "parameters_digest"),
    "model": (lambda one: one.update(model_version=9), "world_id"),
    "rows": (lambda one: one["rows"].update(truth=0), "rows"),
    "created": (lambda one: one.update(created_utc="2020-01-01T00:00:00Z"), "stamp"),
    "filed": (lambda one: one.update(created_utc="2020-01-01T00:00:00Z"), "filed under"),
    "verdict": (lambda one: one.update(verdict="UNKNOWN"), "verdict"),
    "gate": (lambda one: one.update(gate_digest=ZEROS), "gate digest"),
    "gate run": (lambda one: one.update(run_id="0" * 20), "gate run_id"),
    "gate world": (lambda one: one.update(world_id=ZEROS), "gate world_id"),
    "inputs": (lambda one: one["inputs"][0].update(source="elsewhere"), "world.json inputs"),
    "pack": (lambda one: one["inputs"][-1].update(sha256=ZEROS), "contract pack"),
    "table": (lambda one: one["catalog"][1].update(rows=1), "world.json tables"),
    "catalog": (rename, "entries of the catalog"),
    "no table": (unknown, "entries of the catalog"),
    "more": (strange, "entry of a file"),
    "twice": (lambda one: one["partitions"].append(one["partitions"][0]), "entry of a file"),
    "day twice": (lambda one: one["partitions"].append(one["partitions"][0]), "partitions"),
    "day less": (lambda one: one["partitions"].pop(), "partitions"),
    "shards": (lambda one: one["partitions"].insert(0, one["partitions"].pop(1)), "partitions"),
    "segment": (
        lambda one: one["segments"][2].update(digest=ZEROS),
        "segment fraud of the receipt",
    ),
    "segments": (lambda one: one["segments"].reverse(), "segments"),
    "plan": (lambda one: one["catalog"][9].update(rows=1), "sidecar of reissues: rows"),
    "shard": (lambda one: one["config"]["output"].update(cards_per_shard=None), "request"),
}


@pytest.mark.parametrize("what", RECEIPT)
def test_a_forged_receipt_is_told_by_name(root, what):
    """The digest and mark of the receipt were made again; each member is held against others."""
    change, name = RECEIPT[what]
    reseal(root, change)
    assert name in told(root)


WORLD: dict[str, tuple[Change, str]] = {
    "hash": (lambda one: one["config"]["fraud"].update(enabled=False), "parameter_hash"),
    "config": (lambda one: one["config"]["fraud"].update(enabled=False), "world.json config"),
    "parameters": (lambda one: one["parameters"].popitem(), "parameters_digest"),
    "inputs": (lambda one: one["inputs"][0].update(licence="mine"), "world.json inputs"),
    "input": (lambda one: one["inputs"][0].update(sha256=ZEROS), "world_id"),
    "model": (lambda one: one.update(model_version=9), "world.json model_version"),
    "world": (lambda one: one.update(world_id=ZEROS), "world.json world_id"),
    "tables": (lambda one: one["tables"][3].update(rows=1), "world.json tables"),
    "segment": (lambda one: one["segment"]["checks"][0].update(rows=1), "segment catalog"),
    "digest": (lambda one: one["segment"].update(world_id=ZEROS), "segment catalog digest"),
    "derived": (lambda one: one["derived"][0].update(sha256=ZEROS), "derived from the catalog"),
    "file": (lambda one: one["derived"][0].update(sha256=ZEROS), "file SHA-256"),
}


@pytest.mark.parametrize("what", WORLD)
def test_an_edited_world_is_told_by_name(root, what):
    """Whatever world.json says stands in the receipt, too, or follows from it."""
    change, name = WORLD[what]
    edit(file_of(root, KINDS["world"]), change)
    assert name in told(root)


def test_a_catalog_without_one_of_its_checks_is_found(root):
    """A gate receipt made again with a check less: this package knows which there are."""

    def forged(world: dict[str, Any]) -> None:
        world["segment"]["checks"].pop()
        world["segment"]["segment_digest"] = segment_digest(world["segment"])

    edit(file_of(root, KINDS["world"]), forged)
    assert "checks of the catalog" in told(root)


def failed(sidecar: dict[str, Any]) -> None:
    """A finding in labels, with the verdicts that follow from it."""
    finding = {"check": "a", "table": "labels", "column": "", "rows": 1, "offenders": 1}
    finding |= {"first_row": None, "first_value": "", "expected": "none"}
    sidecar["segments"][2]["verdict"] = "FAIL"
    sidecar |= {"findings": [finding], "verdict": "FAIL"}


SIDECAR: dict[str, tuple[Change, str]] = {
    "world": (lambda one: one.update(world_id=ZEROS), "sidecar"),
    "seed": (lambda one: one.update(seed=2), "sidecar seed"),
    "day": (lambda one: one.update(event_day="2026-03-03"), "sidecar event_day"),
    "shard": (lambda one: one.update(shard=7), "sidecar shard"),
    "bytes": (lambda one: one["tables"][0].update(bytes=1), "sidecar of transactions: bytes"),
    "twice": (lambda one: one["tables"].append(one["tables"][-1]), "sidecar tables"),
    "counts": (lambda one: one["counts"].update(frauds=99), "check integrity / "),
    "findings": (failed, "sidecar findings"),
    "verdict": (failed, "sidecar verdict"),
}


@pytest.mark.parametrize("what", SIDECAR)
def test_an_edited_sidecar_is_told_by_name(root, what):
    """What a sidecar says of its day stands in the receipt, or adds up to the gate."""
    change, name = SIDECAR[what]
    edit(file_of(root, KINDS["sidecar of a day"]), change)
    assert any(one.startswith(name) for one in told(root))


GATE: dict[str, tuple[Change, str]] = {
    "evidence": (
        lambda one: one["gates"][2]["checks"][0].update(evidence="seen"),
        "check contract",
    ),
    "less": (lambda one: one["gates"][3]["checks"].pop(), "check integrity"),
    "more": (
        lambda one: one["gates"][3]["checks"].append({**one["gates"][3]["checks"][0], "name": "a"}),
        "check integrity / a",
    ),
    "verdict": (lambda one: one.update(verdict="UNKNOWN"), "verdict"),
    "gate": (lambda one: one["gates"][1].update(verdict="UNKNOWN"), "verdict of gate plan"),
}


@pytest.mark.parametrize("what", GATE)
def test_a_forged_gate_is_told_by_name(root, what):
    """The receipt was sealed to it; the sidecars say what the checks are."""
    change, name = GATE[what]
    gate = edit(file_of(root, KINDS["gate"]), change)
    reseal(root, lambda receipt: receipt.update(gate_digest=document_digest(gate)))
    assert any(one.startswith(name) for one in told(root))


def test_a_forged_segment_is_told_by_name(root):
    """Its own digest, and the receipt's, made again: it is judged again from the sidecars."""
    path = file_of(root, KINDS["segment of labels"])

    def forged(segment: dict[str, Any]) -> None:
        segment["outputs"][0]["rows"] += 1
        segment["segment_digest"] = segment_digest(segment)

    digest = edit(path, forged)["segment_digest"]
    reseal(root, lambda receipt: receipt["segments"][3].update(digest=digest))
    assert "segment labels judged again" in told(root)
    edit(path, lambda segment: segment["outputs"][0].update(rows=0))
    assert "segment labels digest" in told(root)


def test_a_mark_without_its_last_byte_is_an_error(root):
    """The mark is a digest and the end of a line."""
    path = file_of(root, KINDS["mark"])
    assert path.read_bytes().endswith(b"\n")
    path.write_bytes(path.read_bytes()[:-1])
    assert told(root) == {"mark": True}


def test_what_lies_beside_documents_is_a_note(root):
    """Except for the report, which every run may have."""
    folder = file_of(root, KINDS["receipt"]).parent
    (folder / "report.html").write_text("")
    assert told(root) == {}
    pack = file_of(root, KINDS["contract pack"]).parent / "more.yaml"
    sidecar = file_of(root, KINDS["sidecar of a day"]).parent / "part-0009.json"
    for path in (pack, sidecar):
        path.write_text("")
    (file_of(root, KINDS["truth"]).parent / "empty").mkdir()
    found = verify_run(run_of(root)).differences
    assert {one.path for one in found} == {str(pack), str(sidecar)}
    assert {(one.what, one.is_error) for one in found} == {("extra file", False)}


def test_strays_in_the_folders_above_the_tables_are_notes(root):
    """World, seed, derived and segments: each stray by name, and what belongs there is none."""
    seed = next(root.glob("worlds/*/seed=1"))
    run = file_of(root, KINDS["receipt"]).parent
    strays = [
        *(
            seed / "notes.txt",
            seed / "more",
            seed.parent / "world.json.bak",
            seed.parent / "seed=x",
        ),
        *(seed.parent / "derived" / "old.npz", run / "segments" / "labels.json.orig"),
    ]
    for path in strays:
        if path.suffix:
            path.write_text("")
        else:
            path.mkdir()
    (seed.parent / "seed=2").mkdir()
    found = verify_run(run_of(root)).differences
    assert {Path(one.path) for one in found} == {*strays}
    assert {one.what for one in found if Path(one.path).is_dir()} == {"extra folder"}
    assert not any(one.is_error for one in found)
    assert all("move it out" in one.remedy for one in found)


def test_packages_of_a_resealed_receipt_are_told(root):
    """Another version is a note, for a run may be made with it; other names are no receipt's."""
    versions = {"numpy": "9.9.9", "python": "2.7.18"}
    reseal(root, lambda receipt: receipt["packages"].update(versions))
    found = verify_run(run_of(root)).differences
    assert [(one.what, one.found) for one in found] == [
        ("package numpy", "9.9.9"),
        ("package python", "2.7.18"),
    ]
    assert not any(one.is_error for one in found)
    reseal(root, lambda receipt: receipt["packages"].pop("numpy"))
    assert told(root) == {"packages": True}
    reseal(root, lambda receipt: receipt["packages"].pop("fauxpay"))
    assert told(root)["packages"] is True


def test_a_file_beside_the_catalog_is_an_error(root):
    """Readers of the folder would take it for a table of the world."""
    path = file_of(root, KINDS["catalog table"]).with_name("more.parquet")
    path.write_text("")
    assert told(root) == {"extra file": True}


@pytest.mark.parametrize(("cards", "shards"), [(0, 1), (1, 1), (250, 1), (251, 2), (499, 2)])
def test_a_shard_that_is_not_full_is_a_shard(cards, shards):
    """As many shards as it takes, and at least one."""
    rows = [{"name": "cards", "rows": cards}]
    receipt = {"catalog": rows, "config": {"output": {"cards_per_shard": 250}}}
    assert shard_count(receipt) == shards


def test_a_pack_of_another_folder_is_no_pack(root):
    """A name that leads out of the folder of packs is not followed."""
    secret = root / "secret"
    secret.write_text("")
    reseal(
        root,
        lambda one: one["inputs"].append(
            {"name": "contracts/../../../secret", "sha256": ZEROS, "source": "", "licence": ""}
        ),
    )
    proof = verify_run(run_of(root))
    assert not proof.holds
    assert not any("secret" in one.path for one in proof.differences)


def test_a_damaged_catalog_hides_no_day(root):
    """Without the catalog's names rows are not read; bytes of days are still compared."""
    cards = file_of(root, KINDS["catalog table"])
    cards.write_bytes(cards.read_bytes()[:-1])
    path = file_of(root, KINDS["labels"])
    shutil.copy(file_of(root, KINDS["truth"]), path)
    found = [one.path for one in verify_run(run_of(root)).differences]
    assert str(cards) in found
    assert str(path) in found


def test_a_lie_of_a_sidecar_is_one_difference(root):
    """What is already told of a sidecar is not judged by: one byte is one difference."""
    edit(file_of(root, KINDS["sidecar of a day"]), lambda one: one["tables"][0].update(bytes=1))
    assert told(root) == {"sidecar of transactions: bytes": True}


@pytest.mark.parametrize("key", ["world_id", "seed", "partition", "shard", "contract"])
@pytest.mark.parametrize("kind", ["plan", "transactions", "truth"])
def test_a_file_that_says_that_it_is_another_is_told(root, kind, key):
    """Every digest forged around the same rows: what the file says of itself is read, too."""

    def renamed(path: Path, entry: dict[str, Any]) -> None:
        rows = pq.read_table(path, partitioning=None)
        metadata = {**rows.schema.metadata, f"fauxpay.{key}".encode(): b"7"}
        pq.write_table(rows.replace_schema_metadata(metadata), path)

    forge(root, file_of(root, KINDS[kind]).relative_to(root).as_posix(), renamed)
    assert told(root) == {f"metadata fauxpay.{key}": True}


def test_a_size_or_a_count_that_no_file_has_is_told(root):
    """Forged in sidecar and receipt alike: the files say how many bytes and rows there are."""
    labels, truth = (file_of(root, KINDS[kind]) for kind in ("labels", "truth"))
    forge(root, labels.relative_to(root).as_posix(), lambda path, entry: entry.update(rows=1))
    found = verify_run(run_of(root)).differences
    assert [one.what for one in found if one.path == str(labels)] == ["rows"]

    def resized(document: dict[str, Any]) -> None:
        for entry in document["tables"]:
            if entry["name"] == "truth":
                entry["bytes"] = 1

    name = truth.relative_to(root).as_posix()
    edit(root / name.replace("/truth/", "/partitions/").replace(".parquet", ".json"), resized)

    def sealed(receipt: dict[str, Any]) -> None:
        for partition in receipt["partitions"]:
            if any(entry["path"] == name for entry in partition["tables"]):
                resized(partition)

    reseal(root, sealed)
    found = verify_run(run_of(root)).differences
    assert [one.what for one in found if one.path == str(truth)] == ["bytes"]
