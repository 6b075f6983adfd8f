"""Statistics: what a card table says of each knob, as sums over many cards.

Reads    a card table, through DuckDB
Writes   nothing
Draws    nothing
Sources  nothing

The same sums are taken of the user's table and of the mirror. Each cell knows how many rows and
cards stand behind it, so that small cells can be kept out of all that follows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fauxpay.drift.sides import TEXT_TABLE
from fauxpay.drift.windows import Window

if TYPE_CHECKING:
    import duckdb

    from fauxpay.foundations.parameters import Parameters
    from fauxpay.scorecard.card_table import CardTable

Key = tuple[str, ...]
# Few enough to be joined once and kept; DuckDB spills what memory does not hold.
COPIED_ROWS_MAX = 2_000_000
COLUMNS = (
    *("card", "at", "merchant", "amount", "label", "mcc", "channel", "entry_mode", "kind"),
    *("currency", "merchant_country", "card_country", "local_at", "is_recurring", "is_approved"),
    *("typology", "known_at", "label_source"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A sum or share, and what stands behind it."""

    value: float
    rows: int
    cards: int
    spread: float = 0.0  # standard deviation, where the value is a mean


@dataclass(frozen=True, slots=True)
class Statistics:
    """Cells of one table in one window; a cell of fewer than k cards is not in it.

    cells       by key
    suppressed  keys of cells that had too few cards
    """

    window: Window
    cells: dict[Key, Cell] = field(default_factory=dict)
    suppressed: set[Key] = field(default_factory=set)

    def value(self, *key: str) -> float | None:
        """The value of a cell, or None."""
        cell = self.cells.get(key)
        return None if cell is None else cell.value

    def below(self, *prefix: str) -> dict[str, Cell]:
        """Cells of which the key is the prefix and one more word, by that word."""
        size = len(prefix)
        return {
            key[size]: cell
            for key, cell in self.cells.items()
            if len(key) == size + 1 and key[:size] == prefix
        }

    def put(self, key: Key, cell: Cell, k: int) -> None:
        """Keeps a cell if enough cards stand behind it."""
        if cell.cards >= k:
            self.cells[key] = cell
        else:
            self.suppressed.add(key)


@dataclass(frozen=True, slots=True)
class Source:
    """A table, the columns that are used of it, and the window.

    has  canonical columns that are there
    """

    table: CardTable
    connection: duckdb.DuckDBPyConnection
    window: Window
    k: int
    has: frozenset[str]
    sampled: tuple[int, int] = (1, 1)  # of so many parts of the cards, so many
    is_copied: bool = False  # whether the rows stand in a table of DuckDB's already

    def rows(self, columns: Collection[str], where: str = "true") -> str:
        """SQL of the window's rows: wanted columns, and `spontaneous`, `paid` and `is_fraud`.

        A missing kind is a purchase; a missing label is genuine.
        """
        wanted = {"card", "at", "kind", "is_recurring", "label", *columns} & self.has
        inner = "from copied_" if self.is_copied else self.table.relation(wanted)
        fraud = "coalesce(label = 1, false)" if "label" in self.has else "false"
        kind = "coalesce(kind, 'purchase')" if "kind" in self.has else "'purchase'"
        recurring = "coalesce(is_recurring, false)" if "is_recurring" in self.has else "false"
        local = "local_at" if "local_at" in wanted else '"at"'
        names = ", ".join(f'"{name}"' for name in sorted(wanted))
        paid = f"{kind} in ('purchase', 'withdrawal') and not {fraud}"
        return (
            f"(select {names}, {local} as local_, {fraud} as is_fraud, {kind} as kind_, "
            f"{recurring} as recurring_, {paid} as paid, "
            f"({paid} and not {recurring}) as spontaneous from ({inner}) "
            f"where \"at\" >= timestamp '{self.window.start}' "
            f"and \"at\" < timestamp '{self.window.end}' and {where})"
        )

    def sample(self, columns: Collection[str]) -> str:
        """The rows of some of the cards: as many as the mirror has."""
        parts, taken = self.sampled
        return self.rows(columns, f"hash(card) % {parts} < {taken}")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of an answer."""
        rows: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return rows

    def home(self) -> str | None:
        """SQL of a card's country: as given, or where it buys most, or None."""
        if "card_country" in self.has:
            return "card_country"
        return "home_" if "merchant_country" in self.has else None

    def rows_with_home(self, columns: Collection[str]) -> str:
        """The rows with `home_`, the card's country."""
        if "card_country" in self.has:
            return f"(select *, card_country as home_ from {self.rows([*columns, 'card_country'])})"
        return f"(select r.*, h.home_ from {self.rows(columns)} r join homes h using (card))"


def open_source(
    table: CardTable,
    connection: duckdb.DuckDBPyConnection,
    own: Window,
    parameters: Parameters,
    limits: tuple[int, int],
) -> Source:
    """A table ready to be asked; limits are (k, cards of the sample).

    connection  of drift.sides.connect, which parses text once
    """
    k, sample_cards = limits
    has = frozenset(COLUMNS) & table.columns
    is_copied = table.is_text
    if table.is_text:
        connection.execute(f"create temp view copied_ as {TEXT_TABLE}")
    else:
        query = f"select count(*) from ({table.relation(('at',))})"
        is_copied = connection.execute(query).fetchall()[0][0] <= COPIED_ROWS_MAX
        if is_copied:
            connection.execute(f"create temp table copied_ as {table.relation(has)}")
    source = Source(table, connection, own, k, has, is_copied=is_copied)
    if "card_country" not in source.has and "merchant_country" in source.has:
        inner = source.rows(("merchant_country",), "merchant_country is not null")
        connection.execute(
            f"create temp table homes as select card, mode(merchant_country) as home_ "
            f"from {inner} group by card"
        )
    _put_classes(connection, parameters)
    cards = source.ask(f"select count(distinct card) from {source.rows(())}")[0][0]
    parts = 1 << 20
    taken = parts if cards <= sample_cards else round(parts * sample_cards / cards)
    return Source(table, connection, own, k, has, (parts, taken), is_copied)


def _put_classes(connection: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """A table of merchant categories with their amount class and ending profile."""
    amounts = parameters.section("activity.amounts")
    known = amounts["class_of_category"]
    rows = [(mcc, name, amounts["classes"][name]["ending"]) for mcc, name in known.items()]
    other = ("", "other", amounts["classes"]["other"]["ending"])
    connection.execute("create temp table classes (mcc varchar, class_ varchar, profile_ varchar)")
    connection.executemany("insert into classes values (?, ?, ?)", [*rows, other])
