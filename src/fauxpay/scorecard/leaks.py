"""Leaks: whether something gives fraud away that would not in life, or nothing can be learnt.

Reads    a card table with labels, leaks.yaml
Writes   run.yaml#/$defs/leaks
Draws    nothing
Sources  leaks.yaml

A check that cannot be made says UNKNOWN and why; only a table that was held to all of them, and
held, is PASS.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.errors import ConfigError
from fauxpay.foundations.shipped import own_yaml
from fauxpay.gates.verdicts import Verdict, worst
from fauxpay.scorecard import handbook
from fauxpay.scorecard.difficulty import require_models
from fauxpay.scorecard.events import readable
from fauxpay.scorecard.leak_checks import (
    Measured,
    clock,
    fraud_card_days,
    fraud_only_entities,
    ids,
    order,
    raw_models,
)
from fauxpay.scorecard.single_columns import auc_error, column_worths

if TYPE_CHECKING:
    from fauxpay.scorecard.card_table import CardTable

SCHEMA = "fauxpay.leaks/1"
FILE_NAME = "leaks.yaml"


@dataclass(frozen=True, slots=True)
class Leak:
    """One check: what was measured, and the corridor it was held to.

    value   None where nothing could be measured
    about   which column or entity; reason  why it is UNKNOWN
    """

    check: str
    title: str
    unit: str
    low: float | None
    high: float | None
    source: str
    value: float | None
    verdict: Verdict
    about: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Leaks:
    """All checks of a table, in the order of leaks.yaml."""

    subject: str
    rows: int
    frauds: int
    checks: tuple[Leak, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst one."""
        return worst(each.verdict for each in self.checks)

    def document(self) -> dict[str, Any]:
        """As contract run.yaml#/$defs/leaks."""
        return {
            "schema": SCHEMA,
            "subject": self.subject,
            "verdict": self.verdict.name,
            "rows": self.rows,
            "frauds": self.frauds,
            "checks": [
                {
                    name: getattr(each, name)
                    for name in ("check", "title", "unit", "low", "high", "source", "value")
                }
                | {"verdict": each.verdict.name, "about": each.about, "reason": each.reason}
                for each in self.checks
            ],
        }


@cache
def rules() -> Mapping[str, Any]:
    """leaks.yaml: frauds_min, and checks by name."""
    text = (resources.files("fauxpay") / "scorecard" / FILE_NAME).read_text("utf-8")
    found: Mapping[str, Any] = own_yaml(text, FILE_NAME)
    return found


@readable()
def leaks(
    table: CardTable, threads: int | None = None, checks: Collection[str] | None = None
) -> Leaks:
    """The gate over a card table.

    checks  names of leaks.yaml to make, all where None
    Raises ConfigError without labels, ContractError for values that cannot be read,
    MissingExtraError without scikit-learn.
    """
    wanted = set(rules()["checks"] if checks is None else checks)
    assert wanted <= set(rules()["checks"]), "checks are those of leaks.yaml"
    if "label" not in table.columns:
        raise ConfigError(
            f"{table.subject}: no column says which rows are fraud; name it with "
            f"--map label=THEIR_NAME, 1 for fraud and 0 for genuine"
        )
    require_models()
    with table.connect(threads, columns=("label",)) as connection:
        ((rows, frauds),) = connection.execute(
            "SELECT count(*), coalesce(sum(label), 0)::BIGINT FROM transactions"
        ).fetchall()
    if frauds < rules()["frauds_min"]:
        reason = f"{frauds} frauds; {rules()['frauds_min']} are needed"
        none = {name: Measured(None, reason=reason) for name in wanted}
        return _judged(table.subject, (rows, frauds), none)
    measured: dict[str, Measured] = {}
    for measure, names in _MEASURES.items():
        if wanted & set(names):
            measured |= measure(table, threads)
    chosen = {name: one for name, one in measured.items() if name in wanted}
    return _judged(table.subject, (rows, frauds), chosen)


def _judged(subject: str, counts: tuple[int, int], measured: Mapping[str, Measured]) -> Leaks:
    checks = []
    for name, rule in rules()["checks"].items():
        one = measured.get(name)
        if one is None:
            continue
        verdict, about = Verdict.UNKNOWN, one.about
        if one.value is not None:
            by_chance = _by_chance(one)
            below = rule["low"] is not None and one.value < rule["low"]
            above = rule["high"] is not None and one.value > rule["high"]
            is_chance = above and one.value <= rule["high"] + by_chance
            if is_chance:
                about += f"; {one.frauds} frauds make {by_chance:.2g} by chance"
            verdict = Verdict.FAIL if below or (above and not is_chance) else Verdict.PASS
        value = None if one.value is None else round(one.value, 4)
        checks.append(Leak(name, **rule, value=value, verdict=verdict, about=about,
                           reason=one.reason))  # fmt: skip
    return Leaks(subject, *counts, tuple(checks))


def _by_chance(measured: Measured) -> float:
    """How far above the truth chance takes an AUC of so few frauds; 0 where nobody asks."""
    if measured.value is None or measured.frauds is None:
        return 0.0
    return float(rules()["errors_allowed"]) * auc_error(measured.value, measured.frauds)


def _columns(table: CardTable, threads: int | None) -> dict[str, Measured]:
    """What the most telling column is worth."""
    worths = [one for one in column_worths(table, threads) if not np.isnan(one.pooled)]
    if not worths:
        none = Measured(None, reason="too few frauds before or after the cut in time")
        return {"column": none, "column_on_channel": none}
    best = max(worths, key=lambda one: one.pooled)
    found = {"column": Measured(best.pooled, best.name, frauds=best.pooled_frauds)}
    on_channels = [
        (auc, f"{one.name} on {channel}", one.judged[channel])
        for one in worths
        for channel, auc in one.by_channel.items()
    ]
    # Without channels all traffic is one.
    auc, about, frauds = max(on_channels, default=(best.pooled, best.name, best.pooled_frauds))
    return found | {"column_on_channel": Measured(auc, about, frauds=frauds)}


def _protocol(table: CardTable, threads: int | None) -> dict[str, Measured]:
    """What boosting makes of behaviour."""
    lacking = [name for name in ("amount", "merchant") if name not in table.columns]
    rows = None if lacking else handbook.examples(table, threads=threads)
    scores = [] if rows is None else handbook.boosting_scores(handbook.thinned(rows)[0])
    if not scores:
        days = handbook.DAYS_MIN
        reason = (
            f"no column for {' and '.join(lacking)}; name it with --map"
            if lacking
            else f"no stretch of {days} days with {handbook.FRAUDS_MIN} remote frauds on both sides"
        )
        none = Measured(None, reason=reason)
        return {"boosting": none, "boosting_precision": none}
    auc = float(np.mean([score.auc for score in scores]))
    precision = float(np.mean([score.average_precision for score in scores]))
    about = f"{len(scores)} folds"
    return {"boosting": Measured(auc, about), "boosting_precision": Measured(precision, about)}


_MEASURES: Mapping[Callable[[Any, int | None], dict[str, Measured]], tuple[str, ...]] = {
    ids: ("ids",),
    order: ("order",),
    clock: ("clock",),
    fraud_only_entities: ("fraud_only_entities",),
    fraud_card_days: ("fraud_card_days",),
    _columns: ("column", "column_on_channel"),
    raw_models: ("small_tree", "raw_boosting"),
    _protocol: ("boosting", "boosting_precision"),
}
