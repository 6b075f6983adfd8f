"""Store: which folder is a run's, and what must agree before its rows may be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fauxpay.errors import ContractError, GateError, StorageError
from fauxpay.foundations.canonical import document_digest
from fauxpay.gates.verdicts import Verdict
from fauxpay.receipts.store import (
    created_utc,
    find_run,
    is_whole,
    judged,
    read_failure,
    read_gate,
    read_run,
    sealed_run,
)
from forgeries import edit, reseal
from sealed import KINDS, file_of


@pytest.fixture
def folder(root) -> Path:
    """The folder of the one run below `root`."""
    return file_of(root, KINDS["receipt"]).parent


def test_a_run_is_found_by_its_stamp_and_without(root, folder):
    """The stamp says under which day; copied without it, or filed elsewhere, it is found too."""
    assert find_run(root, folder.name) == folder
    stamp = file_of(root, KINDS["stamp"])
    for torn in (
        b"",
        b"{}",
        b"[]",
        b'{"created_utc":7}',
        b'{"created_utc":"2026-03-02"}',
        b'{"created_utc":"2031-01-01T00:00:00Z"}',
        b"[" * 200_000,
    ):
        stamp.write_bytes(torn)
        assert find_run(root, folder.name) == folder, torn[:40]
    stamp.unlink()
    other = folder.parent.parent / "utc_day=2031-01-01" / folder.name
    other.parent.mkdir()
    folder.rename(other)
    assert find_run(root, folder.name) == other


def test_the_stamp_decides_between_copies(root, folder):
    """Of two folders of a run the one that was stamped counts, though another is filed earlier."""
    other = folder.parent.parent / "utc_day=2001-01-01" / folder.name
    shutil.copytree(folder, other)
    assert find_run(root, folder.name) == folder
    file_of(root, KINDS["stamp"]).unlink()
    assert find_run(root, folder.name) == other


@pytest.mark.parametrize("run_id", ["", "*", "0" * 20, "0" * 19, "..", "A" * 20, "0" * 21])
def test_what_is_no_run_is_not_found(root, folder, run_id):
    """Names with patterns or paths in them are never looked up."""
    assert find_run(root, run_id) is None
    assert sealed_run(root, run_id) is None
    assert find_run(root, f"{folder.name}/../{folder.name}") is None


def test_an_instant_of_a_stamp_is_one_or_refused():
    """A stamp says when, to the second; anything else is torn."""
    assert created_utc(b'{"created_utc":"2026-03-02T10:20:30Z"}') == "2026-03-02T10:20:30Z"
    with pytest.raises(ContractError, match="not a stamp"):
        created_utc(b'{"created_utc":"2026-03-02T10:20:30+00:00"}')


def test_a_sealed_run_is_there_with_every_file(root, folder):
    """A file that is gone or shorter, of the catalog, a plan or a day: it is to be made again."""
    run = sealed_run(root, folder.name)
    assert run is not None
    assert (run.root, run.folder) == (root, folder)
    for kind in ("catalog table", "plan", "transactions", "labels"):
        path = file_of(root, KINDS[kind])
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        assert not is_whole(run), kind
        path.unlink()
        assert sealed_run(root, folder.name) is None, kind
        path.write_bytes(data)
    assert is_whole(run)


def test_a_gate_of_another_run_is_refused(root, folder):
    """Its digest may be the receipt's: it must name the same run."""
    gate = edit(folder / "gate.json", lambda one: one.update(run_id="0" * 20))
    reseal(root, lambda receipt: receipt.update(gate_digest=document_digest(gate)))
    with pytest.raises(ContractError, match="not the gate"):
        read_run(root, folder)


@pytest.mark.parametrize("verdict", ["FAIL", "UNKNOWN"])
@pytest.mark.parametrize("where", ["receipt", "gate", "check", "no checks", "no gates"])
def test_all_that_says_a_verdict_must_say_pass(root, folder, where, verdict):
    """The receipt, the gate and what the checks add up to; nothing checked is no PASS."""

    def changed(gate: dict) -> None:
        if where == "gate":
            gate["verdict"] = verdict
        elif where == "check":
            gate["gates"][3]["checks"][-1]["verdict"] = verdict
        elif where == "no checks":
            gate["gates"][1]["checks"] = []
        elif where == "no gates":
            gate["gates"] = []

    gate = edit(folder / "gate.json", changed)
    digest = document_digest(gate)
    own = {"verdict": verdict} if where == "receipt" else {}
    reseal(root, lambda receipt: receipt.update(gate_digest=digest, **own))
    with pytest.raises(GateError, match="expected PASS"):
        read_run(root, folder)
    if where in ("no checks", "no gates"):
        assert judged(gate) is Verdict.UNKNOWN


def test_a_failing_check_outweighs_one_that_could_not_be_asked():
    """FAIL in one gate and UNKNOWN in another are FAIL."""
    gates = [{"checks": [{"verdict": one}]} for one in ("UNKNOWN", "FAIL", "PASS")]
    assert judged({"gates": gates}) is Verdict.FAIL
    assert judged({"gates": gates[::2]}) is Verdict.UNKNOWN
    assert judged({"gates": gates[2:]}) is Verdict.PASS


@pytest.mark.parametrize("mark", [b"", b"0" * 64, b"\xff\xfe"])
def test_a_mark_of_another_receipt_is_none(root, folder, mark):
    """Torn, of other bytes or of another receipt: the run is not sealed."""
    (folder / "_PASSED").write_bytes(mark)
    with pytest.raises(GateError, match="no _PASSED mark of this receipt"):
        read_run(root, folder)


def test_an_edited_receipt_is_refused_by_its_digest(root, folder):
    """A mark that names the edited receipt's own words does not help."""
    edit(folder / "receipt.json", lambda receipt: receipt.update(seed=2))
    with pytest.raises(ContractError, match=r"receipt\.json: the receipt was changed"):
        read_run(root, folder)


def test_documents_that_cannot_be_read_name_their_file(root, folder):
    """Missing, no JSON, or not what the contract wants: the message begins with the path."""
    with pytest.raises(StorageError, match="nowhere") as caught:
        read_gate(folder / "nowhere")
    assert "Restore it or make the run again" in str(caught.value)
    for data in (b"{", b"{}", json.dumps({"schema": "fauxpay.gate/1"}).encode()):
        (folder / "gate.json").write_bytes(data)
        with pytest.raises(ContractError) as refused:
            read_gate(folder)
        assert str(refused.value).startswith(str(folder / "gate.json"))
    assert read_failure(folder) is None
    (folder / "failure.json").write_bytes(b"{}")
    assert read_failure(folder) is None
