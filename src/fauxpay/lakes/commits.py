"""Commits: a run put into the tables of a lake once, whatever the format.

Reads    a sealed run
Writes   one table for each table of the run, and `runs`
Draws    nothing
Sources  nothing

A day's rows take the place of the same day's, so a commit that broke off is made again without
doubles. `runs` is committed last: what it names is there. A place holds one world and seed, which
every table says of itself from its first moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pyarrow as pa

from fauxpay.errors import ConflictError, GateError, StorageError
from fauxpay.foundations.addresses import masked
from fauxpay.lakes.rows import RUNS, RUNS_SHAPE, row_of, rows_of, shape_of
from fauxpay.readers.run import TABLES, Run
from fauxpay.receipts.layout import CATALOG_TABLES, DAY_TABLES, PLAN_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

Format = Literal["delta", "iceberg"]
TRIES = 10
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Put:
    """Rows for a table, which arrive as a whole or not at all.

    name      of the table
    rows      in batches of `shape`
    run_id    noted with the commit, as is
    world_id  of the run, and with `seed` of the table for good
    days      first and following day whose rows go; None for rows that take no day's place
    is_added  beside what is there; else what is there goes, or the days' part of it
    until     day before which a plan table holds everything; None for others
    """

    name: str
    shape: pa.Schema
    rows: Iterable[pa.RecordBatch]
    run_id: str
    world_id: str
    seed: int
    days: tuple[date, date] | None = None
    is_added: bool = False
    until: date | None = None


class Lake(Protocol):
    """A place for tables of one format. A table is what `opened` read, as it was then.

    failures    what the library raises where a place cannot be used
    collisions  what it raises where another writer was faster
    """

    failures: tuple[type[Exception], ...]
    collisions: tuple[type[Exception], ...]

    def opened(self, name: str) -> Any:
        """The table as it is now; None where there is none."""
        ...

    def owner(self, table: Any) -> tuple[str, int] | None:
        """World and seed that the table was made for; None for one of before that was noted."""
        ...

    def is_filled(self, table: Any) -> bool:
        """Whether a commit of any run is in the table, which is made empty."""
        ...

    def is_noted(self, table: Any, run_id: str) -> bool:
        """Whether a commit of the run is in the table."""
        ...

    def until(self, table: Any) -> date | None:
        """`Put.until` of the last commit that had one."""
        ...

    def put(self, table: Any, put: Put) -> None:
        """Commits onto the table as it was opened; raises a collision if it is another now."""
        ...

    def runs(self, table: Any) -> pa.Table:
        """run_id, world_id and seed of the rows of `runs`."""
        ...

    def version(self, table: Any) -> int:
        """What time travel asks for to see the table as it was opened."""
        ...


@dataclass(frozen=True, slots=True)
class Committed:
    """What came of a commit: the version of each table, and whether the run was new to it."""

    versions: dict[str, int]
    is_new: bool


def require(kind: Format, to: str) -> None:
    """Raises MissingExtraError without the library of the format, ConfigError for a bad place."""
    if kind == "delta":
        from fauxpay.lakes.delta import library, require_path

        require_path(to)
    else:
        from fauxpay.lakes.iceberg import library
    library()


def lake_of(kind: Format, to: str, catalog: str | None = None) -> Lake:
    """The lake at a folder or URI.

    catalog  of the reader's own (Iceberg), where `to` is a namespace of
    Raises MissingExtraError without the library of the format, ConfigError for a place it has not.
    """
    if kind == "delta":
        from fauxpay.lakes.delta import DeltaLake

        return DeltaLake(to)
    from fauxpay.lakes.iceberg import IcebergLake

    return IcebergLake(to, catalog)


def commit(
    run: Run,
    to: str,
    kind: Format,
    report: Report = lambda name: None,
    catalog: str | None = None,
) -> Committed:
    """Commits a run that passed to the tables at `to`.

    report  is told each table that is committed
    Raises GateError for a run that did not pass, ConfigError for a place that the format has not,
    ConflictError where the tables hold another world or seed or where other writers win again and
    again, StorageError where they cannot be written or a file of the run is missing.
    """
    if not run.is_verified:
        raise GateError(f"run {run.run_id} did not pass; expected one that did: nothing committed")
    place, failures = masked(to), tuple[type[Exception], ...]((OSError,))
    try:
        lake = lake_of(kind, to, catalog)
        failures += lake.failures
        return _committed(run, lake, place, report)
    except failures as error:
        first = str(error).partition("\n")[0]
        raise StorageError(
            f"{place}: {first}; expected a place for {kind} tables. The same command goes on."
        ) from error


def _committed(run: Run, lake: Lake, place: str, report: Report) -> Committed:
    if _is_there(lake, run, place):
        return Committed(_versions(lake), is_new=False)
    for name in TABLES:
        run.table(name)  # Its files are all there, or nothing is committed.
    for name in (*TABLES, RUNS):
        _tried(lake, run, name, place)
        report(name)
    return Committed(_versions(lake), is_new=True)


def _is_there(lake: Lake, run: Run, place: str) -> bool:
    """Whether `runs` names the run. Raises ConflictError where it names another world or seed."""
    found = lake.opened(RUNS)
    if found is None:
        return False
    rows = lake.runs(found).to_pylist()
    for row in rows:
        _require_owner(run, (row["world_id"], row["seed"]), place)
    return run.run_id in {row["run_id"] for row in rows}


def _require_owner(run: Run, owner: tuple[str, int], place: str) -> None:
    """Raises ConflictError where a place is another world's or seed's."""
    wanted = (run.world_id, _seed(run))
    if owner != wanted:
        raise ConflictError(
            f"{place}: holds world {owner[0][:12]} with seed {owner[1]}; "
            f"expected {wanted[0][:12]} with seed {wanted[1]}. Name another folder."
        )


def _tried(lake: Lake, run: Run, name: str, place: str) -> None:
    """Commits a table unless it is done; again where another writer was faster."""
    for nth in range(TRIES):
        try:
            found = lake.opened(name)
            if found is not None:
                # Of two worlds at once, who made the first table has the place.
                if (owner := lake.owner(found)) is not None:
                    _require_owner(run, owner, place)
                if _is_done(lake, found, run, name):
                    return
            lake.put(found, _put_of(run, name))
            return
        except lake.collisions as error:
            if nth + 1 == TRIES:
                raise ConflictError(
                    f"{place}/{name}: other writers were faster {TRIES} times; expected to get a "
                    f"turn. The same command goes on."
                ) from error
            time.sleep(min(0.1 * 2**nth, 5.0))


def _is_done(lake: Lake, found: Any, run: Run, name: str) -> bool:
    if name in CATALOG_TABLES:
        return lake.is_filled(found)  # A world has one catalog.
    if name in PLAN_TABLES:
        # A plan holds all of those that end before it, and of one end there is one.
        until = lake.until(found)
        return until is not None and until >= _window(run)[1]
    return lake.is_noted(found, run.run_id)


def _put_of(run: Run, name: str) -> Put:
    own = (run.run_id, run.world_id, _seed(run))
    if name == RUNS:
        row = pa.Table.from_pylist([row_of(run)], schema=RUNS_SHAPE)
        return Put(name, RUNS_SHAPE, row.to_batches(), *own, is_added=True)
    shape = shape_of(name)
    return Put(
        name,
        shape,
        rows_of(run, name, shape),
        *own,
        days=_window(run) if name in DAY_TABLES else None,
        until=_window(run)[1] if name in PLAN_TABLES else None,
    )


def _seed(run: Run) -> int:
    return int(run.receipt["seed"])


def _window(run: Run) -> tuple[date, date]:
    window = run.receipt["window"]
    return date.fromisoformat(window["from"]), date.fromisoformat(window["to"])


def _versions(lake: Lake) -> dict[str, int]:
    tables = {name: lake.opened(name) for name in (*TABLES, RUNS)}
    return {name: lake.version(found) for name, found in tables.items() if found is not None}
