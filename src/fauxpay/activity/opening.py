"""Opening: when the doors of shops are open, and which stay shut on days of rest.

Reads    merchants, weekends at the epoch
Writes   chances by local quarter-hour, and which of them each merchant has
Draws    activity/rest (of the catalog's seed)
Sources  parameters.yaml [opening], countries/*.yaml [week.shut_on_rest]

Public holidays come to shops as the last day of the weekend does (`calendar.as_rest_days`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity.rows import LOCAL_QUARTERS
from fauxpay.activity.sales import BLOCKS
from fauxpay.catalog.world import OPENINGS, Bool, World
from fauxpay.config.model import Config
from fauxpay.foundations import feasts
from fauxpay.foundations.draws import I64, draw, stream_key, uniform
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.reference import EPOCH

ALWAYS_OPEN = 256
OPEN_QUARTERS = LOCAL_QUARTERS * BLOCKS
_DAY_QUARTERS = 96


def open_chances(
    world: World, config: Config, parameters: Parameters, is_told: Bool
) -> tuple[NDArray[np.int16], I64]:
    """(chances of 256 to find a door open, where in them each merchant's begin).

    is_told  merchants that are not always in business: theirs are the same, less 512
    """
    rest = _rest_days(world, config, parameters)
    variants = np.unique(rest)
    table = np.concatenate([_week(parameters, day) for day in variants.tolist()])
    row = np.searchsorted(variants, rest) * len(OPENINGS) + world.merchants.opening
    hours = (row + is_told * table.shape[0]) * OPEN_QUARTERS
    table = np.tile(table, BLOCKS)
    # Below every draw, so a look at the hours finds who may be out of business.
    return np.concatenate([table, table - np.int16(2 * ALWAYS_OPEN)]).reshape(-1), hours


def _week(parameters: Parameters, rest_day: int) -> NDArray[np.int16]:
    """i16[openings, 672]: chances over a week; on the day of rest, Monday is 0, nobody opens."""
    law = parameters.section("activity.opening")
    table = np.empty((len(OPENINGS), LOCAL_QUARTERS), dtype=np.int16)
    for row, opening in enumerate(OPENINGS):
        day = np.asarray(law["open_hours"][opening], dtype=np.float64)
        week = np.outer(law["weekday_factor"][opening], day).reshape(-1)
        table[row] = np.repeat(np.rint(np.round(week * ALWAYS_OPEN, 6)), 4)
    if rest_day >= 0:
        table[:, rest_day * _DAY_QUARTERS : (rest_day + 1) * _DAY_QUARTERS] = 0
    return table


def _rest_days(world: World, config: Config, parameters: Parameters) -> I64:
    """The weekday on which each merchant stays shut, -1 for none."""
    merchants = world.merchants
    first = np.array([(config.activity.epoch - EPOCH).days])
    share = [parameters.of_country(country)["week"]["shut_on_rest"] for country in world.countries]
    last = [int(feasts.last_rest_day(country, first)[0]) - 1 for country in world.countries]
    shuts = np.isin(np.array(world.mccs), parameters.value("activity.opening.rest_categories"))
    key = stream_key(config.catalog.seed, "activity/rest")
    drawn = uniform(draw(key, merchants.id.view(np.uint64)))
    keeps = shuts[merchants.mcc] & (drawn < np.array(share)[merchants.country])
    return np.where(keeps, np.array(last)[merchants.country], -1)
