"""Events: a card table brought to one shape, and its sums by day, hour and kind of payment.

Reads    a card table
Writes   view `events` and temporary table `cube` of one DuckDB connection
Draws    nothing
Sources  reference currencies and exchange rates, facts.yaml [notes]

`events` has every column that the measures ask for, whether the table has it or not. Most facts are
read from `cube`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from fauxpay.errors import ContractError
from fauxpay.foundations.reference import rates_on, reference
from fauxpay.scorecard.card_table import CardTable
from fauxpay.scorecard.columns import literal
from fauxpay.scorecard.facts import Rules

if TYPE_CHECKING:
    import duckdb

COMMON_CURRENCY = "EUR"
_RATES_FROM = date(1999, 1, 4)
# What most measures read; postings, labels and campaigns are asked for where they are needed.
EVENT_COLUMNS = (
    *("card", "merchant", "at", "amount", "label", "channel", "entry_mode", "kind", "currency"),
    *("billing_amount", "billing_currency", "merchant_country", "card_country", "customer"),
    *("local_at", "card_product", "is_recurring", "is_approved"),
)
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
    "is_recurring": "false",
    "is_approved": "true",
}
_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000


def asked(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    """The answer of a query. Raises ContractError for what the table's values do not allow."""
    import duckdb

    try:
        return connection.execute(query)
    except duckdb.IOException as error:
        raise ContractError(
            f"the card table cannot be read to its end ({_first_line(error)}); expected whole "
            f"files, and room for temporary ones in the system's temporary folder"
        ) from error
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        raise ContractError(
            f"the card table holds a value that is not of its column's kind "
            f"({_first_line(error)}); correct the file, or map another column"
        ) from error


def events_view(
    table: CardTable, connection: duckdb.DuckDBPyConnection, source: str, first_day: date
) -> str:
    """Makes the view `events`; returns the currency of its values, "" where none is told."""
    columns = table.columns
    names = {"billing_amount", "billing_currency"}
    amount, currency = ("billing_amount", "billing_currency") if names <= columns else ("", "")
    if not currency and {"amount", "currency"} <= columns:
        amount, currency = "amount", "currency"
    amount = amount or next((n for n in ("billing_amount", "amount") if n in columns), "")
    value, join = (f"e.{amount}" if amount else "NULL::DOUBLE"), ""
    if currency:
        _rates(connection, source, currency, first_day)
        value, join = (
            f"e.{amount} / r.per_common",
            f"LEFT JOIN rates r ON r.currency = e.{currency}",
        )
    local = 'e."at"' if "local_at" not in columns else 'coalesce(e.local_at, e."at")'
    plain = ", ".join(
        f"e.{name} AS {name}" if name in columns else f"{absent} AS {name}"
        for name, absent in _WHERE_ABSENT.items()
        if name not in ("label", "is_recurring", "is_approved", "merchant")
    )
    customer = "e.customer" if "customer" in columns else "e.card"
    asked(
        connection,
        f"""
        CREATE VIEW events AS SELECT e.card AS card, {customer} AS customer, {plain},
            {_or_absent("merchant", columns)} AS merchant,
            coalesce({_or_absent("label", columns)}, 0) = 1 AS is_fraud,
            coalesce({_or_absent("is_recurring", columns)}, false) AS is_recurring,
            coalesce({_or_absent("is_approved", columns)}, true) AS is_approved,
            {_kind(columns)} AS kind, e."at" AS "at", {value} AS value,
            CAST(epoch_us({local}) // {_DAY_US} AS INTEGER) AS day,
            CAST(epoch_us({local}) // {_HOUR_US} % 24 AS TINYINT) AS hour
        FROM {source} e {join} WHERE e."at" IS NOT NULL AND e.card IS NOT NULL
        """,
    )
    return COMMON_CURRENCY if currency else ""


def _or_absent(name: str, columns: Iterable[str]) -> str:
    return f"e.{name}" if name in columns else _WHERE_ABSENT[name]


def _kind(columns: Iterable[str]) -> str:
    """Without a kind every row is a purchase, but for negative amounts, which give money back."""
    if "kind" in columns:
        return "e.kind"
    if "amount" in columns:
        return "CASE WHEN e.amount < 0 THEN 'refund' ELSE 'purchase' END"
    return "'purchase'"


def _rates(
    connection: duckdb.DuckDBPyConnection, source: str, currency: str, first_day: date
) -> None:
    """One rate for each currency, that of the first day: its moves are not those of spending."""
    table = reference("currencies")
    rated = [
        name
        for name, is_rated in zip(
            table.column("currency").to_pylist(), table.column("is_rated").to_pylist(), strict=True
        )
        if is_rated
    ]
    seen = [
        row[0] for row in asked(connection, f"SELECT DISTINCT {currency} FROM {source}").fetchall()
    ]
    pairs = []
    for name in sorted(set(seen) & {*rated, COMMON_CURRENCY}):
        try:
            pairs.append((name, float(rates_on(max(first_day, _RATES_FROM), [name])[0])))
        except ContractError:
            continue  # It had no rate yet: its rows have no common value.
    connection.execute("CREATE TEMP TABLE rates (currency VARCHAR, per_common DOUBLE)")
    if pairs:
        connection.executemany("INSERT INTO rates VALUES (?, ?)", pairs)


def cube_table(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
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
            FROM events
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
