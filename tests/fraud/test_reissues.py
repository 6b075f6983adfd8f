"""A block replaces the card that is alive, and no other."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.fraud.plan import blocks_that_stop

times = st.integers(0, 12)
thefts = st.lists(st.tuples(st.integers(0, 3), times, times, st.booleans()), max_size=40)


def arrays(told):
    """(card, started, blocked, is_used) by card and block; a block is never before its theft."""
    rows = sorted((card, start + more, start, used) for card, start, more, used in told)
    card, blocked, started, used = zip(*rows, strict=True) if rows else ([], [], [], [])
    columns = [np.array(column, dtype=np.int64) for column in (card, started, blocked)]
    return *columns, np.array(used, dtype=np.bool_)


@settings(deadline=None)
@given(thefts)
def test_blocks_stop_what_a_plain_loop_says(told):
    """Property: card by card, each block is held against the last one that stopped the card."""
    card, started, blocked, is_used = arrays(told)
    expected, last = [], {}
    for own, start, block, used in zip(card, started, blocked, is_used, strict=True):
        stops = bool(used) and start >= last.get(own, -1)
        expected.append(stops)
        if stops:
            last[own] = block
    assert blocks_that_stop(card, started, blocked, is_used).tolist() == expected


def test_a_dead_block_makes_no_other_one_dead():
    """The second theft died with the first card; the third is of the new card and stops it."""
    card, started, blocked, used = arrays([(7, 0, 4, True), (7, 2, 6, True), (7, 5, 5, True)])
    assert blocks_that_stop(card, started, blocked, used).tolist() == [True, False, True]
