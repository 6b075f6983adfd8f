"""The engine of a run: what builds the world and makes partitions. Tests bring their own.

Everything here is a reference to a function of a module, so that workers can be told of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fauxpay.errors import ConfigError, StorageError
from fauxpay.foundations.canonical import sha256_hex
from fauxpay.foundations.machine import remedy, require_inside
from fauxpay.receipts import layout
from fauxpay.receipts.identity import contract_inputs
from fauxpay.storage.places import Place

if TYPE_CHECKING:
    import pyarrow as pa

    from fauxpay.config.model import Config
    from fauxpay.contracts.findings import Finding
    from fauxpay.contracts.members import Claim
    from fauxpay.foundations.parameters import Parameters

Tables = Mapping[str, "pa.Table"]
Claims = Mapping[str, "Claim"]
Inspect = Callable[["pa.RecordBatch", Claims], "list[Finding]"]
InspectorOf = Callable[[Tables], Inspect]
"""The rules for a plan's shard; what holds for the whole world is made ready before."""
DRAW_TABLES = "draw_tables.npz"
_EPOCH_SECONDS_MAX = 253_402_300_799  # 9999-12-31T23:59:59Z


class Window(Protocol):
    """Some row groups, one after the other; good until the next window is asked for."""

    @property
    def batch(self) -> pa.RecordBatch:
        """Their rows in order of event time."""
        ...

    @property
    def parts(self) -> Sequence[tuple[int, int, int]]:
        """(day, first row, end row) of each row group."""
        ...

    @property
    def claims(self) -> Claims:
        """By column: where its keys are said to stand. A short cut for checks, never believed."""
        ...


class DaysStream(Protocol):
    """Partitions of consecutive days while they are made: transactions first, then the rest."""

    def windows(self) -> Iterator[Window]:
        """All row groups of transactions."""
        ...

    def side_tables(self) -> Mapping[str, Sequence[pa.Table]]:
        """postings, truth and labels, a table for each day."""
        ...

    def counts(self) -> Sequence[Mapping[str, int]]:
        """For each day: rows made, by table; further counts under other names."""
        ...


class Maker(Protocol):
    """Makes any partition of a world. Consecutive days of a shard are cheaper, most so at once."""

    @property
    def domains(self) -> Mapping[str, Sequence[str]]:
        """Values of the dictionary columns in the order of their codes, by column."""
        ...

    def make(self, days: range, shard: int) -> DaysStream:
        """The partitions of consecutive days (since 1970-01-01) and a shard."""
        ...

    def plan_tables(self, shard: int) -> Mapping[str, pa.Table]:
        """campaigns, compromises, reissues of a shard, up to the end of the window."""
        ...


def default_inputs(config: Config) -> list[dict[str, Any]]:
    """Digests of what a world is made from: reference data, contracts, one's own catalog."""
    from fauxpay.foundations.reference import reference_inputs

    return [*reference_inputs(), *contract_inputs(), *own_catalog_inputs(config.catalog.path)]


def own_catalog_inputs(folder: str | Path | None) -> list[dict[str, str]]:
    """Digests of the files of one's own catalog. What is missing is said when it is read.

    Raises ContractError where a file leads out of the folder.
    """
    if folder is None:
        return []
    names = [f"{name}.parquet" for name in layout.CATALOG_TABLES]
    paths = [path for name in names if (path := Path(folder) / name).is_file()]
    for path in paths:
        require_inside(Path(folder), path)
    return [
        {
            "name": f"catalog/{path.name}",
            "sha256": sha256_hex(path.read_bytes()),
            "source": "brought by the user",
            "licence": "as its owner says",
        }
        for path in paths
    ]


def default_catalog(config: Config, parameters: Parameters) -> dict[str, pa.Table]:
    """One's own catalog where the config names a folder, a built one otherwise."""
    if config.catalog.path is not None:
        from fauxpay.catalog.store import read_catalog

        return read_catalog(Path(config.catalog.path))
    from fauxpay.catalog.build import build_catalog

    return build_catalog(config, parameters)


def default_catalog_checks(tables: Tables) -> list[Finding]:
    """Failing findings of the catalog's contracts and consistency."""
    from fauxpay.catalog.integrity import check_catalog

    return check_catalog(dict(tables))


def default_catalog_check_names() -> Sequence[str]:
    """Names of the checks that `default_catalog_checks` makes, "<table>: <check>"."""
    from fauxpay.catalog.integrity import checks_of_catalog

    return checks_of_catalog()


def default_derived(tables: Tables, config: Config, parameters: Parameters) -> dict[str, bytes]:
    """What is computed from a catalog once and sealed with it: the tables that draws look up."""
    from fauxpay.foundations.array_files import array_bytes
    from fauxpay.partitions.compose import derived_tables, world_of

    return {DRAW_TABLES: array_bytes(derived_tables(world_of(tables), config, parameters))}


def default_maker(
    tables: Tables, derived: Mapping[str, bytes], config: Config, parameters: Parameters
) -> Maker:
    """The production maker."""
    from fauxpay.activity import engine as activity
    from fauxpay.foundations.array_files import read_arrays
    from fauxpay.partitions.compose import PartitionMaker, world_of

    sealed = read_arrays(activity.Tables, derived[DRAW_TABLES], DRAW_TABLES)
    return PartitionMaker(world_of(tables), config, parameters, sealed)


def import_maker() -> None:
    """Imports what the production maker needs, for workers that wait for their world."""
    import fauxpay.foundations.array_files
    import fauxpay.gates.integrity
    import fauxpay.partitions.compose  # noqa: F401
    from fauxpay.fraud.typology import import_ours

    import_ours()


def default_inspector(maker: Maker) -> InspectorOf:
    """The integrity rules of a world whose maker is production's, with the cards of a plan."""
    from fauxpay.gates.integrity import Keys
    from fauxpay.partitions.compose import PartitionMaker

    assert isinstance(maker, PartitionMaker)
    keys = Keys.of(maker.world)
    return lambda plan: keys.rules(plan["reissues"]).check


def default_inspection_names() -> Sequence[str]:
    """Names of the checks that `default_inspector` makes."""
    from fauxpay.gates.integrity import INTEGRITY_CHECKS

    return INTEGRITY_CHECKS


def utc_now() -> datetime:
    """The only clock: now, or SOURCE_DATE_EPOCH (seconds since 1970) where it is set."""
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    if stated is None:
        return datetime.now(UTC)
    if not (stated.isascii() and stated.isdigit() and int(stated) <= _EPOCH_SECONDS_MAX):
        raise ConfigError(
            f"SOURCE_DATE_EPOCH={stated!r}: not an instant; expected whole seconds since "
            f"1970-01-01T00:00:00Z, 0..{_EPOCH_SECONDS_MAX}. Correct or unset it."
        )
    return datetime.fromtimestamp(int(stated), UTC)


@dataclass(frozen=True, slots=True)
class Engine:
    """The functions that a run calls; each can be replaced, each must be importable by name."""

    inputs: Callable[[Config], list[dict[str, Any]]] = default_inputs
    build_catalog: Callable[[Config, Parameters], dict[str, pa.Table]] = default_catalog
    check_catalog: Callable[[Tables], list[Finding]] = default_catalog_checks
    catalog_check_names: Callable[[], Sequence[str]] = default_catalog_check_names
    derive: Callable[[Tables, Config, Parameters], dict[str, bytes]] = default_derived
    make_maker: Callable[[Tables, Mapping[str, bytes], Config, Parameters], Maker] = default_maker
    make_inspector: Callable[[Maker], InspectorOf] = default_inspector
    inspection_names: Callable[[], Sequence[str]] = default_inspection_names
    clock: Callable[[], datetime] = utc_now


def read_error(path: Place, error: OSError) -> StorageError:
    """What a file that cannot be read is called."""
    above = path.parents if isinstance(path, Path) else ()
    file = next((parent for parent in above if os.path.isfile(parent)), None)
    if file is not None:
        return StorageError(
            f"{file}: this is a file; expected a folder, for {path.name} is looked for below it. "
            f"Move the file away, or name another folder with --out (run.out)."
        )
    what = f"{path}: cannot read: {error.strerror or error}"
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)) and error.errno is not None:
        return StorageError(f"{what}. {remedy(error)}")
    return StorageError(f"{what}; expected what a run wrote. Restore it, or make the run again.")
