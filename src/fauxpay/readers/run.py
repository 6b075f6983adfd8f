"""Runs for reading: what passed, by the files that its receipt names, and nothing else.

Reads    runs under a root, and the worlds that they point to
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from fauxpay.receipts.store import find_run, has_size, read_run, run_folders

if TYPE_CHECKING:
    import polars
    import pyarrow.dataset

TABLES = {**layout.CATALOG_TABLES, **layout.PLAN_TABLES, **layout.DAY_TABLES}


def open(root: str | PathLike[str]) -> Store:
    """The runs below a root. Raises StorageError where there is no such folder."""
    folder = Path(root).absolute()
    if not folder.is_dir():
        raise StorageError(
            f"{folder}: no such folder; expected what `fauxpay generate --out` was given"
        )
    return Store(folder)


def open_run(root: Path, folder: Path) -> Run:
    """The run of a folder. Raises GateError unless it passed, ContractError if it was changed."""
    sealed = read_run(root, folder)
    return Run(sealed.root, sealed.folder, sealed.receipt)


@dataclass(frozen=True, slots=True)
class Store:
    """All runs below a root."""

    root: Path

    def runs(self) -> list[Run]:
        """Runs that passed, by `created_utc` and run id; others are left out."""
        found = []
        for folder in run_folders(self.root):
            try:
                found.append(open_run(self.root, folder))
            except FauxpayError:
                continue
        return sorted(found, key=lambda run: (run.receipt["created_utc"], run.run_id))

    def latest(self) -> Run:
        """The run with the greatest `created_utc`, then run id. Raises GateError without any."""
        runs = self.runs()
        if not runs:
            raise GateError(
                f"{self.root}: no run that passed; expected at least one. `fauxpay generate` "
                f"makes one; what did not pass stands in {layout.QUARANTINE}/."
            )
        return runs[-1]

    def run(self, run_id: str) -> Run:
        """A run by its id. Raises StorageError for an unknown one, GateError if it did not pass."""
        folder = find_run(self.root, run_id)
        if folder is not None:
            return open_run(self.root, folder)
        if any(path.name == run_id for path in self.root.glob(f"{layout.QUARANTINE}/*")):
            raise GateError(
                f"run {run_id} did not pass and stands in quarantine; expected a run that did. "
                f"Look at {self.root / layout.quarantine_name(run_id) / layout.GATE}."
            )
        known = [run.run_id for run in self.runs()]
        raise StorageError(
            f"{self.root}: no run {run_id!r}; known are {', '.join(known[-5:]) or 'none'}"
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A run that passed.

    root     what the paths of the receipt are relative to
    folder   of receipt.json and gate.json
    receipt  contract run.yaml#/$defs/receipt
    """

    root: Path
    folder: Path
    receipt: Mapping[str, Any]

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
        """The files of a table in order of days and shards, all there.

        Raises StorageError where one is missing or has another size than the receipt says.
        """
        entries = self.entries(name)
        for entry in entries:
            path = self.root / entry["path"]
            if not has_size(path, entry["bytes"]):
                raise StorageError(
                    f"{path}: missing, or not of {entry['bytes']} bytes as the receipt of run "
                    f"{self.run_id} says. Remove what is left of it and make the same run again."
                )
        return [self.root / entry["path"] for entry in entries]

    def table(self, name: str) -> pyarrow.dataset.Dataset:
        """A table as an Arrow dataset of exactly the receipt's files, in contract shape."""
        from pyarrow import dataset, fs

        from fauxpay.contracts.tables import table

        return dataset.FileSystemDataset.from_paths(
            [str(path) for path in self.files(name)],
            schema=table(TABLES[name]).arrow_schema(),
            format=dataset.ParquetFileFormat(),
            filesystem=fs.LocalFileSystem(),
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
        return polars.scan_parquet([str(path) for path in self.files(name)])
