"""Verdicts: what a set of checks says, and the evidence for it.

Reads    what each partition's receipt says: rows, counts, findings
Writes   gate.json (contract run.yaml#/$defs/gate)
Draws    nothing
Sources  nothing

Only PASS ships. No check at all is UNKNOWN: an empty gate has proved nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

GATE_SCHEMA = "fauxpay.gate/1"


class Verdict(IntEnum):
    """The outcome of a check, a gate or a run; the greatest one wins."""

    PASS = 0
    UNKNOWN = 1
    FAIL = 2


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The greatest verdict. No verdict at all is UNKNOWN: an empty gate has proved nothing."""
    return max(verdicts, default=Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Check:
    """One statement that was tested, on how many rows, how many broke it, and what was seen."""

    name: str
    verdict: Verdict
    rows: int
    offenders: int
    evidence: str

    def document(self) -> dict[str, Any]:
        """As contract run.yaml#/$defs/check_entry."""
        return {
            "name": self.name,
            "verdict": self.verdict.name,
            "rows": self.rows,
            "offenders": self.offenders,
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class Gate:
    """Checks under one name."""

    name: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks; UNKNOWN without any."""
        return worst(check.verdict for check in self.checks)

    def document(self) -> dict[str, Any]:
        """As contract run.yaml#/$defs/gate_entry."""
        checks = [check.document() for check in self.checks]
        return {"name": self.name, "verdict": self.verdict.name, "checks": checks}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one partition brings to the gates.

    rows      rows written, by table
    counts    what the maker says that it made, by table; other names are carried along
    findings  failing findings as documents (contract run.yaml#/$defs/finding)
    """

    event_day: str
    shard: int
    rows: Mapping[str, int]
    counts: Mapping[str, int]
    findings: Sequence[Mapping[str, Any]]


def gate_document(run_id: str, world_id: str, gates: Sequence[Gate]) -> dict[str, Any]:
    """gate.json of a run; its verdict is the worst of the gates, UNKNOWN without any."""
    return {
        "schema": GATE_SCHEMA,
        "run_id": run_id,
        "world_id": world_id,
        "verdict": worst(gate.verdict for gate in gates).name,
        "gates": [gate.document() for gate in gates],
    }


def table_checks(
    checks_of: Mapping[str, Sequence[str]], evidence: Sequence[Evidence]
) -> tuple[Check, ...]:
    """One check per table and kind of check, over all partitions.

    checks_of  table name to the names of the checks that every batch of it went through
    """
    found = _by_check(evidence)
    rows = _row_totals(evidence)
    return tuple(
        _judged(
            f"{table}: {name}", rows[table], found.get((table, name), []), _asked(table, evidence)
        )
        for table, names in checks_of.items()
        for name in names
    )


def other_checks(
    checks_of: Mapping[str, Sequence[str]], evidence: Sequence[Evidence]
) -> tuple[Check, ...]:
    """Checks that only findings name, so that no finding is lost; none in a good run."""
    listed = {(table, name) for table, names in checks_of.items() for name in names}
    rows = _row_totals(evidence)
    return tuple(
        _judged(f"{table}: {name}", rows[table], failures, _asked(table, evidence))
        for (table, name), failures in _by_check(evidence).items()
        if (table, name) not in listed
    )


def completeness(expected: Collection[tuple[str, int]], evidence: Sequence[Evidence]) -> Check:
    """Every partition is there once.

    Missing ones leave a run unjudged (UNKNOWN); strange or doubled ones make it wrong (FAIL).
    """
    seen = Counter((partition.event_day, partition.shard) for partition in evidence)
    wanted = set(expected)
    missing = sorted(wanted - seen.keys())
    strange = sorted(key for key, times in seen.items() if times > 1 or key not in wanted)
    name = "partitions: each one once"
    if strange:
        text = f"{len(strange)} not asked for or doubled; first {strange[0]}"
        return Check(name, Verdict.FAIL, len(seen), len(strange), text)
    if missing or not wanted:
        text = f"{len(missing)} of {len(wanted)} were not judged"
        return Check(name, Verdict.UNKNOWN, len(seen), len(missing), text)
    return Check(name, Verdict.PASS, len(seen), 0, f"all {len(wanted)} are there")


def conservation(counted: Mapping[str, str], evidence: Sequence[Evidence]) -> tuple[Check, ...]:
    """Every table has as many rows as its maker counted, in every partition.

    counted  table name to the name under which makers count its rows
    """
    return tuple(_conserved(table, name, evidence) for table, name in counted.items())


def check_name(finding: Mapping[str, Any]) -> str:
    """The name under which `checks_of` lists the check of a finding."""
    if finding["check"] == "schema":
        return "schema"
    return f"{finding['check']} {finding['column']}".rstrip()


def _by_check(
    evidence: Sequence[Evidence],
) -> dict[tuple[str, str], list[tuple[Evidence, Mapping[str, Any]]]]:
    """Findings by (table, check), in the order of partitions."""
    found: dict[tuple[str, str], list[tuple[Evidence, Mapping[str, Any]]]] = {}
    for partition in evidence:
        for finding in partition.findings:
            key = (str(finding["table"]), check_name(finding))
            found.setdefault(key, []).append((partition, finding))
    return found


def _row_totals(evidence: Sequence[Evidence]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for partition in evidence:
        totals.update(partition.rows)
    return totals


def _asked(table: str, evidence: Sequence[Evidence]) -> tuple[int, int]:
    """(partitions that hold a table, partitions)."""
    return sum(table in partition.rows for partition in evidence), len(evidence)


def _judged(
    name: str,
    rows: int,
    failures: Sequence[tuple[Evidence, Mapping[str, Any]]],
    asked: tuple[int, int],
) -> Check:
    """A check with its first failure as evidence. What was not looked at is UNKNOWN.

    asked  (partitions that hold the table, partitions)
    """
    held, partition_count = asked
    if partition_count == 0:
        return Check(name, Verdict.UNKNOWN, 0, 0, "no partition was judged")
    if not failures and held < partition_count:
        text = f"not asked in {partition_count - held} of {partition_count} partitions"
        return Check(name, Verdict.UNKNOWN, rows, 0, text)
    if not failures:
        return Check(name, Verdict.PASS, rows, 0, f"holds in {partition_count} partitions")
    partition, finding = failures[0]
    offenders = sum(int(failure["offenders"]) for _, failure in failures)
    evidence = (
        f"{len(failures)} findings; first in {partition.event_day} part {partition.shard:04d}, "
        f"column {finding['column'] or '(table)'}, row {finding['first_row']}: "
        f"{finding['first_value']}; expected {finding['expected']}"
    )
    return Check(name, Verdict.FAIL, rows, offenders, evidence)


def _conserved(table: str, counter: str, evidence: Sequence[Evidence]) -> Check:
    """What a maker counted while making equals what stands in the files."""
    name = f"{table}: rows made equal rows written"
    written = sum(partition.rows.get(table, 0) for partition in evidence)
    uncounted = [one for one in evidence if counter not in one.counts]
    if uncounted or not evidence:
        text = f"{len(uncounted)} of {len(evidence)} partitions brought no count"
        return Check(name, Verdict.UNKNOWN, written, 0, text)
    unequal = [one for one in evidence if one.counts[counter] != one.rows.get(table, 0)]
    if unequal:
        first = unequal[0]
        text = (
            f"{len(unequal)} partitions differ; first {first.event_day} part {first.shard:04d}: "
            f"made {first.counts[counter]}, wrote {first.rows.get(table, 0)}"
        )
        offenders = sum(abs(one.counts[counter] - one.rows.get(table, 0)) for one in unequal)
        return Check(name, Verdict.FAIL, written, offenders, text)
    return Check(name, Verdict.PASS, written, 0, f"as counted in {len(evidence)} partitions")
