"""The agenda: every task is handed out once, in runs of days; short ends stay where they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fauxpay.delivery.blocks import OUT_OF_ORDER_DAYS_MIN
from fauxpay.delivery.processes import Agenda
from fauxpay.delivery.task import (
    PLAN_DAY,
    STRETCH_CELLS,
    STRETCH_DAYS_MAX,
    Task,
    first_day_early,
    stretch_days,
    stretches,
)


class Line:
    """Stands for a worker's connection."""


def days_of(count: int) -> list[tuple[Task, ...]]:
    """So many stretches of one day."""
    return [(Task(0, day),) for day in range(count)]


@given(
    st.integers(0, 60),
    st.integers(1, 9),
    st.integers(1, 5),
    st.lists(st.integers(0, 4), max_size=200),
)
def test_every_task_is_handed_out_once(days, at_once, workers, turns):
    """Property: in whatever order workers ask, each task goes to one of them, none is lost."""
    lines = [Line() for _ in range(workers)]
    tasks = [Task(0, day) for day in range(days)]
    agenda = Agenda(list(stretches(tasks, at_once)), lines)
    asked = [*(turn % workers for turn in turns), *(list(range(workers)) * (days + 1))]
    handed = [agenda.next_for(lines[turn]) for turn in asked]
    assert sorted(task for stretch in handed if stretch for task in stretch) == tasks


@given(
    st.sets(st.tuples(st.integers(0, 2), st.integers(PLAN_DAY, 40)), max_size=60),
    st.integers(1, 20),
)
def test_a_stretch_is_consecutive_days_of_one_shard(wanted, days_max):
    """Property: stretches hold every task once; days follow each other, plans stand alone."""
    tasks = sorted(Task(*one) for one in wanted)
    made = list(stretches(tasks, days_max))
    assert [task for stretch in made for task in stretch] == tasks
    for stretch in made:
        assert 1 <= len(stretch) <= days_max
        assert len({task.shard for task in stretch}) == 1
        assert [task.day - stretch[0].day for task in stretch] == list(range(len(stretch)))
        assert len(stretch) == 1 or not stretch[0].is_plan


@given(st.integers(0, 2**24), st.integers(0, 10_000), st.integers(1, 64))
def test_a_stretch_is_bounded_in_cells_and_leaves_work_to_share(cards, days, workers):
    """Property: memory stays flat, every worker has several stretches where days allow it, and
    no stretch is shorter than these two make it."""
    length = stretch_days(cards, days, workers)

    def may_be(some: int) -> bool:
        return some * cards <= STRETCH_CELLS and (some - 1) * workers * 4 < days

    assert 1 <= length <= STRETCH_DAYS_MAX
    assert length == 1 or may_be(length)
    assert length == STRETCH_DAYS_MAX or not may_be(length + 1)


def test_a_worker_walks_its_days_in_order():
    """Each worker has a block of consecutive days, so that its links are at hand."""
    lines = [Line(), Line()]
    agenda = Agenda(days_of(10), lines)
    assert [agenda.next_for(lines[1]) for _ in range(5)] == days_of(10)[5:]


def test_short_ends_are_not_stolen():
    """Who is done takes half of a long block, in order, and nothing of a short one."""
    lines = [Line(), Line()]
    agenda = Agenda(days_of(2 * OUT_OF_ORDER_DAYS_MIN), lines)
    for _ in range(OUT_OF_ORDER_DAYS_MIN):
        assert agenda.next_for(lines[0]) is not None
    stolen = agenda.next_for(lines[0])
    assert stolen == (Task(0, 2 * OUT_OF_ORDER_DAYS_MIN - OUT_OF_ORDER_DAYS_MIN // 2),)
    agenda.next_for(lines[0])
    agenda.next_for(lines[0])
    assert agenda.next_for(lines[0]) is None
    assert agenda.next_for(lines[1]) is not None


@given(st.sets(st.tuples(st.integers(0, 2), st.integers(PLAN_DAY, 20)), max_size=40))
def test_the_first_day_comes_alone_and_nothing_is_lost(wanted):
    """Property: only the first stretch of days is cut, after its first day."""
    tasks = sorted(Task(*one) for one in wanted)
    made = list(stretches(tasks, 5))
    early = list(first_day_early(made))
    assert [task for stretch in early for task in stretch] == tasks
    days = [stretch for stretch in early if not stretch[0].is_plan]
    assert not days or len(days[0]) == 1
    assert len(early) - len(made) <= 1
    assert all(stretch in made for stretch in days[2:])
