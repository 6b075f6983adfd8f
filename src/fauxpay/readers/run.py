"""Runs for reading: what passed, by the files that its receipt names, and nothing else.

Reads    runs under a root, and the worlds that they point to
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fauxpay.errors import (
    ContractError,
    FauxpayError,
    GateError,
    MissingExtraError,
    StorageError,
)
from fauxpay.receipts import layout
from fauxpay.receipts.listing import Listed, Reading, listed_runs, resolve_run
from fauxpay.receipts.store import SealedRun, read_receipt, read_run
from fauxpay.storage.places import Place, existing, has_size, have_sizes, local_copies, place_of

if TYPE_CHECKING:
    import polars
    import pyarrow
    import pyarrow.dataset

    from fauxpay.labels.knowledge import Instant
    from fauxpay.readers.graph import Graph

TABLES = {**layout.CATALOG_TABLES, **layout.PLAN_TABLES, **layout.DAY_TABLES}


def open(root: str | PathLike[str], allow_unverified: bool = False) -> Store:
    """The runs below a root, a folder or an address such as s3://bucket/prefix.

    allow_unverified  show what did not pass, too; its `Run.is_verified` is False
    Raises StorageError where there is no such folder, or the store does not let one in.
    """
    return Store(existing(place_of(root)), allow_unverified)


def run_of(root: Place | str | PathLike[str], text: str) -> Run:
    """The run that a user means; one that is named by a path need not lie below the root.

    text  see `fauxpay.receipts.listing.resolve_run`, which says what it raises; GateError for a run
          that did not pass
    """
    return Store(place_of(root)).run(text)


def as_run(sealed: SealedRun) -> Run:
    """A run that was read already."""
    return Run(sealed.root, sealed.folder, sealed.receipt)


def open_run(root: Place, folder: Place) -> Run:
    """The run of a folder. Raises GateError unless it passed, ContractError if it was changed."""
    return as_run(read_run(root, folder))


def open_unverified(root: Place, folder: Place) -> Run:
    """The run of a folder, whether it passed or not. Raises ContractError without a receipt.

    What stands in the quarantine is read from there, the rest of it from where it is published.
    """
    return Run(root, folder, read_receipt(folder), is_verified=False)


@dataclass(frozen=True, slots=True)
class Store:
    """All runs below a root; only those that passed, unless one said otherwise out loud."""

    root: Place
    allow_unverified: bool = False

    def runs(self, read: Reading | None = None) -> list[Run]:
        """Runs, the newest last: those that passed, or all with a receipt where that is allowed.

        read  see `listed_runs`
        """
        listed = listed_runs(self.root, is_quarantine_too=self.allow_unverified, read=read)
        found = []
        for run in reversed(listed):
            with suppress(FauxpayError):
                found.append(self.opened(run))
        return found

    def latest(self) -> Run:
        """The run with the greatest `created_utc`, then run id. Raises GateError without any."""
        runs = self.runs()
        if not runs:
            raise GateError(
                f"{self.root}: no run that passed; expected at least one. `fauxpay generate` "
                f"makes one; what did not pass stands in {layout.QUARANTINE}/."
            )
        return runs[-1]

    def run(self, run_id: str | PathLike[str]) -> Run:
        """A run by the beginning of its id, by the path of its folder or root, or "latest".

        Raises StorageError for an unknown one, GateError if it did not pass.
        """
        return self.opened(resolve_run(self.root, str(run_id)))

    def opened(self, run: Listed) -> Run:
        """A listed run, ready to read. Raises GateError for what may not be read."""
        if not run.fault:
            return Run(run.root, run.folder, run.receipt)
        if self.allow_unverified:
            return open_unverified(run.root, run.folder)
        if run.is_quarantined:
            raise GateError(
                f"run {run.run_id} did not pass and stands in quarantine; expected a run that "
                f"did. Look at {run.folder / layout.GATE}, or open the root with "
                f"allow_unverified=True to read it all the same."
            )
        return open_run(run.root, run.folder)  # Says what is wrong with it.


@dataclass(frozen=True, slots=True)
class Run:
    """A run that passed, or one that was opened without that.

    root         what the paths of the receipt are relative to
    folder       of receipt.json and gate.json
    receipt      contract run.yaml#/$defs/receipt
    is_verified  whether receipt, gate and mark all say PASS
    """

    root: Place
    folder: Place
    receipt: Mapping[str, Any] = field(hash=False)
    is_verified: bool = True

    def __repr__(self) -> str:
        """What a notebook shows: who the run is, without the files that its receipt names."""
        window = self.receipt["window"]
        return (
            f"<Run {self.run_id}: {window['from']} to {window['to']} (not included), seed "
            f"{self.receipt['seed']}, {self.rows.get('transactions', 0):,} transactions, "
            f"{self.receipt['verdict']}, in {str(self.root)!r}>"
        )

    @property
    def run_id(self) -> str:
        """20 hexadecimal digits."""
        return str(self.receipt["run_id"])

    @property
    def world_id(self) -> str:
        """64 hexadecimal digits."""
        return str(self.receipt["world_id"])

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        return dict(self.receipt["rows"])

    @property
    def fraud_rate(self) -> float:
        """Fraudulent share of the transactions, 0..1."""
        return self.rows.get("truth", 0) / max(1, self.rows.get("transactions", 0))

    def entries(self, name: str) -> list[Mapping[str, Any]]:
        """What the receipt says of each file of a table. Raises ContractError: unknown table."""
        if name not in TABLES:
            raise ContractError(f"no table {name!r}; expected one of {', '.join(TABLES)}")
        if name not in layout.DAY_TABLES:
            return [entry for entry in self.receipt["catalog"] if entry["name"] == name]
        return [
            entry
            for partition in self.receipt["partitions"]
            for entry in partition["tables"]
            if entry["name"] == name
        ]

    def files(self, name: str) -> list[Path]:
        """The files of a table in order of days and shards, all there; copies of those in a store.

        Raises StorageError where one is missing or has another size than the receipt says.
        """
        return local_copies(self._standing(name))

    def _standing(self, name: str) -> list[Place]:
        """Where the files of a table stand."""
        entries = self.entries(name)
        if self.is_verified and have_sizes(self.root, ((e["path"], e["bytes"]) for e in entries)):
            return [self.root / entry["path"] for entry in entries]
        paths = []
        for entry in entries:
            path = self.path(entry["path"])
            if not has_size(path, entry["bytes"]):
                raise StorageError(
                    f"{path}: missing, or not of {entry['bytes']} bytes as the receipt of run "
                    f"{self.run_id} says. Remove what is left of it and make the same run again."
                )
            paths.append(path)
        return paths

    def table(self, name: str) -> pyarrow.dataset.Dataset:
        """A table as an Arrow dataset of exactly the receipt's files, in contract shape.

        Campaigns of several shards are put together, for each shard's file has its own part of
        them. `to_table().to_pandas()` keeps ids that may be null whole (Int64), as floats cannot.
        """
        from pyarrow import dataset

        from fauxpay.contracts.for_pandas import whole_for_pandas
        from fauxpay.contracts.tables import table

        if (whole := self._put_together(name)) is not None:
            return dataset.dataset(whole)
        from fauxpay.storage.arrow_files import dataset_files

        system, names = dataset_files(self._standing(name))
        return dataset.FileSystemDataset.from_paths(
            names,
            schema=whole_for_pandas(table(TABLES[name]).arrow_schema()),
            format=dataset.ParquetFileFormat(),
            filesystem=system,
        )

    def scan(self, name: str) -> polars.LazyFrame:
        """A table as a Polars LazyFrame. Raises MissingExtraError without Polars."""
        try:
            import polars
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "Polars is not installed; `pip install 'fauxpay[polars]'` brings it, and "
                "run.table(name) works without"
            ) from error
        if (whole := self._put_together(name)) is not None:
            return polars.DataFrame(whole).lazy()
        return polars.scan_parquet([str(path) for path in self.files(name)], glob=False)

    def _put_together(self, name: str) -> pyarrow.Table | None:
        """A table of which a row may stand in several files, a part of it in each; or None."""
        if name != "campaigns" or len(self.entries(name)) < 2:
            return None
        from fauxpay.readers.views import whole_campaigns

        return whole_campaigns(self)

    def graph(self, memory_limit: str | None = None) -> Graph:
        """Cards, devices, addresses and merchants as nodes, and what met in transactions as edges.

        memory_limit  of the work, such as "2GB"; what does not fit goes to disk
        """
        from fauxpay.readers.graph import graph_of

        return graph_of(self, memory_limit)

    def training_set(
        self,
        as_of: Instant,
        *,
        memory_limit: str | None = "2GB",
        threads: int | None = None,
        **options: Any,
    ) -> pyarrow.Table:
        """A frame that a team could have learnt from on a day, without a glance at the future.

        as_of    the day, or instant: labels are those that were known then
        options  gap_days=7, train_days=28, test_days=0, channels=(), genuine_share=1.0 and
                 is_declined_too=False, as `readers.request.Request` says
        returns  ids, the request's own columns, features of the past of card, merchant, terminal
                 and device, label, weight; by event_time

        `write_training_set` does not hold it in memory. Raises ConfigError for what the run does
        not hold or cannot be meant, ContractError where a file of the run is damaged.
        """
        from fauxpay.readers.training import training_set

        return training_set(self, as_of, options, memory_limit, threads)

    def write_training_set(
        self,
        path: str | PathLike[str],
        as_of: Instant,
        *,
        memory_limit: str | None = "2GB",
        threads: int | None = None,
        **options: Any,
    ) -> int:
        """Writes `training_set` to a new Parquet file in bounded memory; returns its rows.

        Raises ConflictError where a file of that name is there, StorageError where it cannot be
        written, and what `training_set` does; then there is no file.
        """
        from fauxpay.readers.training import write_training_set

        return write_training_set(self, path, as_of, options, memory_limit, threads)

    def path(self, name: str) -> Place:
        """Where a file of the receipt stands: what failed was moved to the quarantine."""
        kept = self.folder / name
        return kept if not self.is_verified and kept.is_file() else self.root / name
