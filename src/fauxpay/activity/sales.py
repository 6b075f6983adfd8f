"""Sales: the days on which the world's online shops are fullest.

Reads    reference seasons
Writes   blocks of local quarter-hours: a plain day's, then those of each kind of sale
Draws    nothing
Sources  countries/*.yaml [sale_boost]

Whether a row is of a sale rides on its quarter-hour of the local week, which every row has: on
other days nothing is computed at all.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity.rows import LOCAL_QUARTERS
from fauxpay.foundations import feasts
from fauxpay.foundations.draws import I64
from fauxpay.foundations.reference import EPOCH

SALES = ("black_friday", "black_weekend", "cyber_monday", "singles_day")
BLOCKS = 1 + len(SALES)  # a plain day comes first
_BLACK_FRIDAY = (0, 1, 1, 2)  # which of SALES each day of that season is
_MARGIN_DAYS = 2


def with_sales(quarter: I64, local_day: I64, day: Any) -> I64:
    """Quarter-hours of the local week, moved into the block of their sale; changed in place.

    local_day  i64[n], days since 1970-01-01
    day        the UTC days, one whole number or i64[n]: they tell whether to look at all
    """
    table, first = _blocks()
    days = np.asarray(day)
    if not days.size:
        return quarter
    low = max(int(days.min()) - 1 - first, 0)
    if table[low : int(days.max()) + 2 - first].any():
        block = table.take(local_day - first, mode="clip")
        quarter += block * np.int64(LOCAL_QUARTERS)
    return quarter


@cache
def _blocks() -> tuple[NDArray[np.int8], int]:
    """(block of each local day, the first of these days)."""
    first = (feasts.FIRST_DAY - EPOCH).days - _MARGIN_DAYS
    day = np.arange(first, (feasts.LAST_DAY - EPOCH).days + 1 + _MARGIN_DAYS)
    table = np.zeros(day.size, dtype=np.int8)
    for season, position, nth in feasts.seasons_on(feasts.WORLD, day):
        if season == "black_friday":
            table[position] = 1 + np.array(_BLACK_FRIDAY)[nth]
        elif season == "singles_day":
            table[position] = 1 + SALES.index(season)
    return table, first
