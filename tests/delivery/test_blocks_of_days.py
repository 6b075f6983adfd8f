"""Blocks: every stretch once, in order, of one shard; enough of them for all workers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fauxpay.delivery.blocks import BLOCK_DAYS_MAX, block_days, blocks
from fauxpay.delivery.task import PLAN_DAY, Task, stretches

shapes = st.tuples(st.integers(1, 6), st.integers(1, 90), st.integers(1, 9), st.integers(1, 20))


def work_of(shards, days, stretch):
    """All stretches of some shards and days."""
    tasks = [Task(shard, day) for shard in range(shards) for day in (PLAN_DAY, *range(days))]
    return list(stretches(tasks, stretch))


@given(shapes, st.randoms())
def test_every_stretch_is_in_one_block_in_order(shape, chance):
    """Whatever the order in which they come, nothing is lost, doubled or out of order."""
    shards, days, stretch, workers = shape
    work = work_of(shards, days, stretch)
    shuffled = sorted(work, key=lambda one: chance.random())
    assert [one for block in blocks(shuffled, workers) for one in block] == work


@given(shapes)
def test_a_block_is_of_one_shard_and_no_longer_than_it_may_be(shape):
    """One plan is opened for a block, and a straggler is no longer than the longest block."""
    shards, days, stretch, workers = shape
    for block in blocks(work_of(shards, days, stretch), workers):
        own = [task for one in block for task in one if not task.is_plan]
        assert len({task.shard for one in block for task in one}) == 1
        assert len(own) <= max(BLOCK_DAYS_MAX, stretch)


@given(st.integers(1, 10_000), st.integers(1, 500))
def test_there_is_work_for_every_worker(days, workers):
    """So few days to a block that no worker is left without, where there are days enough."""
    each = block_days(days, workers)
    assert each >= 1
    assert -(-days // each) >= min(days, workers) * 0.5


def test_nothing_to_do_is_no_block():
    """No stretch, no block."""
    assert list(blocks([], 3)) == []


def test_many_shards_go_by_the_longest_block():
    """A year of a thousand shards on a hundred workers: as few plans are opened as may be."""
    assert block_days(365_000, 100) == BLOCK_DAYS_MAX == 128
