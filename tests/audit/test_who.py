"""Who: every file and every transaction names its run, and says whether it is the sealed one."""

from __future__ import annotations

import shutil

import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.audit.transactions import CLASS_NAMES, address_of, who_did
from fauxpay.audit.who import segment_of, who_made
from fauxpay.errors import ContractError, StorageError
from fauxpay.readers.flat import export_flat
from forgeries import edit, written
from sealed import FIRST, KINDS, file_of, request, run_of

TABLES = {
    "catalog table": ("cards", "catalog"),
    "plan": ("reissues", "fraud"),
    "transactions": ("transactions", "activity"),
    "truth": ("truth", "fraud"),
    "labels": ("labels", "labels"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_renamed_copy_is_recognised(sealed, tmp_path, kind):
    """A table file under any name, anywhere: run, world, seed, config, segment, and sealed."""
    own = file_of(sealed, KINDS[kind])
    copy = tmp_path / "anything.bin"
    shutil.copy(own, copy)
    answer = who_made(sealed, copy)
    run = run_of(sealed)
    assert answer.is_sealed is True
    assert [one.run_id for one in answer.runs] == [run.run_id]
    assert answer.facts["world_id"] == run.receipt["world_id"]
    assert (answer.facts["table"], answer.facts["segment"]) == TABLES[kind]
    assert answer.sealed_as == own.relative_to(sealed).as_posix()
    assert answer.config["catalog"]["cards"] == 500
    assert answer.document()["runs"][0]["window"] == {"from": "2026-03-01", "to": "2026-03-04"}


def test_a_file_written_again_is_known_but_not_sealed(sealed, tmp_path):
    """Other bytes that still say where they come from: named, and not called sealed."""
    copy = tmp_path / "rows.parquet"
    shutil.copy(file_of(sealed, FIRST), copy)
    written(copy, pq.read_table(copy, partitioning=None))
    answer = who_made(sealed, copy)
    assert answer.is_sealed is False
    assert answer.sealed_as == file_of(sealed, FIRST).relative_to(sealed).as_posix()
    assert [one.run_id for one in answer.runs] == [run_of(sealed).run_id]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("receipt", "receipt"), ("gate", "gate"), ("world", "world"), ("sidecar of a day", "sidecar")],
)
def test_documents_are_recognised(sealed, tmp_path, kind, name):
    """Receipt, gate, world.json and sidecar name their run; edited ones are not sealed."""
    copy = tmp_path / "document"
    shutil.copy(file_of(sealed, KINDS[kind]), copy)
    answer = who_made(sealed, copy)
    assert (answer.kind, answer.is_sealed) == (name, True)
    assert [one.run_id for one in answer.runs] == [run_of(sealed).run_id]

    def change(document):
        if "gates" in document:
            document["gates"].pop()
        elif "tables" in document:
            document["tables"][0]["rows"] += 1
        else:
            document["rows"]["cards"] += 1

    edit(copy, change)
    assert who_made(sealed, copy).is_sealed is False


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("world", lambda world: world["config"]["catalog"].update(seed=77)),
        ("world", lambda world: world["parameters"].popitem()),
        ("world", lambda world: world["segment"]["checks"][0].update(rows=1)),
        ("receipt", lambda receipt: receipt["rows"].update(cards=500.0)),
        ("sidecar of a day", lambda sidecar: sidecar.update(event_day="2026-03-01")),
        ("sidecar of a day", lambda sidecar: sidecar.update(shard=7)),
        ("sidecar of a day", lambda sidecar: sidecar.update(seed=2)),
    ],
)
def test_no_member_of_a_document_may_be_edited(sealed, tmp_path, kind, change):
    """What stands beside the tables is sealed, too, and 500.0 is another spelling of 500."""
    copy = tmp_path / "document"
    shutil.copy(file_of(sealed, KINDS[kind]), copy)
    edit(copy, change)
    answer = who_made(sealed, copy)
    assert answer.is_sealed is False
    assert answer.notes == ("its content is not what the receipt was sealed with",)


def test_documents_of_a_run_without_its_mark_are_not_sealed(root, tmp_path):
    """The same documents, but nobody can verify the run: said so, and not called sealed."""
    file_of(root, KINDS["mark"]).unlink()
    for kind in ("receipt", "gate", "world", "sidecar of a day"):
        answer = who_made(root, file_of(root, KINDS[kind]))
        assert answer.is_sealed is False
        assert answer.notes == ("no run that it describes can be verified",)


def test_an_input_of_the_world_is_recognised(sealed, tmp_path):
    """A contract pack is known by its digest."""
    copy = tmp_path / "mine.yaml"
    shutil.copy(file_of(sealed, "worlds/*/contracts/fraud.yaml"), copy)
    answer = who_made(sealed, copy)
    assert answer.facts["name"] == "contracts/fraud.yaml"
    assert answer.is_sealed is True


def test_a_flat_export_names_its_run(sealed, tmp_path):
    """The beginners' file is not sealed, but says which run it was made from; rows are compared."""
    flat = tmp_path / "flat.parquet"
    export_flat(fauxpay.open(sealed).latest(), flat)
    answer = who_made(sealed, flat)
    assert (answer.kind, answer.is_sealed) == ("flat export", None)
    assert [one.run_id for one in answer.runs] == [run_of(sealed).run_id]
    assert len(answer.notes) == 1
    shorter = tmp_path / "shorter.parquet"
    rows = pq.read_table(flat)
    pq.write_table(rows.slice(0, 9), shorter)
    assert any("was changed" in note for note in who_made(sealed, shorter).notes)


def test_a_stranger_is_refused(sealed, tmp_path):
    """Files that fauxpay did not make, damaged ones and missing ones are said to be so."""
    stranger = tmp_path / "stranger.csv"
    stranger.write_text("a,b\n1,2\n")
    with pytest.raises(ContractError, match="not made by fauxpay"):
        who_made(sealed, stranger)
    stranger.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ContractError, match="cannot be read"):
        who_made(sealed, stranger)
    with pytest.raises(StorageError, match="cannot read"):
        who_made(sealed, tmp_path / "absent")


def test_a_document_that_lies_about_its_kind_is_refused(sealed, tmp_path):
    """A JSON file that names our schema and does not have its shape is none of ours."""
    liar = tmp_path / "receipt.json"
    liar.write_text('{"schema": "fauxpay.receipt/2", "catalog": 7}')
    with pytest.raises(ContractError, match="says that it is a receipt, but is none"):
        who_made(sealed, liar)
    liar.write_text("[" * 100_000)
    with pytest.raises(ContractError, match="not made by fauxpay"):
        who_made(sealed, liar)


def test_a_file_of_another_root_says_what_it_knows(sealed, tmp_path):
    """Without its run below the root, the metadata still names world, seed, table and day."""
    answer = who_made(tmp_path, file_of(sealed, FIRST))
    assert answer.runs == ()
    assert answer.facts["world_id"] == run_of(sealed).receipt["world_id"]
    assert answer.facts["partition"] == "event_day=2026-03-01"
    assert answer.facts["table"] == "transactions"


def test_every_transaction_leads_back_to_its_row(sealed):
    """The id alone gives card, day, class and shard, and the row stands exactly there."""
    run = fauxpay.open(sealed).latest()
    cards = run.table("cards").to_table()["card_id"].to_pylist()
    rows = run.table("reissues").to_table()
    roots = dict(zip(rows["card_id"].to_pylist(), rows["root_card_id"].to_pylist(), strict=True))
    frauds = set(run.table("truth").to_table()["transaction_id"].to_pylist())
    classes = set()
    for path in run.files("transactions"):
        table = pq.read_table(path, partitioning=None)
        for at in (0, table.num_rows // 2, table.num_rows - 1):
            identifier = table["transaction_id"][at].as_py()
            (answer,) = who_did(sealed, identifier)
            assert answer.facts["row"] == at
            assert answer.sealed_as == path.relative_to(sealed).as_posix()
            card = table["card_id"][at].as_py()
            assert cards[answer.facts["card_index"]] == roots.get(card, card)
            assert (answer.facts["segment"] == "fraud") == (identifier in frauds)
            assert answer.is_sealed is True
            classes.add(answer.facts["class"])
    assert "ordinary" in classes


def test_frauds_come_from_the_fraud_segment(sealed):
    """Each fraudulent row was made by the segment fraud, as its id's class says."""
    run = fauxpay.open(sealed).latest()
    frauds = run.table("truth").to_table()["transaction_id"].to_pylist()
    assert frauds
    for identifier in frauds[:5]:
        (answer,) = who_did(sealed, identifier)
        assert (answer.facts["class"], answer.facts["segment"]) == ("attack", "fraud")


@pytest.mark.parametrize("identifier", [0, 123, 2**63 - 1])
def test_an_id_of_nobody_is_refused(sealed, identifier):
    """Any number has an address; only a row that stands there counts."""
    with pytest.raises(ContractError, match="in none of the 1 worlds"):
        who_did(sealed, identifier)


def test_an_id_that_is_too_large_is_refused(sealed):
    """Ids are 63 bits."""
    with pytest.raises(ContractError, match="no transaction id"):
        who_did(sealed, 2**63)


def test_a_row_in_a_damaged_file_is_not_called_sealed(root):
    """The row may still stand there, but its file is no longer the sealed one."""
    path = file_of(root, FIRST)
    identifier = pq.read_table(path, partitioning=None)["transaction_id"][0].as_py()
    written(path, pq.read_table(path, partitioning=None))
    (answer,) = who_did(root, identifier)
    assert answer.is_sealed is False
    assert answer.notes


@pytest.mark.parametrize("kept", [[], ["transaction_id"]])
def test_a_file_of_other_columns_holds_no_transaction(root, kept):
    """Another table in the place of a day's rows: the id is in none, and nothing breaks."""
    path = file_of(root, FIRST)
    rows = pq.read_table(path, partitioning=None)
    identifier = rows["transaction_id"][0].as_py()
    pq.write_table(rows.select([*kept, "amount_minor"]), path)
    with pytest.raises(ContractError, match="in none of the 1 worlds and seeds"):
        who_did(root, identifier)


def test_all_runs_that_hold_a_day_are_named(root):
    """A day that two runs share names both; another seed is another address."""
    fauxpay.generate(request(root, to="2026-03-02"))
    assert len(who_made(root, file_of(root, FIRST)).runs) == 2
    identifier = pq.read_table(file_of(root, FIRST), partitioning=None)["transaction_id"][0].as_py()
    (answer,) = who_did(root, identifier)
    assert len(answer.runs) == 2
    assert address_of(identifier, 1) != address_of(identifier, 2)


def test_classes_and_tables_all_have_a_segment():
    """Nothing that can be made is without an owner."""
    assert {segment for _, segment in CLASS_NAMES.values()} == {"activity", "fraud"}
    assert segment_of("labels") == "labels"
    assert segment_of("nothing") == "?"
