"""Rows: a run's tables as lakes know them: days as a column, numbers with a sign.

Reads    a sealed run
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.contracts.tables import table
from fauxpay.readers.run import TABLES, Run
from fauxpay.readers.views import CAMPAIGNS, whole_campaigns
from fauxpay.receipts.layout import DAY_TABLES

RUNS = "runs"
DAY = "event_day"
BATCH_ROWS = 65_536
RUNS_SHAPE = pa.schema(
    [
        ("run_id", pa.string()),
        ("world_id", pa.string()),
        ("seed", pa.int64()),
        ("window_from", pa.date32()),
        ("window_to", pa.date32()),
        ("created_utc", pa.string()),
    ]
)


def row_of(run: Run) -> dict[str, Any]:
    """The run's row of `runs`."""
    window = run.receipt["window"]
    return {
        "run_id": run.run_id,
        "world_id": run.world_id,
        "seed": int(run.receipt["seed"]),
        "window_from": date.fromisoformat(window["from"]),
        "window_to": date.fromisoformat(window["to"]),
        "created_utc": run.receipt["created_utc"],
    }


def shape_of(name: str) -> pa.Schema:
    """The contract's columns as lakes know them, days with the day they are of."""
    # Delta and Iceberg have no numbers without a sign, and would wrap the upper half around.
    fields = [
        field.with_type(pa.int64()) if pa.types.is_unsigned_integer(field.type) else field
        for field in table(TABLES[name]).plain_schema()
    ]
    return pa.schema([*fields, pa.field(DAY, pa.date32())] if name in DAY_TABLES else fields)


def rows_of(run: Run, name: str, shape: pa.Schema) -> Iterator[pa.RecordBatch]:
    """A table's rows in `shape`, in order of days; campaigns whole."""
    if name == CAMPAIGNS:
        yield from whole_campaigns(run).to_batches()
        return
    for path in run.files(name):
        of_day = path.parent.name.partition(f"{DAY}=")[2]
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                columns = [
                    batch.column(field.name).cast(field.type)
                    for field in shape
                    if field.name != DAY
                ]
                if name in DAY_TABLES:
                    day = pa.scalar(date.fromisoformat(of_day), pa.date32())
                    columns.append(pa.repeat(day, batch.num_rows))
                yield pa.RecordBatch.from_arrays(columns, schema=shape)
