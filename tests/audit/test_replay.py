"""Replay: the receipt is enough, nothing published is touched, and what differs is found."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.audit.replay import replay_run, sampled
from fauxpay.audit.verify import verify_run
from fauxpay.errors import ConfigError, ContractError, StorageError
from forgeries import changed_amount, forge, reseal, with_logical_digest, written
from sealed import FIRST, digests, file_of, request, run_of

SERIAL = (None, 1)


def test_a_run_is_made_again_from_its_receipt(sealed):
    """All partitions and the catalog come out with the same digests; nothing is left behind."""
    before = digests(sealed)
    proof = replay_run(run_of(sealed), None, SERIAL)
    assert proof.differences == ()
    assert proof.counts["partitions"] == 8
    assert proof.counts["files"] == 7 + 2 * (3 + 3 * 4)
    assert digests(sealed) == before
    assert list((sealed / ".staging").iterdir()) == []


def test_the_receipt_alone_is_enough(root):
    """World, partitions, gate and mark may be gone: the receipt says all that it takes."""
    shutil.rmtree(root / "worlds")
    (run_of(root).folder / "gate.json").unlink()
    receipt = run_of(root).folder / "receipt.json"
    proof = replay_run(run_of(root, str(receipt)), None, SERIAL)
    assert proof.holds
    assert not (root / "worlds").exists()


def test_processes_replay_to_the_same_digests(sealed):
    """Two processes make what one makes."""
    assert replay_run(run_of(sealed), None, (None, 2)).differences == ()


def test_a_sample_is_drawn_by_the_run_id(sealed, tmp_path):
    """So many days, the same for everybody; others of another run; the scratch place is chosen."""
    proof = replay_run(run_of(sealed), 2, (tmp_path / "scratch", 1))
    assert proof.holds
    assert 2 + 1 <= proof.counts["partitions"] <= 2 + 2
    assert list((tmp_path / "scratch").iterdir()) == []
    assert sampled("0" * 20, 100, 5) == sampled("0" * 20, 100, 5)
    assert sampled("0" * 20, 100, 5) != sampled("1" * 20, 100, 5)
    assert sampled("ab" * 10, 4, 9) == [0, 1, 2, 3]


def test_every_day_can_be_in_a_sample():
    """Over many runs the draw reaches all days alike."""
    counts = [0] * 10
    for number in range(2000):
        for chosen in sampled(hashlib.sha256(b"%d" % number).hexdigest()[:20], 10, 3):
            counts[chosen] += 1
    assert sum(counts) == 6000
    assert min(counts) > 500
    assert max(counts) < 700


def test_a_forgery_that_verification_cannot_see_is_found(root):
    """Every digest forged around a plausible value: nothing contradicts, but the run differs."""
    name = file_of(root, FIRST).relative_to(root).as_posix()
    forge(root, name, with_logical_digest(root, both_amounts))
    assert verify_run(run_of(root)).holds
    proof = replay_run(run_of(root), None, SERIAL)
    assert [one.what for one in proof.differences] == ["logical digest"]
    assert name in proof.differences[0].path


def both_amounts(path: Path, entry: dict) -> None:
    """Another amount in a row whose two currencies are the same: no rule is broken."""
    rows = pq.read_table(path, partitioning=None)
    same = pc.equal(rows["currency"].cast("string"), rows["billing_currency"].cast("string"))
    first = pc.index(same, pa.scalar(True)).as_py()
    own = pc.equal(pa.array(range(rows.num_rows)), first)
    for name in ("amount_minor", "billing_amount_minor"):
        at = rows.schema.get_field_index(name)
        more = pc.if_else(own, pc.add(rows[name], 1), rows[name])
        rows = rows.set_column(at, rows.schema.field(at), more)
    written(path, rows)


def test_other_bytes_of_the_same_values_are_a_difference_without_a_reason(root):
    """The versions are the same, so the bytes should be: a file digest alone fails the proof."""
    name = file_of(root, FIRST).relative_to(root).as_posix()
    forge(root, name, lambda path, entry: written(path, pq.read_table(path, partitioning=None)))
    proof = replay_run(run_of(root), None, SERIAL)
    assert [one.what for one in proof.differences] == ["file SHA-256"]
    assert not proof.holds


def test_other_package_versions_excuse_other_bytes(root):
    """Where versions differ, logical digests decide, and the note names the versions."""
    name = file_of(root, FIRST).relative_to(root).as_posix()
    forge(root, name, lambda path, entry: written(path, pq.read_table(path, partitioning=None)))
    reseal(root, lambda receipt: receipt["packages"].update(pyarrow="1.0"))
    proof = replay_run(run_of(root), None, SERIAL)
    assert proof.holds
    assert len(proof.differences) == 1
    assert "pyarrow: sealed with 1.0" in proof.differences[0].remedy


def test_other_versions_never_excuse_other_values(root):
    """Values differ: that is a difference whatever made them."""
    name = file_of(root, FIRST).relative_to(root).as_posix()
    forge(root, name, with_logical_digest(root, changed_amount))
    reseal(root, lambda receipt: receipt["packages"].update(pyarrow="1.0"))
    assert not replay_run(run_of(root), None, SERIAL).holds


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda r: r.update(model_version=99), "MODEL_VERSION: sealed with 99"),
        (lambda r: r["inputs"][0].update(sha256="0" * 64), "reference/"),
        (lambda r: r["inputs"].pop(), "contracts/run.yaml: sealed with absent"),
        (lambda r: r.update(parameters_digest="1" * 64), "parameters: sealed with 111111111111"),
    ],
)
def test_a_world_of_other_inputs_is_refused(root, change, named):
    """Each input that is no longer the sealed one is named, and nothing is made."""
    folder = run_of(root).folder
    reseal(root, change)
    with pytest.raises(ConfigError, match="cannot be made again here") as caught:
        replay_run(run_of(root, str(folder)), None, SERIAL)
    assert named in str(caught.value)
    assert not any((root / ".staging").iterdir())


def test_an_edited_receipt_is_not_replayed(root):
    """A receipt whose digest is not its own proves nothing."""
    path = run_of(root).folder / "receipt.json"
    path.write_bytes(path.read_bytes().replace(b'"seed":1', b'"seed":2'))
    with pytest.raises(ContractError, match="changed after it was sealed"):
        replay_run(run_of(root, str(path.parent)), None, SERIAL)


def test_overridden_parameters_are_in_the_receipt(tmp_path):
    """A run with parameters of its own replays without being told of them."""
    parameters = {"fraud.replacement_card_years": 5}
    fauxpay.generate({**request(tmp_path, to="2026-03-02"), "parameters": parameters})
    assert run_of(tmp_path).receipt["config"]["parameters"] == parameters
    assert replay_run(run_of(tmp_path), None, SERIAL).differences == ()


def test_a_catalog_of_one_s_own_replays_from_the_sealed_one(sealed, tmp_path):
    """The user's files may be gone: the world's sealed catalog takes their place."""
    own = tmp_path / "own"
    shutil.copytree(file_of(sealed, "worlds/*/catalog/cards.parquet").parent, own)
    root = tmp_path / "root"
    asked = request(root, to="2026-03-02")
    fauxpay.generate({**asked, "catalog": {**asked["catalog"], "path": str(own)}})
    shutil.rmtree(own)
    names = [one["name"] for one in run_of(root).receipt["inputs"]]
    assert "catalog/cards.parquet" in names
    assert replay_run(run_of(root), None, SERIAL).differences == ()
    assert verify_run(run_of(root)).differences == ()


def test_a_place_that_cannot_be_written_says_so(sealed, tmp_path):
    """Where no folder can be made, the message names it and says what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        replay_run(run_of(sealed), None, (tmp_path / "file", 1))


def test_an_interrupted_replay_leaves_nothing(sealed, monkeypatch):
    """Ctrl-C in the middle: the scratch place is gone."""
    from fauxpay.delivery import executors

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(executors, "open_world", stop)
    with pytest.raises(KeyboardInterrupt):
        replay_run(run_of(sealed), None, SERIAL)
    assert list((sealed / ".staging").iterdir()) == []


def test_a_file_that_is_not_made_again_is_a_difference(sealed, monkeypatch):
    """A day that a check stops half-way has less files than were sealed: a sample says so, too."""
    from dataclasses import replace

    from fauxpay.audit import replay

    plain = replay._made

    def halved(*told):
        for partition in plain(*told):
            yield replace(partition, tables=partition.tables[:1])

    monkeypatch.setattr(replay, "_made", halved)
    proof = replay_run(run_of(sealed), 1, SERIAL)
    assert not proof.holds
    missing = {(one.what, one.found) for one in proof.differences}
    assert missing == {("file", "not made")}
    assert len(proof.differences) == 3 + 2
