"""Judging: from measured values to findings, rows, groups, a total and a verdict.

Reads    measured facts, the rules of facts.yaml
Writes   findings and what they add up to
Draws    nothing
Sources  facts.yaml [weights, verdict]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fauxpay.gates.verdicts import Verdict
from fauxpay.scorecard.blocks import Measured
from fauxpay.scorecard.columns import CANONICAL
from fauxpay.scorecard.facts import Law, Rules
from fauxpay.scorecard.findings import Fact, Finding, Standing, Tag
from fauxpay.scorecard.staging import Staged

COUNTED = (Standing.INSIDE, Standing.OUTSIDE)


def finding(law: Law, staged: Staged, measured: Mapping[str, Measured]) -> Finding:
    """What becomes of a fact."""
    lacking = lacking_columns(law, staged.table.columns)
    if lacking:
        return Finding(law.fact, None, None, Standing.SKIPPED, _how_to_map(lacking, staged))
    found = measured[law.fact.key]
    if found.value is None:
        return Finding(law.fact, None, None, Standing.SKIPPED, found.reason)
    reason = why_not_counted(law, staged)
    if reason:
        return Finding(law.fact, found.value, found.interval, Standing.SHOWN, reason)
    standing = Standing.INSIDE if is_inside(law.fact, found.value) else Standing.OUTSIDE
    return Finding(law.fact, found.value, found.interval, standing)


def lacking_columns(law: Law, columns: Iterable[str]) -> list[str]:
    """What a fact needs and a table does not have."""
    return [name for name in law.needs if name not in frozenset(columns)]


def why_not_counted(law: Law, staged: Staged) -> str:
    """Why a fact is measured but does not count; "" where it does."""
    if law.fact.tag is Tag.ASSUMED:
        return "an assumption, never counted"
    for needed, has, what in (
        (law.cards_min, staged.cards, "cards"),
        (law.days_min, staged.span_days, "days"),
        (law.frauds_min, staged.frauds, "frauds"),
    ):
        if has < needed:
            return f"needs >= {needed:,} {what}, has {has:,}"
    if (
        law.country
        and "card_country" in staged.table.columns
        and not staged.is_focused(law.country)
    ):
        cards = staged.cards_of.get(law.country, 0)
        return (
            f"a figure of {law.country}, needs >= {staged.rules.country_cards_min:,} such cards, "
            f"has {cards:,}; measured on all"
        )
    return ""


def is_inside(fact: Fact, value: float) -> bool:
    """Whether a value lies in the fact's corridor, both ends included."""
    return (fact.low is None or value >= fact.low) and (fact.high is None or value <= fact.high)


def rows_of(findings: Sequence[Finding]) -> dict[int, Standing]:
    """The standing of each row: outside where one of its counted facts is, inside where all are."""
    rows: dict[int, Standing] = {}
    for number in dict.fromkeys(each.fact.row for each in findings):
        seen = {each.standing for each in findings if each.fact.row == number}
        order = (Standing.OUTSIDE, Standing.INSIDE, Standing.SHOWN, Standing.SKIPPED)
        rows[number] = next(standing for standing in order if standing in seen)
    return rows


def share_inside(findings: Sequence[Finding], rules: Rules) -> float | None:
    """Share of the counted weight that is inside; None where nothing counts.

    A fact weighs by its tag; the facts of a row share it, so that a row counts once.
    """
    counted = [each for each in findings if each.standing in COUNTED]
    facts_of_row: dict[int, int] = {}
    for each in counted:
        facts_of_row[each.fact.row] = facts_of_row.get(each.fact.row, 0) + 1
    inside = whole = 0.0
    for each in counted:
        weight = rules.weights[each.fact.tag] / facts_of_row[each.fact.row]
        whole += weight
        inside += weight if each.standing is Standing.INSIDE else 0.0
    return inside / whole if whole else None


def group_shares(findings: Sequence[Finding], rules: Rules) -> dict[str, float | None]:
    """Share of the counted weight that is inside, by group."""
    groups = dict.fromkeys(each.fact.group for each in findings)
    return {
        group: share_inside([each for each in findings if each.fact.group == group], rules)
        for group in groups
    }


def verdict_of(findings: Sequence[Finding], rules: Rules) -> Verdict:
    """PASS where enough of the whole and of every group is inside; UNKNOWN where nothing counts."""
    total = share_inside(findings, rules)
    if total is None:
        return Verdict.UNKNOWN
    shares = [share for share in group_shares(findings, rules).values() if share is not None]
    is_pass = total >= rules.total_min and min(shares) >= rules.group_min
    return Verdict.PASS if is_pass else Verdict.FAIL


def _how_to_map(lacking: Sequence[str], staged: Staged) -> str:
    names = ", ".join(lacking)
    if staged.table.run is not None:
        return f"the run has no {names}"
    told = ",".join(f"{name}=THEIRS" for name in lacking)
    assert all(name in CANONICAL for name in lacking)
    return f"no column for {names}: --map {told}"
