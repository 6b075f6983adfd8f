"""Books: on which days an issuer posts, and so how many days a lag of business days takes.

Reads    countries of the cards; reference holidays and weekends
Writes   wait(days) by event day, books and lag
Draws    ACCOUNT_BOOKS
Sources  parameters.yaml [daily_books_share]

The day ends at midnight UTC, for event days are UTC days: what an American buys in the evening is
of the next day's books, as it is where a bank's own day ends before the shops close.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fauxpay.catalog.world import Bool, World
from fauxpay.clearing.streams import ACCOUNT_BOOKS
from fauxpay.config.model import Config
from fauxpay.foundations import feasts
from fauxpay.foundations.draws import I64, U64, draw, stream_key, threshold
from fauxpay.foundations.parameters import Parameters

EVERY_DAY = ""
"""Instead of a country: books that no weekend and no holiday closes."""
_HORIZON_DAYS = 62
_BLOCK_DAYS = 256


@dataclass(frozen=True, slots=True)
class Books:
    """The books that cards can stand in: those of each country, then those that never close.

    countries  codes; EVERY_DAY is the last
    of_card    u8[cards]  position in `countries`
    """

    countries: tuple[str, ...]
    of_card: NDArray[np.uint8]

    def waits(self, days: range, lags: int) -> NDArray[np.uint8]:
        """Days from event day to posting: u8[days, books, lags] for lags of 0, 1, ... days.

        A lag of 0 is the event day itself, or the next on which the books are open.
        """
        day = np.arange(days.start, days.stop)
        waits = np.empty((day.size, len(self.countries), lags), dtype=np.uint8)
        for row, country in enumerate(self.countries):
            blocks = range(
                days.start // _BLOCK_DAYS, (days.stop + _HORIZON_DAYS) // _BLOCK_DAYS + 1
            )
            opened = np.concatenate([_open_days(country, block) for block in blocks])
            same = opened[np.searchsorted(opened, day)]
            after = np.searchsorted(opened, day, side="right")[:, None] + np.arange(lags - 1)
            waits[:, row, 0] = same - day
            waits[:, row, 1:] = opened[after] - day[:, None]
        return waits


@cache
def _open_days(country: str, block: int) -> I64:
    """Days of a block of days on which books are open: looked up once, asked for every day."""
    day = np.arange(block * _BLOCK_DAYS, (block + 1) * _BLOCK_DAYS)
    return day[_is_open(country, day)]


def _is_open(country: str, day: I64) -> Bool:
    """Whether books are open; after the last day of the reference tables nothing closes them."""
    if country == EVERY_DAY:
        return np.ones(day.size, dtype=np.bool_)
    return ~(feasts.is_holiday(country, day) | feasts.is_rest(country, day))


def open_books(world: World, config: Config, parameters: Parameters) -> Books:
    """The books of a world's cards; an account's issuer is the same under every run's seed."""
    share = parameters.value("clearing.daily_books_share")
    key = stream_key(config.catalog.seed, "clearing/books")
    accounts: U64 = world.cards.account_id.view(np.uint64)
    is_daily = ACCOUNT_BOOKS.of(draw(key, accounts)) < threshold(share, ACCOUNT_BOOKS.width)
    countries = len(world.countries)
    assert countries < 256, "books are numbered by a byte"
    return Books(
        countries=(*world.countries, EVERY_DAY),
        of_card=np.where(is_daily, countries, world.cards.country).astype(np.uint8),
    )


def always_open(world: World) -> Books:
    """The control group's: every day of every year alike."""
    return Books((EVERY_DAY,), np.zeros(world.cards.id.size, dtype=np.uint8))
