"""Staging: a card table prepared for measuring, by scans that keep aggregates only.

Reads    a card table
Writes   views and temporary tables of one DuckDB connection: events, cube
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
from fauxpay.scorecard.blocks import BLOCKS_MIN
from fauxpay.scorecard.card_table import CardTable
from fauxpay.scorecard.columns import literal
from fauxpay.scorecard.events import EVENT_COLUMNS, asked, cube_table, events_view
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
    table: CardTable
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
    source = f"({table.relation(EVENT_COLUMNS)})"
    if table.is_text:
        # Parsed once: it is what takes longest.
        asked(connection, f"CREATE TEMP TABLE parsed AS {table.relation()}")
        source = "parsed"
    first = asked(connection, f'SELECT min("at"), count(*), max("at") FROM {source}').fetchall()[0]
    if first[0] is None:
        raise ContractError(
            f"{table.subject}: no row with a time in it; expected at least one. Name another file, "
            f"or another column for at."
        )
    currency = events_view(table, connection, source, first[0].date())
    cube_table(connection, rules)
    found = asked(
        connection,
        "SELECT min(day), max(day), sum(rows), sum(rows) FILTER (is_fraud), "
        "count(DISTINCT hour) > 1 FROM cube",
    ).fetchall()[0]
    counted = "customer" if "customer" in table.columns else "card"
    people = asked(
        connection,
        "SELECT count(DISTINCT card), count(DISTINCT merchant), "
        f"count(DISTINCT {counted}) FILTER ({PAYMENT}) FROM events",
    ).fetchall()[0]
    by_country: list[tuple[Any, ...]] = []
    if "card_country" in table.columns:
        by_country = asked(
            connection,
            "SELECT card_country, count(DISTINCT card) FROM events "
            "WHERE card_country IS NOT NULL GROUP BY 1",
        ).fetchall()
    first_day, last_day, rows, frauds, has_clock = found
    days = last_day - first_day + 1
    block_days, blocks = day_blocks(days)
    return Staged(
        connection,
        table,
        rules,
        first_day,
        days,
        (first[0].date() - EPOCH).days,
        (first[2].date() - first[0].date()).days + 1,
        blocks,
        block_days,
        rows,
        people[0],
        people[1],
        people[2],
        frauds or 0,
        dict(by_country),
        has_clock,
        currency,
        first[1] - rows,
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
