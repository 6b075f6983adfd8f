"""Windows add up what came before, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.readers.windows import DAY_US, Entries, Recipe, Timeline, entities_max, features

HOUR_US = DAY_US // 24
# (entity, hour, amount, declined, is a label's turn)
entries = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(0, 40 * 24), st.integers(0, 900), st.booleans(),
        st.booleans(),
    ),
    max_size=60,
)  # fmt: skip


def made(rows, start: int = 0) -> Entries:
    """Entries of tuples, sorted as they have to be; each row is known by its place in the list."""
    numbered = sorted(enumerate(rows), key=lambda one: one[1][:2])
    keys, rows = [key for key, _ in numbered], [row for _, row in numbered]
    owner = np.unique([row[0] for row in rows], return_inverse=True)[1].astype(np.int64)
    at_us = np.array([start + row[1] * HOUR_US for row in rows], dtype=np.int64)
    is_turn = np.array([row[4] for row in rows], dtype=np.bool_)
    return Entries(
        Timeline(owner, at_us),
        row=np.where(is_turn, -1, np.array(keys, dtype=np.int64)),
        amount=np.array([0 if row[4] else row[2] for row in rows], dtype=np.int64),
        declined=np.array([row[3] and not row[4] for row in rows], dtype=np.bool_),
        turned=is_turn,
    )


def by_hand(own: Entries, recipe: Recipe, nth: int) -> dict[str, float]:
    """The features of an entry, one other entry at a time."""
    line, answer = own.line, {}
    for days in recipe.days:
        window = [
            other
            for other in range(own.row.size)
            if line.entity[other] == line.entity[nth]
            and recipe.near_us <= line.at_us[nth] - line.at_us[other] <= days * DAY_US
        ]
        rows = [other for other in window if own.row[other] >= 0]
        moved = [
            other
            for other in range(own.row.size)
            if line.entity[other] == line.entity[nth]
            and own.row[other] >= 0
            and recipe.near_us
            <= line.at_us[nth] - line.at_us[other] - recipe.delay_us
            <= days * DAY_US
        ]
        total = sum(int(own.amount[other]) for other in rows)
        known = sum(bool(own.turned[other]) for other in window)
        name = recipe.entity
        answer[f"{name}_count_{days}d"] = len(rows)
        answer[f"{name}_sum_{days}d"] = total
        answer[f"{name}_mean_{days}d"] = total / len(rows) if rows else np.nan
        answer[f"{name}_declined_{days}d"] = sum(bool(own.declined[other]) for other in rows)
        answer[f"{name}_frauds_known_{days}d"] = known
        answer[f"{name}_risk_{days}d"] = known / max(1, len(moved))
    mean = answer[f"{name}_mean_{recipe.days[-1]}d"]
    answer[f"{name}_amount_ratio"] = own.amount[nth] / mean if mean else np.nan
    last = max((line.at_us[other] for other in rows), default=None)
    since = np.nan if last is None else (line.at_us[nth] - last) / 1e6
    answer[f"{name}_seconds_since_last"] = since
    return answer


@settings(max_examples=40, deadline=None)
@given(entries, st.sampled_from([(1, 0), (0, 0), (1, 7 * DAY_US)]))
def test_features_are_those_counted_by_hand(rows, ends):
    """Property: every feature of every row equals a count over all entries, one by one."""
    recipe = Recipe(
        "card", sums=True, means=True, declines=True, risks=True, ratio=True, recency=True,
        near_us=ends[0], delay_us=ends[1],
    )  # fmt: skip
    own = made(rows)
    keys, found = features(own, recipe)
    assert list(found) == recipe.names()
    places = np.flatnonzero(own.row >= 0).tolist()
    assert keys.tolist() == own.row[places].tolist()
    for place, entry in enumerate(places):
        expected = by_hand(own, recipe, entry)
        for name, values in found.items():
            assert values[place] == pytest.approx(expected[name], nan_ok=True), name


@settings(max_examples=30, deadline=None)
@given(entries, st.integers(0, 40 * 24))
def test_the_future_changes_nothing(rows, cut):
    """Metamorphic: without all entries from a moment on, rows before it have the same features."""
    recipe = Recipe("card", sums=True, declines=True, risks=True, ratio=True, recency=True)
    past = [row for row in rows if row[1] < cut]
    whole = by_row(past + [row for row in rows if row[1] >= cut], recipe)
    for key, values in by_row(past, recipe).items():
        assert whole[key] == pytest.approx(values, nan_ok=True)


def by_row(rows, recipe: Recipe) -> dict[int, list[float]]:
    """Features by place in the list."""
    keys, found = features(made(rows), recipe)
    columns = [column.tolist() for column in found.values()]
    return dict(zip(keys.tolist(), zip(*columns, strict=True), strict=True))


def test_a_day_from_now_or_from_then_is_the_same():
    """Metamorphic: a shift in time moves no feature."""
    rows = [(card, hour, 10 * hour, False, False) for card in (0, 1) for hour in range(0, 900, 7)]
    recipe = Recipe("card", sums=True, risks=True, recency=True)
    near, far = (features(made(rows, start), recipe)[1] for start in (0, 20_000 * DAY_US))
    for name, values in near.items():
        assert np.array_equal(values, far[name], equal_nan=True)


def test_windows_refuse_what_they_cannot_tell_apart():
    """Too many entities for whole numbers is our own mistake, and said."""
    line = Timeline(np.array([0, 2**20], dtype=np.int64), np.array([0, 2**45], dtype=np.int64))
    with pytest.raises(AssertionError, match="smaller slices"):
        line.window(DAY_US)


def test_a_window_ends_a_microsecond_before_the_row():
    """The shortest past counts, the same instant does not; nor what is longer ago than a window."""
    at_us = np.array([0, 1, 1, DAY_US + 1, DAY_US + 2])
    first, last = Timeline(np.zeros(5, dtype=np.int64), at_us).window(DAY_US)
    assert (last - first).tolist() == [0, 1, 1, 2, 1]


def test_as_many_entities_as_are_allowed_fit_into_one_timeline():
    """The lines of time of all entities, each behind the longest window, stay below 2**63."""
    span_us = 400 * DAY_US
    most = entities_max(span_us)
    at_us = np.array([0, span_us - 30 * DAY_US])
    line = Timeline(np.array([0, most - 1]), at_us)
    first, last = line.window(30 * DAY_US)
    assert (last - first).tolist() == [0, 0]
    assert most * span_us > 2**61
