"""Staging: a card table prepared for measuring, by scans that keep aggregates only.

Reads    a card table
Writes   temporary tables of one DuckDB connection: cube, frauds, and what events need
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.errors import ContractError
from fauxpay.readers.query import literal
from fauxpay.scorecard.blocks import BLOCKS_MIN
from fauxpay.scorecard.card_table import CardTable
from fauxpay.scorecard.events import (
    COMMON_CURRENCY,
    Events,
    asked,
    cube_table,
    events_of,
    rate_table,
)
from fauxpay.scorecard.facts import Rules

if TYPE_CHECKING:
    import duckdb

EPOCH = date(1970, 1, 1)
WEEK = 7
DAY_BLOCKS_MAX = 26
CARD_BLOCKS = 16
PAYMENT = "kind = 'purchase' AND is_approved"
SPENDING = "kind IN ('purchase', 'withdrawal') AND is_approved"
REMOTE = "channel IN ('ecom', 'moto')"


@dataclass(frozen=True, slots=True)
class Staged:
    """A card table that is ready for measuring.

    first_day, days  local days since 1970, and how many; the outer ones may be parts of days
    first_utc_day, span_days   the same by UTC
    day_blocks       blocks of days; 0 where there are too few days
    block_days       days of one
    rows, cards, merchants, customers   counted; customers are cards where none are told
    cards_of         cards by country
    frauds           rows with label 1
    has_clock        whether the times are more than days
    currency         that values are in; "" where the table does not tell
    """

    connection: duckdb.DuckDBPyConnection
    events: Events
    rules: Rules
    first_day: int
    days: int
    first_utc_day: int
    span_days: int
    day_blocks: int
    block_days: int
    rows: int
    cards: int
    merchants: int
    customers: int
    frauds: int
    cards_of: Mapping[str, int]
    has_clock: bool
    currency: str
    rows_without: int

    @property
    def table(self) -> CardTable:
        """The card table."""
        return self.events.table

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return asked(self.connection, query).fetchall()

    def arrays(self, query: str) -> dict[str, NDArray[Any]]:
        """Columns of a query as arrays."""
        found: dict[str, Any] = asked(self.connection, query).fetchnumpy()
        return {name: np.ma.getdata(column) for name, column in found.items()}

    def block_sums(
        self, expressions: Sequence[str], where: str = "true", source: str = "cube"
    ) -> NDArray[np.float64]:
        """float64[blocks, expressions]: sums by block of days; one block where there are none."""
        block = f"(day - {self.first_day}) // {self.block_days}" if self.day_blocks else "0"
        selected = ", ".join(
            f"coalesce(sum({expression}), 0)::DOUBLE AS s{n}"
            for n, expression in enumerate(expressions)
        )
        rows = self.ask(f"SELECT {block} AS b, {selected} FROM {source} WHERE {where} GROUP BY b")
        sums = np.zeros((max(1, self.day_blocks), len(expressions)))
        for number, *values in rows:
            sums[number] = values
        return sums

    def focus(self, country: str) -> str:
        """The condition for rows of a figure's country: its cards, or all of them."""
        return f"card_country = {literal(country)}" if self.is_focused(country) else "true"

    def is_focused(self, country: str) -> bool:
        """Whether there are cards enough of a country."""
        return self.cards_of.get(country, 0) >= self.rules.country_cards_min


def staged(table: CardTable, rules: Rules, connection: duckdb.DuckDBPyConnection) -> Staged:
    """Prepares a table. Raises ContractError for an empty table or one that cannot be read."""
    events = events_of(table, connection)
    first, last, all_rows = asked(
        connection,
        'SELECT min("at") FILTER (card IS NOT NULL), max("at") FILTER (card IS NOT NULL), count(*) '
        f"FROM {events.raw('card', 'at')}",
    ).fetchall()[0]
    if first is None:
        raise ContractError(
            f"{table.subject}: no row with a card and a time in it; expected at least one. Name "
            f"another file, or other columns for card and at."
        )
    rate_table(connection, events, first.date())
    cube_table(connection, events, rules)
    first_day, last_day, rows, has_clock = asked(
        connection,
        "SELECT min(day), max(day), sum(rows), count(DISTINCT hour) > 1 FROM cube",
    ).fetchall()[0]
    frauds = _frauds_table(connection, events)
    cards, merchants, customers = _people(connection, events)
    days = last_day - first_day + 1
    block_days, blocks = day_blocks(days)
    return Staged(
        connection,
        events,
        rules,
        first_day,
        days,
        (first.date() - EPOCH).days,
        (last.date() - first.date()).days + 1,
        blocks,
        block_days,
        rows,
        cards,
        merchants,
        customers,
        frauds,
        _cards_by_country(connection, events),
        has_clock,
        COMMON_CURRENCY if events.currency else "",
        all_rows - rows,
    )


def _frauds_table(connection: duckdb.DuckDBPyConnection, events: Events) -> int:
    """Keeps the fraudulent events, with what is told of fraud only; returns how many."""
    names = ("card", "at", "day", "channel", "kind", "is_approved", "value", "is_fraud")
    selected = events.select(*names, "typology", "known_at")
    asked(connection, f"CREATE TEMP TABLE frauds AS SELECT * FROM ({selected}) WHERE is_fraud")
    return int(asked(connection, "SELECT count(*) FROM frauds").fetchall()[0][0])


def _people(connection: duckdb.DuckDBPyConnection, events: Events) -> tuple[int, int, int]:
    """Cards and merchants that appear, and customers with a payment."""
    selected = events.select("card", "merchant", "customer", "kind", "is_approved")
    found = asked(
        connection,
        "SELECT count(DISTINCT card), count(DISTINCT merchant), "
        f"count(DISTINCT customer) FILTER ({PAYMENT}) FROM ({selected})",
    ).fetchall()[0]
    return found[0], found[1], found[2]


def _cards_by_country(connection: duckdb.DuckDBPyConnection, events: Events) -> dict[str, int]:
    if "card_country" not in events.table.columns:
        return {}
    selected = events.select("card", "card_country")
    return dict(
        asked(
            connection,
            f"SELECT card_country, count(DISTINCT card) FROM ({selected}) "
            "WHERE card_country IS NOT NULL GROUP BY 1",
        ).fetchall()
    )


def day_blocks(days: int) -> tuple[int, int]:
    """(days of a block, blocks): whole weeks where there are weeks enough, (1, 0) for too few."""
    weeks = days // WEEK
    if weeks >= BLOCKS_MIN:
        length = WEEK * -(-weeks // DAY_BLOCKS_MAX)
    elif days >= BLOCKS_MIN:
        length = days // BLOCKS_MIN
    else:
        return 1, 0
    return length, -(-days // length)


def day_of(number: int) -> date:
    """The date of a day since 1970."""
    return EPOCH + timedelta(days=number)
