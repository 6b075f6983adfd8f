"""Pace: events come when they are due, over any batches, and never in a flood."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from fauxpay.streams.pace import SLICE_EVENTS, Pace

SECOND = 1_000_000


@dataclass
class Watch:
    """A clock that sleeping moves, and that remembers how long the sleeps were."""

    now: float = 100.0
    naps: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
        assert len(self.naps) < 10_000, "it waits for ever"


def given(pace: Pace, watch: Watch, *batches: np.ndarray, takes: float = 0.0) -> list[float]:
    """Seconds from the first batch at which each event was handed over, one batch after another.

    takes  seconds for which the receiver keeps each slice
    """
    pace.clock, pace.sleep, begun = watch.read, watch.sleep, watch.now
    at = []
    for times in batches:
        done = 0
        for some in pace.slices(times):
            assert some.start == done
            assert some.stop > some.start
            at += [watch.now - begun] * (some.stop - some.start)
            watch.now += takes
            done = some.stop
        assert done == times.size
    return at


@pytest.mark.parametrize(
    ("pace", "due"),
    [
        (Pace(rate=2.0), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]),
        (Pace(speed=10.0), [0.0, 1.0, 1.0, 6.0, 6.0, 9.0]),
    ],
)
def test_batches_go_on_from_one_another(pace, due):
    """The clock begins with the first event of all, not with that of each batch."""
    times = np.array([50, 60, 60, 110, 110, 140], dtype=np.int64) * SECOND
    at = given(pace, Watch(), times[:2], times[2:3], times[3:])
    for mine, wanted in zip(at, due, strict=True):
        assert wanted <= mine <= wanted + 0.05


def test_what_is_due_at_once_is_given_without_a_wait():
    """Without speed or rate nothing sleeps; with speed the first event is due in its instant."""
    watch = Watch()
    times = np.arange(4 * SLICE_EVENTS, dtype=np.int64) * SECOND
    assert set(given(Pace(), watch, times)) == {0.0}
    assert watch.naps == []
    assert given(Pace(speed=1.0), watch, times[:1]) == [0.0]
    assert sum(watch.naps) == 0


def test_a_slice_has_a_bounded_number_of_events():
    """All due: the receiver still gets them some thousands at a time."""
    pace, times = Pace(), np.zeros(2 * SLICE_EVENTS + 7, dtype=np.int64)
    sizes = [some.stop - some.start for some in pace.slices(times)]
    assert sizes == [SLICE_EVENTS, SLICE_EVENTS, 7]


def test_a_slow_receiver_is_not_hurried():
    """What became due while it was busy comes at once after that, and then the pace holds again."""
    times = np.array([0, 1, 2, 3, 20], dtype=np.int64) * SECOND
    at = given(Pace(speed=1.0), Watch(), times, takes=5.0)
    assert at == pytest.approx([0.0, 5.0, 5.0, 5.0, 20.0], abs=0.05)


def test_a_long_wait_is_cut_into_short_ones():
    """A signal or a step of the clock is noticed within a second; sleeping never ends early."""
    watch = Watch()
    times = np.array([0, 3600], dtype=np.int64) * SECOND
    at = given(Pace(speed=1.0), watch, times)
    assert at == pytest.approx([0.0, 3600.0], abs=0.05)
    assert max(watch.naps) <= 1.0
    assert len(watch.naps) < 3700, "it does not look at the clock all the time"


def test_events_close_together_are_given_together():
    """At ten thousand a second each hand-over holds hundreds: to give them singly costs more."""
    watch = Watch()
    pace, times = Pace(rate=10_000.0, clock=watch.read, sleep=watch.sleep), np.zeros(5000, np.int64)
    sizes = [some.stop - some.start for some in pace.slices(times)]
    assert sum(sizes) == 5000
    assert len(sizes) < 50
