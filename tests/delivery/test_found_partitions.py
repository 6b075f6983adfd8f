"""Judging and finding: what a gate says follows from the sidecars, and only whole ones count."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fauxpay
from fauxpay.config.model import Config
from fauxpay.delivery.engine import Engine
from fauxpay.delivery.judging import judge, tasks_of
from fauxpay.delivery.partition import begin_partitions, find_partition
from fauxpay.delivery.sinks import LocalSink
from fauxpay.delivery.task import PLAN_DAY, Context, Task, sidecar
from fauxpay.delivery.worlds import find_world, identify
from fauxpay.foundations.canonical import canonical_json
from fauxpay.foundations.parameters import load_parameters
from fauxpay.receipts.records import Contents, PartitionReceipt
from sealed import request

DAYS = range(20_513, 20_516)  # 2026-03-01 to 2026-03-03.
FINDING = {
    "check": "null",
    "table": "transactions",
    "column": "card_id",
    "rows": 9,
    "offenders": 2,
    "first_row": 1,
    "first_value": "None",
    "expected": "a value",
}


def context_of(root: Path, **changed: Any) -> Context:
    """What a worker of the sealed run is told."""
    asked = request(root)
    config = Config(**{key: {**asked[key], **changed.get(key, {})} for key in asked})
    parameters, engine = load_parameters(config.parameters), Engine()
    wanted = identify(config, parameters, engine.inputs(config))
    return Context(root, wanted, config, parameters, engine)


def contents_of(context: Context) -> Contents:
    """All that the sealed run holds."""
    world = find_world(context.root, context.request.world_id)
    assert world is not None
    found = {task: find_partition(context, task) for task in tasks_of(context, world)}
    assert None not in found.values()
    plans = [one for task, one in found.items() if task.is_plan]
    return Contents(world, plans, [one for task, one in found.items() if not task.is_plan])


@pytest.fixture(scope="module")
def context(sealed) -> Context:
    """Of the sealed run."""
    return context_of(sealed)


@pytest.fixture(scope="module")
def contents(context) -> Contents:
    """Its own."""
    return contents_of(context)


def test_each_shard_has_its_plan_and_its_days(context, contents):
    """As many shards as hold all cards, the last perhaps with few; plans come first."""
    tasks = tasks_of(context, contents.world)
    assert tasks == [Task(shard, day) for shard in (0, 1) for day in (PLAN_DAY, *DAYS)]
    for size, shards in ((500, 1), (499, 2), (167, 3), (166, 4), (10**6, 1)):
        own = context_of(context.root, output={"cards_per_shard": size})
        assert len(tasks_of(own, contents.world)) == 4 * shards, size
    none = {"tables": [{"name": "cards", "rows": 0}]}
    assert len(tasks_of(context, none)) == 4


def first(changed: Contents, **fields: Any) -> Contents:
    """The same, the first day with other fields."""
    one, *others = changed.partitions
    return replace(changed, partitions=[replace(one, **fields), *others])


def counted(own: Contents, table: str) -> Contents:
    """One row more was made of a table than was written."""
    counts = own.partitions[0].counts
    return first(own, counts={**counts, table: counts[table] + 1})


def unsealed(own: Contents) -> Contents:
    """The catalog's own gate did not hold."""
    checks = [{**one, "verdict": "FAIL"} for one in own.world["segment"]["checks"]]
    return replace(own, world={**own.world, "segment": {**own.world["segment"], "checks": checks}})


JUDGED: dict[str, tuple[Callable[[Contents], Contents], dict[str, str]]] = {
    "whole": (lambda own: own, {}),
    "a day short": (
        lambda own: replace(own, partitions=own.partitions[1:]),
        {"integrity": "UNKNOWN"},
    ),
    "a plan short": (lambda own: replace(own, plans=own.plans[1:]), {"plan": "UNKNOWN"}),
    "a day twice": (
        lambda own: replace(own, partitions=[*own.partitions, own.partitions[0]]),
        {"integrity": "FAIL"},
    ),
    "a plan among the days": (
        lambda own: replace(own, partitions=[*own.partitions, own.plans[0]]),
        {"integrity": "FAIL", "contract": "UNKNOWN"},
    ),
    "rows lost": (lambda own: counted(own, "transactions"), {"integrity": "FAIL"}),
    "postings lost": (lambda own: counted(own, "postings"), {"integrity": "FAIL"}),
    "frauds lost": (lambda own: counted(own, "frauds"), {"integrity": "FAIL"}),
    "a null": (lambda own: first(own, findings=(FINDING,)), {"contract": "FAIL"}),
    "a broken rule": (
        lambda own: first(own, findings=({**FINDING, "check": "follows", "column": "event_time"},)),
        {"integrity": "FAIL"},
    ),
    "a rule of postings": (
        lambda own: first(
            own,
            findings=(
                {**FINDING, "table": "postings", "check": "posted", "column": "transaction_id"},
            ),
        ),
        {"integrity": "FAIL"},
    ),
    "a check that nobody knows": (
        lambda own: first(own, findings=({**FINDING, "check": "odd"},)),
        {"contract": "FAIL"},
    ),
    "a catalog that is not sealed": (unsealed, {"catalog": "FAIL"}),
}


@pytest.mark.parametrize("what", JUDGED)
def test_each_gate_fails_for_what_it_is_about(what, context, contents):
    """All else passes, and the run's verdict is the worst of them."""
    change, expected = JUDGED[what]
    gate = judge(context, change(contents))
    passed = dict.fromkeys(("catalog", "plan", "contract", "integrity"), "PASS")
    found = {one["name"]: one["verdict"] for one in gate["gates"]}
    assert found == passed | expected
    order = ("PASS", "UNKNOWN", "FAIL")
    assert gate["verdict"] == max(found.values(), key=order.index)


def edited(path: Path, change: Callable[[PartitionReceipt], PartitionReceipt]) -> None:
    """A sidecar that says other things, all of which follow from each other."""
    from fauxpay.receipts.records import partition_receipt

    path.write_bytes(canonical_json(change(partition_receipt(path.read_bytes())).document()))


def elsewhere(path: Path) -> None:
    """The tables, whole and there, of another shard."""
    from fauxpay.receipts.records import partition_receipt

    other = path.with_name(path.name.replace("0000", "0001"))
    tables = partition_receipt(other.read_bytes()).tables
    edited(path, lambda one: replace(one, tables=tables))


DAMAGE: dict[str, Callable[[Path, PartitionReceipt], None]] = {
    "no sidecar": lambda path, _: path.unlink(),
    "torn": lambda path, _: path.write_bytes(path.read_bytes()[:99]),
    "a finding": lambda path, _: edited(path, lambda one: replace(one, findings=(FINDING,))),
    "a table less": lambda path, _: edited(path, lambda one: replace(one, tables=one.tables[:-1])),
    "another world": lambda path, _: edited(path, lambda one: replace(one, world_id="ab" * 32)),
    "another seed": lambda path, _: edited(path, lambda one: replace(one, seed=2)),
    "another day": lambda path, _: edited(path, lambda one: replace(one, event_day="2026-03-02")),
    "another shard": lambda path, _: edited(path, lambda one: replace(one, shard=1)),
    "other files": lambda path, _: elsewhere(path),
}


@pytest.mark.parametrize("task", [Task(0, DAYS[0]), Task(0, PLAN_DAY)], ids=str)
@pytest.mark.parametrize("how", [*DAMAGE, "cut file", "no file"])
def test_only_a_whole_partition_is_found_again(how, task, root):
    """What its sidecar does not say of it, or its files do not hold, is made again."""
    context = context_of(root)
    found = find_partition(context, task)
    assert found is not None
    path = root / sidecar(context, task)
    if how in DAMAGE:
        DAMAGE[how](path, found)
    else:
        file = root / found.tables[-1].path
        data = file.read_bytes()
        file.unlink() if how == "no file" else file.write_bytes(data[:-1])
    assert find_partition(context, task) is None
    other = Task(task.shard + 1, task.day)
    assert find_partition(context, other) is not None


def test_what_is_found_is_told_in_rows(context, contents):
    """Whoever counts rows hears of those that an earlier run made, too."""
    told: list[int] = []
    stretch = tuple(Task(0, day) for day in DAYS)
    nothing: Any = None
    receipts = begin_partitions(context, nothing, stretch, told.append, nothing)
    own = [one for one in contents.partitions if one.shard == 0]
    assert receipts == own
    assert told == [one.rows["transactions"] for one in own]
    assert min(told) > 0
    assert json.loads((context.root / sidecar(context, stretch[0])).read_bytes())["shard"] == 0


def test_a_sidecar_never_names_what_is_not_public(tmp_path, monkeypatch):
    """Files first, whole and under their names; then what counts them."""
    mend, seen = LocalSink.mend, []

    def watched(sink: LocalSink, documents: list[Any]) -> Any:
        for document in documents:
            told = json.loads(document.data) if document.name.endswith(".json") else {}
            sizes = [(tmp_path / one["path"]).stat().st_size for one in told.get("tables", [])]
            assert sizes == [one["bytes"] for one in told.get("tables", [])]
            seen.append((told.get("event_day", "the world"), told.get("shard", 0)))
        return mend(sink, documents)

    monkeypatch.setattr(LocalSink, "mend", watched)
    fauxpay.generate(request(tmp_path, to="2026-03-03"))
    days = ("2026-03-01", "2026-03-02", "2026-03-03")  # The last is where the plan ends.
    assert set(seen) >= {("the world", 0), *((day, shard) for day in days for shard in (0, 1))}
