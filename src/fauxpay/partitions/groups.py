"""Groups: which rows of consecutive days make a row group, and which groups fill the buffers.

Reads    where each day's rows begin
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from fauxpay.foundations.draws import I64


def row_groups(days: range, bounds: I64, size: int) -> Iterator[tuple[int, int, int]]:
    """(day, first row, end row) of every row group; a day without rows has an empty one."""
    for day, (first, last) in zip(days, pairwise(bounds.tolist()), strict=True):
        for start in range(first, max(last, first + 1), size):
            yield day, start, min(start + size, last)


def packed(
    groups: Iterable[tuple[int, int, int]], size: int
) -> Iterator[list[tuple[int, int, int]]]:
    """As many row groups at a time as fit in buffers of so many rows."""
    waiting: list[tuple[int, int, int]] = []
    for group in groups:
        if waiting and group[2] - waiting[0][1] > size:
            yield waiting
            waiting = []
        waiting.append(group)
    if waiting:
        yield waiting
