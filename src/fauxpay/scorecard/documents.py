"""Documents: a scorecard for programs.

Reads    a scorecard
Writes   run.yaml#/$defs/scorecard
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from typing import Any

from fauxpay.scorecard.findings import Finding, Scorecard

SCHEMA = "fauxpay.scorecard/1"


def document_of(card: Scorecard) -> dict[str, Any]:
    """What `fauxpay score --json` prints."""
    return {
        "schema": SCHEMA,
        "subject": card.subject,
        "verdict": card.extra["verdict"],
        "total": card.total,
        "groups": dict(card.extra["groups"]),
        "rows": {str(number): standing for number, standing in card.extra["rows"].items()},
        "evidence": dict(card.evidence),
        "findings": [_finding(each) for each in card.findings],
        "also": {
            name: {"value": each["value"], "interval": _listed(each["interval"])}
            for name, each in card.extra["also"].items()
        },
    }


def _finding(each: Finding) -> dict[str, Any]:
    fact = each.fact
    return {
        "fact": fact.key,
        "row": fact.row,
        "group": fact.group,
        "title": fact.title,
        "unit": fact.unit,
        "low": fact.low,
        "high": fact.high,
        "real": fact.real,
        "source": fact.source,
        "tag": fact.tag.value,
        "value": each.value,
        "interval": _listed(each.interval),
        "standing": each.standing.value,
        "reason": each.reason,
    }


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
