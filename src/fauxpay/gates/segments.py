"""Segments: the stages that own tables. What each reads, and the verdict that it starts from.

Reads    digests and verdicts of what stands upstream
Writes   gate receipts of segments (contract run.yaml#/$defs/segment)
Draws    nothing
Sources  nothing

A segment starts only on inputs that are PASS or that no gate judges (reference data, contracts,
parameters: their digests are part of the world's id). What could not start is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fauxpay.foundations.canonical import document_digest
from fauxpay.gates.verdicts import Check, Verdict, worst

SEGMENT_SCHEMA = "fauxpay.segment/1"
CATALOG, ACTIVITY, FRAUD, LABELS = SEGMENTS = ("catalog", "activity", "fraud", "labels")
TABLES_OF = {
    CATALOG: (
        "places",
        "merchants",
        "terminals",
        "customers",
        "accounts",
        "cards",
        "devices",
    ),
    ACTIVITY: ("transactions", "postings"),
    FRAUD: ("campaigns", "compromises", "reissues", "truth"),
    LABELS: ("labels",),
}
"""Which tables a segment owns, in the order in which it makes them."""

READS = {
    CATALOG: (),
    ACTIVITY: (*TABLES_OF[CATALOG],),
    FRAUD: (*TABLES_OF[CATALOG], "transactions"),
    LABELS: ("transactions", "truth"),
}
"""Which tables of earlier segments a segment reads."""

MADE_FROM = {"postings": ("transactions",)}
"""Which tables of its own segment a table is made from."""

SEGMENT_OF = {table: segment for segment, tables in TABLES_OF.items() for table in tables}


@dataclass(frozen=True, slots=True)
class SealedInput:
    """What a segment read.

    segment  that made it; "" for what comes from outside
    verdict  of that segment; None for what no gate judges
    """

    name: str
    digest: str
    segment: str
    verdict: Verdict | None

    def document(self) -> dict[str, Any]:
        """As contract run.yaml#/$defs/sealed_input."""
        verdict = None if self.verdict is None else self.verdict.name
        return {
            "name": self.name,
            "digest": self.digest,
            "segment": self.segment,
            "verdict": verdict,
        }


@dataclass(frozen=True, slots=True)
class SealedOutput:
    """A table that a segment wrote; the digest covers the logical digests of all its files."""

    table: str
    files: int
    rows: int
    digest: str

    def document(self) -> dict[str, Any]:
        """As contract run.yaml#/$defs/sealed_output."""
        return {
            "table": self.table,
            "files": self.files,
            "rows": self.rows,
            "digest": self.digest,
        }


def may_start(inputs: Iterable[SealedInput]) -> bool:
    """Whether everything upstream that has a verdict is PASS."""
    return all(one.verdict in (None, Verdict.PASS) for one in inputs)


def segment_verdict(
    segment: str, inputs: Sequence[SealedInput], written: Collection[str], failed: Collection[str]
) -> Verdict:
    """The verdict of a segment in one partition.

    written  tables that stand in files
    failed   tables that a check found fault with
    """
    own = TABLES_OF[segment]
    if any(table in failed for table in own):
        return Verdict.FAIL
    if not may_start(inputs) or not any(table in written for table in own):
        return Verdict.UNKNOWN
    return Verdict.PASS


def segment_document(
    segment: str,
    of: Mapping[str, Any],
    inputs: Sequence[SealedInput],
    outputs: Sequence[SealedOutput],
    checks: Sequence[Check],
) -> dict[str, Any]:
    """The gate receipt of a segment, with the digest of itself.

    of  members that say of what: world_id, and run_id (null for the catalog, which many runs share)
    """
    verdict = worst(check.verdict for check in checks)
    if not may_start(inputs):
        verdict = max(verdict, Verdict.UNKNOWN)
    document: dict[str, Any] = {
        "schema": SEGMENT_SCHEMA,
        "segment": segment,
        **of,
        "inputs": [one.document() for one in inputs],
        "outputs": [one.document() for one in outputs],
        "checks": [check.document() for check in checks],
        "verdict": verdict.name,
    }
    return {**document, "segment_digest": segment_digest(document)}


def segment_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of a segment's document without its own digest."""
    body = {key: value for key, value in document.items() if key != "segment_digest"}
    return document_digest(body)
