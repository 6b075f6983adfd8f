"""Books: business days, holidays and books that never close turn a lag into days."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.clearing.books import EVERY_DAY, Books, always_open, open_books
from fauxpay.config.model import FIRST_DAY, LAST_DAY
from fauxpay.foundations import reference
from worlds import config, maker_of, parameters

WEEKEND = {"US": (6, 7), "JP": (6, 7), "SA": (5, 6)}
BOOKS = Books((*WEEKEND, EVERY_DAY), np.zeros(1, dtype=np.uint8))
LAGS = 6
EPOCH = date(1970, 1, 1)


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def posted_on(day: date, country: str, lag: int) -> date:
    """When a lag of business days leads to, by a walk over the days, one after the other."""
    rest = WEEKEND.get(country, ())

    def is_open(one: date) -> bool:
        if country == EVERY_DAY:
            return True
        is_known = one <= LAST_DAY
        is_holiday = is_known and bool(reference.holidays_of(country, one, one))
        return one.isoweekday() not in rest and not is_holiday

    if lag == 0:
        while not is_open(day):
            day += timedelta(days=1)
        return day
    while lag:
        day += timedelta(days=1)
        lag -= is_open(day)
    return day


@settings(deadline=None)  # The first look reads the reference tables.
@given(
    st.dates(FIRST_DAY, LAST_DAY),
    st.integers(1, 9),
    st.integers(0, len(BOOKS.countries) - 1),
    st.integers(0, LAGS - 1),
)
def test_a_lag_is_counted_on_days_that_are_open(first, count, row, lag):
    """Property: the table agrees with a walk over the calendar, to the last day there is."""
    days = range(number(first), number(first) + count)
    waits = BOOKS.waits(days, LAGS)
    assert waits.shape == (count, len(BOOKS.countries), LAGS)
    for nth in range(count):
        day = first + timedelta(days=nth)
        expected = posted_on(day, BOOKS.countries[row], lag)
        assert day + timedelta(days=int(waits[nth, row, lag])) == expected


@pytest.mark.parametrize(
    ("day", "country", "wait"),
    [
        (date(2026, 3, 4), "US", 1),  # Wednesday
        (date(2026, 3, 6), "US", 3),  # Friday
        (date(2026, 3, 7), "US", 2),  # Saturday
        (date(2026, 3, 8), "US", 1),  # Sunday
        (date(2026, 5, 22), "US", 4),  # Friday before Memorial Day
        (date(2026, 5, 1), "JP", 6),  # Friday before Golden Week's Monday to Wednesday
        (date(2026, 3, 5), "SA", 3),  # Thursday, where Friday and Saturday are free
        (date(2026, 3, 6), EVERY_DAY, 1),
    ],
)
def test_the_next_business_day(day, country, wait):
    """Known answers: what is bought on a Friday is in Monday's books; holidays put it off."""
    waits = BOOKS.waits(range(number(day), number(day) + 1), 2)
    assert waits[0, BOOKS.countries.index(country), 1] == wait


@pytest.mark.parametrize("first", [number(date(2026, 4, 28)), 80 * 256 - 20, 81 * 256 - 14])
def test_days_made_together_wait_as_days_made_alone(first):
    """Metamorphic: the table of a stretch holds the tables of its days, wherever books are cut."""
    together = BOOKS.waits(range(first, first + 34), LAGS)
    alone = [BOOKS.waits(range(day, day + 1), LAGS)[0] for day in range(first, first + 34)]
    assert np.array_equal(together, np.stack(alone))


def test_a_share_of_the_accounts_is_posted_every_day():
    """The issuer is the account's: all its cards stand in one book, of its country or of none."""
    asked = config()
    world = maker_of(asked).world
    books = open_books(world, asked, parameters())
    daily = len(world.countries)
    assert books.countries[daily] == EVERY_DAY
    share = parameters().value("clearing.daily_books_share")
    assert np.mean(books.of_card == daily) == pytest.approx(share, abs=0.05)
    by_country = books.of_card != daily
    assert np.array_equal(books.of_card[by_country], world.cards.country[by_country])
    pairs = set(zip(world.cards.account_id.tolist(), (~by_country).tolist(), strict=True))
    assert len(pairs) == len(set(world.cards.account_id.tolist()))


def test_the_control_group_s_books_never_close():
    """Without behaviour there are no weekends."""
    books = always_open(maker_of(config()).world)
    waits = books.waits(range(number(date(2026, 3, 6)), number(date(2026, 3, 9))), 4)
    assert waits.tolist() == [[[0, 1, 2, 3]]] * 3
