"""Comparison: which families moved between two tables, or two windows of one.

Reads    card tables
Writes   nothing
Draws    nothing of its own
Sources  families.yaml
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.drift.families import Family, GuardSettings, families, guard_settings, is_null_rate
from fauxpay.drift.guard import chance_by_days, chance_by_slices
from fauxpay.drift.measures import DISTANCES, Measure, jensen_shannon, total_variation
from fauxpay.drift.sides import (
    RECURRING,
    Counted,
    Side,
    connect,
    count,
    count_nulls,
    merged,
    open_side,
    whole_window,
)
from fauxpay.drift.windows import NAMES, Window, shared_weekdays
from fauxpay.scorecard.events import readable

if TYPE_CHECKING:
    from fauxpay.scorecard.card_table import CardTable

SCHEMA = "fauxpay.drift/1"
LEADING_MAX = 5
MONTH_DAYS = 28


class Outcome(StrEnum):
    """What became of a family."""

    MOVED = "moved"  # beyond the threshold, and not by chance
    CHANCE = "chance"  # beyond the threshold, as cards or days of one world can be
    STILL = "still"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Move:
    """A family as compared.

    distance         by the family's measure; None where skipped
    divergence       Jensen-Shannon, bits, and total variation: shapes only
    before, after    a rate on either side: rates only
    chance_by_cards, chance_by_days   share of exchanges that reach the distance; None: not asked
    leading          (value, share before, share after) of what moved most
    """

    family: Family
    outcome: Outcome
    reason: str = ""
    distance: float | None = None
    divergence: tuple[float, float] | None = None
    before: float | None = None
    after: float | None = None
    chance_by_cards: float | None = None
    chance_by_days: float | None = None
    leading: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """Moves in the order of families.yaml; first is the baseline."""

    first: Side
    second: Side
    moves: tuple[Move, ...]
    guard: GuardSettings
    notes: tuple[str, ...]

    @property
    def moved(self) -> list[Move]:
        """What moved, the farthest beyond its threshold first."""
        found = [move for move in self.moves if move.outcome is Outcome.MOVED]
        return sorted(found, key=lambda move: -(move.distance or 0.0) / move.family.threshold)

    def document(self) -> dict[str, Any]:
        """Contract run.yaml#/$defs/drift."""
        return {
            "schema": SCHEMA,
            "baseline": _side_document(self.first),
            "compared": _side_document(self.second),
            "guard": {
                "alpha": self.guard.alpha,
                "slices": self.guard.slices,
                "exchanges": self.guard.exchanges,
            },
            "notes": list(self.notes),
            "families": [_move_document(move) for move in self.moves],
            "moved": [move.family.key for move in self.moved],
        }


@readable()
def compare(
    tables: tuple[CardTable, CardTable],
    windows: tuple[Window | None, Window | None] = (None, None),
    thresholds: Mapping[str, float] | None = None,
    guard: GuardSettings | None = None,
    limits: Mapping[str, Any] | None = None,
) -> Drift:
    """What moved from the first table (the baseline) to the second.

    windows  days of each; None is all of them
    limits   threads, memory_limit and temp_directory of DuckDB
    Raises ContractError where a table has no row in its window, or values that cannot be read.
    """
    guard = guard or guard_settings()
    connections = [connect(table, limits or {}) for table in tables]
    notes: list[str] = []
    chosen: list[Window] = []
    for given, table, connection in zip(windows, tables, connections, strict=True):
        own, said = (given, []) if given else whole_window(table, connection)
        chosen.append(own)
        notes += said
    first, second = chosen
    weekdays = shared_weekdays(first, second)
    notes += _weekday_notes((first, second), weekdays)
    shared = frozenset(weekdays or {0})
    sides = [
        open_side(table, connection, own, (own.strata(bool(weekdays)), shared))
        for table, connection, own in zip(tables, connections, (first, second), strict=True)
    ]
    columns = tables[0].columns & tables[1].columns
    if RECURRING in columns:
        notes.append("recurring payments hang on the day of the month; only `recurring` has them")
    notes += [_column_note(tables)] if tables[0].columns != tables[1].columns else []
    asked = families(columns, thresholds or {})
    null_columns = {name for family in asked if is_null_rate(family) for name in family.needs}
    nulls = [count_nulls(side, null_columns, guard.slices) for side in sides]
    moves = [
        _judged(family, [one[min(family.needs)] for one in nulls], sides, guard)
        if is_null_rate(family)
        else _move(family, sides, columns, guard)
        for family in asked
    ]
    return Drift(sides[0], sides[1], tuple(moves), guard, tuple(notes))


def _weekday_notes(windows: tuple[Window, Window], weekdays: Any) -> list[str]:
    if not weekdays:
        return ["the windows have no weekday in common, so unlike days are compared as they are"]
    left_out = [NAMES[nth] for nth in range(7) if nth not in weekdays]
    held = {day.weekday() for one in windows for day in one.days()}
    left_out = [name for name in left_out if NAMES.index(name) in held]
    if left_out:
        return [f"only one window has {', '.join(left_out)}; only the other weekdays are compared"]
    return []


def _column_note(tables: tuple[CardTable, CardTable]) -> str:
    only = sorted(tables[0].columns ^ tables[1].columns)
    return f"columns that one side lacks are not compared: {', '.join(only)}"


def _move(family: Family, sides: list[Side], columns: frozenset[str], guard: GuardSettings) -> Move:
    missing = sorted(family.needs - columns)
    if missing:
        return Move(family, Outcome.SKIPPED, f"needs {', '.join(missing)}")
    if family.special == "pairs" and len({side.day_count for side in sides}) > 1:
        return Move(family, Outcome.SKIPPED, "needs windows of equally many days")
    if RECURRING in family.needs and min(side.day_count for side in sides) < MONTH_DAYS:
        return Move(family, Outcome.SKIPPED, f"needs {MONTH_DAYS} days or more on both sides")
    counted = [count(side, family, guard.slices) for side in sides]
    if any(one.by_slice.whole.sum() <= 0 for one in counted):
        return Move(family, Outcome.SKIPPED, "no row of it on one side")
    if family.bin:
        amount_bins = guard.amount_bins if family.key == "amounts" else 0
        bins_max = 7 * 24 if family.key == "hour_of_week" else guard.bins_max
        counted = list(merged(counted[0], counted[1], bins_max, amount_bins))
    return _judged(family, counted, sides, guard)


def _judged(
    family: Family, counted: list[Counted], sides: list[Side], guard: GuardSettings
) -> Move:
    distance = DISTANCES[family.measure]
    slices = [one.by_slice for one in counted]
    before, after = (blocks.mean() for blocks in slices)
    seen = float(distance(before, after))
    told: dict[str, Any] = {"distance": seen}
    if family.bin:
        told["divergence"] = (
            float(jensen_shannon(before, after)),
            float(total_variation(before, after)),
        )
        told["leading"] = _leading(counted[0].bins, before, after)
    else:
        told["before"], told["after"] = float(before[0]), float(after[0])
    if seen < _limit(family):
        return Move(family, Outcome.STILL, **told)
    told["chance_by_cards"] = chance_by_slices(distance, slices[0], slices[1], guard.exchanges)
    told["chance_by_days"] = _day_chance(distance, counted, sides, guard)
    chances = {"cards": told["chance_by_cards"], "days": told["chance_by_days"]}
    by_chance = [name for name, chance in chances.items() if (chance or 0.0) > guard.alpha]
    if by_chance:
        why = f"exchanged {' and '.join(by_chance)} differ as much"
        return Move(family, Outcome.CHANCE, why, **told)
    reason = "" if chances["days"] is not None else "too few days to exchange"
    return Move(family, Outcome.MOVED, reason, **told)


def _limit(family: Family) -> float:
    """Thresholds of ratios are shares: 0.10 is ten per cent more, or as much less in proportion."""
    return (
        float(np.log1p(family.threshold)) if family.measure is Measure.RATIO else family.threshold
    )


def _day_chance(
    distance: Any, counted: list[Counted], sides: list[Side], guard: GuardSettings
) -> float | None:
    blocks = []
    for one, side in zip(counted, sides, strict=True):
        if one.by_day is None:
            return None
        blocks.append((one.by_day, side.strata[side.weights > 0]))
    return chance_by_days(distance, blocks[0], blocks[1], guard.exchanges)


def _leading(
    bins: tuple[str, ...], before: Any, after: Any
) -> tuple[tuple[str, float, float], ...]:
    order = np.argsort(-np.abs(after - before), kind="stable")[:LEADING_MAX]
    return tuple((bins[nth], float(before[nth]), float(after[nth])) for nth in order)


def _side_document(side: Side) -> dict[str, Any]:
    return {
        "subject": side.table.subject,
        "from": side.window.start.isoformat(),
        "to": side.window.end.isoformat(),
        "days": side.day_count,
        "rows": side.rows,
        "cards_about": side.cards,
    }


def _move_document(move: Move) -> dict[str, Any]:
    bits, variation = move.divergence or (None, None)
    return {
        "family": move.family.key,
        "title": move.family.title,
        "measure": str(move.family.measure),
        "threshold": move.family.threshold,
        "outcome": str(move.outcome),
        "reason": move.reason,
        "distance": move.distance,
        "jensen_shannon": bits,
        "total_variation": variation,
        "before": move.before,
        "after": move.after,
        "chance_by_cards": move.chance_by_cards,
        "chance_by_days": move.chance_by_days,
        "leading": [
            {"value": value, "before": before, "after": after}
            for value, before, after in move.leading
        ],
    }
