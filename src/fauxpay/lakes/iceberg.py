"""Iceberg: tables with snapshots in a catalog, each snapshot with the run it is of.

Reads    what commits puts
Writes   Iceberg tables below a folder with a catalog of its own, or in a catalog that is there
Draws    nothing
Sources  nothing

pyiceberg makes a commit anew where another one came between, and refuses where that one touched
rows that this one replaces; so every commit says what it replaces, first ones and `runs` too.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.errors import ConfigError, MissingExtraError
from fauxpay.foundations.addresses import masked
from fauxpay.lakes.commits import TRIES, Put
from fauxpay.lakes.rows import DAY

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table, Transaction

NAMESPACE = "fauxpay"
CATALOG_FILE = "catalog.db"
FILE_ROWS_MAX = 4_000_000
LOCK_SECONDS = 30
_RUN, _WORLD, _SEED = "fauxpay.run_id", "fauxpay.world_id", "fauxpay.seed"
_UNTIL = "fauxpay.until"


class IcebergLake:
    """Iceberg tables: below a folder, or in a namespace of a catalog of pyiceberg's own config."""

    def __init__(self, to: str, catalog: str | None = None) -> None:
        library()
        from pyiceberg import exceptions as faults
        from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

        self.failures: tuple[type[Exception], ...] = (
            *(kind for kind in vars(faults).values() if isinstance(kind, type)),
            SQLAlchemyError,
        )
        self.collisions: tuple[type[Exception], ...] = (
            faults.CommitFailedException,
            faults.ValidationException,
            faults.TableAlreadyExistsError,
            IntegrityError,  # Of two that make the namespace.
            OperationalError,  # SQLite, locked by another writer for longer than LOCK_SECONDS.
        )
        self._refusals = (faults.CommitFailedException, faults.ValidationException)
        self._missing = faults.NoSuchTableError
        self._folder = None if catalog is not None else to.rstrip("/")
        self._namespace = to if catalog is not None else NAMESPACE
        self._catalog = _catalog(self._folder, catalog)

    def opened(self, name: str) -> Table | None:
        """The table as it is now."""
        try:
            return self._catalog.load_table((self._namespace, name))
        except self._missing:
            return None

    def owner(self, table: Table) -> tuple[str, int] | None:
        """What the table's own properties say."""
        told = table.properties
        return (told[_WORLD], int(told[_SEED])) if _SEED in told else None

    def is_filled(self, table: Table) -> bool:
        """Whether a snapshot names a run."""
        return bool(_noted(table))

    def is_noted(self, table: Table, run_id: str) -> bool:
        """Whether a snapshot says so."""
        return run_id in _noted(table)

    def until(self, table: Table) -> date | None:
        """What a property of the table says."""
        found = table.properties.get(_UNTIL)
        return None if found is None else date.fromisoformat(found)

    def put(self, table: Table | None, put: Put) -> None:
        """One commit of what goes and what comes; its files go again if it was refused."""
        if table is None:
            table = self._created(put)
        facts = {_RUN: put.run_id, _WORLD: put.world_id}
        files = list(_written(table, put))
        try:
            with _quietly(), table.transaction() as change:
                change.delete(_replaced(put), snapshot_properties=facts)
                if files:
                    change.add_files(files, facts, check_duplicate_files=False)
                else:
                    _note(change, put, facts)
                if put.until is not None:
                    change.set_properties({_UNTIL: put.until.isoformat()})
        except self._refusals:  # After any other fault it may have landed all the same.
            for file in files:
                with suppress(OSError):
                    table.io.delete(file)
            raise

    def runs(self, table: Table) -> pa.Table:
        """Three columns of `runs`."""
        return table.scan(selected_fields=("run_id", "world_id", "seed")).to_arrow()

    def version(self, table: Table) -> int:
        """Id of the snapshot."""
        snapshot = table.current_snapshot()
        return -1 if snapshot is None else snapshot.snapshot_id

    def _created(self, put: Put) -> Table:
        from pyiceberg.partitioning import PartitionSpec

        self._catalog.create_namespace_if_not_exists(self._namespace)
        place = None if self._folder is None else f"{_location(self._folder)}/{put.name}"
        made = self._catalog.create_table_transaction(
            (self._namespace, put.name),
            put.shape,
            place,
            PartitionSpec(),
            properties={_WORLD: put.world_id, _SEED: str(put.seed)},
        )
        if put.days is not None:
            with made.update_spec() as spec:
                spec.add_identity(DAY)
        made.commit_transaction()
        return self._catalog.load_table((self._namespace, put.name))


def library() -> None:
    """Raises MissingExtraError without pyiceberg and what its SQL catalogs need."""
    try:
        import pyiceberg.catalog.sql  # noqa: F401  # With SQLAlchemy, or there is no catalog.
    except ImportError as error:  # pyiceberg itself says what of it is missing.
        raise MissingExtraError(
            "pyiceberg is not installed, which commits Iceberg tables; `pip install "
            "'fauxpay[iceberg]'` brings it"
        ) from error


def _location(folder: str) -> str:
    """A folder as pyiceberg takes it: it would read the %3D of an address as part of a name."""
    return folder if "://" in folder else str(Path(folder).absolute())


def _catalog(folder: str | None, name: str | None) -> Catalog:
    """The folder's own, in SQLite, or one by its name in pyiceberg's config."""
    from pyiceberg.catalog import load_catalog
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import OperationalError

    if folder is None:
        try:
            return load_catalog(name)
        except ValueError as error:
            raise ConfigError(
                f"--catalog {name}: {error}; expected a catalog of .pyiceberg.yaml or "
                f"PYICEBERG_CATALOG__{str(name).upper()}__URI"
            ) from error
    if "://" in folder:
        raise ConfigError(
            f"{masked(folder)}: expected a local folder for Iceberg tables, where their catalog "
            f"stands too. Name a catalog of pyiceberg's config with --catalog."
        )
    path = Path(folder).absolute()
    path.mkdir(parents=True, exist_ok=True)
    # No text: a path's own ? and % would end it or be decoded, and SQLAlchemy 2.0 escapes neither.
    uri: Any = URL.create(
        "sqlite", database=str(path / CATALOG_FILE), query={"timeout": str(LOCK_SECONDS)}
    )
    for nth in range(TRIES):
        try:
            return SqlCatalog(NAMESPACE, uri=uri, warehouse=_location(folder))
        except OperationalError as error:  # Another writer makes it just now?
            if nth + 1 == TRIES or "already exists" not in str(error):
                raise
            time.sleep(0.05 * 2**nth)
    raise AssertionError


def _noted(table: Table) -> set[str]:
    """The runs that snapshots name."""
    told = (snapshot.summary for snapshot in table.metadata.snapshots)
    found = (one.get(_RUN) for one in told if one is not None)
    return {run_id for run_id in found if run_id is not None}


def _replaced(put: Put) -> str | BooleanExpression:
    """The rows whose place a commit takes."""
    from pyiceberg.expressions import AlwaysTrue

    if put.is_added:
        return f"run_id = '{put.run_id}'"
    if put.days is None:
        return AlwaysTrue()
    begin, end = put.days
    return f"{DAY} >= '{begin}' and {DAY} < '{end}'"


def _note(change: Transaction, put: Put, facts: dict[str, str]) -> None:
    """A snapshot of no rows, so that the table says that the run is in it."""
    change.append(put.shape.empty_table(), snapshot_properties=facts)


def _written(table: Table, put: Put) -> Iterator[str]:
    """Parquet files with the table's field ids, one for each day; their addresses."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    shape = schema_to_pyarrow(table.schema())
    for batches in _files(put.rows):
        address = f"{table.location()}/data/{uuid4()}.parquet"
        with (
            table.io.new_output(address).create() as sink,
            pq.ParquetWriter(sink, shape, compression="zstd") as writer,
        ):
            for batch in batches:
                writer.write_table(pa.Table.from_batches([batch]).cast(shape))
        yield address


def _files(batches: Iterable[pa.RecordBatch]) -> Iterator[Iterator[pa.RecordBatch]]:
    """Batches by file: of a day, and of about so many rows at most."""
    count = 0

    def file_of(batch: pa.RecordBatch) -> tuple[Any, int]:
        nonlocal count
        count += batch.num_rows
        return batch[DAY][0] if DAY in batch.schema.names else None, count // FILE_ROWS_MAX

    return (some for _, some in groupby((one for one in batches if one.num_rows), file_of))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the warning that what goes is nothing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Delete operation did not match")
        yield
