"""Counts: the quota of a share of fraud, found by counting the rows of a world week by week.

Reads    world, config, stories of its cards under the run's own seed, purchases of some of them
Writes   quota
Draws    those of the typologies
Sources  parameters.yaml [drift]

A week's thresholds hang on what was told up to its end, never on the window: what a week lacks
(no shop was breached) or has too much of is made good in the next ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity, Tables, day_number
from fauxpay.activity.setting import activity_of
from fauxpay.activity.visits import spread_out
from fauxpay.catalog.world import Bool, World
from fauxpay.config.model import LAST_DAY, Config
from fauxpay.foundations.counts import GRID_STEPS_PER_OCTAVE
from fauxpay.foundations.draws import F64, I64
from fauxpay.foundations.parameters import Parameters
from fauxpay.fraud.ground import WEEK_DAYS, drift_level
from fauxpay.fraud.plan import happens, stories_of
from fauxpay.fraud.quota import ALL, Quota, quota_draws, weeks
from fauxpay.fraud.rates import Pilot, pilot_of, total_rate
from fauxpay.fraud.story import Story, only_compromises, together
from fauxpay.fraud.typology import typology_names

_COUNTED_CARDS, _COUNTED_PER_YEAR, _COUNTED_LEAST = 32_768, 200_000, 4_096
_GENUINE_CARDS, _GENUINE_DAYS = 2_048, 4 * WEEK_DAYS
_TOLD_USUALLY, _WARM_UP_WEEKS, _OWED_WEEKS = 1.35, 8, 16
_PASSED_ROWS, _PASSED_WEEKS = 50, 26
# How many cards a breach yields hangs on the shop: by chance of the seed a third of the usual.
_TOLD = {"data_breach": 2.5}


def quota_of(world: World, tables: Tables, config: Config, parameters: Parameters) -> Quota:
    """The quota by which a world has the share of fraud that its config asks for."""
    target = config.fraud.rate
    if target is None or not config.fraud.enabled or config.activity.realism == "v1":
        return ALL
    names = typology_names(config)
    pilot = pilot_of(world, tables, config, parameters)
    scale = pilot.scale_for(target)
    told = np.array([_TOLD.get(name, _TOLD_USUALLY) for name in names])
    cards = _counted_cards(config, scale, int(world.cards.id.size))
    activity = _counted(world, tables, config, parameters, cards)
    end_day = activity.epoch_day + activity.calendar.days
    all_told = Quota(scale * told, campaigns=False)
    story = together(stories_of(activity, config, parameters, end_day, all_told))
    found = _told(activity, names, story)
    some = _counted(world, tables, config, parameters, min(_GENUINE_CARDS, cards))
    parts = pilot.fraud[:, None] * _drift(activity, config, parameters, found.weeks)
    parts = parts / np.maximum(parts.sum(axis=0), 1e-12)
    wanted = parts * target / (1.0 - target) * _genuine_rows(some, activity, found.weeks)
    below = _thresholds(found, pilot.passed[found.code[found.owner]], wanted)
    below = _thresholds(found, _passing(activity, story, found, below, pilot), wanted)
    return Quota(scale * told, told, activity.epoch_day, below)


def _counted_cards(config: Config, scale: float, cards: int) -> int:
    """As few cards as chance leaves alone, whatever the window: more fraud is counted on fewer."""
    most = max(int(_COUNTED_PER_YEAR / max(scale * total_rate(config), 1e-9)), _COUNTED_LEAST)
    return min(_COUNTED_CARDS, most, cards)


@dataclass(frozen=True, slots=True)
class _Told:
    """Compromises in the order of their draws, their attacks in the same order.

    order       i64[n]    position in the story
    code, week  i64[n]    typology, and week in which it begins to show
    draw        f64[n]
    first       i64[n+1]  where the attacks of each begin
    attack      i64[m]    position of each attack in the story; owner, at: whose it is, and its week
    """

    weeks: int
    order: I64
    code: I64
    week: I64
    draw: F64
    first: I64
    attack: I64
    owner: I64
    at: I64


def _counted(
    world: World, tables: Tables, config: Config, parameters: Parameters, cards: int
) -> Activity:
    """The first cards, from the epoch to the end of the window's last week."""
    epoch = config.activity.epoch
    days = day_number(config.run.end_day) - day_number(epoch)
    end = epoch + timedelta(days=-(-days // WEEK_DAYS) * WEEK_DAYS)
    window = {"start_day": epoch, "end_day": min(end, LAST_DAY)}
    counted = config.model_copy(update={"run": config.run.model_copy(update=window)})
    return activity_of(world, tables, counted, parameters, (0, cards))


def _told(activity: Activity, names: Sequence[str], story: Story) -> _Told:
    """The same, by draw and week."""
    compromises = story.compromises
    draws = np.zeros(compromises.card.size)
    for code, name in enumerate(names):
        its = compromises.typology == code
        draws[its] = quota_draws(activity.keys.seed, name, compromises.address[its])
    order = np.argsort(draws, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    owner = rank[story.attacks.compromise]
    attack = np.argsort(owner, kind="stable")
    day = story.attacks.at_ms[attack] // DAY_MS - activity.epoch_day
    return _Told(
        weeks=-(-activity.calendar.days // WEEK_DAYS),
        order=order,
        code=compromises.typology[order],
        week=weeks(story, activity.epoch_day)[order],
        draw=draws[order],
        first=np.searchsorted(owner[attack], np.arange(order.size + 1)),
        attack=attack,
        owner=owner[attack],
        at=np.maximum(day, 0) // WEEK_DAYS,
    )


def _drift(activity: Activity, config: Config, parameters: Parameters, count: int) -> F64:
    """How busy each typology is in each week, f64[typologies, weeks]; drift moves the mix alone."""
    names = typology_names(config)
    if not config.fraud.drift:
        return np.ones((len(names), count))
    drift, day = parameters.section("fraud")["drift"], np.arange(count) * WEEK_DAYS
    return np.array([drift_level(drift, activity.keys.seed, name, day) for name in names])


def _genuine_rows(some: Activity, activity: Activity, count: int) -> F64:
    """Rows of customers in each week: those of some cards, as much more as the cards' own rates."""
    rows = np.zeros(count)
    end = some.epoch_day + some.calendar.days
    for first in range(some.epoch_day, end, _GENUINE_DAYS):
        cells, events = some.days_events(range(first, min(first + _GENUINE_DAYS, end)))
        week = (
            np.broadcast_to(cells.day, cells.card.shape)[events.cell] - some.epoch_day
        ) // WEEK_DAYS
        rows += np.bincount(week, minlength=count)
    rate = np.exp2(some.tables.cells.rate_step / GRID_STEPS_PER_OCTAVE)
    more: float = rate[: activity.last_card].sum() / rate[: some.last_card].sum()
    return rows * more


def _thresholds(told: _Told, passing: F64, wanted: F64) -> F64:
    """f64[typologies, weeks]: the draw below which compromises make the rows that are wanted.

    passing  f64[m]  how much of each attack, in the order of told, becomes a row
    """
    below = np.ones_like(wanted)
    for code in range(wanted.shape[0]):
        its = np.flatnonzero(told.code == code)
        its = its[np.argsort(told.week[its], kind="stable")]
        begin = np.searchsorted(told.week[its], np.arange(told.weeks + 1))
        going, owed = np.zeros(told.weeks + 1), 0.0
        for week in range(told.weeks):
            candidates = its[begin[week] : begin[week + 1]]
            due = wanted[code, week] + owed - going[week]
            attack, of = _attacks(told, candidates)
            rows, at = passing[attack], np.minimum(told.at[attack], told.weeks)
            now = at == week
            own = np.bincount(of[now], rows[now], minlength=candidates.size)
            count = int(np.searchsorted(np.cumsum(own) - own / 2, due, side="right"))
            if count < candidates.size:
                below[code, week] = told.draw[candidates[count]]
            stays = of < count
            going += np.bincount(at[stays], rows[stays], minlength=told.weeks + 1)
            owed = min(wanted[code, week] + owed - going[week], _OWED_WEEKS * wanted[code, week])
            owed = min(owed, 0.0) if week < _WARM_UP_WEEKS else owed
    return below


def _passing(activity: Activity, story: Story, told: _Told, below: F64, pilot: Pilot) -> F64:
    """How much of each attack becomes a row, f64[m]: of those kept by thresholds it is seen.

    What the others would bring is judged by those of the last half year; the pilot counts as much
    as so many rows of it.
    """
    stays = told.draw < below[told.code, np.minimum(told.week, told.weeks - 1)]
    is_kept = np.zeros(stays.size, dtype=np.bool_)
    is_kept[told.order] = stays
    usable = np.zeros(told.attack.size, dtype=np.bool_)
    usable[is_kept[story.attacks.compromise]], _ = happens(
        activity, only_compromises(story, is_kept)
    )
    usable, kept = usable[told.attack], stays[told.owner]
    code, kinds = told.code[told.owner], pilot.passed.size

    def by_week(which: Bool) -> F64:
        inside = which & (told.at < told.weeks)
        place = code[inside] * told.weeks + told.at[inside]
        rows = np.bincount(place, minlength=kinds * told.weeks).reshape(kinds, -1)
        total = np.cumsum(rows, axis=1).astype(np.float64)
        total[:, _PASSED_WEEKS:] -= total[:, :-_PASSED_WEEKS].copy()
        return total

    passed = by_week(usable) + _PASSED_ROWS * pilot.passed[:, None]
    passed /= by_week(kept) + _PASSED_ROWS
    usual: F64 = passed[code, np.minimum(told.at, told.weeks - 1)]
    return np.where(kept, usable, usual)


def _attacks(told: _Told, candidates: I64) -> tuple[I64, I64]:
    """(attacks of some compromises in the order of told, which of them each is of)."""
    of, nth = spread_out(told.first[candidates + 1] - told.first[candidates])
    return told.first[candidates][of] + nth, of
