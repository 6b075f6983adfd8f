"""Cells: some of many are what they would be alone."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.activity.cells import Cells, some_cells
from fauxpay.activity.engine import day_number
from worlds import config, maker_of

DAYS = 200


@pytest.fixture(scope="module")
def activity():
    """The activity of a small world in which cards come and go."""
    return maker_of(config()).shard(0).activity


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_some_cells_are_those_that_were_opened_alone(activity, data):
    """Metamorphic: cells out of many equal cells opened by themselves, in use or not."""
    count = activity.last_card - activity.first_card
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, DAYS - 1))
    asked = data.draw(st.lists(pairs, min_size=1, max_size=60))
    card = np.array([card for card, _ in asked])
    day = activity.epoch_day + np.array([day for _, day in asked])
    row = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=card.size, max_size=card.size)))
    taken = some_cells(activity.open_cells(card, day), row)
    alone = activity.open_cells(card[row], day[row])
    for field in fields(Cells):
        assert np.array_equal(getattr(taken, field.name), getattr(alone, field.name)), field.name


def test_some_cards_are_out_of_use(activity):
    """The world above has cells of both sorts, else it would not say much."""
    card = np.arange(activity.first_card, activity.last_card)
    day = np.full(card.size, activity.epoch_day + DAYS // 2)
    assert 0 < activity.open_cells(card, day).unused.size < card.size
    assert activity.epoch_day == day_number(config().activity.epoch)
