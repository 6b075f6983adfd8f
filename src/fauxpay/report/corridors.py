"""Corridors: the scorecard as bars: what was measured, within what real figures allow.

Reads    a scorecard
Writes   nothing
Draws    nothing
Sources  facts.yaml, by the scorecard
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import groupby

from fauxpay.report.parts import Section, number_text
from fauxpay.scorecard.findings import Finding, Scorecard, Standing, Tag

# The corridor takes the middle of a bar; half of its width is shown to either side.
CORRIDOR_LEFT, CORRIDOR_RIGHT = 30.0, 70.0
TAGS = {
    Tag.VERIFIED: "read in the source",
    Tag.COMPUTED: "computed on real rows",
    Tag.RECALLED: "recalled",
    Tag.ASSUMED: "assumption, not counted",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A fact as a bar. Places are percents of its width; None where there is nothing to draw.

    is_beyond  the value lies further out than the bar reaches, so it stands at its edge
    """

    finding: Finding
    band: tuple[float, float]
    mark: float | None
    whisker: tuple[float, float] | None
    is_beyond: bool
    value: str
    corridor: str
    tag: str


@dataclass(frozen=True, slots=True)
class Corridors(Section):
    """A section that has the groups of a scorecard."""

    groups: tuple[tuple[str, tuple[Bar, ...]], ...] = field(default=())


def corridors(card: Scorecard | None) -> Section:
    """The section of a scorecard."""
    title = "Scorecard: as real as the published figures"
    lead = (
        "Each fact has a corridor from published figures; the mark is what this run has, with its "
        "95 % interval over blocks of days."
    )
    if card is None:
        return Section("scorecard", title, lead, notes=("The run has no transaction to score.",))
    order = list(dict.fromkeys(one.fact.group for one in card.findings))
    ordered = sorted(card.findings, key=lambda one: order.index(one.fact.group))
    groups = tuple(
        (name, tuple(map(bar, found)))
        for name, found in groupby(ordered, key=lambda one: one.fact.group)
    )
    return Corridors("scorecard", title, f"{lead} {summary(card)}", groups=groups)


def summary(card: Scorecard) -> str:
    """How many facts are inside, outside, shown and skipped, in a sentence."""
    count = dict.fromkeys(Standing, 0)
    for one in card.findings:
        count[one.standing] += 1
    total = "" if card.total is None else f" The weighted total is {card.total:.0%}."
    return (
        f"{count[Standing.INSIDE]} facts are inside and {count[Standing.OUTSIDE]} outside; "
        f"{count[Standing.SHOWN]} are shown without being counted and {count[Standing.SKIPPED]} "
        f"were skipped.{total}"
    )


def bar(finding: Finding) -> Bar:
    """Where a finding and its corridor stand on a bar."""
    fact = finding.fact
    low, high = fact.low, fact.high
    band = (
        0.0 if low is None else CORRIDOR_LEFT,
        100.0 if high is None else CORRIDOR_RIGHT,
    )
    mark = whisker = None
    is_beyond = False
    if finding.value is not None:
        place = _place(finding.value, low, high)
        is_beyond = not 0 <= place <= 100
        mark = _clipped(place)
    if finding.interval is not None and mark is not None:
        first, last = (_clipped(_place(end, low, high)) for end in finding.interval)
        whisker = (first, last)
    value = "–" if finding.value is None else number_text(finding.value)
    return Bar(
        finding, band, mark, whisker, is_beyond, value, corridor_text(low, high), TAGS[fact.tag]
    )


def corridor_text(low: float | None, high: float | None) -> str:
    """The corridor in words."""
    match low, high:
        case None, None:
            return "open"
        case None, float() | int():
            return f"up to {number_text(float(high))}"
        case float() | int(), None:
            return f"from {number_text(float(low))}"
    assert low is not None
    assert high is not None
    return f"{number_text(float(low))} to {number_text(float(high))}"


def _place(value: float, low: float | None, high: float | None) -> float:
    """Percent of the bar's width, possibly beyond it."""
    if low is not None and high is not None:
        if low == high:
            return 50.0 if value == low else math.copysign(1000.0, value - low)
        return CORRIDOR_LEFT + (value - low) / (high - low) * (CORRIDOR_RIGHT - CORRIDOR_LEFT)
    edge = low if low is not None else high
    if edge is None:
        return 50.0
    scale = abs(edge) or 1.0
    at = CORRIDOR_LEFT if low is not None else CORRIDOR_RIGHT
    return at + (value - edge) / scale * (CORRIDOR_RIGHT - CORRIDOR_LEFT)


def _clipped(place: float) -> float:
    return round(min(99.0, max(1.0, place)), 2)
