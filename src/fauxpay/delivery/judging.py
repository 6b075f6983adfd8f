"""Judging: gate.json of a run, from what its receipts say.

Reads    world.json, receipts of plans and partitions
Writes   nothing
Draws    nothing
Sources  nothing

A resumed run is judged like any other, and so is one that is verified or made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from fauxpay.contracts.checks import checks_of
from fauxpay.contracts.tables import table
from fauxpay.delivery.inspection import INSPECTIONS
from fauxpay.delivery.task import PLAN_DAY, Context, Task, described_day
from fauxpay.gates.postings import POSTING_CHECKS
from fauxpay.gates.verdicts import (
    Check,
    Gate,
    Verdict,
    completeness,
    conservation,
    gate_document,
    other_checks,
    table_checks,
)
from fauxpay.receipts import layout
from fauxpay.receipts.records import Contents

# Table name to the name under which makers count its rows.
COUNTED = {"transactions": "transactions", "postings": "postings", "truth": "frauds"}


def judge(context: Context, contents: Contents) -> dict[str, Any]:
    """gate.json from what the receipts say, so that a resumed run is judged like any other."""
    days = [partition.evidence() for partition in contents.partitions]
    plans = [plan.evidence() for plan in contents.plans]
    wanted: dict[bool, list[tuple[str, int]]] = {True: [], False: []}
    for task in tasks_of(context, contents.world):
        wanted[task.is_plan].append((described_day(context, task), task.shard))
    plan_shapes = {name: checks_of(table(ref)) for name, ref in layout.PLAN_TABLES.items()}
    shapes = {name: checks_of(table(ref)) for name, ref in layout.DAY_TABLES.items()}
    rules = {
        "transactions": [*INSPECTIONS, *context.engine.inspection_names()],
        "postings": POSTING_CHECKS,
    }
    known = {name: [*shape, *rules.get(name, ())] for name, shape in shapes.items()}
    gates = [
        _catalog_gate(contents.world),
        Gate("plan", (completeness(wanted[True], plans), *table_checks(plan_shapes, plans))),
        Gate("contract", (*table_checks(shapes, days), *other_checks(known, days))),
        Gate(
            "integrity",
            (
                completeness(wanted[False], days),
                *conservation(COUNTED, days),
                *table_checks(rules, days),
            ),
        ),
    ]
    return gate_document(context.request.run_id, context.request.world_id, gates)


def _catalog_gate(world: Mapping[str, Any]) -> Gate:
    """What the catalog's own gate receipt says: a world is sealed only after it passed."""
    segment = world["segment"]
    checks = [
        Check(one["name"], Verdict[one["verdict"]], one["rows"], one["offenders"], one["evidence"])
        for one in segment["checks"]
    ]
    return Gate("catalog", tuple(checks))


def tasks_of(context: Context, world: Mapping[str, Any]) -> list[Task]:
    """For every shard of cards its plan, then every day of the window."""
    shards = max(1, -(-card_count(world) // context.config.output.cards_per_shard))
    days: Iterable[int] = [PLAN_DAY, *context.request.window.days()]
    return [Task(shard, day) for shard, day in product(range(shards), days)]


def card_count(world: Mapping[str, Any]) -> int:
    """Cards of a sealed world."""
    rows: int = next(entry["rows"] for entry in world["tables"] if entry["name"] == "cards")
    return rows
