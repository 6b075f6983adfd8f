"""Sizing: how many cards make about so many rows.

Reads    a config, its parameters, a pilot of its first cards under a seed of its own
Writes   a number of cards
Draws    those of the activity, under the pilot's seed
Sources  nothing

What a card does hangs on its country, its rate, the season, how long it has been open: it is
counted, on the world's own first cards, which more cards leave as they are. The run's seed has no
say, so that the same wish under another seed is another activity of the same world.
"""

from __future__ import annotations

import numpy as np

from fauxpay.activity.engine import day_number
from fauxpay.catalog.build import build_catalog
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError
from fauxpay.foundations.draws import F64
from fauxpay.foundations.parameters import Parameters
from fauxpay.fraud.rates import PILOT_CARDS, PILOT_SEED, rows_by_card
from fauxpay.partitions.compose import PartitionMaker, world_of

_DAYS_MAX = 35
# Days of a long window, spread so that no day of the week or month is met more often than others.
_GOLDEN = (5**0.5 - 1) / 2


def cards_for(rows: int, config: Config, parameters: Parameters) -> int:
    """How many cards make about that many rows in the window of a config, at least one.

    Raises ConfigError for a number below one, and where the cards are one's own.
    """
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise ConfigError(f"rows = {rows!r}: allowed is a whole number from 1")
    if config.catalog.path is not None:
        raise ConfigError(
            f"catalog.path = {config.catalog.path}: one's own catalog says how many cards there "
            f"are; ask for rows without it, or for days with --from and --to"
        )
    told = config.fraud.rate if config.fraud.enabled else None
    genuine: float = rows * (1.0 - (told or 0.0))
    total = np.cumsum(_rows_by_card(config, parameters))
    if total[-1] >= genuine:
        return int(np.searchsorted(total, genuine)) + 1
    return max(1, round(genuine * total.size / max(float(total[-1]), 1e-9)))


def _rows_by_card(config: Config, parameters: Parameters) -> F64:
    """Rows of each of the world's first cards in the window: f64[cards]."""
    pilot = config.with_values(
        {"catalog.cards": PILOT_CARDS, "fraud.enabled": False, "run.seed": PILOT_SEED}
    )
    maker = PartitionMaker(world_of(build_catalog(pilot, parameters)), pilot, parameters)
    activity = maker.shard(0).activity
    window = range(day_number(pilot.run.start_day), day_number(pilot.run.end_day))
    nth = np.arange(min(len(window), _DAYS_MAX))
    if len(window) > _DAYS_MAX:
        nth = np.unique((nth * _GOLDEN % 1.0 * len(window)).astype(np.int64))
    counted: F64 = rows_by_card(activity, (nth + window.start).tolist()) / nth.size
    return counted * len(window)
