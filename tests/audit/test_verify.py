"""Verification: silent on what was sealed, and each kind of damage and forgery is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import fauxpay
from fauxpay.audit.rows import domains_of
from fauxpay.audit.verify import verify_run
from fauxpay.contracts.tables import table
from fauxpay.errors import ContractError
from fauxpay.receipts import layout
from fauxpay.receipts.identity import MODEL_VERSION
from forgeries import changed_amount, edit, forge, reseal, with_logical_digest, written
from sealed import FIRST, KINDS, SEALED_AT, SECOND, digests, file_of, request, run_of
from worlds import config, maker_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**63) | st.floats(0, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


def found(root: Path, text: str = "latest") -> list[str]:
    """Differences of the run below a root that are errors, as lines."""
    proof = verify_run(run_of(root, text))
    return [str(one) for one in proof.differences if one.is_error]


def notes(root: Path) -> list[str]:
    """Differences that prove nothing wrong, as lines."""
    return [str(one) for one in verify_run(run_of(root)).differences if not one.is_error]


def named(root: Path, path: Path) -> list[str]:
    """What was found of a file."""
    return [line for line in found(root) if str(path) in line]


def test_what_was_sealed_holds(sealed):
    """Positive space: a run as sealed has no difference and no note; every file was read."""
    proof = verify_run(run_of(sealed))
    assert proof.differences == ()
    assert proof.holds
    rows = fauxpay.open(sealed).latest().rows
    assert proof.counts["rows"] == rows["transactions"] > 500
    assert proof.counts["partitions"] == 2 * (1 + 3)
    assert proof.counts["files"] == 7 + 2 * (3 + 3 * 4)
    assert rows["truth"] > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.37, 0.9999])
def test_a_flipped_bit_is_found(root, kind, share):
    """One bit, near the beginning, inside, or in the last byte of any kind of file, is found."""
    path = file_of(root, KINDS[kind])
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 0b100
    path.write_bytes(data)
    assert named(root, path), found(root)


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_found(root, kind):
    """A file that lost its last byte is found, and named."""
    path = file_of(root, KINDS[kind])
    path.write_bytes(path.read_bytes()[:-1])
    assert named(root, path)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "stamp"])
def test_a_missing_file_is_found(root, kind):
    """A file that is gone is found, and named."""
    path, folder = file_of(root, KINDS[kind]), run_of(root).folder
    path.unlink()
    lines = (
        [str(one) for one in verify_run(run_of(root, str(folder))).differences if one.is_error]
        if kind not in ("receipt",)
        else found(root)
    )
    assert any(str(path) in line for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_the_remedy_heals(root, kind, monkeypatch):
    """Removed as the difference says, and made again: every file is as it was sealed."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(SEALED_AT + 5))
    before = digests(root)
    path, mark = file_of(root, KINDS[kind]), file_of(root, KINDS["mark"])
    path.write_bytes(path.read_bytes()[:-1])
    assert found(root)
    path.unlink()
    mark.unlink(missing_ok=True)
    if kind == "contract pack":
        (path.parent.parent / "world.json").unlink()
    fauxpay.generate(request(root))
    assert found(root) == []
    after = digests(root)
    own = {name for name in before if kind != "stamp" or "created" not in name}
    assert {name: after.get(name) for name in own} == {name: before[name] for name in own}


def test_a_missing_stamp_is_a_note(root):
    """Runs may be copied without their stamp: nothing is wrong, but it is said."""
    file_of(root, KINDS["stamp"]).unlink()
    assert found(root) == []
    assert ["stamp" in line for line in notes(root)] == [True]


@pytest.mark.parametrize("name", ["part-0009.parquet", "notes.txt", "inner/part-0000.parquet"])
def test_a_file_among_the_rows_is_an_error(root, name):
    """What plain readers of a Hive folder would take for rows may not stand there."""
    target = file_of(root, FIRST).parent / name
    target.parent.mkdir(exist_ok=True)
    shutil.copy(file_of(root, SECOND), target)
    assert [line for line in named(root, target) if line.startswith("extra file")]


def test_a_file_beside_the_days_is_an_error(root):
    """The same for a file beside the event_day folders of a table."""
    target = file_of(root, FIRST).parent.parent / "stray.parquet"
    shutil.copy(file_of(root, SECOND), target)
    assert named(root, target)


@pytest.mark.parametrize(
    "name", ["_SUCCESS", ".part.crc", "../_delta_log/00000.json", ".old/part-0000.parquet"]
)
def test_files_that_readers_pass_over_are_notes(root, name):
    """Hidden files and folders beside the rows are said, and prove nothing wrong."""
    path = file_of(root, FIRST).parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    assert found(root) == []
    assert len(notes(root)) == 1


def test_an_extra_file_in_the_run_s_folder_is_a_note(root):
    """What lies beside receipt and gate is said."""
    (run_of(root).folder / "notes.txt").write_text("seen")
    assert found(root) == []
    assert ["notes.txt" in line for line in notes(root)] == [True]


def test_exchanged_days_are_found_and_recognised(root):
    """Two days whose files were exchanged: both are named, and what each of them really is."""
    first, second = file_of(root, FIRST), file_of(root, SECOND)
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    lines = [line for line in found(root) if line.startswith("file SHA-256")]
    assert len(lines) == 2
    proof = verify_run(run_of(root))
    told = [one.found for one in proof.differences if one.what == "file SHA-256"]
    assert sum("which is the sealed file" in text for text in told) == 2


EDITS = {
    "seed": lambda receipt: receipt.update(seed=2),
    "window": lambda receipt: receipt["window"].update(to="2026-03-05"),
    "window of the config": lambda receipt: receipt["config"]["run"].update(to="2026-03-05"),
    "config": lambda receipt: receipt["config"]["fraud"].update(enabled=False),
    "parameters": lambda receipt: receipt.update(parameters_digest="0" * 64),
    "an input": lambda receipt: receipt["inputs"][0].update(sha256="0" * 64),
    "the source of an input": lambda receipt: receipt["inputs"][0].update(source="elsewhere"),
    "rows in all": lambda receipt: receipt["rows"].update(truth=0),
    "created_utc": lambda receipt: receipt.update(created_utc="2020-01-01T00:00:00Z"),
    "model version": lambda receipt: receipt.update(model_version=MODEL_VERSION + 1),
    "world": lambda receipt: receipt.update(world_id="0" * 64),
    "gate": lambda receipt: receipt.update(gate_digest="0" * 64),
    "a file's rows": lambda receipt: receipt["partitions"][0]["tables"][0].update(rows=1),
    "a file's digest": lambda receipt: receipt["catalog"][5].update(logical_digest="0" * 64),
    "a file's path": lambda receipt: receipt["partitions"][0]["tables"][0].update(
        path=receipt["partitions"][2]["tables"][0]["path"]
    ),
    "a day less": lambda receipt: receipt["partitions"].pop(),
    "a table less": lambda receipt: receipt["partitions"][1]["tables"].pop(),
    "a plan less": lambda receipt: receipt["catalog"].pop(),
    "a day twice": lambda receipt: receipt["partitions"].append(receipt["partitions"][0]),
    "shards exchanged": lambda receipt: receipt["partitions"].insert(
        0, receipt["partitions"].pop(1)
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_receipt_is_found(root, what):
    """Any member of the receipt that was edited shows in its digest."""
    edit(run_of(root).folder / "receipt.json", EDITS[what])
    assert any(line.startswith("receipt digest") for line in found(root))


@pytest.mark.parametrize("what", EDITS)
def test_a_receipt_forged_with_its_digest_is_found(root, what):
    """The digest and the mark made again do not help: ids, sidecars, files or the stamp differ."""
    folder = run_of(root).folder
    reseal(root, EDITS[what])
    lines = found(root, str(folder))
    assert lines
    assert not any(line.startswith(("receipt digest", "mark")) for line in lines)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_member_of_a_receipt_can_be_anything(sealed, data):
    """Property: whatever stands in a receipt forged with its digest, it is found, never a crash."""
    path = file_of(sealed, KINDS["receipt"])
    mark = file_of(sealed, KINDS["mark"])
    plain, marked = path.read_bytes(), mark.read_bytes()
    try:
        receipt = json.loads(plain)
        # A new digest is what forging makes anyway; other packages are no lie that can be found.
        free = ("packages", "receipt_digest")
        pointers = sorted(p for p in pointers_of(receipt) if p[0] not in free)
        *inner, last = data.draw(st.sampled_from(pointers))
        value = data.draw(JSON)

        def change(document):
            for step in inner:
                document = document[step]
            assume(document[last] != value or type(document[last]) is not type(value))
            document[last] = value

        reseal(sealed, change)
        assert found(sealed, str(path))
    finally:
        path.write_bytes(plain)
        mark.write_bytes(marked)


def pointers_of(node: object, pointer: tuple = ()) -> Iterator[tuple]:
    """Every place in a document."""
    if pointer:
        yield pointer
    if isinstance(node, (dict, list)):
        for step, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield from pointers_of(inner, (*pointer, step))


def test_an_edited_verdict_is_found(root):
    """A verdict in gate.json that its checks do not add up to, with the receipt forged to it."""
    from fauxpay.foundations.canonical import document_digest

    def failed(gate):
        gate["gates"][2]["checks"][0]["verdict"] = "FAIL"

    gate = edit(run_of(root).folder / "gate.json", failed)
    lines = found(root)
    assert any(line.startswith("gate digest") for line in lines)
    assert any(line.startswith("verdict of gate contract") for line in lines)
    reseal(root, lambda receipt: receipt.update(gate_digest=document_digest(gate)))
    assert any(line.startswith("verdict of gate contract") for line in found(root))


def test_a_check_that_is_made_up_is_found(root):
    """A check whose rows were edited, with every digest forged: the sidecars say otherwise."""
    from fauxpay.foundations.canonical import document_digest

    def made_up(gate):
        gate["gates"][3]["checks"][1]["rows"] += 1

    gate = edit(run_of(root).folder / "gate.json", made_up)
    reseal(root, lambda receipt: receipt.update(gate_digest=document_digest(gate)))
    lines = found(root)
    assert len(lines) == 1
    assert lines[0].startswith("check integrity / ")


@pytest.mark.parametrize(
    "change",
    [
        lambda sidecar: sidecar["tables"][0].update(rows=7),
        lambda sidecar: sidecar["tables"][1].update(file_sha256="0" * 64),
        lambda sidecar: sidecar["counts"].update(frauds=99),
        lambda sidecar: sidecar.update(event_day="2026-03-03"),
        lambda sidecar: sidecar.update(seed=4),
        lambda sidecar: sidecar["tables"].pop(),
    ],
)
def test_an_edited_sidecar_is_found(root, change):
    """What a sidecar says differs from the receipt, or no longer adds up to the gate."""
    edit(file_of(root, KINDS["sidecar of a day"]), change)
    assert found(root)


def test_the_same_values_in_other_bytes_are_found(root):
    """A file written again by another program: its SHA-256 tells, whatever it holds."""
    path = file_of(root, FIRST)
    written(path, pq.read_table(path, partitioning=None))
    assert {line.split(":")[0] for line in named(root, path)} <= {"file SHA-256", "bytes"}
    assert named(root, path)


def test_values_changed_behind_a_forged_file_digest_are_found(root):
    """Other values with file digests forged in file, sidecar and receipt: the logical digest."""
    name = file_of(root, FIRST).relative_to(root).as_posix()
    forge(root, name, changed_amount)
    lines = found(root)
    assert [line for line in lines if line.startswith("logical digest")]
    assert not [line for line in lines if line.startswith("file SHA-256")]


def card_of_nobody(path: Path, entry: dict) -> None:
    """A card id that stands in no catalog."""
    rows = pq.read_table(path, partitioning=None)
    own = pc.equal(pa.array(range(rows.num_rows)), 0)
    at = rows.schema.get_field_index("card_id")
    other = pc.if_else(own, pa.scalar(12345, pa.int64()), rows["card_id"])
    written(path, rows.set_column(at, rows.schema.field(at), other))


def another_day(path: Path, entry: dict) -> None:
    """The whole file of another day, with its own metadata."""
    shutil.copy(str(path).replace("2026-03-01", "2026-03-02"), path)


def test_rows_that_break_a_contract_are_found_behind_forged_digests(root):
    """Every digest forged: a foreign key that leads nowhere is still found."""
    name = file_of(root, FIRST).relative_to(root).as_posix()
    forge(root, name, with_logical_digest(root, card_of_nobody))
    assert any(line.startswith("check foreign_key card_id") for line in found(root))


def test_another_day_s_rows_are_found_behind_forged_digests(root):
    """Every digest forged: rows of another day, and a file that says that it is another."""
    name = file_of(root, FIRST).relative_to(root).as_posix()
    forge(root, name, with_logical_digest(root, another_day))
    lines = found(root)
    assert any(line.startswith("check event_day event_time") for line in lines)
    assert any(line.startswith("metadata fauxpay.partition") for line in lines)


def test_one_flipped_bit_of_the_catalog_is_one_fault(root):
    """Damage is told where it is, not wherever it would be felt."""
    path = file_of(root, "worlds/*/catalog/merchants.parquet")
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)
    assert [line.split(":")[0] for line in found(root)] == ["file SHA-256"]


def test_copies_and_other_places_hold(root, tmp_path):
    """A copied root, touched files and a folder under another day prove nothing wrong."""
    folder = run_of(root).folder
    other = folder.parent.parent / "utc_day=2031-01-01"
    other.mkdir()
    folder.rename(other / folder.name)
    for path in root.rglob("*"):
        path.touch()
    assert found(root) == []
    assert any("filed under" in line for line in notes(root))


def test_a_run_of_another_window_shares_its_days(root):
    """Partitions that belong to another run of the same world are nobody's extra files."""
    fauxpay.generate(request(root, **{"from": "2026-03-02", "to": "2026-03-06"}))
    for run in fauxpay.open(root).runs():
        assert found(root, run.run_id) == []


def test_a_world_of_older_contracts_is_held_against_its_own(root, monkeypatch):
    """Where this package has other contracts, the sealed ones count; what is left out is said."""
    from fauxpay.audit import verify

    monkeypatch.setattr(verify, "contract_packs", lambda: {"other.yaml": b""})
    assert found(root) == []
    assert [note.split(":")[1] for note in notes(root)] == [" integrity rules"]
    name = file_of(root, FIRST).relative_to(root).as_posix()
    forge(root, name, with_logical_digest(root, card_of_nobody))
    assert any(line.startswith("check foreign_key card_id") for line in found(root))


@pytest.fixture
def later(monkeypatch):
    """A package whose contract of cards has one column more than worlds were sealed with."""
    from fauxpay.catalog import store

    known = store.contract

    def with_more(name):
        now = known(name)
        more = replace(now.columns[-1], name="later_column")
        return replace(now, columns=(*now.columns, more)) if name == "cards" else now

    monkeypatch.setattr(store, "contract", with_more)


def test_a_world_without_our_columns_is_told_by_name(root, later, monkeypatch):
    """World, column and what to do, where an engine would fail on the column: no traceback."""
    from fauxpay.audit import verify

    monkeypatch.setattr(verify, "contract_packs", lambda: {"other.yaml": b""})
    (line,) = [one for one in found(root) if one.startswith("catalog:")]
    world = next(root.glob("worlds/*"))
    assert str(world / "catalog") in line
    (told,) = [one for one in verify_run(run_of(root)).differences if one.what == "catalog"]
    assert "cards.later_column" in told.found
    assert "verify with the version" in told.remedy


def test_days_are_not_made_in_a_world_without_our_columns(root, later):
    """A run in a world that stands there: refused with world, column and what to do."""
    with pytest.raises(
        ContractError, match=r"cards\.later_column, expected .* under other contracts"
    ):
        fauxpay.generate(request(root, to="2026-03-05"))


def test_a_gate_of_another_version_is_not_judged_again(root):
    """Another version may know other checks: that is a note, the digests still count."""
    reseal(root, lambda receipt: receipt["packages"].update(fauxpay="0.0.9"))
    assert found(root) == []
    assert any("verify with fauxpay 0.0.9" in note for note in notes(root))


def test_another_parquet_writer_than_the_receipt_says_is_a_note(root):
    """Every footer repeats the version of pyarrow, so an edited one is seen."""
    reseal(root, lambda receipt: receipt["packages"].update(pyarrow="1.2.3"))
    assert found(root) == []
    assert all("written by" in note for note in notes(root))
    assert len(notes(root)) == 7 + 2 * (3 + 3 * 4)


def test_domains_of_the_verifier_are_those_of_the_writer():
    """The law has one set of domains: what numbers the values when writing and when reading."""
    maker = maker_of(config())
    own = domains_of(maker.world)
    for column, domain in own.items():
        assert tuple(domain.values.to_pylist()) == tuple(maker.domains[column]), column
    listed = {column.name for column in maker.transactions.columns if column.enum}
    assert set(own) | listed == set(maker.domains)


def test_memory_is_bounded_by_pieces_of_a_file(sealed):
    """Transactions arrive in pieces of a limited size, however large the row groups are."""
    from fauxpay.audit import tables

    rows = pq.read_table(file_of(sealed, FIRST), partitioning=None)
    many = pa.concat_tables([rows] * (1 + 150_000 // rows.num_rows))
    buffer = pa.BufferOutputStream()
    pq.write_table(many, buffer, row_group_size=many.num_rows)
    with pq.ParquetFile(pa.BufferReader(buffer.getvalue())) as file:
        assert file.num_row_groups == 1
        contract = table(layout.DAY_TABLES["transactions"])
        sizes = [batch.num_rows for batch in tables._batches(file, contract)]
    assert max(sizes) <= tables.ROWS_AT_ONCE
    assert sum(sizes) == many.num_rows
