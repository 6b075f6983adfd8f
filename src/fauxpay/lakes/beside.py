"""Beside: the tables of a world and seed below the root that a run is made in.

Reads    a sealed run
Writes   <root>/tables/<format>/<world_id>/seed=<n>/
Draws    nothing
Sources  nothing

A run is sealed before it is committed, and found where it was made before: what broke off is made
whole by the same request, and a run from before the format was asked for is committed then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fauxpay.errors import ConflictError, StorageError
from fauxpay.storage.places import place_of

if TYPE_CHECKING:
    from fauxpay.lakes.commits import Format
    from fauxpay.readers.run import Run
    from fauxpay.storage.places import Place

TABLES = "tables"
Wanted = Literal["parquet", "delta", "iceberg"]


def require_format(wanted: Wanted, out: str) -> None:
    """Before anything is made: that what commits is installed, and can do so below `run.out`.

    Raises MissingExtraError, ConfigError.
    """
    if wanted != "parquet":
        from fauxpay.lakes.commits import require

        require(wanted, str(place_of(out)))


def tables_place(run: Run, kind: Format) -> Place:
    """The folder of the tables of the run's world and seed."""
    return run.root / TABLES / kind / run.world_id / f"seed={run.receipt['seed']}"


def keep_tables(run: Run, wanted: Wanted) -> Place | None:
    """Commits a run unless it is there; the folder of its tables, None where none are wanted.

    Raises StorageError, which says how to go on: the run is sealed all the same.
    """
    if wanted == "parquet":
        return None
    from fauxpay.lakes.commits import commit

    folder = tables_place(run, wanted)
    try:
        commit(run, str(folder), wanted)
    except (StorageError, ConflictError) as error:
        raise StorageError(
            f"run {run.run_id} is sealed, but in no {wanted} tables: {error} `fauxpay commit "
            f"{run.run_id} {folder} --format {wanted} --out {run.root}` does that alone."
        ) from error
    return folder
