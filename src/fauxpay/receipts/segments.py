"""Gate receipts of segments: of the catalog in world.json, of the others beside a run's receipt.

Reads    world.json, receipts of partitions, the gates of a run
Writes   documents of contract run.yaml#/$defs/segment
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fauxpay.errors import ContractError, GateError
from fauxpay.foundations.canonical import document_digest
from fauxpay.gates.segments import (
    ACTIVITY,
    CATALOG,
    FRAUD,
    LABELS,
    READS,
    SEGMENT_OF,
    TABLES_OF,
    SealedInput,
    SealedOutput,
    segment_digest,
    segment_document,
)
from fauxpay.gates.verdicts import Check, Verdict, worst

if TYPE_CHECKING:
    from fauxpay.receipts.records import Contents, Request

PARAMETERS = "parameters"


def catalog_segment(world: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The gate receipt of a catalog in which no check failed.

    world  world.json without this member
    names  of the checks that were made, "<table>: <check>"
    """
    rows = {entry["name"]: entry["rows"] for entry in world["tables"]}
    checks = [
        Check(name, Verdict.PASS, rows[name.partition(":")[0]], 0, "holds in every row")
        for name in names
    ]
    inputs = [
        SealedInput(PARAMETERS, world["parameter_hash"], "", None),
        *(SealedInput(one["name"], one["sha256"], "", None) for one in world["inputs"]),
    ]
    outputs = [
        SealedOutput(entry["name"], 1, entry["rows"], entry["logical_digest"])
        for entry in world["tables"]
    ]
    of = {"world_id": world["world_id"], "run_id": None}
    return segment_document(CATALOG, of, inputs, outputs, checks)


def require_world(world: Mapping[str, Any], place: str) -> None:
    """Raises GateError unless the catalog's gate says PASS, ContractError where it was changed."""
    segment = world["segment"]
    if segment_digest(segment) != segment["segment_digest"]:
        raise ContractError(
            f"{place}: the catalog's gate receipt was changed after it was sealed; expected the "
            f"digest {segment['segment_digest'][:12]}... Restore the file, or remove the world's "
            f"folder and run the same command again."
        )
    verdict = worst(Verdict[check["verdict"]] for check in segment["checks"])
    if segment["verdict"] != Verdict.PASS.name or verdict is not Verdict.PASS:
        raise GateError(
            f"{place}: the catalog's verdict is {segment['verdict']}; expected PASS before "
            f"anything is made from it. Look at its checks, or remove the world's folder."
        )


def run_segments(
    request: Request, contents: Contents, gate: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Gate receipts of activity, fraud and labels, each on the verdicts of those before it."""
    catalog = contents.world["segment"]
    sealed = {
        output["table"]: SealedInput(
            output["table"], output["digest"], CATALOG, Verdict[catalog["verdict"]]
        )
        for output in catalog["outputs"]
    }
    checks = _checks_by_segment(gate)
    documents = []
    of = {"world_id": request.world_id, "run_id": request.run_id}
    for segment in (ACTIVITY, FRAUD, LABELS):
        inputs = [sealed[table] for table in READS[segment] if table in sealed]
        outputs = [_output(table, contents) for table in TABLES_OF[segment]]
        document = segment_document(segment, of, inputs, outputs, checks[segment])
        documents.append(document)
        verdict = Verdict[document["verdict"]]
        sealed |= {
            one.table: SealedInput(one.table, one.digest, segment, verdict) for one in outputs
        }
    return documents


def segment_entry(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a receipt says of a segment (contract run.yaml#/$defs/segment_entry)."""
    return {
        "segment": document["segment"],
        "verdict": document["verdict"],
        "digest": document["segment_digest"],
    }


def _output(table: str, contents: Contents) -> SealedOutput:
    """A table over all partitions: files in the order of days and shards."""
    found = [
        (partition.event_day, partition.shard, entry)
        for partition in (*contents.plans, *contents.partitions)
        for entry in partition.tables
        if entry.name == table
    ]
    digests = [[day, shard, entry.logical_digest] for day, shard, entry in found]
    rows = sum(entry.rows for _, _, entry in found)
    return SealedOutput(table, len(found), rows, document_digest(digests))


def _checks_by_segment(gate: Mapping[str, Any]) -> dict[str, list[Check]]:
    """Checks of a run's gates by the segment of the table that they name; others are all's."""
    by_segment: dict[str, list[Check]] = {ACTIVITY: [], FRAUD: [], LABELS: []}
    for entry in gate["gates"]:
        if entry["name"] == CATALOG:
            continue
        for one in entry["checks"]:
            check = Check(
                one["name"], Verdict[one["verdict"]], one["rows"], one["offenders"], one["evidence"]
            )
            table = one["name"].partition(":")[0]
            own = SEGMENT_OF.get(table)
            for segment in by_segment if own is None else [own]:
                by_segment[segment].append(check)
    return by_segment
