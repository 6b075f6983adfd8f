"""Training sets: what a team could have learnt from on a day, with features known at each moment.

Reads    transactions, labels of a run
Writes   one frame: columns of the request, point-in-time features, label, weight
Draws    nothing (rows are sampled by their ids, which are random and reveal nothing)
Sources  Fraud Detection Handbook, chapters 3 and 5

DuckDB reads, sorts and joins, slice by slice of entities and then of days; windows.py adds up.
Nothing but the slice at work is in memory. Features of a row at t use rows before t, strictly, and
what the bank had been told before t; truth is never read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.contracts.for_pandas import whole_for_pandas
from fauxpay.labels.knowledge import Instant, turned_to_fraud
from fauxpay.readers.new_files import new_file
from fauxpay.readers.query import connected, parquet
from fauxpay.readers.request import SHARE_UNIT, Request, request_of
from fauxpay.readers.views import readable
from fauxpay.readers.windows import DAY_US, Entries, Recipe, Timeline, entities_max, features

if TYPE_CHECKING:
    import duckdb

    from fauxpay.readers.run import Run

RECIPES = (
    Recipe("card", sums=True, declines=True, risks=True, ratio=True, recency=True),
    Recipe("merchant", sums=True, risks=True, ratio=True),
    Recipe("terminal", risks=True),
    Recipe("device", risks=True, recency=True),
)
AMOUNTS = {"card": "billing_amount_minor", "merchant": "amount_minor"}
HISTORY_DAYS = max(max(recipe.days) for recipe in RECIPES)
ENTRIES_AT_ONCE = 3_000_000
ROWS_AT_ONCE = 500_000
OWN_COLUMNS = (
    *("card_id", "customer_id", "merchant_id", "terminal_id", "device_id", "local_offset_minutes"),
    *("mcc", "amount_minor", "currency", "billing_amount_minor", "billing_currency"),
    *("merchant_country", "latitude", "longitude", "channel", "entry_mode", "card_scheme"),
    *("card_product", "user_agent_family", "is_recurring", "authentication", "transaction_type"),
)


@dataclass(frozen=True, slots=True)
class Sources:
    """SQL of the two tables that a training set is made from, in contract shape."""

    transactions: str
    labels: str


def sources_of(run: Run) -> Sources:
    """The files of a run."""
    return Sources(parquet(run.files("transactions")), parquet(run.files("labels")))


def training_set(
    run: Run,
    as_of: Instant,
    options: Mapping[str, object],
    memory_limit: str | None = "2GB",
    threads: int | None = None,
) -> pa.Table:
    """The whole frame in memory; see `Run.training_set`."""
    request = request_of(run, as_of, options)
    with readable(run):
        return pa.concat_tables(training_parts(sources_of(run), request, memory_limit, threads))


def write_training_set(
    run: Run,
    path: str | PathLike[str],
    as_of: Instant,
    options: Mapping[str, object],
    memory_limit: str | None = "2GB",
    threads: int | None = None,
) -> int:
    """Writes the frame to a new Parquet file; returns its rows. See `Run.training_set`."""
    request = request_of(run, as_of, options)
    rows, writer = 0, None
    with new_file(path) as staged, readable(run), ExitStack() as opened:
        for part in training_parts(sources_of(run), request, memory_limit, threads):
            if writer is None:
                writer = pq.ParquetWriter(staged, part.schema, compression="zstd")
                opened.enter_context(writer)
            writer.write_table(part)
            rows += part.num_rows
        assert writer is not None, "there is always a part, if an empty one"
    return rows


def training_parts(
    sources: Sources,
    request: Request,
    memory_limit: str | None = "2GB",
    threads: int | None = None,
) -> Iterator[pa.Table]:
    """The frame in parts, in order of time, then transaction_id; at least one."""
    with (
        connected(threads, memory_limit) as connection,
        tempfile.TemporaryDirectory(prefix="fauxpay-training-") as folder,
    ):
        _prepare(connection, sources, request)
        for recipe in RECIPES:
            _write_features(connection, request, recipe, Path(folder))
        yield from _joined(connection, request, Path(folder))


def _prepare(connection: duckdb.DuckDBPyConnection, sources: Sources, request: Request) -> None:
    """Views of what happened and was learnt: payments, turns, and targets, which are asked for."""
    start = request.train_us[0] - HISTORY_DAYS * DAY_US
    last_known = max(request.end_us, request.test_known_us if request.test_days else 0)
    facts = connection.sql(
        f"SELECT transaction_id, label::VARCHAR AS label, known_at FROM {sources.labels} "
        f"WHERE epoch_us(known_at) <= {max(last_known, request.as_of_us)}"
    ).to_arrow_table()
    connection.register("facts", facts)
    connection.register("turned", turned_to_fraud(facts))
    test_known = request.test_known_us if request.test_days else request.as_of_us
    connection.execute(
        f"""CREATE TEMP TABLE turns AS
            SELECT epoch_us(known_at) AS at_us, card_id, merchant_id, terminal_id, device_id
            FROM {sources.transactions} JOIN turned USING (transaction_id)
            WHERE epoch_us(known_at) >= {start} AND epoch_us(known_at) < {request.end_us}"""
    )
    connection.execute(
        f"""CREATE TEMP TABLE known_fraud AS
            SELECT transaction_id, {_is_known(request.as_of_us)} AS in_training,
                   {_is_known(test_known)} AS in_test
            FROM facts GROUP BY transaction_id"""
    )
    connection.execute(
        f"""CREATE VIEW payments AS
            SELECT *, coalesce({_is_wanted(request)}, FALSE) AS is_wanted
            FROM (SELECT *, epoch_us(event_time) AS at_us FROM {sources.transactions})
            WHERE at_us >= {start} AND at_us < {request.end_us}
              AND transaction_type IN ('purchase', 'withdrawal')"""
    )


def _is_known(until_us: int) -> str:
    return (
        f"coalesce(arg_max(label, known_at) FILTER (epoch_us(known_at) <= {until_us}) = 'fraud', "
        "FALSE)"
    )


def _is_wanted(request: Request) -> str:
    """Condition on a payment: all that may be asked for, and genuine rows as far as sampled."""
    (train, until), (test, end) = request.train_us, request.test_us
    conditions = [
        f"((at_us >= {train} AND at_us < {until}) OR (at_us >= {test} AND at_us < {end}))",
        f"({_is_sampled(request)} OR transaction_id IN (SELECT transaction_id FROM known_fraud))",
    ]
    if not request.is_declined_too:
        conditions.append("is_approved")
    if request.channels:
        conditions.append(f"channel IN ({', '.join(map(repr, request.channels))})")
    return " AND ".join(conditions)


def _is_sampled(request: Request) -> str:
    return f"transaction_id % {SHARE_UNIT} < {round(request.genuine_share * SHARE_UNIT)}"


def _write_features(
    connection: duckdb.DuckDBPyConnection, request: Request, recipe: Recipe, folder: Path
) -> None:
    """Parquet files, one for each slice of entities: transaction_id and features of what is wanted.

    Other payments have no features, but stand in the windows of those that have.
    """
    key, amount = f"{recipe.entity}_id", AMOUNTS.get(recipe.entity, "0")
    found = connection.execute(f"SELECT count({key}), count(DISTINCT {key}) FROM payments")
    ((rows, entities),) = found.fetchall()
    span = request.end_us - request.train_us[0] + 2 * HISTORY_DAYS * DAY_US
    slices = rows // ENTRIES_AT_ONCE + 2 * entities // entities_max(span) + 1
    for nth in range(slices):
        columns = connection.execute(
            f"""SELECT * FROM (
                SELECT {key} AS entity, at_us, transaction_id AS row, {amount} AS amount,
                       NOT is_approved AS declined, FALSE AS turned, is_wanted FROM payments
                UNION ALL SELECT {key}, at_us, -1, 0, FALSE, TRUE, FALSE FROM turns
            ) WHERE entity IS NOT NULL AND hash(entity) % {slices} = {nth}
            ORDER BY entity, at_us, row"""
        ).fetchnumpy()
        ids, made = features(entries_of(columns), recipe)
        chosen = np.flatnonzero(columns["is_wanted"][columns["row"] >= 0])
        table = pa.table(
            {"transaction_id": ids[chosen]}
            | {name: pa.array(values[chosen], from_pandas=True) for name, values in made.items()}
        )
        pq.write_table(table, folder / f"{recipe.entity}-{nth}.parquet")


def entries_of(columns: Mapping[str, Any]) -> Entries:
    """Entries from columns sorted by entity and time."""
    owner = columns["entity"]
    is_new = np.ones(owner.size, dtype=np.bool_)
    is_new[1:] = owner[1:] != owner[:-1]
    line = Timeline(np.cumsum(is_new) - 1, np.asarray(columns["at_us"], dtype=np.int64))
    return Entries(
        line,
        row=np.asarray(columns["row"], dtype=np.int64),
        amount=np.asarray(columns["amount"], dtype=np.int64),
        declined=np.asarray(columns["declined"], dtype=np.bool_),
        turned=np.asarray(columns["turned"], dtype=np.bool_),
    )


def _joined(
    connection: duckdb.DuckDBPyConnection, request: Request, folder: Path
) -> Iterator[pa.Table]:
    """The wanted rows with their features, some days at a time."""
    names = [name for recipe in RECIPES for name in recipe.names()]
    joins = " ".join(
        f"LEFT JOIN {parquet(folder.glob(f'{recipe.entity}-*.parquet'))} {recipe.entity} "
        "USING (transaction_id)"
        for recipe in RECIPES
    )
    weight = round(1 / request.genuine_share, 9)
    test, bounds = request.test_us[0], _bounds(connection, request)
    for first, last in pairwise(bounds):
        query = f"""
            SELECT transaction_id, event_time, IF(at_us >= {test}, 'test', 'train') AS part,
                   {", ".join(OWN_COLUMNS)}, {", ".join(names)},
                   is_known::TINYINT AS label, IF(is_known, 1.0, {weight})::DOUBLE AS weight
            FROM (
                SELECT *, coalesce(IF(at_us >= {test}, in_test, in_training), FALSE) AS is_known
                FROM payments LEFT JOIN known_fraud USING (transaction_id)
                WHERE is_wanted AND at_us >= {first} AND at_us < {last}
            ) p {joins}
            WHERE is_known OR {_is_sampled(request)}
            ORDER BY at_us, transaction_id"""
        found = connection.sql(query).to_arrow_table()
        yield found.cast(whole_for_pandas(found.schema, ("device_id",)))


def _bounds(connection: duckdb.DuckDBPyConnection, request: Request) -> list[int]:
    """Where to cut time so that a part has a bounded number of rows, days being whole."""
    counts = connection.execute(
        f"SELECT at_us // {DAY_US} AS day, count(*) FROM payments WHERE is_wanted "
        "GROUP BY day ORDER BY day"
    ).fetchall()
    bounds, waiting = [request.train_us[0]], 0
    for day, rows in counts:
        if waiting and waiting + rows > ROWS_AT_ONCE:
            bounds.append(max(day * DAY_US, request.train_us[0]))
            waiting = 0
        waiting += rows
    return [*bounds, request.end_us]
