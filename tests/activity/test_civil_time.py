"""Civil time: local days of 23 to 25 hours, and zones off the full hour, hold their rhythm."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.activity.calendar import CURVE_SLOTS, QUARTERS, Calendar, build_calendar
from fauxpay.activity.engine import day_number
from fauxpay.catalog.world import PROFILES
from worlds import parameters

UTC_DAYS = 4
COMMUTER = PROFILES.index("commuter")

# Zone, country, local date on which the clocks change, hours of that date.
CHANGES = [
    ("America/New_York", "US", (2026, 3, 8), 23.0),
    ("America/New_York", "US", (2026, 11, 1), 25.0),
    ("Europe/Berlin", "DE", (2026, 3, 29), 23.0),
    ("Europe/Berlin", "DE", (2026, 10, 25), 25.0),
    ("Australia/Sydney", "AU", (2026, 4, 5), 25.0),
    ("Australia/Adelaide", "AU", (2026, 10, 4), 23.0),
    ("Pacific/Auckland", "NZ", (2026, 9, 27), 23.0),
    ("America/St_Johns", "CA", (2026, 3, 8), 23.0),
]


def calendar_of(zone: str, country: str, date: tuple[int, int, int]) -> Calendar:
    """Two UTC days before a date, the date and the one after."""
    first = day_number(datetime.date(*date)) - 2
    return build_calendar([(zone, country)], first, UTC_DAYS, parameters())


def density(calendar: Calendar, profile: int = COMMUTER) -> np.ndarray:
    """Expected purchases of each UTC quarter-hour: the day's rate on its curve."""
    found = []
    for day in range(calendar.days):
        row = calendar.curve_row[day, profile]
        curve = calendar.curves[row * CURVE_SLOTS : (row + 1) * CURVE_SLOTS]
        share = np.bincount(curve, minlength=QUARTERS) / CURVE_SLOTS
        found.append(share * 2.0 ** (calendar.rate_steps[day, profile] / 16))
    return np.concatenate(found)


def local_minutes(calendar: Calendar) -> np.ndarray:
    """Local wall clock of each UTC quarter-hour, in minutes from the first UTC midnight."""
    return np.arange(calendar.days * QUARTERS) * 15 + calendar.offsets[0].astype(int)


@pytest.mark.parametrize(("zone", "country", "date", "hours"), CHANGES)
def test_the_clocks_change_once_and_right(zone, country, date, hours):
    """The local date has its 23 or 25 hours; the wall clock never shows what was skipped."""
    calendar = calendar_of(zone, country, date)
    minutes = local_minutes(calendar)
    on_date = minutes // 1440 == 2
    assert on_date.sum() / 4 == hours
    step = np.diff(minutes)
    assert sorted(set(step.tolist())) == sorted({15, 15 + round((24 - hours) * 60)})
    if hours < 24:
        gap = int(minutes[:-1][step != 15][0]) + 15
        skipped = range(gap, gap + 60, 15)
        assert not np.isin(minutes, skipped).any()


@pytest.mark.parametrize(("zone", "country", "date", "hours"), CHANGES)
def test_local_hours_keep_their_rhythm_when_the_clocks_change(zone, country, date, hours):
    """By the wall clock the day of change has the curve of the same weekday a week later."""
    calendar = calendar_of(zone, country, date)
    later = datetime.date(*date) + datetime.timedelta(days=7)
    plain = calendar_of(zone, country, (later.year, later.month, later.day))
    shapes = []
    for one in (calendar, plain):
        minutes, weight = local_minutes(one), density(one)
        on_date = minutes // 1440 == 2
        hour = minutes[on_date] % 1440 // 60
        total = np.bincount(hour, weights=weight[on_date], minlength=24)
        shapes.append(total / np.bincount(hour, minlength=24).clip(1))
    daytime = slice(7, 22)
    changed, usual = (shape[daytime] / shape[daytime].sum() for shape in shapes)
    assert np.abs(changed - usual).max() < 0.006
    if hours < 24:
        assert (shapes[0][:5] == 0).sum() == 1  # the skipped hour


# No city of the tables lies on Lord Howe or the Chatham Islands, so their clocks are given here:
# local date of the change, minutes before and after, UTC quarter-hour of the first day.
ISLANDS = {
    "Lord Howe, forward": ((2026, 10, 4), 630, 660, QUARTERS + 62, 23.5),
    "Lord Howe, back": ((2026, 4, 5), 660, 630, QUARTERS + 60, 24.5),
    "Chatham, forward": ((2026, 9, 27), 765, 825, QUARTERS + 56, 23.0),
    "Chatham, back": ((2026, 4, 5), 825, 765, QUARTERS + 56, 25.0),
}


@pytest.mark.parametrize("island", ISLANDS)
def test_islands_with_odd_clocks(island, monkeypatch):
    """Half an hour skipped, and zones off by three quarters of one, are right as well."""
    date, before, after, turn, hours = ISLANDS[island]
    offsets = np.full((1, UTC_DAYS * QUARTERS), before, dtype=np.int16)
    offsets[0, turn:] = after
    monkeypatch.setattr("fauxpay.activity.calendar.reference.offsets", lambda *_: offsets)
    calendar = calendar_of("Pacific/Auckland", "NZ", date)
    minutes, weight = local_minutes(calendar), density(calendar)
    on_date = minutes // 1440 == 2
    assert on_date.sum() / 4 == hours
    quarter = minutes[on_date] % 1440 // 15
    total = np.bincount(quarter, weights=weight[on_date], minlength=QUARTERS)
    seen = np.bincount(quarter, minlength=QUARTERS)
    if hours < 24:
        assert (seen == 0).sum() == round((24 - hours) * 4)
        assert total[seen == 0].sum() == 0
    # By the wall clock a quarter-hour has what it has a day earlier, but for the day's own level.
    earlier = minutes // 1440 == 1
    usual = np.bincount(minutes[earlier] % 1440 // 15, weights=weight[earlier], minlength=QUARTERS)
    awake = (seen == 1) & (np.arange(QUARTERS) >= 28)
    peak = [int((one * awake).argmax()) // 4 for one in (total, usual)]
    assert all(9 <= hour <= 21 for hour in peak), peak
    assert total[8:20].sum() < 0.1 * total.sum()


@pytest.mark.parametrize(
    ("zone", "country", "minutes"),
    [
        ("Asia/Kolkata", "IN", 330),
        ("Asia/Kathmandu", "NP", 345),
        ("Australia/Darwin", "AU", 570),
        ("America/St_Johns", "CA", -150),
        ("Asia/Tehran", "IR", 210),
        ("Asia/Yangon", "MM", 390),
    ],
)
def test_zones_off_the_full_hour_have_their_night_at_night(zone, country, minutes):
    """The quietest local hour lies before dawn, where an offset rounded to hours would miss it."""
    calendar = calendar_of(zone, country, (2026, 7, 15))
    assert int(calendar.offsets[0, 0]) == minutes
    quarter = local_minutes(calendar) % 1440 // 15
    weight = np.bincount(quarter, weights=density(calendar), minlength=QUARTERS)
    assert 2.0 <= weight.argmin() / 4 <= 4.5
    # The curve's knots lie on full local hours: between them it is straight.
    inner = weight.reshape(24, 4)
    ahead = np.append(weight, weight[0])[4::4]
    straight = inner[:, :1] + (ahead - inner[:, 0])[:, None] * np.arange(4) / 4
    assert np.abs(inner - straight).max() < 0.02 * weight.max()


@given(st.integers(0, 60), st.integers(1, 20))
def test_a_day_is_the_same_in_any_calendar(start, days):
    """Metamorphic: rates and curves of a day hang on no other day of the window."""
    regions = [("America/New_York", "US"), ("Asia/Kolkata", "IN"), ("Asia/Dubai", "AE")]
    first = day_number(datetime.date(2026, 10, 1))
    whole = _whole(tuple(regions), first)
    part = build_calendar(regions, first + start, days, parameters())
    assert np.array_equal(part.rate_steps, whole.rate_steps[start : start + days])
    for day in (0, days - 1):
        for group in range(part.rate_steps.shape[1]):
            rows = part.curve_row[day, group], whole.curve_row[start + day, group]
            one, other = (
                calendar.curves[row * CURVE_SLOTS : (row + 1) * CURVE_SLOTS]
                for calendar, row in zip((part, whole), rows, strict=True)
            )
            assert np.array_equal(one, other)


_WHOLE: dict[int, Calendar] = {}


def _whole(regions: tuple[tuple[str, str], ...], first: int) -> Calendar:
    if first not in _WHOLE:
        _WHOLE[first] = build_calendar(list(regions), first, 81, parameters())
    return _WHOLE[first]


def test_a_calendar_is_built_quickly():
    """Ten countries and 455 days take a tenth of a second; half a second on a crowded machine."""
    import time

    zones = {
        "US": "America/Chicago",
        "GB": "Europe/London",
        "DE": "Europe/Berlin",
        "FR": "Europe/Paris",
        "ES": "Europe/Madrid",
        "JP": "Asia/Tokyo",
        "BR": "America/Sao_Paulo",
        "IN": "Asia/Kolkata",
        "ZA": "Africa/Johannesburg",
        "AE": "Asia/Dubai",
    }
    regions = [(zone, country) for country, zone in zones.items()]
    build_calendar(regions, day_number(datetime.date(2025, 1, 1)), 455, parameters())
    begun = time.process_time()
    build_calendar(regions, day_number(datetime.date(2025, 1, 1)), 455, parameters())
    assert time.process_time() - begun < 0.5
