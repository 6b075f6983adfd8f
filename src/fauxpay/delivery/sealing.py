"""Sealing: a judged run under its name, or in the quarantine.

Reads    gate and receipts of a run
Writes   runs/utc_day=.../<run_id>/{segments/*.json, gate.json, receipt.json, _PASSED}, the stamp
Draws    nothing
Sources  nothing

Each document is durable before the one that seals it; the mark that readers ask for comes last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from functools import partial
from typing import Any

from fauxpay.delivery.judging import judge
from fauxpay.delivery.progress import GateNews, Progress, Report
from fauxpay.delivery.sinks import Document, Sink, sink_of
from fauxpay.delivery.task import Context
from fauxpay.errors import ContractError, FauxpayError, GateError, StorageError
from fauxpay.foundations.canonical import canonical_json
from fauxpay.gates.segments import SEGMENT_OF
from fauxpay.gates.verdicts import Verdict
from fauxpay.receipts import layout
from fauxpay.receipts.records import (
    Contents,
    document_bytes,
    read_document,
    receipt_document,
)
from fauxpay.receipts.segments import run_segments
from fauxpay.receipts.store import (
    SealedRun,
    created_utc,
    find_run,
    is_whole,
    read_receipt,
    read_run,
)

GATE_CONTRACT = "run.yaml#/$defs/gate"
RECEIPT_CONTRACT = "run.yaml#/$defs/receipt"
SEGMENT_CONTRACT = "run.yaml#/$defs/segment"
BROKEN_SHOWN = 5


def seal(context: Context, contents: Contents, report: Report) -> SealedRun:
    """Judges the run, then publishes it and reads it back, or keeps it in quarantine."""
    sink = sink_of(context.root)
    report(Progress("gates", 0, 1, 0))
    gate = judge(context, contents)
    report(Progress("gates", 1, 1, 0, news=GateNews(gate)))
    if gate["verdict"] != Verdict.PASS.name:
        raise _failed(context, sink, contents, gate)
    report(Progress("receipt", 0, 1, 0))
    created = _created_utc(context, sink)
    segments = run_segments(context.request, contents, gate)
    receipt = receipt_document(context.request, created, contents, gate, segments)
    _publish(context, sink, created, (*segments, gate, receipt))
    report(Progress("receipt", 1, 1, 0))
    name = layout.run_name(created, context.request.run_id, layout.RECEIPT)
    return read_run(context.root, (context.root / name).parent)


def _publish(
    context: Context, sink: Sink, created: str, documents: Sequence[Mapping[str, Any]]
) -> None:
    """Gate receipts of the segments, gate, receipt, mark: each durable before the next.

    documents  segments, then gate, then receipt
    """
    *segments, gate, receipt = documents
    mark = f"{receipt['receipt_digest']}\n".encode()
    run_id = context.request.run_id
    own = [(layout.segment_file(one["segment"]), SEGMENT_CONTRACT, one) for one in segments]
    for stage in (
        own,
        [(layout.GATE, GATE_CONTRACT, gate)],
        [(layout.RECEIPT, RECEIPT_CONTRACT, receipt)],
    ):
        sink.mend(
            [
                Document(
                    layout.run_name(created, run_id, file),
                    document_bytes(contract, document),
                    partial(read_document, contract),
                )
                for file, contract, document in stage
            ]
        )
    _require_whole(context, created, receipt, gate)
    name = layout.run_name(created, run_id, layout.PASSED)
    sink.mend([Document(name, mark, partial(_require_same, mark))])


def _require_whole(
    context: Context, created: str, receipt: Mapping[str, Any], gate: Mapping[str, Any]
) -> None:
    """What was found or made long ago is still there. Raises StorageError.

    Asked once the receipt stands: from then on its names keep its files.
    """
    run_id = context.request.run_id
    folder = (context.root / layout.run_name(created, run_id, layout.RECEIPT)).parent
    if not is_whole(SealedRun(context.root, folder, receipt, gate)):
        raise StorageError(
            f"{context.root}: files of run {run_id} went missing while it was made, so it was not "
            f"sealed; expected nobody to remove any. The same command makes them again."
        )


def _require_same(mark: bytes, data: bytes) -> None:
    if data != mark:
        raise ContractError("the mark names another receipt")


def _created_utc(context: Context, sink: Sink) -> str:
    """When the run was first sealed; stamped once, so that of two at work both say the same."""
    run_id = context.request.run_id
    folder = find_run(context.root, run_id)
    if folder is not None:
        with suppress(FauxpayError):
            return str(read_receipt(folder)["created_utc"])
    text = _now(context)
    name = layout.stamp_name(run_id)
    stamp = canonical_json({"created_utc": text, "run_id": run_id})
    try:
        return created_utc(sink.claim(name, stamp))
    except ContractError:
        sink.set_aside(name)
        return created_utc(sink.claim(name, stamp))


def _now(context: Context) -> str:
    now = context.engine.clock()
    assert now.tzinfo is not None
    return now.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _failed(context: Context, sink: Sink, contents: Contents, gate: Mapping[str, Any]) -> GateError:
    """Keeps gate and receipt of a run that did not pass, and says what did not hold.

    The receipt says FAIL or UNKNOWN and has no mark: it is for inspection and replay.
    """
    folder = layout.quarantine_name(context.request.run_id)
    segments = run_segments(context.request, contents, gate)
    receipt = receipt_document(context.request, _now(context), contents, gate, segments)
    for one in segments:
        data = document_bytes(SEGMENT_CONTRACT, one)
        sink.keep(layout.segment_file(one["segment"]), data, folder)
    sink.keep(layout.RECEIPT, document_bytes(RECEIPT_CONTRACT, receipt), folder)
    path = sink.keep(layout.GATE, document_bytes(GATE_CONTRACT, gate), folder)
    broken = [
        check
        for entry in gate["gates"]
        for check in entry["checks"]
        if check["verdict"] != Verdict.PASS.name
    ]
    # What failed comes before what could not be asked because of it.
    broken.sort(key=lambda check: -Verdict[check["verdict"]])
    lines = [f"* {one['name']} ({one['verdict']}): {one['evidence']}" for one in broken]
    text = "\n".join(lines[:BROKEN_SHOWN]) or "* no check was made"
    error = GateError(
        f"run {context.request.run_id}: the verdict is {gate['verdict']}, {len(broken)} checks did "
        f"not hold; expected PASS. Nothing was sealed; look at {path}:\n{text}"
    )
    table = broken[0]["name"].partition(":")[0] if broken else ""
    return error.located(partition=_broken_partition(contents), segment=SEGMENT_OF.get(table, ""))


def _broken_partition(contents: Contents) -> str:
    """The first partition that did not pass, as messages name it."""
    for one in (*contents.plans, *contents.partitions):
        if one.verdict is not Verdict.PASS:
            return f"{one.event_day} part {one.shard:04d}"
    return ""
