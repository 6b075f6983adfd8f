"""Dead cards: which attacks can happen, which cards replace which, by a plain loop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fauxpay.activity.addresses import SLOT_MASK
from fauxpay.activity.calendar import DAY_MS
from fauxpay.fraud.plan import _plan, happens
from fauxpay.fraud.story import NOT_BLOCKED, Attacks, Compromises, Disputes, Story, empty

EPOCH, DAYS, CARDS = 20_000, 6, 5
GIVEN_UP = {3: EPOCH + 4}  # A card, and the day from which on it is not in use.


def in_use(card: Any, day: Any) -> Any:
    """Whether cards are in use on days."""
    ends = np.array([GIVEN_UP.get(one, 10**6) for one in range(CARDS)])
    return day < ends[card]


ACTIVITY: Any = SimpleNamespace(
    epoch_day=EPOCH,
    calendar=SimpleNamespace(days=DAYS),
    keys=SimpleNamespace(seed=1),
    world=SimpleNamespace(cards=SimpleNamespace(id=np.arange(CARDS) + 1000)),
    in_use=in_use,
)


def some_story(seed: int, thefts: int = 40, uses: int = 400) -> Story:
    """Thefts and uses on a grid so coarse that instants meet, some of them out of all bounds."""
    random = np.random.default_rng(seed)
    grid = DAY_MS // 4
    started = EPOCH * DAY_MS + random.integers(0, 4 * DAYS, thefts) * grid
    blocked = started + random.integers(1, 12, thefts) * grid
    compromises = Compromises(
        address=random.permutation(thefts).astype(np.uint64) + np.uint64(1),
        card=random.integers(0, CARDS, thefts),
        typology=random.integers(0, 3, thefts),
        campaign=np.zeros(thefts, dtype=np.int64),
        compromised_ms=started,
        blocked_ms=np.where(random.random(thefts) < 0.3, NOT_BLOCKED, blocked),
    )
    of = np.sort(random.integers(0, thefts, uses))
    whole = dict.fromkeys(Attacks.__dataclass_fields__, np.zeros(uses, dtype=np.int64))
    attacks = Attacks(
        **{
            **whole,
            "compromise": of,
            "card": compromises.card[of],
            "at_ms": started[of] + random.integers(-3, 30, uses) * grid,
            "address": random.permutation(uses).astype(np.uint64),
        }
    )
    return Story(compromises, attacks, empty(Disputes))


def alive(story: Story) -> tuple[list[bool], list[tuple[int, int, int]]]:
    """(which attacks can happen, (card, moment, compromise) of each card that is replaced)."""
    told, end_ms = story.compromises, (EPOCH + DAYS) * DAY_MS
    replaced: list[tuple[int, int, int]] = []
    for card in range(CARDS):
        its = [n for n in np.flatnonzero(told.card == card) if told.blocked_ms[n] != NOT_BLOCKED]
        last = -1
        for nth in sorted(its, key=lambda n: (told.blocked_ms[n], n)):
            block = int(told.blocked_ms[nth])
            used = bool(in_use(np.array(card), np.array(block // DAY_MS)))
            if block < end_ms and used and told.compromised_ms[nth] >= last:
                replaced.append((card, block, int(nth)))
                last = block
    happens_to = []
    attacks = story.attacks
    for card, of, at in zip(attacks.card, attacks.compromise, attacks.at_ms, strict=True):
        start, block = told.compromised_ms[of], told.blocked_ms[of]
        is_dead = any(own == card and start < moment <= at for own, moment, _ in replaced)
        is_inside = EPOCH * DAY_MS <= at < end_ms and bool(in_use(card, at // DAY_MS))
        happens_to.append(
            bool(start <= at and (block == NOT_BLOCKED or at < block) and is_inside and not is_dead)
        )
    return happens_to, replaced


@pytest.mark.parametrize("seed", range(5))
def test_what_happens_is_what_a_plain_loop_says(seed):
    """Between theft and block, with the card that was stolen, in use, within the window."""
    story = some_story(seed)
    usable, reissues = happens(ACTIVITY, story)
    expected, replaced = alive(story)
    assert usable.tolist() == expected
    assert 10 < sum(expected) < len(expected) - 10
    found = zip(reissues.card, reissues.reissued_ms, reissues.compromise, strict=True)
    assert [tuple(map(int, one)) for one in found] == replaced
    assert len(replaced) > len({card for card, _, _ in replaced}) > 2


@pytest.mark.parametrize("seed", range(5))
def test_each_new_card_replaces_the_one_before_and_is_in_force_from_then_on(seed):
    """A chain from the catalog's card on; at each moment the last that was issued by then."""
    story = some_story(seed)
    plan = _plan(ACTIVITY, story)
    own = plan.reissues
    assert len(set(own.id.tolist())) == own.id.size
    holds = {}
    for card, new, old in zip(
        *(one.tolist() for one in (own.card, own.id, own.replaces_id)), strict=True
    ):
        assert old == holds.get(card, 1000 + card)
        holds[card] = new
    moments = np.concatenate([own.reissued_ms + more for more in (-1, 0, 1, 10**12)])
    card = np.tile(own.card, 4)
    ids, since = plan.card_ids(card + 1000, card, moments)
    told = list(zip(own.card, own.reissued_ms, own.id, strict=True))
    for nth, (one, at) in enumerate(zip(card, moments, strict=True)):
        issued = [(ms, new) for other, ms, new in told if other == one and ms <= at]
        assert (since[nth], ids[nth]) == max(issued, default=(-1, one + 1000))
    none = plan.card_ids(np.array([7]), np.array([4]), np.array([-5]))
    assert [one.tolist() for one in none] == [[7], [-1]]


def test_attacks_of_a_cell_are_numbered_in_time():
    """From 0 on within card and day, as many as a cell has room for."""
    plan = _plan(ACTIVITY, some_story(9, thefts=12, uses=900))
    seen: dict[tuple[int, int], int] = {}
    order = list(zip(plan.day, plan.attacks.card, plan.attacks.at_ms, plan.slot, strict=True))
    for day, card, at, slot in order:
        assert day == at // DAY_MS
        assert slot == seen.get((day, card), 0)
        seen[day, card] = slot + 1
    assert [one[:3] for one in order] == sorted(one[:3] for one in order)
    for first, last in ((0, 2), (2, 3), (5, 9)):
        days = range(EPOCH + first, EPOCH + last)
        assert set(plan.day[plan.on_days(days)].tolist()) == set(days) & set(plan.day.tolist())


def test_a_cell_has_room_for_so_many():
    """What is beyond is not made: a slot is some bits of an address."""
    uses = SLOT_MASK + 5
    story = some_story(1, thefts=1, uses=uses)
    at = np.full(uses, (EPOCH + 1) * DAY_MS)
    begun = np.array([EPOCH * DAY_MS])
    told = Compromises(
        story.compromises.address,
        story.compromises.card,
        *(np.zeros(1, dtype=np.int64),) * 2,
        begun,
        np.array([NOT_BLOCKED]),
    )
    values = {name: getattr(story.attacks, name) for name in Attacks.__dataclass_fields__}
    plan = _plan(ACTIVITY, Story(told, Attacks(**{**values, "at_ms": at}), story.disputes))
    assert plan.slot.tolist() == list(range(SLOT_MASK + 1))


def test_a_purchase_is_disputed_once():
    """Whoever tells of it: the first typology, by day and address."""
    disputes = Disputes(
        address=np.array([9, 5, 9, 7], dtype=np.uint64),
        card=np.array([1, 2, 1, 3]),
        day=np.array([EPOCH + 1, EPOCH + 2, EPOCH + 1, EPOCH]),
        typology=np.array([4, 1, 2, 1]),
    )
    plan = _plan(ACTIVITY, Story(empty(Compromises), empty(Attacks), disputes))
    assert plan.disputes.address.tolist() == [7, 9, 5]
    assert plan.disputes.typology.tolist() == [1, 2, 1]
    assert plan.disputes_on(range(EPOCH + 1, EPOCH + 2)) == slice(1, 2)
