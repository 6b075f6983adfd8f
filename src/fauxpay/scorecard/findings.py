"""Findings: what a scorecard says of a table, fact by fact.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  facts.yaml
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Tag(StrEnum):
    """How a fact's real value is known."""

    VERIFIED = "V"  # read in the source
    COMPUTED = "C"  # computed on real rows
    RECALLED = "K"  # check before citing
    ASSUMED = "A"  # shown, never counted


class Standing(StrEnum):
    """What became of a fact."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    SHOWN = "shown"  # measured, but not counted: an assumption, or too little data to judge by
    SKIPPED = "skipped"  # not measured: columns, days or rows are missing


@dataclass(frozen=True, slots=True)
class Fact:
    """A published figure and the corridor that a default consumer world must fall into.

    key         snake_case, never reused
    row         number in the table of facts (one row may hold several facts)
    group       activity, time, amounts, geography, channels, fraud, labels
    low, high   corridor, both included, in `unit`; None where it is open
    real        the published value as text
    source      citation key of foundations/citations.yaml
    """

    key: str
    row: int
    group: str
    title: str
    unit: str
    low: float | None
    high: float | None
    real: str
    source: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact as measured.

    interval  95 % confidence interval from blocks of days, where there are blocks enough
    reason    why it was skipped or only shown; empty otherwise
    """

    fact: Fact
    value: float | None
    interval: tuple[float, float] | None
    standing: Standing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Findings in the order of facts.yaml.

    subject   what was scored, as the user named it
    evidence  rows, cards, merchants, first and last day, columns found
    total     weighted share of counted facts that are inside, 0..1; None where none is counted
    """

    subject: str
    evidence: Mapping[str, Any]
    findings: tuple[Finding, ...]
    total: float | None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """What a notebook shows: how it ended, and what lies outside, without every finding."""
        standings = [finding.standing for finding in self.findings]
        inside, outside = (standings.count(one) for one in (Standing.INSIDE, Standing.OUTSIDE))
        total = "nothing counted" if self.total is None else f"{self.total:.1%}"
        names = ", ".join(one.fact.key for one in self.findings if one.standing is Standing.OUTSIDE)
        return (
            f"<Scorecard of {self.subject}: {self.extra.get('verdict', 'not judged')}, {total}, "
            f"{inside} facts inside, {outside} outside{f' ({names})' if names else ''}>"
        )
