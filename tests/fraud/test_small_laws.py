"""Small laws of fraud: quotas, uses, looks back, shops and refusals, each by a plain loop."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.outcomes import APPROVED
from fauxpay.activity.rows import DEVICE, PIN
from fauxpay.foundations.draws import draw, stream_key
from fauxpay.fraud import counts
from fauxpay.fraud.counts import _thresholds, _Told
from fauxpay.fraud.ground import MINUTE_MS, WEEK_DAYS, Victims, drift_level
from fauxpay.fraud.issuer import _given_up, _pins, code_of
from fauxpay.fraud.plan import demands_of
from fauxpay.fraud.pull import days_after, days_before, last_of
from fauxpay.fraud.quota import ALL, Quota, kept, quota_draws, weeks
from fauxpay.fraud.rates import Pilot, total_rate
from fauxpay.fraud.shops import _in_runs
from fauxpay.fraud.story import NOT_BLOCKED, Attacks, Compromises, Disputes, Story
from fauxpay.fraud.typology import TYPOLOGIES, typologies_of
from fauxpay.fraud.uses import Uses, burst, joined, last_ms
from worlds import DAY, config, parameters

EPOCH = 20_000


def zeros(count: int) -> np.ndarray:
    """So many noughts."""
    return np.zeros(count, dtype=np.int64)


def attacks_of(of: list[int], **columns: Any) -> Attacks:
    """Attacks of compromises, all alike but for some columns."""
    whole = dict.fromkeys(Attacks.__dataclass_fields__, zeros(len(of)))
    given = {name: np.array(values) for name, values in columns.items()}
    return Attacks(**{**whole, "compromise": np.array(of, dtype=np.int64), **given})


def test_days_are_looked_through_from_the_epoch_to_the_end():
    """A moment's own day is among those before and after it; none lies outside."""
    activity: Any = SimpleNamespace(epoch_day=EPOCH)
    moments = np.array([EPOCH, EPOCH + 1, EPOCH + 5]) * DAY_MS + 5
    owner, day = days_before(activity, moments, 3)
    assert list(zip(owner.tolist(), (day - EPOCH).tolist(), strict=True)) == [
        *((0, 0), (1, 1), (1, 0), (2, 5), (2, 4), (2, 3))
    ]
    owner, day = days_after(activity, moments - 2 * DAY_MS, 4, EPOCH + 4)
    assert list(zip(owner.tolist(), (day - EPOCH).tolist(), strict=True)) == [
        *((0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 3))
    ]


@pytest.mark.parametrize("seed", range(4))
def test_the_last_is_the_one_of_the_greatest_score(seed):
    """Of each owner; -1 of who has none."""
    random = np.random.default_rng(seed)
    owner, score = random.integers(0, 9, 30), random.permutation(30)
    found = last_of(owner, score, 12)
    for own in range(12):
        its = np.flatnonzero(owner == own)
        expected = its[score[its].argmax()] if its.size else -1
        assert found[own] == expected


def test_uses_of_a_card_come_one_after_the_other():
    """The first at its start, each other after a gap, what customers need, and the call's time."""
    told: dict[str, Any] = {"telephone": {"minutes": 3.0}}
    ground: Any = SimpleNamespace(
        common=told,
        activity=SimpleNamespace(tables=SimpleNamespace(visits=SimpleNamespace(apart_ms=20))),
        choice=lambda name, address, shares: np.array([2, 0, 1]),
        span_ms=lambda name, address, law, unit: 1000 + np.arange(address.size),
        fashion=lambda name, at_ms: np.array([1.0, 1.0, 3.0]),
    )
    victims = Victims(np.array([4, 5, 6], dtype=np.uint64), np.array([7, 8, 9]), zeros(3))
    start = np.array([10**6, 0, 5])
    law = {"first": 8, "shares": [], "gap": {}, "unit_ms": 1}
    uses = burst(ground, victims, start, "use", law)
    assert uses.compromise.tolist() == [0, 0, 0, 1, 2, 2]
    assert uses.card.tolist() == [7, 7, 7, 8, 9, 9]
    assert uses.nth.tolist() == [0, 1, 2, 0, 0, 1]
    gaps = [1001 + 20, 1002 + 20, 3 * 1005 + 20]
    assert uses.at_ms.tolist() == [
        *(10**6, 10**6 + gaps[0], 10**6 + gaps[0] + gaps[1]),
        *(0, 5, 5 + gaps[2]),
    ]
    calls = np.array([False, False, True])
    called = burst(ground, victims, start, "use", law | {"calls": calls})
    assert (called.at_ms - uses.at_ms).tolist() == [0, 0, 0, 0, 0, 3 * MINUTE_MS]
    assert last_ms(uses, 3).tolist() == uses.at_ms[[2, 3, 5]].tolist()
    assert len(set(uses.address.tolist())) == 6


def test_a_typology_is_asked_for_all_the_time_and_in_its_campaigns():
    """Scaled as the quota says, which may leave campaigns out; each with its own days and likes."""
    own = {"typology": "phishing", "from": "2026-03-05", "to": "2026-03-09", "per_card_year": 2.0}
    other = {**own, "typology": "skimming"}
    likes = {**own, "mcc": {"5411": 3.0}, "countries": {"FR": 2.0}}
    asked = config(fraud={"phishing_per_card_year": 0.5, "campaigns": [own, other, likes]})
    named = next(one for one in typologies_of(asked) if one.typology.name == "phishing")
    always, first, third = demands_of(asked, named)
    assert (always.per_card_year, always.number, always.is_drifting) == (0.5, 0, True)
    assert (first.per_card_year, first.number, first.is_drifting) == (2.0, 1, False)
    day = DAY + 3
    assert (first.from_ms, first.to_ms) == (day * DAY_MS, (day + 4) * DAY_MS)
    assert (third.number, third.mcc, third.country) == (3, {"5411": 3.0}, {"FR": 2.0})
    scale = np.full(20, 3.0)
    (alone,) = demands_of(asked, named, Quota(scale, campaigns=False))
    assert alone.per_card_year == 1.5
    none = config(fraud={"phishing_per_card_year": 0.0, "drift": False})
    assert demands_of(none, replace(named, per_card_year=0.0)) == []


def test_the_rate_of_all_is_the_sum_of_each_and_of_those_of_others():
    """Campaigns are on top of it and do not count."""
    asked = config(fraud={"phishing_per_card_year": 0.5})
    own = total_rate(asked)
    assert own > 0.5
    more = asked.fraud.model_copy(update={"more": {"theirs": 0.25, "others": 0.5}})
    assert total_rate(asked.model_copy(update={"fraud": more})) == pytest.approx(own + 0.75)
    less = asked.fraud.model_copy(update={"phishing_per_card_year": 0.0})
    assert total_rate(asked.model_copy(update={"fraud": less})) == pytest.approx(own - 0.5)


def test_two_stages_are_joined_in_the_order_of_time():
    """Each use keeps which stage it is of, where both meet in one compromise too."""
    first = Uses(
        np.array([0, 1]), np.array([7, 8]), np.array([1, 2], np.uint64), np.array([5, 9]), zeros(2)
    )
    second = Uses(
        np.array([0, 0, 1]),
        np.array([7, 7, 8]),
        np.array([3, 4, 5], np.uint64),
        np.array([2, 6, 1]),
        zeros(3),
    )
    both, is_first = joined(first, second)
    assert both.compromise.tolist() == [0, 0, 0, 1, 1]
    assert both.at_ms.tolist() == [2, 5, 6, 1, 9]
    assert is_first.tolist() == [False, True, False, False, True]


def story_of(first_ms: list[int], blocked_ms: list[int], at_ms: list[tuple[int, int]]) -> Story:
    """Thefts, when each card is blocked, and attacks as (compromise, moment)."""
    count = len(first_ms)
    compromises = Compromises(
        *(np.arange(count, dtype=np.uint64) + np.uint64(50), zeros(count), zeros(count)),
        *(zeros(count), np.array(first_ms), np.array(blocked_ms)),
    )
    of, at = zip(*at_ms, strict=True)
    disputes = Disputes(np.arange(4000, dtype=np.uint64), zeros(4000), zeros(4000), zeros(4000))
    return Story(compromises, attacks_of(list(of), at_ms=list(at)), disputes)


def test_a_compromise_begins_to_show_by_its_first_use_or_its_block():
    """Not by the theft; and where nothing shows by that after all, never before week 0."""
    week = WEEK_DAYS * DAY_MS
    begin = EPOCH * DAY_MS
    story = story_of(
        [begin, begin, begin, begin + 3 * week, begin - week],
        [begin + 2 * week, begin + 2 * week, NOT_BLOCKED, NOT_BLOCKED, NOT_BLOCKED],
        [(0, begin + week), (0, begin + 5 * week), (1, begin + 4 * week), (2, begin + 6 * week)],
    )
    assert weeks(story, EPOCH).tolist() == [1, 2, 6, 3, 0]


def test_a_quota_keeps_what_is_drawn_below_its_week():
    """By typology and week; disputes by the factor; nothing of a campaign, nothing without one."""
    week = WEEK_DAYS * DAY_MS
    at = [(nth, EPOCH * DAY_MS + (nth % 3) * week) for nth in range(600)]
    story = story_of([EPOCH * DAY_MS] * 600, [NOT_BLOCKED] * 600, at)
    keys = SimpleNamespace(seed=1)
    ground: Any = SimpleNamespace(
        activity=SimpleNamespace(keys=keys),
        name="phishing",
        code=1,
        demand=SimpleNamespace(number=0),
    )
    below = np.array([[1.0, 1.0], [0.0, 0.5]])
    quota = Quota(np.array([1.0, 1.0]), np.array([1.0, 4.0]), EPOCH, below)
    found = kept(ground, story, quota)
    drawn = quota_draws(1, "phishing", story.compromises.address)
    stays = [nth for nth in range(600) if nth % 3 > 0 and drawn[nth] < 0.5]
    assert found.compromises.address.tolist() == [nth + 50 for nth in stays]
    assert found.attacks.at_ms.tolist() == [at[nth][1] for nth in stays]
    assert found.disputes.day.size == pytest.approx(1000, abs=120)
    assert kept(ground, story, ALL) is story
    ground.demand.number = 2
    assert kept(ground, story, quota) is story


def test_liked_merchants_are_picked_by_their_weight_in_their_segment():
    """In runs by segment; the share is of choices that fall on them, over popularity alone."""
    segment = np.array([2, 0, 2, 0, 2, 1])
    weight = np.array([1.0, 3.0, 0.0, 1.0, 2.0, 0.0])
    liked = _in_runs(segment, weight, np.array([4.0, 5.0, 9.0]))
    assert liked.share.tolist() == [0.5, 0.0, 0.25]
    words = draw(stream_key(1, "test/liked"), np.arange(6000, dtype=np.uint64))
    for own, expected in ((0, {1: 0.75, 3: 0.25}), (2, {0: 1 / 3, 4: 2 / 3})):
        picked = liked.pick(np.full(6000, own), words)
        found = {int(one): float((picked == one).mean()) for one in np.unique(picked)}
        assert found == pytest.approx(expected, abs=0.03)
    edges = np.array([0, 2**64 - 1], dtype=np.uint64)
    second = _in_runs(np.array([0, 1, 1]), np.array([5.0, 1.0, 1.0]), np.ones(2))
    assert second.pick(np.array([1, 1]), edges).tolist() == [1, 2]
    halves = second.pick(np.ones(6000, dtype=np.int64), words)
    assert (halves == 1).mean() == pytest.approx(0.5, abs=0.03)
    assert liked.pick(np.array([2, 2]), edges).tolist() == [0, 4]
    assert liked.pick(np.array([0, 0]), edges).tolist() == [1, 3]


def test_wrong_pins_are_counted_until_nobody_counts_any_more():
    """55 as often as there are tries, then 75, of each theft for itself; no PIN, no such word."""
    without = np.arange(100)
    without[code_of("55")] = code_of("05")
    outcomes = SimpleNamespace(without_pin=without)
    tables = SimpleNamespace(outcomes=outcomes)
    ground: Any = SimpleNamespace(activity=SimpleNamespace(tables=tables))
    attacks = attacks_of([0, 0, 0, 0, 0, 2, 2, 3])
    code = np.full(8, APPROVED)
    code[1], code[7] = code_of("51"), code_of("55")
    asked = np.array([PIN, PIN, PIN, PIN, PIN, PIN, PIN, DEVICE])
    knows = np.array([False] * 5 + [True, True, False])
    found = _pins(ground, attacks, (code, asked, knows), 2)
    wrong, over, good = code_of("55"), code_of("75"), APPROVED
    assert found.tolist() == [wrong, code_of("51"), wrong, over, over, good, good, code_of("05")]


def test_patience_is_how_often_a_thief_is_refused():
    """The card is thrown away after so many refusals, of each theft for itself."""
    no = code_of("51")
    response = [no, APPROVED, no, APPROVED, no, no, no, APPROVED]
    attacks = attacks_of([0, 0, 0, 0, 0, 1, 1, 1], response=response, card=list(range(8)))
    ground: Any = SimpleNamespace(facts={})
    assert _given_up(ground, attacks, {"patience": 2}).card.tolist() == [0, 1, 2, 5, 6]
    ground.facts["patience"] = 9
    assert _given_up(ground, attacks, {"patience": 2}).card.size == 8


def told_of(random: np.random.Generator, count: int, kinds: int, last: int) -> _Told:
    """Compromises in the order of their draws, of a few attacks each, some after the window."""
    week, sizes = random.integers(0, last, count), random.integers(0, 4, count)
    owner = np.repeat(np.arange(count), sizes)
    return _Told(
        weeks=last,
        order=np.arange(count),
        code=random.integers(0, kinds, count),
        week=week,
        draw=np.sort(random.random(count)),
        first=np.concatenate([[0], np.cumsum(sizes)]),
        attack=np.arange(owner.size),
        owner=owner,
        at=week[owner] + random.integers(0, 3, owner.size),
    )


@pytest.mark.parametrize("seed", range(4))
def test_thresholds_make_good_what_is_owed(seed):
    """Week by week as many as come nearest to what is due; surplus counts, want after a while."""
    random = np.random.default_rng(seed)
    last = 14
    told = told_of(random, 500, 2, last)
    passing = random.choice([0.0, 1.0, 0.5], told.attack.size)
    wanted = random.uniform(2, 24, (2, last))
    found = _thresholds(told, passing, wanted)
    for code in range(2):
        rows, owed = np.zeros(last + 4), 0.0
        for week in range(last):
            its = np.flatnonzero((told.code == code) & (told.week == week))
            due, sum_, taken = wanted[code, week] + owed - rows[week], 0.0, 0
            for nth in its:
                own = sum(
                    passing[a] for a in np.flatnonzero(told.owner == nth) if told.at[a] == week
                )
                if sum_ + own / 2 > due:
                    break
                sum_, taken = sum_ + own, taken + 1
            expected = told.draw[its[taken]] if taken < its.size else 1.0
            assert found[code, week] == expected, (code, week)
            for nth in its[:taken]:
                for a in np.flatnonzero(told.owner == nth):
                    rows[told.at[a]] += passing[a]
            owed = min(wanted[code, week] + owed - rows[week], 16 * wanted[code, week])
            owed = min(owed, 0.0) if week < 8 else owed


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_is_seen_and_the_rest_judged_by_the_last_half_year(seed, monkeypatch):
    """A kept attack becomes a row or not; others as often as those of their kind of late."""
    random, last = np.random.default_rng(seed), 40
    told = told_of(random, 900, 2, last)
    passed = np.array([0.9, 0.2])
    pilot = Pilot(1.0, 9.0, 9.0, passed, passed)
    story = story_of([0] * 900, [NOT_BLOCKED] * 900, [(int(one), 0) for one in told.owner])
    below = random.uniform(0.2, 0.9, (2, last))
    kept_of = told.draw < below[told.code, told.week]
    becomes = random.random(told.attack.size) < 0.5
    is_kept = kept_of[told.owner]
    monkeypatch.setattr(counts, "happens", lambda activity, some: (becomes[is_kept], None))
    nothing: Any = None
    found = counts._passing(nothing, story, told, below, pilot)
    for nth in range(0, told.attack.size, 7):
        if is_kept[nth]:
            assert found[nth] == becomes[nth]
            continue
        code, week = told.code[told.owner[nth]], min(told.at[nth], last - 1)
        alike = is_kept & (told.code[told.owner] == code)
        alike &= (told.at > week - 26) & (told.at <= week) & (told.at < last)
        expected = ((alike & becomes).sum() + 50 * passed[code]) / (alike.sum() + 50)
        assert found[nth] == pytest.approx(expected)


def test_drift_moves_the_mix_from_week_to_week_or_not_at_all():
    """Each kind by its own level; without drift all weeks are alike."""
    activity: Any = SimpleNamespace(keys=SimpleNamespace(seed=1))
    still = counts._drift(activity, config(fraud={"drift": False}), parameters(), 9)
    assert still.shape == (len(TYPOLOGIES), 9)
    assert (still == 1).all()
    moved = counts._drift(activity, config(fraud={"drift": True}), parameters(), 9)
    law, days = parameters().section("fraud")["drift"], np.arange(9) * WEEK_DAYS
    for row, name in zip(moved, TYPOLOGIES, strict=True):
        assert (row == drift_level(law, 1, name, days)).all()
    assert len({row.tobytes() for row in moved}) == len(TYPOLOGIES)
