"""Blocks: consecutive stretches of a shard that one worker of an engine makes, one after the other.

Reads    stretches that are missing
Writes   blocks of them
Draws    nothing
Sources  nothing

An engine hands tasks to any worker that is free, which has to open the plan of the shard and look
back for the links of the first day. A block shares that among its days; it is the unit of retry
too, but a retry finds the partitions of the block that are published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fauxpay.delivery.task import Stretch

OUT_OF_ORDER_DAYS_MIN = 6
"""A day out of order looks back for its links, which costs about two days: less is not worth it."""
BLOCK_DAYS_MAX = 128
"""Opening a plan and looking back then cost 7 % of the rows (docs/scale.md), and a straggler of a
million cards two or three minutes."""
BLOCKS_PER_WORKER_MIN = 4

Block = tuple["Stretch", ...]
"""Stretches of one shard in the order of their days, a plan first."""


def blocks(stretches: Sequence[Stretch], workers: int) -> Iterator[Block]:
    """Stretches in order, as blocks of one shard; every worker is to have some of them."""
    ordered = sorted(stretches)
    days_max = block_days(sum(len(stretch) for stretch in ordered), workers)
    block: list[Stretch] = []
    days = 0
    for stretch in ordered:
        is_other = bool(block) and stretch[0].shard != block[0][0].shard
        if block and (is_other or days + len(stretch) > days_max):
            yield tuple(block)
            block, days = [], 0
        block.append(stretch)
        # A plan is no day: it goes with the days after it.
        days += 0 if stretch[0].is_plan else len(stretch)
    if block:
        yield tuple(block)


def block_days(days: int, workers: int) -> int:
    """How many days a block has at most, at least one.

    days  to make in all, over all shards
    """
    assert workers >= 1
    each = -(-days // (workers * BLOCKS_PER_WORKER_MIN))
    by_worker = -(-days // workers)
    return max(1, min(max(each, OUT_OF_ORDER_DAYS_MIN), BLOCK_DAYS_MAX, by_worker))
