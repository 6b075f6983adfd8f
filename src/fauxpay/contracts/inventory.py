"""Inventory: which tables and documents the packs define, and how a user names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fauxpay.contracts.faults import Alike
from fauxpay.contracts.registry import Located, Packs, built_in, with_packs
from fauxpay.contracts.tables import Table, table
from fauxpay.errors import ContractError


@dataclass(frozen=True, slots=True)
class Entry:
    """A table or document of the packs; a document has no key, its members are its columns."""

    name: str
    kind: str
    pack: str
    ref: str
    columns: int
    key: tuple[str, ...]
    description: str

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "key": list(self.key)}


def packs_of(folder: Path | None) -> Packs:
    """The built-in packs and those of a folder. Raises ContractError that names every fault."""
    if folder is None:
        return built_in()
    from fauxpay.contracts.folders import read_folder
    from fauxpay.contracts.pack_check import check_folder

    faults = check_folder(folder).faults
    if faults:
        listed = "\n".join(f"* {one}" for one in faults)
        raise ContractError(f"{folder} cannot be used:\n{listed}")
    return with_packs(read_folder(folder).texts)


def inventory(packs: Packs) -> list[Entry]:
    """Tables, then documents, in the order of the packs."""
    found = [
        _entry(pack, name, definition)
        for pack in packs.texts
        for name, definition in _definitions(packs, pack).items()
        if isinstance(definition, Mapping) and _kind(definition)
    ]
    return sorted(found, key=lambda one: one.kind != "table")


def find(name: str, packs: Packs) -> Located:
    """The definition that a name ("transactions") or reference ("run.yaml#/$defs/gate") means.

    Raises ContractError for a name that is unknown, or that several packs define.
    """
    if "#" in name or name in packs.texts:
        return packs.resolve(name)
    places = {
        f"{pack}#/$defs/{definition}": definition
        for pack in packs.texts
        for definition in _definitions(packs, pack)
    }
    same = [reference for reference, definition in places.items() if definition == name]
    if len(same) == 1:
        return packs.resolve(same[0])
    if same:
        raise ContractError(f"{name!r} stands in several packs; expected one of {', '.join(same)}")
    known = [one.name for one in inventory(packs)]
    nearest = Alike.of(name, places.values()).nearest
    raise ContractError(
        f"no table or document {name!r}; known: {', '.join(known)}"
        f"{f' (nearest: {nearest})' if nearest else ''}"
    )


def find_table(name: str, packs: Packs) -> Table:
    """The table of that name or reference. Raises ContractError for anything else."""
    place = find(name, packs)
    if "x-table" not in place.schema:
        tables = [one.name for one in inventory(packs) if one.kind == "table"]
        raise ContractError(f"{place} is no table; the tables are {', '.join(tables)}")
    return table(str(place), None if packs is built_in() else packs)


def table_document(found: Table) -> dict[str, Any]:
    """A table as plain data: keys, and every column with what it may hold."""
    whole = asdict(found)
    for part in ("columns", "foreign_keys"):
        whole[part] = [_plain(one) for one in whole[part]]
    return _plain(whole)


def _plain(members: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples as lists, and nothing that says nothing."""
    lists = {
        name: [list(one) if isinstance(one, tuple) else one for one in value]
        if isinstance(value, tuple | list)
        else value
        for name, value in members.items()
    }
    return {name: value for name, value in lists.items() if value not in (None, "", [])}


def _definitions(packs: Packs, pack: str) -> Mapping[str, Any]:
    definitions = packs.document(pack).get("$defs", {})
    return definitions if isinstance(definitions, Mapping) else {}


def _kind(definition: Mapping[str, Any]) -> str:
    if "x-table" in definition:
        return "table"
    # A document says by a constant which one it is.
    members = definition.get("properties")
    schema = members.get("schema") if isinstance(members, Mapping) else None
    return "document" if isinstance(schema, Mapping) and "const" in schema else ""


def _entry(pack: str, name: str, definition: Mapping[str, Any]) -> Entry:
    facts = definition.get("x-table")
    key = facts.get("key") if isinstance(facts, Mapping) else None
    members = definition.get("properties")
    return Entry(
        name,
        _kind(definition),
        pack,
        f"{pack}#/$defs/{name}",
        len(members) if isinstance(members, Mapping) else 0,
        tuple(map(str, key)) if isinstance(key, list) else (),
        str(definition.get("description", "")),
    )
