"""Rates: how much the rates of a config bring about, and the factor that brings about a share.

Reads    world, config, a pilot plan of some cards under a seed of its own
Writes   expected rows by typology
Draws    those of the typologies, under the pilot's seed
Sources  nothing

How many rows a compromise makes hangs on blocks, refusals and true visits: it is counted in a
pilot, which knows neither the run's seed nor its window, so a day stays the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity, Tables
from fauxpay.activity.setting import activity_of
from fauxpay.catalog.world import World
from fauxpay.config.model import LAST_DAY, Config
from fauxpay.foundations.draws import F64, I64
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.rounding import sum_in_order
from fauxpay.fraud.ground import YEAR_DAYS
from fauxpay.fraud.plan import happens, stories_of
from fauxpay.fraud.quota import Quota
from fauxpay.fraud.story import together
from fauxpay.fraud.typology import typology_names

PILOT_CARDS, PILOT_DAYS, PILOT_SEED = 8192, 360, 0
_SAMPLE_DAYS, _ROUNDS, _WARM_UP_DAYS = 28, 3, 60
_LEAST_PER_CARD_YEAR, _NEAR = 0.3, 0.1
# One theft of a card a day: the card before is hardly replaced by then, so more of them bring no
# rows. The greatest share of fraud in the busiest of worlds wants a third of it.
_MOST_PER_CARD_YEAR = YEAR_DAYS


@dataclass(frozen=True, slots=True)
class Pilot:
    """Some cards for a year: rows of customers and of each typology, per card and year.

    scale   factor on the config's rates under which the pilot was counted
    most    greatest factor that is of use
    passed  f64[typologies]  part of the rows told that happened: stolen cards may be dead already
    """

    scale: float
    most: float
    genuine: float
    fraud: F64
    passed: F64

    def scale_for(self, rate: float) -> float:
        """Factor on all rates by which the fraudulent share of rows is a rate.

        The pilot's own where it saw no fraud, as of few cards: it cannot say what more would bring.
        """
        seen = float(self.fraud.sum())
        if seen == 0.0:
            return self.scale
        wanted = rate / (1.0 - rate) * self.genuine
        return float(f"{min(self.scale * wanted / seen, self.most):.6g}")


def pilot_of(world: World, tables: Tables, config: Config, parameters: Parameters) -> Pilot:
    """What the rates of a config bring about at about the share that it asks for.

    More compromises than one at a time get in each other's way, so the factor is found in rounds.
    Below a factor the pilot would see too little; rows follow it in proportion there.
    """
    target = config.fraud.rate
    assert target is not None
    activity = _pilot_activity(world, tables, config, parameters)
    genuine = _genuine_rows(activity)
    total = max(total_rate(config), 1e-12)
    least, most = _LEAST_PER_CARD_YEAR / total, _MOST_PER_CARD_YEAR / total
    scale = least
    for _ in range(_ROUNDS):
        pilot = Pilot(scale, most, genuine, *_fraud_rows(activity, config, parameters, scale))
        better = max(pilot.scale_for(target), least)
        if abs(better / scale - 1.0) < _NEAR or not pilot.fraud.any():
            break
        scale = better
    return pilot


def total_rate(config: Config) -> float:
    """Compromised cards per card and year that the config asks for, without its campaigns."""
    names = [name for name in type(config.fraud).model_fields if name.endswith("_per_card_year")]
    own = sum_in_order(getattr(config.fraud, name) for name in names)
    return own + sum_in_order(config.fraud.more.values())


def _pilot_activity(
    world: World, tables: Tables, config: Config, parameters: Parameters
) -> Activity:
    epoch = config.activity.epoch
    end = min(epoch + timedelta(days=PILOT_DAYS), LAST_DAY)
    window = {"seed": PILOT_SEED, "start_day": epoch, "end_day": end}
    pilot = config.model_copy(update={"run": config.run.model_copy(update=window)})
    cards = (0, min(PILOT_CARDS, int(world.cards.id.size)))
    return activity_of(world, tables, pilot, parameters, cards)


def rows_by_card(activity: Activity, days: Iterable[int]) -> I64:
    """Rows that customers make on some days since 1970-01-01, by card: i64[cards]."""
    count = np.zeros(activity.last_card - activity.first_card, dtype=np.int64)
    for day in days:
        card = activity.days_events(range(day, day + 1))[1].card
        count += np.bincount(card - activity.first_card, minlength=count.size)
    return count


def _genuine_rows(activity: Activity) -> float:
    """Rows per card and year, from days spread over the pilot's year."""
    days = activity.calendar.days
    first = min(_WARM_UP_DAYS, days - 1)
    sample = np.unique(np.linspace(first, days - 1, _SAMPLE_DAYS).astype(np.int64))
    count = rows_by_card(activity, (sample + activity.epoch_day).tolist())
    return int(count.sum()) / (count.size * sample.size) * YEAR_DAYS


def _fraud_rows(
    activity: Activity, config: Config, parameters: Parameters, scale: float
) -> tuple[F64, F64]:
    """By code: (rows per card and year, part of those told that happened).

    Counted once the first thefts have come to use.
    """
    own = config.fraud.model_copy(update={"drift": False})
    settled = config.model_copy(update={"fraud": own})
    end_day = activity.epoch_day + activity.calendar.days
    kinds = len(typology_names(config))
    quota = Quota(np.full(kinds, scale), campaigns=False)
    story = together(stories_of(activity, settled, parameters, end_day, quota))
    warm_up = min(_WARM_UP_DAYS, activity.calendar.days // 2)

    day = story.attacks.at_ms // DAY_MS
    late = (day >= activity.epoch_day + warm_up) & (day < end_day)
    code = story.compromises.typology[story.attacks.compromise]
    usable, _ = happens(activity, story)
    told = np.bincount(code[late], minlength=kinds)
    happened = np.bincount(code[late & usable], minlength=kinds)
    years = (activity.calendar.days - warm_up) / YEAR_DAYS
    cards = activity.last_card - activity.first_card
    return happened / (cards * years), happened / np.maximum(told, 1.0)
