"""Sides: what one table says about each family, by day and by slice of its cards.

Reads    a card table, through DuckDB
Writes   nothing
Draws    nothing
Sources  nothing

All is added up inside of the query engine, so memory holds blocks times bins and no rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.drift.families import AMOUNT_STEPS, Family
from fauxpay.drift.guard import Blocks
from fauxpay.drift.windows import Window, day_weights
from fauxpay.errors import ContractError
from fauxpay.foundations.draws import F64, I64
from fauxpay.scorecard.events import readable

if TYPE_CHECKING:
    import duckdb

    from fauxpay.scorecard.card_table import CardTable

TEXT_TABLE = "from parsed_"
RECURRING = "is_recurring"
PIECE = 3
Sums = dict[tuple[Any, str], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Side:
    """A table within a window, ready to be asked.

    strata   i64[days]   weekday of each day, or 0 where weekdays are not told apart
    weights  f64[days]   of each day, so that each stratum counts as one day
    """

    table: CardTable
    connection: duckdb.DuckDBPyConnection
    window: Window
    strata: I64
    weights: F64
    rows: int = 0
    cards: int = 0

    def source(self, needs: Collection[str], slice_count: int) -> str:
        """SQL of the rows within the window: needed columns, day_, slice_ and weight_.

        Recurring payments hang on the day of the month, so windows of some days hold more or
        fewer of them by nature: they take part only where they are asked for.
        """
        columns = {*needs, "card", "at"}
        kept = "true"
        if RECURRING in self.table.columns and RECURRING not in needs:
            columns.add(RECURRING)
            kept = f"{RECURRING} is not true"
        inner = TEXT_TABLE if self.table.is_text else self.table.relation(columns)
        return (
            f"(select t.*, w.day_, w.weight_, (hash(t.card) % {slice_count})::integer as slice_ "
            f'from ({inner}) t join day_weights w on t."at"::date = w.day_ and w.weight_ > 0 '
            f"where {kept})"
        )

    def days(self) -> list[date]:
        """Days that count."""
        both = zip(self.window.days(), self.weights, strict=True)
        return [day for day, weight in both if weight > 0]

    @property
    def day_count(self) -> int:
        """How many days count."""
        return int((self.weights > 0).sum())


@dataclass(frozen=True, slots=True)
class Counted:
    """Sums of a family on one side, bins in the order of `bins`.

    by_day    None where a family has no days of its own
    by_slice  days weighted, so that its mean is what is shown
    """

    bins: tuple[str, ...]
    by_day: Blocks | None
    by_slice: Blocks


@readable()
def connect(table: CardTable, limits: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """A connection to ask a table by; text is parsed once, into a table that may spill to disk."""
    connection = table.connect(columns=("at",), **limits)
    if table.is_text:
        connection.execute(f"create temp table parsed_ as {table.relation()}")
    return connection


@readable()
def whole_window(
    table: CardTable, connection: duckdb.DuckDBPyConnection
) -> tuple[Window, list[str]]:
    """(first day to the day after the last, what is to be said of it).

    A first or last day that holds less than a third of what days hold is a piece of a day: files
    are cut by local time, or where somebody stopped. It is left out.
    """
    inner = TEXT_TABLE if table.is_text else table.relation(("at",))
    query = (
        f'select "at"::date as d, count(*) from ({inner}) where d is not null group by 1 order by 1'
    )
    days = connection.execute(query).fetchall()
    if not days:
        raise ContractError(f"{table.subject}: no row with a time; expected card payments")
    # Of what lies between the two ends: of three days two may be pieces.
    between = sorted(rows for _, rows in days[1:-1] or days)
    usual = between[len(between) // 2]
    notes = []
    for edge in (0, -1):
        if len(days) > 1 and days[edge][1] * PIECE < usual:
            day, rows = days.pop(edge)
            notes.append(f"{table.subject}: {day} is left out, a piece of a day with {rows:,} rows")
    return Window(days[0][0], date.fromordinal(days[-1][0].toordinal() + 1)), notes


def open_side(
    table: CardTable,
    connection: duckdb.DuckDBPyConnection,
    own: Window,
    alike: tuple[I64, frozenset[int]],
) -> Side:
    """A table within a window; alike is (stratum of each day, strata that both sides have)."""
    strata, shared = alike
    weights = day_weights(strata, shared)
    rows = [(str(day), float(weight)) for day, weight in zip(own.days(), weights, strict=True)]
    connection.execute("create or replace temp table day_weights (day_ date, weight_ double)")
    connection.executemany("insert into day_weights values (?, ?)", rows)
    side = Side(table, connection, own, strata, weights)
    query = f"select count(*), approx_count_distinct(card) from {side.source((), 1)}"
    row_count, card_count = connection.execute(query).fetchall()[0]
    if not row_count:
        raise ContractError(
            f"{table.subject}: no row in {own} on the weekdays that are compared; expected days "
            f"that the table has"
        )
    return replace(side, rows=row_count, cards=card_count)


def count(side: Side, family: Family, slice_count: int) -> Counted:
    """Sums of one family."""
    rows = side.source(family.needs, slice_count)
    if family.special == "pairs":
        return _new_merchants(side, slice_count)
    if family.special == "cards":
        source = f"(select day_, slice_, weight_, card from {rows} group by all)"
        fields = ("''", "1", "0", "true")
    elif family.bin:
        source, fields = rows, (family.bin, "1", "1", family.where)
    else:
        whole = "0" if family.whole == "days" else family.whole
        source, fields = rows, ("''", family.part, whole, family.where)
    binned, part, whole, where = fields
    is_per_day = family.special == "cards" or family.whole == "days"
    query = (
        f"select day_, slice_, bin_, sum(part_), sum(whole_), sum(part_ * weight_), "
        f"sum(whole_ * weight_) from (select day_, slice_, weight_, {binned} as bin_, "
        f"({part})::double as part_, ({whole})::double as whole_ from {source} where {where}) "
        f"group by grouping sets ((day_, bin_), (slice_, bin_))"
    )
    by_day: Sums = {}
    by_slice: Sums = {}
    for day, part_of, name, *sums in side.connection.execute(query).fetchall():
        if day is not None:
            by_day[day, name] = (sums[0], sums[1])
        else:
            by_slice[part_of, name] = (sums[2], sums[3])
    bins = tuple(sorted({name for _, name in by_day}))
    strata_days = float(len({int(one) for one in side.strata[side.weights > 0]}))
    is_shape = bool(family.bin)
    day_blocks = _blocks(by_day, side.days(), bins, (is_shape, 1.0 if is_per_day else None))
    per_slice = strata_days / slice_count if is_per_day else None
    slice_blocks = _blocks(by_slice, range(slice_count), bins, (is_shape, per_slice))
    return Counted(bins, day_blocks, slice_blocks)


def _blocks(
    sums: Sums, keys: Any, bins: tuple[str, ...], manner: tuple[bool, float | None]
) -> Blocks:
    """Sums as arrays; manner is (whether the whole is the sum of the bins, a given whole)."""
    is_shape, given = manner
    row = {key: nth for nth, key in enumerate(keys)}
    column = {name: nth for nth, name in enumerate(bins)}
    part = np.zeros((len(row), max(len(bins), 1)))
    whole = np.zeros(len(row))
    for (key, name), (own_part, own_whole) in sums.items():
        part[row[key], column[name]] += own_part
        whole[row[key]] += own_part if is_shape else own_whole
    if given is not None:
        whole[:] = given
    return Blocks(part, whole)


def count_nulls(side: Side, columns: Collection[str], slice_count: int) -> dict[str, Counted]:
    """Null rates of many columns in one pass, by column."""
    names = sorted(columns)
    nulls = [f'("{name}" is null)::integer' for name in names]
    sums = "".join(f", sum({null}), sum({null} * weight_)" for null in nulls)
    query = (
        f"select day_, slice_, count(*), sum(weight_){sums} "
        f"from {side.source(columns, slice_count)} group by grouping sets ((day_), (slice_))"
    )
    rows = side.connection.execute(query).fetchall()
    found = {}
    for nth, name in enumerate(names, start=2):
        by_day = {(r[0], ""): (r[2 * nth], r[2]) for r in rows if r[0] is not None}
        by_slice = {(r[1], ""): (r[2 * nth + 1], r[3]) for r in rows if r[0] is None}
        day_blocks = _blocks(by_day, side.days(), ("",), (False, None))
        slice_blocks = _blocks(by_slice, range(slice_count), ("",), (False, None))
        found[name] = Counted(("",), day_blocks, slice_blocks)
    return found


def _new_merchants(side: Side, slice_count: int) -> Counted:
    """Pairs of card and merchant against rows: how often a purchase is at a merchant of before.

    Days cannot be told apart: what is new on a day hangs on the days before it.
    """
    query = (
        f"select slice_, count(*), sum(n) from (select slice_, card, merchant, count(*) as n "
        f"from {side.source(('merchant',), slice_count)} where merchant is not null group by all) "
        f"group by slice_"
    )
    part, whole = np.zeros((slice_count, 1)), np.zeros(slice_count)
    for which, pairs, rows in side.connection.execute(query).fetchall():
        part[which, 0], whole[which] = pairs, rows
    return Counted(("",), None, Blocks(part, whole))


def merged(
    first: Counted, second: Counted, bins_max: int, amount_bins: int = 0
) -> tuple[Counted, Counted]:
    """Both sides over the same bins: rare values as `(other)`, amounts as quantiles of the first.

    amount_bins  0 where the bins are no amounts
    """
    names = sorted({*first.bins, *second.bins})
    if amount_bins:
        of_name = _quantile_bins(first, names, amount_bins)
    else:
        share = _shares(first, names) + _shares(second, names)
        kept = {names[nth] for nth in np.argsort(-share, kind="stable")[:bins_max]}
        of_name = {name: name if name in kept else "(other)" for name in names}
    return _laid_on(first, of_name), _laid_on(second, of_name)


def _shares(counted: Counted, names: list[str]) -> F64:
    total = dict(zip(counted.bins, counted.by_slice.part.sum(axis=0).tolist(), strict=False))
    amount = np.array([total.get(name, 0.0) for name in names])
    return amount / max(float(amount.sum()), 1e-300)


def _quantile_bins(first: Counted, names: list[str], amount_bins: int) -> dict[str, str]:
    """Each fine bin's quantile bin, named by the amounts from which on it holds."""
    ordered = sorted(names, key=int)
    cumulative = np.cumsum(_shares(first, ordered)) - _shares(first, ordered) / 2
    of = np.minimum((cumulative * amount_bins).astype(int), amount_bins - 1)
    lowest: dict[int, str] = {}
    for name, which in zip(ordered, of.tolist(), strict=True):
        lowest.setdefault(which, name)
    labels = {w: f"from {np.exp(int(name) / AMOUNT_STEPS):.2f}" for w, name in lowest.items()}
    return {name: labels[which] for name, which in zip(ordered, of.tolist(), strict=True)}


def _laid_on(counted: Counted, of_name: Mapping[str, str]) -> Counted:
    bins = tuple(dict.fromkeys(of_name.values()))
    column = {name: nth for nth, name in enumerate(bins)}
    matrix = np.zeros((max(len(counted.bins), 1), len(bins)))
    for nth, name in enumerate(counted.bins):
        matrix[nth, column[of_name[name]]] = 1.0
    day, part_of = counted.by_day, counted.by_slice
    by_day = None if day is None else Blocks(day.part @ matrix, day.whole)
    return Counted(bins, by_day, Blocks(part_of.part @ matrix, part_of.whole))
