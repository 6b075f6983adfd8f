"""Summaries: the runs below a root, and what the receipt and gate of one say.

Reads    receipt.json, gate.json
Writes   shapes Runs, RunFacts
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fauxpay.errors import FauxpayError
from fauxpay.readers.run import Run
from fauxpay.receipts.store import read_gate
from fauxpay.report.writing import report_path
from fauxpay.server.problems import Refused
from fauxpay.server.shapes import Gate, Page, RunFacts, Runs, RunSummary, Window
from fauxpay.server.shelf import Part

TRUTH = ("truth", "campaigns", "compromises")
"""Tables that nobody at the bank had; how many rows they have is hidden with them."""


def runs(every: Sequence[Run], opened: str, is_truth_allowed: bool, part: Part) -> Runs:
    """A page of runs, the newest first.

    every  the newest last
    """
    found = every[::-1]
    shown = found[part.offset : part.offset + part.limit]
    return Runs(
        opened=opened,
        is_truth_allowed=is_truth_allowed,
        page=Page(limit=part.limit, offset=part.offset, total=len(found)),
        items=[summary(run, is_truth_allowed) for run in shown],
    )


def facts(run: Run, is_truth_allowed: bool) -> RunFacts:
    """What its documents say of a run. Raises Refused where its gate cannot be read."""
    receipt = run.receipt
    try:
        gate = read_gate(run.folder)
    except FauxpayError as error:
        raise Refused(
            503, f"run {run.run_id}: its gate cannot be read", "gate.json as it was sealed"
        ) from error
    return RunFacts(
        summary=summary(run, is_truth_allowed),
        parameter_hash=receipt["parameter_hash"],
        model_version=receipt["model_version"],
        packages=receipt["packages"],
        receipt_digest=receipt["receipt_digest"],
        days=len({partition["event_day"] for partition in receipt["partitions"]}),
        gates=[_gate(entry, is_truth_allowed) for entry in gate["gates"]],
    )


def summary(run: Run, is_truth_allowed: bool) -> RunSummary:
    """A run in a list."""
    receipt, rows = run.receipt, run.rows
    if not is_truth_allowed:
        rows = {name: count for name, count in rows.items() if name not in TRUTH}
    return RunSummary(
        run_id=run.run_id,
        world_id=run.world_id,
        seed=receipt["seed"],
        window=Window(first=receipt["window"]["from"], end=receipt["window"]["to"]),
        created_utc=receipt["created_utc"],
        verdict=receipt["verdict"],
        is_verified=run.is_verified,
        rows=rows,
        fraud_rate=run.fraud_rate if is_truth_allowed else None,
        has_report=is_truth_allowed and report_path(run).is_file(),
    )


def _gate(entry: Mapping[str, Any], is_truth_allowed: bool) -> Gate:
    checks = [
        check
        for check in entry["checks"]
        if is_truth_allowed or check["name"].partition(":")[0] not in TRUTH
    ]
    return Gate(name=entry["name"], verdict=entry["verdict"], checks=checks)
