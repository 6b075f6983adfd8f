"""Graph: a run's cards, devices, network addresses and merchants, and which of them met.

Reads    transactions of a run
Writes   graph_nodes, graph_edges (contract activity.yaml), on demand
Draws    nothing
Sources  nothing

Only what the bank sees at the time: truth is no part of it. Rings are found where cards of
different people meet in few devices and addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

from fauxpay.contracts.tables import table
from fauxpay.readers.new_files import new_folder
from fauxpay.readers.views import connect_run, readable

if TYPE_CHECKING:
    import pyarrow as pa

    from fauxpay.readers.run import Run

NODES, EDGES = "graph_nodes", "graph_edges"
SEEN = ("transactions",)  # What the bank sees at the time.
_COLUMN_OF = {
    "card": "card_id",
    "device": "device_id",
    "address": "ip_address",
    "merchant": "merchant_id",
}
_PAIRS = (("card", "device"), ("card", "address"), ("card", "merchant"), ("device", "address"))


@dataclass(frozen=True, slots=True)
class Graph:
    """nodes and edges in contract shape, as Arrow tables."""

    nodes: pa.Table
    edges: pa.Table


def graph_of(run: Run, memory_limit: str | None = None) -> Graph:
    """The graph of a run, in memory."""
    with readable(run), connect_run(run, memory_limit=memory_limit, names=SEEN) as connection:
        queries = graph_queries()
        found = {name: connection.sql(query).to_arrow_table() for name, query in queries.items()}
    shaped = {
        name: made.cast(table(f"activity.yaml#/$defs/{name}").arrow_schema())
        for name, made in found.items()
    }
    return Graph(shaped[NODES], shaped[EDGES])


def export_graph(
    run: Run, folder: str | PathLike[str], memory_limit: str | None = None
) -> dict[str, int]:
    """Writes graph_nodes.parquet and graph_edges.parquet into a new folder; returns their rows.

    Raises StorageError where the folder is there already or cannot be made, ContractError where
    a file of the run is damaged; then there is no folder.
    """
    from pyarrow import parquet

    counts: dict[str, int] = {}
    with (
        new_folder(folder) as staged,
        readable(run),
        connect_run(run, memory_limit=memory_limit, names=SEEN) as connection,
    ):
        for name, query in graph_queries().items():
            schema = table(f"activity.yaml#/$defs/{name}").arrow_schema()
            counts[name] = 0
            with parquet.ParquetWriter(staged / f"{name}.parquet", schema) as writer:
                for batch in connection.sql(query).to_arrow_reader(100_000):
                    counts[name] += batch.num_rows
                    writer.write_batch(batch.cast(schema))
    return counts


def graph_queries(source: str = "transactions") -> dict[str, str]:
    """SQL of both tables, in a stable order: what is exported twice is the same file.

    source  table or view with the columns of transactions that meet
    """
    nodes = " UNION ALL ".join(
        f"SELECT '{kind}/' || {column} AS node, '{kind}' AS kind, {column}::BIGINT AS key, "
        f"count(*) AS transactions FROM {source} WHERE {column} IS NOT NULL GROUP BY {column}"
        for kind, column in _COLUMN_OF.items()
    )
    edges = " UNION ALL ".join(_edges(first, second, source) for first, second in _PAIRS)
    return {
        NODES: f"SELECT * FROM ({nodes}) ORDER BY kind, key",
        EDGES: f"SELECT * FROM ({edges}) ORDER BY kind, source, target",
    }


def _edges(first: str, second: str, table_name: str) -> str:
    source, target = _COLUMN_OF[first], _COLUMN_OF[second]
    return (
        f"SELECT '{first}/' || {source} AS source, '{second}/' || {target} AS target, "
        f"'{first}_{second}' AS kind, count(*) AS transactions, "
        f"count(*) FILTER (NOT is_approved) AS declined, "
        f"min(event_time) AS first_at, max(event_time) AS last_at FROM {table_name} "
        f"WHERE {source} IS NOT NULL AND {target} IS NOT NULL GROUP BY {source}, {target}"
    )
