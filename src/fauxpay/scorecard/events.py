"""Events: a card table brought to one shape, and its sums by day, hour and kind of payment.

Reads    a card table
Writes   temporary tables `rates`, `cube` and `parsed` of one DuckDB connection
Draws    nothing
Sources  reference currencies and exchange rates, facts.yaml [notes]

Most facts are read from `cube`. Only what a query names is read, joined and parsed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from fauxpay.errors import ContractError, ResourceError
from fauxpay.foundations.reference import rates_on, reference
from fauxpay.readers.query import literal, quoted, refusal
from fauxpay.scorecard.card_table import CardTable
from fauxpay.scorecard.facts import Rules

if TYPE_CHECKING:
    import duckdb

COMMON_CURRENCY = "EUR"
_CUBE_COLUMNS = (
    *("day", "hour", "card_country", "card_product", "channel", "kind", "is_approved", "is_fraud"),
    *("is_recurring", "entry_mode", "merchant_country", "currency", "amount", "value"),
)
# By name of an event's column: what it is where the table has no such column.
_WHERE_ABSENT = {
    "merchant": "NULL::VARCHAR",
    "amount": "NULL::DOUBLE",
    "label": "0",
    "channel": "NULL::VARCHAR",
    "entry_mode": "NULL::VARCHAR",
    "currency": "NULL::VARCHAR",
    "merchant_country": "NULL::VARCHAR",
    "card_country": "NULL::VARCHAR",
    "card_product": "NULL::VARCHAR",
    "typology": "NULL::VARCHAR",
    "known_at": "NULL::TIMESTAMP",
    "is_recurring": "false",
    "is_approved": "true",
}
DAY_US = 86_400_000_000
_NO_PARQUET = "No magic bytes found"
"""What the engine says of a file that is called a Parquet and was cut or overwritten."""


@dataclass(frozen=True, slots=True)
class Events:
    """The events of a card table: each column, whether the table has it or not.

    parsed     name of a table in the connection that holds all columns; "" to read the files
    amount     column that values are made from; "" for none
    currency   column of its currency; "" where values stay as they are
    """

    table: CardTable
    parsed: str
    amount: str
    currency: str

    def select(self, *names: str) -> str:
        """SELECT of some columns of the events that have a card and a time.

        Those of the table by their canonical names, and `day` and `hour` on the wall clock, `value`
        in the common currency, `is_fraud`.
        """
        raw = {"card", "at"}
        chosen = []
        for name in names:
            expression, needed = self._column(name)
            chosen.append(f"{expression} AS {quoted(name)}")
            raw |= needed
        is_rated = "value" in names and self.currency
        join = f"LEFT JOIN rates r ON r.currency = e.{self.currency}" if is_rated else ""
        return (
            f"SELECT {', '.join(chosen)} FROM {self.raw(*raw)} e {join} "
            'WHERE e."at" IS NOT NULL AND e.card IS NOT NULL'
        )

    def raw(self, *columns: str) -> str:
        """The table's own columns, as what stands behind FROM."""
        return self.parsed or f"({self.table.relation(columns)})"

    def _column(self, name: str) -> tuple[str, set[str]]:
        """The expression of a column, and the columns of the table that it reads."""
        columns = self.table.columns
        if name in ("day", "hour"):
            clock = 'coalesce(e.local_at, e."at")' if "local_at" in columns else 'e."at"'
            # Not by whole division, which goes towards nought before 1970.
            if name == "day":
                return f"CAST(CAST({clock} AS DATE) - DATE '1970-01-01' AS INTEGER)", {"local_at"}
            return f"CAST(hour({clock}) AS TINYINT)", {"local_at"}
        if name == "value":
            value = f"e.{self.amount}" if self.amount else "NULL::DOUBLE"
            rated = f"{value} / r.per_common" if self.currency else value
            return rated, {self.amount, self.currency}
        if name == "is_fraud":
            return f"coalesce({self._plain('label')}, 0) = 1", {"label"}
        if name in ("is_recurring", "is_approved"):
            return f"coalesce({self._plain(name)}, {_WHERE_ABSENT[name]})", {name}
        if name == "customer" and name not in columns:
            return "e.card", set()
        if name == "kind" and name not in columns:
            # Every row is a purchase then, but for negative amounts, which give money back.
            back = "CASE WHEN e.amount < 0 THEN 'refund' ELSE 'purchase' END"
            return (back if "amount" in columns else "'purchase'"), {"amount"}
        return self._plain(name), {name}

    def _plain(self, name: str) -> str:
        return f"e.{quoted(name)}" if name in self.table.columns else _WHERE_ABSENT[name]


def events_of(table: CardTable, connection: duckdb.DuckDBPyConnection) -> Events:
    """The events of a table; text is parsed, once."""
    columns = table.columns
    amount, currency = money_of(columns)
    parsed = ""
    if table.is_text:
        parsed = "parsed"
        asked(connection, f"CREATE TEMP TABLE parsed AS {table.relation()}")
    return Events(table, parsed, amount, currency)


def money_of(columns: Collection[str]) -> tuple[str, str]:
    """(column of amounts, column of their currency) of a table's columns; "" for none."""
    for names in (("billing_amount", "billing_currency"), ("amount", "currency")):
        if set(columns) >= set(names):
            return names
    return next((name for name in ("billing_amount", "amount") if name in columns), ""), ""


def asked(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    """The answer of a query; raises what `readable` does."""
    with readable():
        return connection.execute(query)


@contextmanager
def readable() -> Iterator[None]:
    """Within the block, what stands in the way of reading a card table is told in words of ours.

    Raises ContractError for what the table's values do not allow, ResourceError out of memory,
    StorageError where the system does not let it read or keep temporary files.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        if (told := refusal(error)) is not None:
            raise told from error
        raise ResourceError(
            f"the query engine had no memory left ({_first_line(error)}); expected room for at "
            f"least 1 GB and a temporary folder to spill into. Give more with --memory."
        ) from error
    except (duckdb.IOException, duckdb.DataError, duckdb.InvalidInputException) as error:
        if (told := refusal(error)) is not None:
            raise told from error
        if isinstance(error, duckdb.IOException) or _NO_PARQUET in str(error):
            raise ContractError(
                f"the card table cannot be read to its end ({_first_line(error)}); expected whole "
                f"files"
            ) from error
        raise ContractError(
            f"the card table holds a value that is not of its column's kind "
            f"({_first_line(error)}); correct the file, or map another column"
        ) from error


def rate_table(connection: duckdb.DuckDBPyConnection, events: Events, first_day: date) -> None:
    """One rate for each currency, that of the first day: its moves are not those of spending."""
    source = events.raw(events.currency) if events.currency else ""
    rates_of(connection, events.currency, source, first_day)


def rates_of(
    connection: duckdb.DuckDBPyConnection, currency: str, source: str, first_day: date
) -> None:
    """Makes the table `rates` of the currencies of a source; without rows where there is none."""
    connection.execute("CREATE TEMP TABLE rates (currency VARCHAR, per_common DOUBLE)")
    if not currency:
        return
    day = max(first_day, _first_rates())
    seen = asked(connection, f"SELECT DISTINCT {currency} FROM {source}").fetchall()
    for (name,) in seen:
        try:
            rate = float(rates_on(day, [name])[0])
        except ContractError:
            continue  # No currency, or one without a rate then: its rows have no common value.
        connection.execute("INSERT INTO rates VALUES (?, ?)", [name, rate])


@cache
def _first_rates() -> date:
    """The first day that has rates; of earlier tables they are the nearest."""
    first: date = min(reference("exchange_rates").column("day").unique().to_pylist())
    return first


def cube_table(connection: duckdb.DuckDBPyConnection, events: Events, rules: Rules) -> None:
    """Sums by local day, hour and what kind of payment it was."""
    zero_digits, three_digits = _odd_currencies()
    has_cents = f"currency IS NULL OR currency NOT IN ({_listed([*zero_digits, *three_digits])})"
    note = " ".join(f"WHEN {literal(c)} THEN {size}" for c, size in rules.notes.items())
    asked(
        connection,
        f"""
        CREATE TEMP TABLE cube AS
        SELECT day, hour, card_country, card_product, channel, kind, is_approved, is_fraud,
            is_recurring, entry_mode = 'contactless' AS is_contactless,
            merchant_country = card_country AS is_home,
            count(*) AS rows, sum(value) AS value, count(value) AS valued,
            count(cents) AS cents, count(*) FILTER (cents % 100 = 0) AS ends_00,
            count(*) FILTER (cents % 100 = 99) AS ends_99,
            count(*) FILTER (round(amount * 100) % (100 * note) = 0) AS whole_notes
        FROM (
            SELECT *, CASE currency {note} ELSE 10 END AS note,
                CASE WHEN amount > 0 AND ({has_cents})
                    THEN CAST(round(amount * 100) AS BIGINT) END AS cents
            FROM ({events.select(*_CUBE_COLUMNS)})
        ) GROUP BY ALL
        """,
    )


def _odd_currencies() -> tuple[list[str], list[str]]:
    table = reference("currencies")
    digits = dict(
        zip(
            table.column("currency").to_pylist(),
            table.column("minor_digits").to_pylist(),
            strict=True,
        )
    )
    return [c for c, d in digits.items() if d == 0], [c for c, d in digits.items() if d > 2]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(literal, names))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
