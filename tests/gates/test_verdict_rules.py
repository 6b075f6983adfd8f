"""Verdicts: what was not looked at is UNKNOWN, what is wrong is FAIL, and both say how much."""

from __future__ import annotations

from typing import Any

import pytest

from fauxpay.gates.verdicts import (
    Check,
    Evidence,
    Gate,
    Verdict,
    completeness,
    conservation,
    gate_document,
    other_checks,
    table_checks,
    worst,
)

CHECKS = {"labels": ("schema", "null known_at")}
FAULT = {
    "table": "labels",
    "check": "null",
    "column": "known_at",
    "offenders": 3,
    "first_row": 5,
    "first_value": "None",
    "expected": "a value",
}


def partition(
    day: int, *findings: dict[str, Any], shard: int = 0, made: int | None = 10, **rows: int
) -> Evidence:
    """What a partition brings: 10 labels, as many as were counted, unless told otherwise."""
    counts = {} if made is None else {"labels": made}
    return Evidence(f"2026-03-0{day}", shard, {"labels": 10, **rows}, counts, findings)


def told(checks: tuple[Check, ...]) -> list[tuple[str, str, int, int]]:
    """Names, verdicts, rows and offenders."""
    return [(one.name, one.verdict.name, one.rows, one.offenders) for one in checks]


def test_a_check_passes_where_every_partition_was_asked():
    """Rows of all partitions count, and the evidence says how many there are."""
    checks = table_checks(CHECKS, [partition(1), partition(2)])
    assert told(checks) == [
        ("labels: schema", "PASS", 20, 0),
        ("labels: null known_at", "PASS", 20, 0),
    ]
    assert checks[0].evidence == "holds in 2 partitions"


def test_a_check_that_a_partition_was_not_asked_is_unknown():
    """A partition without the table says nothing of it, however good the others are."""
    unasked = Evidence("2026-03-02", 0, {"transactions": 7}, {}, ())
    checks = table_checks(CHECKS, [partition(1), unasked, unasked])
    assert told(checks)[0] == ("labels: schema", "UNKNOWN", 10, 0)
    assert checks[0].evidence == "not asked in 2 of 3 partitions"


def test_without_partitions_nothing_is_known():
    """No evidence proves nothing."""
    assert told(table_checks(CHECKS, []))[0] == ("labels: schema", "UNKNOWN", 0, 0)
    assert told(conservation({"labels": "labels"}, []))[0][1] == "UNKNOWN"
    assert worst([]) is Verdict.UNKNOWN
    assert Gate("contract", ()).verdict is Verdict.UNKNOWN
    assert gate_document("r", "w", [])["verdict"] == "UNKNOWN"


def test_a_finding_fails_its_check_alone_with_the_first_as_evidence():
    """Offenders add up over partitions; a table that one partition lacks is wrong all the same."""
    unasked = Evidence("2026-03-03", 0, {}, {}, ())
    found = [partition(1), partition(2, FAULT, shard=4), partition(2, FAULT), unasked]
    checks = table_checks(CHECKS, found)
    assert told(checks) == [
        ("labels: schema", "UNKNOWN", 30, 0),
        ("labels: null known_at", "FAIL", 30, 6),
    ]
    assert checks[1].evidence == (
        "2 findings; first in 2026-03-02 part 0004, column known_at, row 5: None; expected a value"
    )


def test_a_wrong_column_fails_the_schema():
    """Whatever column it is about, it is the one check of the schema that fails."""
    found = [partition(1, {**FAULT, "check": "schema"})]
    assert told(table_checks(CHECKS, found))[0] == ("labels: schema", "FAIL", 10, 3)
    assert other_checks(CHECKS, found) == ()


def test_no_finding_is_lost():
    """A finding that no listed check names is a check of its own."""
    found = [partition(1, FAULT, {**FAULT, "check": "odd"})]
    assert told(other_checks(CHECKS, found)) == [("labels: odd known_at", "FAIL", 10, 3)]
    assert other_checks(CHECKS, [partition(1, FAULT)]) == ()


@pytest.mark.parametrize(
    ("expected", "verdict", "offenders", "evidence"),
    [
        ([1, 2], "PASS", 0, "all 2 are there"),
        ([1, 2, 3], "UNKNOWN", 1, "1 of 3 were not judged"),
        ([], "FAIL", 2, "2 not asked for or doubled; first ('2026-03-01', 0)"),
        ([1, 3], "FAIL", 1, "1 not asked for or doubled; first ('2026-03-02', 0)"),
    ],
)
def test_every_partition_is_there_once(expected, verdict, offenders, evidence):
    """Missing ones leave a run unjudged; strange ones make it wrong, missing ones beside or not."""
    wanted = [(f"2026-03-0{day}", 0) for day in expected]
    check = completeness(wanted, [partition(1), partition(2)])
    assert (check.verdict.name, check.rows, check.offenders) == (verdict, 2, offenders)
    assert check.evidence == evidence


def test_a_partition_that_came_twice_is_wrong():
    """The same rows twice are not the rows that were asked for; none at all is not known."""
    check = completeness([("2026-03-01", 0)], [partition(1), partition(1)])
    assert (check.verdict, check.offenders) == (Verdict.FAIL, 1)
    assert completeness([], []).verdict is Verdict.UNKNOWN


def test_as_many_rows_are_written_as_were_made():
    """More or less is wrong by as many rows; a maker that did not count leaves it unknown."""
    (good,) = conservation({"labels": "labels"}, [partition(1), partition(2)])
    assert (good.verdict, good.rows) == (Verdict.PASS, 20)
    unequal = [partition(1, made=12), partition(2), partition(3, made=9)]
    (check,) = conservation({"labels": "labels"}, unequal)
    assert (check.verdict, check.rows, check.offenders) == (Verdict.FAIL, 30, 3)
    assert check.evidence == ("2 partitions differ; first 2026-03-01 part 0000: made 12, wrote 10")
    (unknown,) = conservation({"labels": "labels"}, [partition(1), partition(2, made=None)])
    assert unknown.verdict is Verdict.UNKNOWN
    assert unknown.evidence == "1 of 2 partitions brought no count"
