"""Views: a run's tables by name in DuckDB, read by columns and never as a whole.

Reads    the Parquet files that a receipt names
Writes   what does not fit into memory, in a folder that goes with the connection
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fauxpay.contracts.tables import table
from fauxpay.errors import ContractError, FauxpayError, ResourceError
from fauxpay.readers.query import connected, exact, literal, parquet, refusal
from fauxpay.readers.run import TABLES, Run

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CAMPAIGNS = "campaigns"
_WHOLE = "campaign_id, typology, min(started_at) AS started_at, max(ended_at) AS ended_at"


def connect_run(
    run: Run,
    threads: int | None = None,
    memory_limit: str | None = None,
    names: Iterable[str] = TABLES,
) -> duckdb.DuckDBPyConnection:
    """A connection with a view for each table of a run, campaigns whole; it asks no network.

    names  of the tables that are looked at
    Raises StorageError where a file of the receipt is missing, ContractError where one is no
    Parquet, MissingExtraError without DuckDB.
    """
    connection = connected(threads, memory_limit)
    connection.execute("SET autoinstall_known_extensions = false")
    try:
        for name in names:
            _add_view(connection, run, name)
    except BaseException:
        connection.close()
        raise
    return connection


def _add_view(connection: duckdb.DuckDBPyConnection, run: Run, name: str) -> None:
    import duckdb

    files = run.files(name)
    if not files:  # An older run may lack a table that came later.
        return
    try:
        rows = connection.sql(f"FROM {parquet(files)}")
        if name == CAMPAIGNS:
            # A shard's file has the part of a campaign that its own cards saw.
            rows = rows.aggregate(_WHOLE, "campaign_id, typology")
        rows.create_view(name)
    except duckdb.Error as error:
        raise not_as_written(run, error) from error


@contextmanager
def readable(run: Run) -> Iterator[None]:
    """Within the block, what keeps the engine from reading a run is told in words of ours.

    Raises ContractError where a file is not as it was written, ResourceError out of memory,
    StorageError where the system does not let it read or keep temporary files.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        if (told := refusal(error)) is not None:
            raise told from error
        first = str(error).partition("\n")[0]
        raise ResourceError(
            f"run {run.run_id}: {first}; expected room for what is sorted and joined. Give a "
            f"larger memory_limit, or ask for fewer days at once."
        ) from error
    except duckdb.Error as error:
        raise not_as_written(run, error) from error
    except OSError as error:
        # So Arrow passes on what the engine says amid rows; what the system says has a number.
        if error.errno is not None:
            raise
        raise not_as_written(run, error) from error


def not_as_written(run: Run, error: Exception) -> FauxpayError:
    """What to say where a file of a run cannot be read: the machine does not let us, or damage."""
    if (told := refusal(error)) is not None:
        return told
    first = str(error).partition("\n")[0]
    return ContractError(
        f"{run.root}: a file of run {run.run_id} does not hold what its receipt says "
        f"({first}); expected the tables as they were written. `fauxpay verify` names it."
    )


def whole_campaigns(run: Run) -> pa.Table:
    """One row for each campaign, in contract shape without dictionaries."""
    shape = table(TABLES[CAMPAIGNS]).plain_schema()
    with connect_run(run, names=(CAMPAIGNS,)) as connection:
        found = connection.sql(f"FROM {CAMPAIGNS} ORDER BY campaign_id").to_arrow_table()
    return found.cast(shape)


def confine(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Lets the connection read the run's own files and nothing else, for good."""
    files = [path for name in TABLES for path in run.files(name)]
    # What is asked for is compared as it is written, and then what it is found to name.
    names = dict.fromkeys(name for path in files for name in (str(path), exact(path)))
    listed = ", ".join(map(literal, names))
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
