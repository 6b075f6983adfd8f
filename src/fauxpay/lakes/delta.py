"""Delta Lake: a run's tables as commits that can be repeated and travelled back through.

Reads    a sealed run
Writes   Delta tables below a folder or URI, one for each table of the run, and `runs`
Draws    nothing
Sources  nothing

A day's rows take the place of the same day's, so a commit that broke off is made again without
doubles. `runs` is committed last: what it names is there. A folder holds one world and seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.contracts.tables import table
from fauxpay.errors import ConflictError, GateError, MissingExtraError, StorageError
from fauxpay.foundations.addresses import masked
from fauxpay.readers.run import TABLES, Run
from fauxpay.readers.views import CAMPAIGNS, whole_campaigns
from fauxpay.receipts.layout import CATALOG_TABLES, DAY_TABLES, PLAN_TABLES

if TYPE_CHECKING:
    from deltalake import DeltaTable

RUNS = "runs"
DAY = "event_day"
BATCH_ROWS = 65_536
TRIES = 8
_RUNS_SHAPE = pa.schema(
    [
        ("run_id", pa.string()),
        ("world_id", pa.string()),
        ("seed", pa.int64()),
        ("window_from", pa.date32()),
        ("window_to", pa.date32()),
        ("created_utc", pa.string()),
    ]
)
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Committed:
    """What came of a commit: the version of each table, and whether the run was new to it."""

    versions: dict[str, int]
    is_new: bool


def commit(run: Run, to: str, report: Report = lambda name: None) -> Committed:
    """Commits a run that passed to the Delta tables below `to`, a folder or URI.

    report  is told each table that is committed
    Raises GateError for a run that did not pass, ConflictError where the tables hold another world
    or seed or where other writers win again and again, StorageError where they cannot be written.
    """
    lake = _library()
    if not run.is_verified:
        raise GateError(f"run {run.run_id} did not pass; expected one that did: nothing committed")
    root = to.rstrip("/")
    try:
        if _is_there(lake, run, f"{root}/{RUNS}"):
            return Committed(_versions(lake, root), is_new=False)
        for name in TABLES:
            _tried(lake, run, f"{root}/{name}", partial(_put, lake, run, root, name))
            report(name)
        _tried(lake, run, f"{root}/{RUNS}", lambda: _put_run(lake, run, root))
        report(RUNS)
        return Committed(_versions(lake, root), is_new=True)
    except (OSError, lake.exceptions.DeltaError) as error:
        first = str(error).partition("\n")[0]
        raise StorageError(
            f"{masked(to)}: {first}; expected a place for Delta tables. The same command goes on."
        ) from error


def _library() -> Any:
    try:
        import deltalake
        import deltalake.exceptions
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "deltalake is not installed, which commits Delta tables; `pip install "
            "'fauxpay[delta]'` brings it"
        ) from error
    return deltalake


def _opened(lake: Any, uri: str) -> DeltaTable | None:
    try:
        found: DeltaTable = lake.DeltaTable(uri)
    except lake.exceptions.TableNotFoundError:
        return None
    return found


def _is_there(lake: Any, run: Run, uri: str) -> bool:
    """Whether `runs` names the run. Raises ConflictError where it names another world or seed."""
    runs = _opened(lake, uri)
    if runs is None:
        return False
    rows = runs.to_pyarrow_table(columns=["run_id", "world_id", "seed"]).to_pylist()
    wanted = (run.world_id, int(run.receipt["seed"]))
    for row in rows:
        if (row["world_id"], row["seed"]) != wanted:
            raise ConflictError(
                f"{masked(uri)}: holds world {row['world_id'][:12]} with seed {row['seed']}; "
                f"expected {wanted[0][:12]} with seed {wanted[1]}. Name another folder."
            )
    return run.run_id in {row["run_id"] for row in rows}


def _tried(lake: Any, run: Run, uri: str, put: Callable[[], None]) -> None:
    """Commits unless it is done; again where another writer was faster."""
    for nth in range(TRIES):
        found = _opened(lake, uri)
        if found is not None and found.transaction_version(run.run_id) is not None:
            return
        try:
            put()
        except lake.exceptions.CommitFailedError as error:
            if nth + 1 == TRIES:
                raise ConflictError(
                    f"{masked(uri)}: other writers were faster {TRIES} times; expected to get a "
                    f"turn. The same command goes on."
                ) from error
            time.sleep(0.1 * 2**nth)
            continue
        return


def _put(lake: Any, run: Run, root: str, name: str) -> None:
    shape, uri, more = _shape(name), f"{root}/{name}", dict[str, Any]()
    found = _opened(lake, uri)
    if found is not None and name in CATALOG_TABLES:
        return  # A world has one catalog.
    if found is not None and name in PLAN_TABLES and _has_later(lake, run, root):
        return  # A later window's plan holds all of this one's.
    if name in DAY_TABLES:
        more["partition_by"] = [DAY]
        if found is not None:
            window = run.receipt["window"]
            more["predicate"] = f"{DAY} >= '{window['from']}' AND {DAY} < '{window['to']}'"
    whole = name == CAMPAIGNS
    rows = whole_campaigns(run).to_batches() if whole else _rows(run, name, shape)
    _write(lake, run, uri, pa.RecordBatchReader.from_batches(shape, rows), more)


def _has_later(lake: Any, run: Run, root: str) -> bool:
    runs = _opened(lake, f"{root}/{RUNS}")
    if runs is None:
        return False
    ends = runs.to_pyarrow_table(columns=["window_to"])["window_to"].to_pylist()
    return bool(max(ends) > date.fromisoformat(run.receipt["window"]["to"]))


def _put_run(lake: Any, run: Run, root: str) -> None:
    window = run.receipt["window"]
    row = {
        "run_id": run.run_id,
        "world_id": run.world_id,
        "seed": int(run.receipt["seed"]),
        "window_from": date.fromisoformat(window["from"]),
        "window_to": date.fromisoformat(window["to"]),
        "created_utc": run.receipt["created_utc"],
    }
    _write(
        lake,
        run,
        f"{root}/{RUNS}",
        pa.Table.from_pylist([row], schema=_RUNS_SHAPE).to_reader(),
        {"mode": "append"},
    )


def _write(
    lake: Any, run: Run, uri: str, rows: pa.RecordBatchReader, more: Mapping[str, Any]
) -> None:
    if "://" not in uri:
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
    facts = {"fauxpay.run_id": run.run_id, "fauxpay.world_id": run.world_id}
    properties = lake.CommitProperties(
        custom_metadata=facts, app_transactions=[lake.Transaction(run.run_id, 1)]
    )
    lake.write_deltalake(uri, rows, **{"mode": "overwrite", **more}, commit_properties=properties)


def _versions(lake: Any, root: str) -> dict[str, int]:
    tables = {name: _opened(lake, f"{root}/{name}") for name in (*TABLES, RUNS)}
    return {name: found.version() for name, found in tables.items() if found is not None}


def _shape(name: str) -> pa.Schema:
    """The contract's columns as Delta knows them, days with the day they are of."""
    # Delta has no numbers without a sign, and would wrap the upper half around.
    fields = [
        field.with_type(pa.int64()) if pa.types.is_unsigned_integer(field.type) else field
        for field in table(TABLES[name]).plain_schema()
    ]
    return pa.schema([*fields, pa.field(DAY, pa.date32())] if name in DAY_TABLES else fields)


def _rows(run: Run, name: str, shape: pa.Schema) -> Iterator[pa.RecordBatch]:
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
