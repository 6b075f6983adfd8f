"""Rows: the catalog, the plans and the days, each against its contract and what it points to.

Reads    catalog tables, plan tables, transactions, postings, truth, labels of a run
Writes   nothing
Draws    nothing
Sources  nothing

What a damaged file would have told is left out of the checks of others, so that one flipped bit
is one difference and not a thousand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.audit.contents import Entry, Part
from fauxpay.audit.differences import Difference, OnRows
from fauxpay.audit.tables import Rules, Sealed, bytes_differences, rows_differences
from fauxpay.catalog.integrity import check_catalog
from fauxpay.catalog.store import require_current
from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.contracts.checks import check_batch
from fauxpay.contracts.digests import Domain
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.members import Members
from fauxpay.contracts.registry import Packs
from fauxpay.contracts.tables import Table, table
from fauxpay.delivery.engine import Engine
from fauxpay.delivery.inspection import Inspector
from fauxpay.errors import ConfigError, ContractError
from fauxpay.foundations.parameters import load_parameters
from fauxpay.gates.integrity import Keys
from fauxpay.gates.postings import PostingGate
from fauxpay.partitions.compose import world_of
from fauxpay.receipts import layout
from fauxpay.receipts.identity import day_number
from fauxpay.receipts.inputs import differing_inputs
from fauxpay.storage.places import local_copy

_TRANSACTIONS = layout.DAY_TABLES["transactions"]


@dataclass(frozen=True, slots=True)
class Books:
    """What the rows of a run are held against, as far as it could be read.

    packs    the world's own contracts; None where they are this package's
    world    None where a table of the catalog is damaged
    tables   of the catalog, as far as they are whole
    domains  values of the dictionary columns, by column; {} without a world
    members  keys of the catalog by reference; None for a table that is damaged
    """

    sealed: Sealed
    receipt: Mapping[str, Any]
    packs: Packs | None
    world: World | None
    tables: Mapping[str, pa.Table]
    domains: Mapping[str, Domain]
    members: Mapping[str, Members | None]

    def contract(self, reference: str) -> Table:
        """The contract that the world was sealed with."""
        return table(reference, self.packs)


def domains_of(world: World) -> dict[str, Domain]:
    """The values that number a world's dictionary columns, in their order (docs/digests.md)."""
    currencies = Domain.of(world.currencies)
    return {
        "mcc": Domain.of(world.mccs),
        "currency": currencies,
        "billing_currency": currencies,
        "posted_currency": currencies,
        "merchant_country": Domain.of(world.countries),
        "merchant_city": Domain.of(world.cities),
    }


def open_books(
    sealed: Sealed,
    receipt: Mapping[str, Any],
    entries: Sequence[Entry],
    packs: Mapping[str, bytes] | None,
) -> tuple[Books, list[Difference]]:
    """The catalog, read and checked.

    entries  of the catalog's tables; packs  the world's own, where they are not this package's
    """
    own = None if packs is None else Packs(packs)
    found: list[Difference] = []
    tables: dict[str, pa.Table] = {}
    references = layout.CATALOG_TABLES
    unknown: dict[str, Members | None] = dict.fromkeys(references.values())
    for entry in entries:
        differences = bytes_differences(sealed, entry)
        if not differences:
            contract = table(references[entry["name"]], own)
            rules = Rules(contract, {}, unknown, {"fauxpay.world_id": receipt["world_id"]})
            differences = rows_differences(sealed, entry, rules, _uncounted)
        if not any(difference.is_error for difference in differences):
            tables[entry["name"]] = _read(sealed, entry)
        found += differences
    members = {
        reference: _members(tables.get(name), table(reference, own).key[0])
        for name, reference in references.items()
    }
    world = None
    if len(tables) == len(references):
        broken = (
            _catalog_findings(sealed, entries, tables)
            if own is None
            else _of_other_contracts(sealed, entries, tables)
        )
        world = None if any(one.is_error for one in broken) else world_of(tables)
        found += broken
    domains = {} if world is None else domains_of(world)
    return Books(sealed, receipt, own, world, tables, domains, members), found


def derived_digests(
    books: Books, receipt: Mapping[str, Any], world: Mapping[str, Any]
) -> dict[str, str] | None:
    """SHA-256 of the draw tables that the catalog gives; None where another version made them."""
    if books.world is None or books.packs is not None or differing_inputs(world):
        return None
    try:
        own = receipt["config"]
        config = Config(**own)
        parameters = load_parameters(config.parameters)
    except ConfigError:
        return None  # Said of the receipt already.
    made = Engine().derive(books.tables, config, parameters)
    return {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}


class PartReader:
    """Reads the parts of a run, the plan of a shard before its days."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._keys: Keys | None = None
        self._plans: dict[int, dict[str, pa.Table]] = {}

    def differences(self, part: Part, on_rows: OnRows) -> list[Difference]:
        """Everything about the files of one part that is not as sealed."""
        found: list[Difference] = []
        intact = []
        for entry in part.entries.values():
            differences = bytes_differences(self._books.sealed, entry)
            found += differences
            if not differences:
                intact.append(entry)
        if part.is_plan:
            return found + self._plan(part, intact)
        return found + self._day(part, intact, on_rows)

    def _plan(self, part: Part, intact: Sequence[Entry]) -> list[Difference]:
        books = self._books
        # Whose rows are not even in themselves what their contract wants is left out of the rest.
        sound = {entry["name"]: self._sound(entry) for entry in intact}
        tables = {name: rows for name, rows in sound.items() if rows is not None}
        self._plans[part.shard] = tables
        members = self._members(part.shard)
        found: list[Difference] = []
        for entry in intact:
            contract = books.contract(layout.PLAN_TABLES[entry["name"]])
            rules = Rules(contract, books.domains, members, self._metadata(part))
            found += rows_differences(books.sealed, entry, rules, _uncounted)
        return found

    def _sound(self, entry: Entry) -> pa.Table | None:
        """A table of a plan; None where it is no such table."""
        contract = self._books.contract(layout.PLAN_TABLES[entry["name"]])
        unknown = dict.fromkeys([*layout.CATALOG_TABLES.values(), *layout.PLAN_TABLES.values()])
        try:
            rows = _read(self._books.sealed, entry)
        except (pa.ArrowException, OSError, ValueError):
            return None
        return None if check_batch(contract, rows, unknown) else rows

    def _day(self, part: Part, intact: Sequence[Entry], on_rows: OnRows) -> list[Difference]:
        books = self._books
        if books.world is None:
            return []  # Without the catalog the values have no names; that is said already.
        members = {**self._members(part.shard), _TRANSACTIONS: None}
        found: list[Difference] = []
        day = day_number(date.fromisoformat(part.day))
        inspector, postings = Inspector(day), PostingGate(day, _keeps_postings(books.receipt))
        between_tables = self._rules(part.shard)

        def inspect(batch: pa.RecordBatch | pa.Table) -> list[Finding]:
            postings.see(batch)
            return [*inspector.inspect(batch), *between_tables(batch)]

        own_checks: dict[str, tuple[Any, ...]] = {"transactions": (inspect, inspector.finish)}
        if "transactions" in {entry["name"] for entry in intact}:
            own_checks["postings"] = (postings.judge,)
        for entry in intact:
            is_main = entry["name"] == "transactions"
            contract = books.contract(layout.DAY_TABLES[entry["name"]])
            own = own_checks.get(entry["name"], ())
            rules = Rules(contract, books.domains, members, self._metadata(part), *own)
            counted = on_rows if is_main else _uncounted
            found += rows_differences(books.sealed, entry, rules, counted)
            if is_main:
                members[_TRANSACTIONS] = Members.of(inspector.identifiers())
        return found

    def _members(self, shard: int) -> dict[str, Members | None]:
        """Keys of the catalog and of the shard's plan."""
        plan = self._plans.get(shard, {})
        own = {
            reference: _members(plan.get(name), self._books.contract(reference).key[0])
            for name, reference in layout.PLAN_TABLES.items()
        }
        return {**self._books.members, **own}

    def _rules(self, shard: int) -> Any:
        """The integrity rules; none where the plan is damaged or the contracts are older ones."""
        books, reissues = self._books, self._plans.get(shard, {}).get("reissues")
        if books.world is None or books.packs is not None or reissues is None:
            return lambda batch: []
        self._keys = self._keys or Keys.of(books.world)
        return self._keys.rules(reissues).check

    def _metadata(self, part: Part) -> dict[str, str]:
        receipt = self._books.receipt
        return {
            "fauxpay.world_id": receipt["world_id"],
            "fauxpay.seed": str(receipt["seed"]),
            "fauxpay.partition": part.key,
            "fauxpay.shard": str(part.shard),
        }


def _catalog_findings(
    sealed: Sealed, entries: Sequence[Entry], tables: Mapping[str, pa.Table]
) -> list[Difference]:
    """What the catalog's own rules say: keys over all rows, and that tables agree."""
    paths = {entry["name"]: sealed.root / entry["path"] for entry in entries}
    return [
        Difference(
            f"check {finding.check} {finding.column}".rstrip(),
            str(paths[finding.table]),
            finding.expected,
            str(finding),
        )
        for finding in check_catalog(dict(tables))
    ]


def _of_other_contracts(
    sealed: Sealed, entries: Sequence[Entry], tables: Mapping[str, pa.Table]
) -> list[Difference]:
    """What a world sealed with other contracts is not held to; an error where no day can be."""
    folder = (sealed.root / entries[0]["path"]).parent
    try:
        require_current(tables, folder)
    except ContractError as error:
        remedy = (
            "verify with the version of fauxpay that made it; the rows of its days were not read"
        )
        return [
            Difference("catalog", str(folder), "the columns of this package", str(error), remedy)
        ]
    return [
        Difference(
            "integrity rules",
            str(sealed.root),
            "the contracts of this package",
            "a world sealed with others, which its tables were held against instead",
            "verify with the version of fauxpay that made it for the rules between tables",
            is_error=False,
        )
    ]


def _read(sealed: Sealed, entry: Entry) -> pa.Table:
    read = pq.ParquetFile(local_copy(sealed.root / entry["path"])).read(use_threads=False)
    return read.combine_chunks().replace_schema_metadata(None)


def _members(rows: pa.Table | None, key: str) -> Members | None:
    if rows is None or rows.schema.get_field_index(key) < 0:
        return None
    keys = rows[key].combine_chunks()
    return Members.of(np.asarray(keys.to_numpy(zero_copy_only=False), dtype=np.int64))


def _keeps_postings(receipt: Mapping[str, Any]) -> bool:
    """Whether the world of a receipt has postings; a config that says nothing has them."""
    activity = receipt["config"].get("activity")
    return not isinstance(activity, Mapping) or activity.get("postings") is not False


def _uncounted(rows: int) -> None:
    del rows
