"""Rates: how much the rates of a config bring about, and the factor that brings about a share.

Reads    world, config, a pilot plan of some cards under a seed of its own
Writes   expected rows by typology
Draws    those of the typologies, under the pilot's seed
Sources  nothing

How many rows a compromise makes hangs on blocks, refusals and true visits: it is counted in a
pilot, which knows neither the run's seed nor its window, so a day stays the same in every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from fauxpay.activity.engine import Activity, Tables
from fauxpay.activity.setting import activity_of
from fauxpay.catalog.world import World
from fauxpay.config.model import LAST_DAY, Config
from fauxpay.foundations.draws import F64
from fauxpay.foundations.parameters import Parameters
from fauxpay.fraud.ground import YEAR_DAYS
from fauxpay.fraud.plan import build_plan
from fauxpay.fraud.typology import typology_names

PILOT_CARDS, PILOT_DAYS, PILOT_SEED = 8192, 360, 0
_SAMPLE_DAYS, _ROUNDS, _WARM_UP_DAYS = 28, 3, 60
_LEAST_RATE = 0.02


@dataclass(frozen=True, slots=True)
class Pilot:
    """Some cards for a year: rows of customers and of each typology, per card and year."""

    genuine: float
    fraud: F64

    @property
    def share(self) -> float:
        """Fraudulent share of all rows."""
        return float(self.fraud.sum() / (self.genuine + self.fraud.sum()))


def rate_scale(world: World, tables: Tables, config: Config, parameters: Parameters) -> float:
    """Factor on all rates by which the fraudulent share of rows is `fraud.rate`; 1 without one.

    More compromises than one at a time get in each other's way, so the factor is found in rounds.
    """
    target = config.fraud.rate
    if target is None or not config.fraud.enabled or config.activity.realism == "v1":
        return 1.0
    if target == 0.0:
        return 0.0
    activity = _pilot_activity(world, tables, config, parameters)
    genuine = _genuine_rows(activity)
    wanted = target / (1.0 - target) * genuine
    scale = _LEAST_RATE / max(_total_rate(config), 1e-12)
    for _ in range(_ROUNDS):
        found = float(_fraud_rows(activity, config, parameters, max(scale, _least(config))).sum())
        found *= scale / max(scale, _least(config))
        if found <= 0.0:
            return 0.0
        scale *= wanted / found
    return float(f"{scale:.6g}")


def expected(
    world: World, tables: Tables, config: Config, parameters: Parameters, scale: float
) -> Pilot:
    """What the rates of a config bring about, as counted in the pilot."""
    activity = _pilot_activity(world, tables, config, parameters)
    return Pilot(_genuine_rows(activity), _fraud_rows(activity, config, parameters, scale))


def _total_rate(config: Config) -> float:
    names = [name for name in type(config.fraud).model_fields if name.endswith("_per_card_year")]
    own = sum(getattr(config.fraud, name) for name in names)
    return float(own + sum(config.fraud.more.values()))


def _least(config: Config) -> float:
    """A factor below which the pilot would see too little; rows follow it in proportion there."""
    return 0.3 / max(_total_rate(config), 1e-12)


def _pilot_activity(
    world: World, tables: Tables, config: Config, parameters: Parameters
) -> Activity:
    epoch = config.activity.epoch
    end = min(epoch + timedelta(days=PILOT_DAYS), LAST_DAY)
    window = {"seed": PILOT_SEED, "start_day": epoch, "end_day": end}
    pilot = config.model_copy(update={"run": config.run.model_copy(update=window)})
    cards = (0, min(PILOT_CARDS, int(world.cards.id.size)))
    return activity_of(world, tables, pilot, parameters, cards)


def _genuine_rows(activity: Activity) -> float:
    """Rows per card and year, from days spread over the pilot's year."""
    days = activity.calendar.days
    count = 0
    first = min(_WARM_UP_DAYS, days - 1)
    sample = np.unique(np.linspace(first, days - 1, _SAMPLE_DAYS).astype(np.int64))
    for day in (sample + activity.epoch_day).tolist():
        count += activity.days_events(range(day, day + 1))[1].card.size
    cards = activity.last_card - activity.first_card
    return count / (cards * sample.size) * YEAR_DAYS


def _fraud_rows(activity: Activity, config: Config, parameters: Parameters, scale: float) -> F64:
    """Rows per card and year by code of the typology, once the first thefts have come to use."""
    own = config.fraud.model_copy(update={"campaigns": [], "drift": False})
    settled = config.model_copy(update={"fraud": own})
    end_day = activity.epoch_day + activity.calendar.days
    plan = build_plan(activity, settled, parameters, end_day, scale)
    warm_up = min(_WARM_UP_DAYS, activity.calendar.days // 2)
    late = plan.day >= activity.epoch_day + warm_up
    code = plan.compromises.typology[plan.attacks.compromise[late]]
    rows = np.bincount(code, minlength=len(typology_names(config))).astype(np.float64)
    years = (activity.calendar.days - warm_up) / YEAR_DAYS
    return rows / ((activity.last_card - activity.first_card) * years)
