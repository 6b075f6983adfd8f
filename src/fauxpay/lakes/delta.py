"""Delta Lake: tables as folders with a log, each commit with the run it is of.

Reads    what commits puts
Writes   Delta tables below a folder or URI
Draws    nothing
Sources  nothing

A commit takes an application's turn in the log, so of two writers at a time one always collides:
an overwrite alone collides with what it read, and rows that another adds meanwhile are not that.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fauxpay.errors import ConfigError, MissingExtraError
from fauxpay.lakes.commits import Put
from fauxpay.lakes.rows import DAY
from fauxpay.storage.clients import is_plain_allowed

if TYPE_CHECKING:
    from deltalake import DeltaTable

_RUN, _WORLD, _SEED = "fauxpay.run_id", "fauxpay.world_id", "fauxpay.seed"
_UNTIL = "fauxpay.until"
_TURN = "fauxpay.turn"
# In a folder's path deltalake panics at the first four, as a path and as an address; it takes \ for
# a slash, decodes %, finds no history after ? and #, and fails at what cannot be printed.
_REFUSED = re.compile(r"[\[\]^|\\%?#\x00-\x1f\x7f]")


class DeltaLake:
    """Delta tables below a folder or URI."""

    def __init__(self, to: str) -> None:
        require_path(to)
        self._library = library()
        self._root = to.rstrip("/")
        self._options = {"allow_http": "true"} if is_plain_allowed(to) else None
        faults = self._library.exceptions
        self.failures: tuple[type[Exception], ...] = (faults.DeltaError,)
        self.collisions: tuple[type[Exception], ...] = (faults.CommitFailedError,)

    def opened(self, name: str) -> DeltaTable | None:
        """The table as it is now."""
        try:
            found: DeltaTable = self._library.DeltaTable(
                f"{self._root}/{name}", storage_options=self._options
            )
        except self._library.exceptions.TableNotFoundError:
            return None
        return found

    def owner(self, table: DeltaTable) -> tuple[str, int] | None:
        """What the table's own properties say."""
        told = table.metadata().configuration
        return (told[_WORLD], int(told[_SEED])) if _SEED in told else None

    def is_filled(self, table: DeltaTable) -> bool:
        """Whether a commit took a turn: the one that makes the table takes none."""
        return table.transaction_version(_TURN) is not None

    def is_noted(self, table: DeltaTable, run_id: str) -> bool:
        """Whether the log has the run's transaction."""
        return table.transaction_version(run_id) is not None

    def until(self, table: DeltaTable) -> date | None:
        """The version of a transaction that counts days."""
        found = table.transaction_version(_UNTIL)
        return None if found is None else date.fromordinal(found)

    def put(self, table: DeltaTable | None, put: Put) -> None:
        """One commit, with the run in what it says of itself."""
        if table is None:
            table = self._created(put)
        more = dict[str, Any]()
        if put.days is not None:
            begin, end = put.days
            more["predicate"] = f"{DAY} >= '{begin}' AND {DAY} < '{end}'"
        turn = table.transaction_version(_TURN) or 0
        transactions = {put.run_id: 1, _TURN: turn + 1}
        if put.until is not None:
            transactions[_UNTIL] = put.until.toordinal()
        facts = {_RUN: put.run_id, _WORLD: put.world_id}
        properties = self._library.CommitProperties(
            custom_metadata=facts,
            app_transactions=[
                self._library.Transaction(name, version) for name, version in transactions.items()
            ],
        )
        self._library.write_deltalake(
            table,
            pa.RecordBatchReader.from_batches(put.shape, put.rows),
            mode="append" if put.is_added else "overwrite",
            commit_properties=properties,
            **more,
        )

    def _created(self, put: Put) -> DeltaTable:
        """An empty table: of two writers that make the same one, one collides."""
        uri = f"{self._root}/{put.name}"
        if "://" not in uri:
            Path(uri).parent.mkdir(parents=True, exist_ok=True)
        days = [DAY] if put.days is not None else None
        try:
            made: DeltaTable = self._library.DeltaTable.create(
                uri,
                put.shape,
                mode="error",
                partition_by=days,
                configuration={_WORLD: put.world_id, _SEED: str(put.seed)},
                storage_options=self._options,
                raise_if_key_not_exists=False,  # The keys are ours, not Delta's.
            )
        except self._library.exceptions.DeltaError as error:
            if self.opened(put.name) is None:
                raise
            raise self.collisions[0](str(error)) from error
        return made

    def runs(self, table: DeltaTable) -> pa.Table:
        """Three columns of `runs`."""
        return table.to_pyarrow_table(columns=["run_id", "world_id", "seed"])

    def version(self, table: DeltaTable) -> int:
        """0 for the first commit."""
        return table.version()


def require_path(to: str) -> None:
    """Raises ConfigError for a local folder that deltalake cannot use, or takes for another."""
    if "://" in to:
        return
    path = Path(to).absolute().as_posix()
    if (found := _REFUSED.search(path)) is not None:
        raise ConfigError(
            f"{path!r}: has {found[0]!r}, which Delta tables cannot have in the path of their "
            f"folder; expected none of [ ] ^ | \\ % ? # and no control character. Name a folder "
            f"without, or take --format iceberg."
        )


def library() -> Any:
    """deltalake. Raises MissingExtraError without."""
    try:
        import deltalake
        import deltalake.exceptions
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "deltalake is not installed, which commits Delta tables; `pip install "
            "'fauxpay[delta]'` brings it"
        ) from error
    return deltalake
