"""The guard: clusters do not make moves, moves are seen, and sides of different size compare."""

from __future__ import annotations

import numpy as np
import pytest

from fauxpay.drift.guard import (
    Blocks,
    _words,
    chance_by_days,
    chance_by_slices,
    possible_exchanges,
)
from fauxpay.drift.measures import difference, log_ratio, population_stability

EXCHANGES = 2000
SLICES = 64


def clustered(
    seed: int, cards: int, shift: float = 0.0, spread: float = 1.0, rows: int = 30
) -> Blocks:
    """Slices of cards that each have a share of their own: rows of a card hang together."""
    random = np.random.default_rng(seed)
    share = 1 / (1 + np.exp(-(random.normal(-1 + shift, spread, cards))))
    hits = random.binomial(rows, share).astype(np.float64)
    slice_of = random.integers(0, SLICES, cards)
    yes = np.bincount(slice_of, hits, SLICES)
    all_rows = np.bincount(slice_of, minlength=SLICES) * float(rows)
    return Blocks(np.stack([yes, all_rows - yes], axis=1), all_rows)


def false_alarms(small: int, large: int, alpha: float) -> float:
    """Share of pairs of alike tables that would be put down to more than chance."""
    pairs = [(clustered(2 * n, small), clustered(2 * n + 1, large)) for n in range(120)]
    chances = [chance_by_slices(population_stability, a, b, 400) for a, b in pairs]
    return float(np.mean(np.array(chances) <= alpha))


@pytest.mark.parametrize("sizes", [(400, 400), (300, 3000)])
def test_alike_tables_alarm_as_rarely_as_alpha_says(sizes):
    """With rows that hang together, and with unequal sizes, false alarms keep to alpha."""
    assert false_alarms(*sizes, alpha=0.05) <= 0.11


def test_rows_taken_for_independent_would_alarm():
    """Negative space: a guard that knew nothing of cards would call the same pairs moved."""
    alarms = 0
    for n in range(40):
        a, b = clustered(2 * n, 400), clustered(2 * n + 1, 400)
        p, q = a.mean()[0], b.mean()[0]
        error = np.sqrt(p * (1 - p) * (1 / a.whole.sum() + 1 / b.whole.sum()))
        alarms += abs(p - q) > 1.96 * error
    assert alarms >= 12


def test_a_true_move_is_no_chance():
    """Cards that all shift are seen, whichever side is larger."""
    for sizes in ((400, 400), (300, 3000), (3000, 300)):
        a, b = clustered(1, sizes[0]), clustered(2, sizes[1], shift=0.8)
        assert chance_by_slices(population_stability, a, b, EXCHANGES) < 0.001


def test_equal_tables_are_all_chance():
    """Two times the same table: every exchange is as far, so the chance is 1."""
    a = clustered(3, 400)
    assert chance_by_slices(population_stability, a, a, EXCHANGES) == 1.0


def days(rows: list[float]) -> Blocks:
    """A count of each day."""
    return Blocks(np.array(rows)[:, None], np.ones(len(rows)))


def test_days_that_differ_by_themselves_are_chance():
    """Where days of either side scatter, one side that is higher by less is chance."""
    weekday = np.arange(14) % 7
    random = np.random.default_rng(4)
    a, b = (days((100 * np.exp(random.normal(0, 0.3, 14))).tolist()) for _ in range(2))
    chance = chance_by_days(log_ratio, (a, weekday), (b, weekday), EXCHANGES)
    assert chance is not None
    assert chance > 0.01


def test_a_level_shift_of_all_days_is_seen():
    """All days 20 % higher: no other exchange of days within weekdays reaches it."""
    weekday = np.arange(14) % 7
    base = [100.0, 101, 99, 102, 120, 105, 80] * 2
    a, b = days(base), days([1.2 * one + nth % 3 for nth, one in enumerate(base)])
    assert chance_by_days(log_ratio, (a, weekday), (b, weekday), EXCHANGES) == 0.0


def test_weekdays_are_exchanged_with_their_like():
    """Four weeks against three days: the weekend's level is no move."""
    long = np.arange(28) % 7
    base = [100.0, 101, 99, 102, 120, 60, 40]
    a = days([one + nth % 2 for nth, one in enumerate(base * 4)])
    b, short = days([60.4, 40.3]), np.array([5, 6])
    chance = chance_by_days(log_ratio, (a, long), (b, short), EXCHANGES)
    assert chance is not None
    assert chance > 0.1


def test_too_few_days_are_not_asked():
    """One day against one day can only change places with itself: no answer, not a false one."""
    one = (days([5.0]), np.array([0]))
    assert possible_exchanges(one[1], one[1]) == 2
    assert chance_by_days(log_ratio, one, (days([9.0]), np.array([0])), EXCHANGES) is None


def test_a_slice_that_one_side_lacks_stays_where_it_is():
    """There is nothing to exchange it for: if all other slices are alike, no exchange is nearer."""
    part = np.tile([30.0, 70.0], (SLICES, 1))
    whole = part.sum(axis=1)
    lacking, other = part.copy(), part.copy()
    lacking[0], other[0] = 0.0, [90.0, 10.0]
    first, second = Blocks(lacking, lacking.sum(axis=1)), Blocks(other, whole)
    for a, b in ((first, second), (second, first)):
        assert chance_by_slices(population_stability, a, b, EXCHANGES) == 1.0


def uneven(seed: int, blocks: int, bins: int, empty: int = -1) -> Blocks:
    """Blocks of unlike sizes and shares."""
    random = np.random.default_rng(seed)
    part = random.integers(1, 90, (blocks, bins)).astype(np.float64)
    if empty >= 0:
        part[empty] = 0
    return Blocks(part, part.sum(axis=1))


@pytest.mark.parametrize("seed", range(4))
def test_slices_change_places_as_a_plain_loop_says(seed):
    """Each pair or none, in the weight of the place that it moves to; empty ones stay."""
    first, second = uneven(seed, 12, 3, empty=2), uneven(seed + 90, 12, 3, empty=5)
    exchanges = 300
    swapped = _words("drift/slices", exchanges, 12) < 0.5
    observed = population_stability(first.mean(), second.mean())
    reached = 0
    for row in swapped:
        means = []
        for own, other in ((first, second), (second, first)):
            shares = [
                (other if row[k] and min(own.whole[k], other.whole[k]) > 0 else own).part[k]
                / max(
                    (other if row[k] and min(own.whole[k], other.whole[k]) > 0 else own).whole[k], 1
                )
                for k in range(12)
            ]
            means.append(own.whole / own.whole.sum() @ np.array(shares))
        reached += population_stability(*means) >= observed * (1 - 1e-9)
    assert 0 < reached < exchanges
    found = chance_by_slices(population_stability, first, second, exchanges)
    assert found == pytest.approx((1 + reached) / (1 + exchanges))


@pytest.mark.parametrize(
    ("of_first", "of_second"),
    [
        ([0, 1, 2, 0, 1, 2, 0], [0, 1, 2, 2]),
        ([0, 0], [0, 0]),
        ([0, 1, 1], [0, 1, 1]),
        ([4, 4, 4], [4, 5]),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_days_change_places_as_a_plain_loop_says(seed, of_first, of_second):
    """Within their stratum, dealt out anew; what is seen and its mirror are not counted."""
    sides = [
        (uneven(seed, len(of_first), 2), np.array(of_first)),
        (uneven(seed + 50, len(of_second), 2), np.array(of_second)),
    ]
    strata, exchanges = sorted(set(of_first) & set(of_second)), 200
    words = {
        nth: _words(f"drift/days/{nth}", exchanges, of_first.count(s) + of_second.count(s))
        for nth, s in enumerate(strata)
    }

    def distance_of(days: list[list[np.ndarray]]) -> float:
        """Of the means of both sides' days by stratum, each with its own side's weights."""
        means = []
        for nth, (blocks, of_day) in enumerate(sides):
            weight = np.array([blocks.whole[of_day == s].mean() for s in strata])
            own = [np.mean(one[nth], axis=0) for one in days]
            means.append((weight / weight.sum()) @ np.array(own))
        return float(difference(*means))

    kept = [[blocks.means()[of_day == s] for blocks, of_day in sides] for s in strata]
    observed, made = distance_of(kept), []
    for row in range(exchanges):
        dealt, own, mirror = [], True, True
        for nth, (one, two) in enumerate(kept):
            pool, order = np.concatenate([one, two]), np.argsort(words[nth][row])
            taken, rest = order[: len(one)], order[len(one) :]
            own &= set(taken) == set(range(len(one)))
            mirror &= len(one) == len(two) and set(rest) == set(range(len(one)))
            dealt.append([pool[taken], pool[rest]])
        if not own and not mirror:
            made.append(distance_of(dealt) >= observed * (1 - 1e-9))
    found = chance_by_days(difference, *sides, exchanges)
    assert found == pytest.approx(np.mean(made))
