"""The agenda: every task is handed out once, in runs of days; short ends stay where they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fauxpay.delivery.executors import STEAL_TASKS_MIN, Agenda
from fauxpay.delivery.partition import Task


class Line:
    """Stands for a worker's connection."""


@given(st.integers(0, 60), st.integers(1, 5), st.lists(st.integers(0, 4), max_size=200))
def test_every_task_is_handed_out_once(days, workers, turns):
    """Property: in whatever order workers ask, each task goes to one of them, none is lost."""
    lines = [Line() for _ in range(workers)]
    tasks = [Task(0, day) for day in range(days)]
    agenda = Agenda(tasks, lines)
    asked = [*(turn % workers for turn in turns), *(list(range(workers)) * (days + 1))]
    handed = [agenda.next_for(lines[turn]) for turn in asked]
    assert sorted(task for task in handed if task is not None) == tasks


def test_a_worker_walks_its_days_in_order():
    """Each worker has a block of consecutive days, so that its links are at hand."""
    lines = [Line(), Line()]
    agenda = Agenda([Task(0, day) for day in range(10)], lines)
    assert [agenda.next_for(lines[1]) for _ in range(5)] == [Task(0, day) for day in range(5, 10)]


def test_short_ends_are_not_stolen():
    """Who is done takes half of a long block, in order, and nothing of a short one."""
    lines = [Line(), Line()]
    agenda = Agenda([Task(0, day) for day in range(2 * STEAL_TASKS_MIN)], lines)
    for _ in range(STEAL_TASKS_MIN):
        assert agenda.next_for(lines[0]) is not None
    stolen = agenda.next_for(lines[0])
    assert stolen == Task(0, 2 * STEAL_TASKS_MIN - STEAL_TASKS_MIN // 2)
    agenda.next_for(lines[0])
    agenda.next_for(lines[0])
    assert agenda.next_for(lines[0]) is None
    assert agenda.next_for(lines[1]) is not None
