"""Rates: knobs of how often cards are used, of what comes back, and of fraud.

Reads    statistics of the table and of the mirror
Writes   knobs
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import math

from fauxpay.calibration.knobs import Knobs, Note, significant
from fauxpay.calibration.statistics import Cell, Statistics
from fauxpay.config.fraud_model import FraudConfig

RATE_RULES = {
    # statistic: (setting, largest value, how)
    "rate": (
        "activity.purchases_per_card_day",
        20.0,
        "purchases and withdrawals of a card and day",
    ),
    "recurring": ("activity.recurring_per_card", 50.0, "recurring rows of a card and month"),
    "refund": ("activity.refund_share", 0.9, "refunds to purchases"),
    "reversal": ("activity.reversal_share", 0.9, "reversals to purchases"),
}
WEEK = "activity.rhythm.week_log_sd"
FRAUD_ENDING = "_per_card_year"
# Fraud of the mirror: enough to count, too little to replace many cards.
MIRROR_FRAUD = 0.1
DRIFT = "fraud.drift"
# The typology that stands for remote fraud, and for that with the card, where none is named.
STANDS_FOR = {"remote": "card_testing", "present": "lost_stolen"}


def correct_rates(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    """Moves each rate by the ratio of what is seen to what the mirror made."""
    for name, (key, largest, how) in RATE_RULES.items():
        cell, mirror = seen.cells.get((name,)), made.value(name)
        if cell is None:
            knobs.leave(key, _why(seen, (name,)))
        elif not mirror:
            knobs.leave(key, "the mirror made none, so that nothing can be compared")
        else:
            value = significant(min(knobs.setting(key) * cell.value / mirror, largest))
            knobs.put_setting(key, value, _note(cell, how))
    _correct_spread(knobs, seen, made)
    _correct_weeks(knobs, seen, made)


def _correct_spread(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    key = "activity.rate_log_sd"
    cell, mirror = seen.cells.get(("rate_log_sd",)), made.value("rate_log_sd")
    if cell is None or mirror is None:
        knobs.leave(key, _why(seen, ("rate_log_sd",)))
        return
    variance = knobs.setting(key) ** 2 + cell.value**2 - mirror**2
    value = significant(min(math.sqrt(max(variance, 0.0)), 2.0))
    how = "a Poisson-lognormal law of the purchases of each card, without its weeks' own factor"
    knobs.put_setting(key, value, _note(cell, how))


def _correct_weeks(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    cell, mirror = seen.cells.get(("week_excess",)), made.value("week_excess")
    now = knobs.parameter(WEEK)
    if cell is None or mirror is None or now is None:
        knobs.leave(WEEK, _why(seen, ("week_excess",), "needs four whole weeks"))
        return
    excess = math.expm1(now**2) + cell.value - mirror
    value = significant(math.sqrt(math.log1p(max(excess, 0.0))))
    how = "pairs of purchases of a card within a week against pairs of different weeks"
    knobs.put_parameter(WEEK, value, _note(cell, how))


def fraud_settings() -> dict[str, str]:
    """Typology -> setting of its rate, of those that the config has."""
    return {
        name.removesuffix(FRAUD_ENDING): f"fraud.{name}"
        for name in FraudConfig.model_fields
        if name.endswith(FRAUD_ENDING)
    }


def mirror_fraud() -> dict[str, float]:
    """Settings under which a small mirror has frauds to count."""
    return dict.fromkeys(fraud_settings().values(), MIRROR_FRAUD)


def put_fraud(
    knobs: Knobs, seen: Statistics, mirrors: list[Statistics], asked: list[dict[str, float]]
) -> None:
    """Compromises of a card and year by typology, from frauds of a card and year.

    The mirrors say how many frauds a compromise brings: they were asked for so many compromises.
    """
    settings = fraud_settings()
    groups, how = _groups(seen)
    for typology, key in settings.items():
        if ("fraud", "all", "all") not in seen.cells:
            knobs.leave(key, _why(seen, ("fraud", "all", "all")))
            continue
        made = [mirror.value("fraud", "typology", typology) or 0.0 for mirror in mirrors]
        wanted = sum(rates[key] for rates in asked)
        cell = groups.get(typology)
        if cell is None:
            knobs.leave(key, "no fraud of its kind, or of too few cards")
        elif not sum(made) or not wanted:
            knobs.leave(key, "the mirror made none of its kind")
        else:
            value = significant(min(cell.value * wanted / sum(made), 5.0), 3)
            knobs.put_setting(key, value, _note(cell, how))
            # Rates are those of the table's days; a swing of our own would move them.
            knobs.put_setting(DRIFT, False, _note(cell, "off, so that these days keep their rate"))


def _groups(seen: Statistics) -> tuple[dict[str, Cell], str]:
    """Frauds of a card and year by our typologies: as named, by channel, or half and half."""
    named = seen.below("fraud", "typology")
    if set(named) & set(fraud_settings()):
        return named, "frauds of the typology of a card and year"
    presence = seen.below("fraud", "presence")
    if presence:
        found = {STANDS_FOR[name]: cell for name, cell in presence.items()}
        return found, "frauds of a card and year, remote or with the card: no typology is named"
    every = seen.cells.get(("fraud", "all", "all"))
    if every is None:
        return {}, ""
    half = Cell(every.value / 2, every.rows, every.cards)
    how = "half of the frauds of a card and year: neither typology nor channel is named"
    return dict.fromkeys(STANDS_FOR.values(), half), how


def put_labels(knobs: Knobs, seen: Statistics) -> None:
    """What the bank learns, and when, as far as it can be told."""
    key, cell = "labels.found_share", seen.cells.get(("found",))
    if cell is None:
        knobs.leave(key, _why(seen, ("found",), "needs label and known_at of frauds"))
    elif not 0 < cell.value < 1:
        knobs.leave(key, "every fraud of the table is known to the bank, so what it missed is not")
    else:
        knobs.put_setting(key, significant(cell.value, 3), _note(cell, "frauds with known_at"))
    name, delays = "labels.delay_days", seen.below("delay")
    now = knobs.parameter(name)
    known = {source: one for source, one in delays.items() if source in (now or {})}
    if not known:
        knobs.leave(name, "needs label, known_at and label_source of frauds of enough cards")
        return
    for source, one in known.items():
        law = dict(now[source])
        median = min(max(math.exp(one.value), law["min"]), law["max"])
        law["median"], law["log_sd"] = significant(median, 3), significant(one.spread, 2)
        now[source] = law
    rows = sum(one.rows for one in known.values())
    how = f"days from fraud to knowledge, of {', '.join(sorted(known))}"
    knobs.put_parameter(name, now, Note(how, rows, max(one.cards for one in known.values())))


def _note(cell: Cell, how: str) -> Note:
    return Note(how, cell.rows, cell.cards)


def _why(
    seen: Statistics, key: tuple[str, ...], otherwise: str = "its columns are not there"
) -> str:
    return "too few cards" if key in seen.suppressed else otherwise
