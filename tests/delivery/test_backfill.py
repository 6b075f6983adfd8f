"""Backfills: order of days, overlap of windows, gaps and reruns never change a byte."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest

import fauxpay
from fauxpay.cli.generate import one_day
from fauxpay.errors import ConfigError
from sealed import digests, request

FIRST, DAYS = date(2026, 3, 1), 5


def day(number: int) -> str:
    """ISO text of the day so many days after the first."""
    return (FIRST + timedelta(days=number)).isoformat()


def made(root: Path, *windows: tuple[int, int]) -> dict[str, str]:
    """Digests of the event days after runs of windows (first, end), in that order."""
    for first, end in windows:
        fauxpay.generate(request(root, **{"from": day(first), "to": day(end)}))
    return digests(root, "event_day=")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, str]:
    """The event days of one run over all days."""
    found = made(tmp_path_factory.mktemp("whole"), (0, DAYS))
    assert len(found) == DAYS * 2 * 5
    return found


@pytest.mark.parametrize("number", range(3))
def test_single_days_in_any_order_are_the_days_of_one_run(whole, tmp_path, number):
    """Scheduled days that come shuffled write the files of one run over all of them."""
    order = list(range(DAYS))
    random.Random(number).shuffle(order)
    assert made(tmp_path, *((one, one + 1) for one in order)) == whole


@pytest.mark.parametrize("number", range(3))
def test_overlapping_windows_and_reruns_change_no_byte(whole, tmp_path, number):
    """Windows drawn at random, some twice, some leaving gaps: each day is the day it always is."""
    draws = random.Random(100 + number)
    windows = []
    for _ in range(4):
        first = draws.randrange(DAYS)
        windows.append((first, draws.randint(first + 1, DAYS)))
    found = made(tmp_path, *windows, windows[0])
    covered = {day(one) for first, end in windows for one in range(first, end)}
    wanted = {name: whole[name] for name in whole if any(one in name for one in covered)}
    assert found == wanted
    assert len(fauxpay.open(tmp_path).runs()) == len(set(windows))


def test_a_gap_filled_later_is_the_gap_of_one_run(whole, tmp_path):
    """The last day first, the first day next, then everything: the backfill reuses both."""
    made(tmp_path, (4, 5), (0, 1))
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("event_day=*/part-*")}
    assert made(tmp_path, (0, DAYS)) == whole
    assert all(path.stat().st_mtime_ns == stamps[path] for path in stamps)


def test_another_config_is_another_world_and_touches_nothing(tmp_path):
    """A changed setting, parameter or catalog seed never writes below the first world's folder."""
    made(tmp_path, (0, 1))
    before = digests(tmp_path)
    own = request(tmp_path, to=day(1))
    for change in (
        {"labels": {"found_share": 0.5}},
        {"parameters": {"fraud.replacement_card_years": 9}},
        {"catalog": {**own["catalog"], "seed": 1}},
    ):
        fauxpay.generate({**own, **change})
    after = digests(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(list((tmp_path / "worlds").iterdir())) == 4


def test_another_seed_is_the_same_world_beside_the_first(tmp_path):
    """The catalog is shared, the days are not."""
    made(tmp_path, (0, 1))
    before = digests(tmp_path)
    fauxpay.generate(request(tmp_path, to=day(1), seed=2))
    after = digests(tmp_path)
    assert {name: after[name] for name in before} == before
    (world,) = (tmp_path / "worlds").iterdir()
    assert (world / "seed=2").is_dir()


def test_a_logical_date_is_one_day():
    """The window of D is [D, D+1), over the ends of months and years."""
    assert one_day("2026-03-01", None, None) == ("2026-03-01", "2026-03-02")
    assert one_day("2026-12-31", None, None) == ("2026-12-31", "2027-01-01")
    assert one_day("2028-02-28", None, None) == ("2028-02-28", "2028-02-29")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "20260301", "9999-12-31"])
def test_a_logical_date_that_is_no_day_is_refused(text):
    """The message gives the value and an example."""
    with pytest.raises(
        ConfigError, match=r"--logical-date = .* one such as 2026-03-01, from 2.* before 2"
    ):
        one_day(text, None, None)


@pytest.mark.parametrize(("first", "end"), [("2026-03-01", None), (None, "2026-03-02")])
def test_a_logical_date_excludes_a_window(first, end):
    """Both at once are refused rather than guessed."""
    with pytest.raises(ConfigError, match="give --logical-date for one day"):
        one_day("2026-03-01", first, end)
