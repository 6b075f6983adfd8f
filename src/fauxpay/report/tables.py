"""Tables: a run's own tables as views of DuckDB, read by columns and never as a whole.

Reads    the Parquet files that a receipt names
Writes   what does not fit into memory, in a folder that is removed
Draws    nothing
Sources  nothing

Instants are asked for as integers: no time zone of the machine or of an extension takes part.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from fauxpay.errors import ContractError
from fauxpay.foundations.reference import minor_digits, rates_on
from fauxpay.readers.run import Run
from fauxpay.readers.views import connect_run, readable

if TYPE_CHECKING:
    import duckdb

THREADS = 2
MEMORY = "2GB"
DAY_US = 86_400_000_000
MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Tables:
    """A run and a connection that has its tables as views, and `money` by currency.

    money(currency, unit, per_eur)  minor units of one, and how many of it are worth a euro
    """

    run: Run
    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of an aggregate. Its order must be stated: the rows of a page are the same twice."""
        return self.connection.execute(query, list(values)).fetchall()

    @property
    def is_empty(self) -> bool:
        """Whether the run has no transaction."""
        return not self.run.rows.get("transactions")


@contextmanager
def opened(run: Run) -> Iterator[Tables]:
    """The tables of a run, until the block ends.

    Raises StorageError where a file is missing, and what `readable` does.
    """
    with readable(run), connect_run(run, THREADS, MEMORY) as connection:
        _money(connection, run)
        yield Tables(run, connection)


def _money(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """What amounts are worth on the first day: good enough to draw spending of several currencies.

    Currencies without a rate have none here, and their spending is not drawn.
    """
    day = date.fromisoformat(run.receipt["window"]["from"])
    connection.execute("CREATE TABLE money (currency VARCHAR, unit DOUBLE, per_eur DOUBLE)")
    found = connection.execute("SELECT DISTINCT currency FROM merchants ORDER BY 1").fetchall()
    more = connection.execute("SELECT DISTINCT currency FROM accounts ORDER BY 1").fetchall()
    for currency in sorted({row[0] for row in (*found, *more)}):
        try:
            rate = float(rates_on(day, [currency])[0])
        except ContractError:
            rate = None
        unit = 10.0 ** int(minor_digits([currency])[0])
        connection.execute("INSERT INTO money VALUES (?, ?, ?)", [currency, unit, rate])
