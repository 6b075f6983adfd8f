"""Contents: which files a run must have, what their sidecars say, and what lies beside them.

Reads    receipt, sidecars, names in the folders of world and seed
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from fauxpay.audit.differences import Difference, unequal, unequal_members
from fauxpay.audit.documents import spelling, window_of
from fauxpay.errors import ContractError
from fauxpay.receipts import layout
from fauxpay.receipts.identity import day_text
from fauxpay.receipts.records import PartitionReceipt, partition_receipt
from fauxpay.storage.places import Place, name_below

Entry = Mapping[str, Any]
_DAY = re.compile(r"event_day=[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAN = re.compile(r"until=[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOTH = re.compile(f"{_DAY.pattern}|{_PLAN.pattern}")
_KEYS = {**dict.fromkeys(layout.PLAN_TABLES, _PLAN), "partitions": _BOTH}
_MISSING_MAX = 1_000  # Partitions that are told one by one where a receipt names none of them.
_REMEDY = "the receipt was changed after it was sealed; restore it from a copy"


@dataclass(frozen=True, slots=True)
class Part:
    """The files of one Hive key and shard: a day, or a plan.

    day      the event day, or for a plan the day that it ends before
    key      event_day=... or until=...
    entries  what the receipt says of each file, by table
    """

    day: str
    shard: int
    key: str
    sidecar: str
    entries: Mapping[str, Entry]

    @property
    def is_plan(self) -> bool:
        """Whether these are the tables that couple many days."""
        return self.key.startswith("until=")


def shard_count(receipt: Mapping[str, Any]) -> int:
    """Shards of cards that each day of the run has. Raises ContractError: no such config."""
    cards = next((entry["rows"] for entry in receipt["catalog"] if entry["name"] == "cards"), 0)
    return max(1, -(-int(cards) // cards_per_shard(receipt)))  # A contract takes 500.0, too.


def cards_per_shard(receipt: Mapping[str, Any]) -> int:
    """Cards whose rows share a file of a day. Raises ContractError: the config is no config."""
    output = receipt["config"].get("output")
    size = output.get("cards_per_shard") if isinstance(output, Mapping) else None
    if not isinstance(size, int) or size < 1:
        raise ContractError(f"config.output.cards_per_shard is {size!r}; expected cards, 1 or more")
    return size


def parts_of(receipt: Mapping[str, Any]) -> list[Part]:
    """The plans, then the days that a run must have, by shard.

    Raises ContractError where window or config cannot be understood, or ask for so much more than
    is named that the year 6026 rather than a lost file is what is wrong.
    """
    window, shards = window_of(receipt), shard_count(receipt)
    days, sealed = window.days(), len(receipt["partitions"])
    if len(days) * shards > sealed + _MISSING_MAX:
        raise ContractError(
            f"{len(days)} days of {shards} shards, but {sealed} partitions are named; expected all"
        )
    seed = layout.seed_name(receipt["world_id"], receipt["seed"])
    named: dict[str, Entry] = {}
    for entry in _entries(receipt):
        named.setdefault(entry["path"], entry)
    end = window.end.isoformat()
    keys = [(end, layout.plan_key(end))]
    keys += [(day, layout.day_key(day)) for day in map(day_text, days)]
    parts = []
    for (day, key), shard in product(keys, range(shards)):
        sidecar = layout.sidecar_name(seed, key, shard)
        paths = {name: layout.table_name(seed, name, key, shard) for name in _tables(key)}
        entries = {
            name: named[path]
            for name, path in paths.items()
            if path in named and named[path]["name"] == name
        }
        parts.append(Part(day, shard, key, sidecar, entries))
    return parts


def entry_differences(
    receipt: Mapping[str, Any], parts: Sequence[Part], path: object
) -> list[Difference]:
    """Files that the receipt does not name, or names though the window does not ask for them."""
    found = [
        Difference("entry of a file", str(path), f"{name} of {part.key}", "none", _REMEDY)
        for part in parts
        for name in _tables(part.key)
        if name not in part.entries
    ]
    wanted = [(part.day, part.shard) for part in parts if not part.is_plan]
    named = [(entry["event_day"], entry["shard"]) for entry in receipt["partitions"]]
    found += unequal("partitions", path, sorted(wanted), named, _REMEDY)
    return found + _strange_entries(receipt, parts, path)


def catalog_entries(
    receipt: Mapping[str, Any], path: object
) -> tuple[list[Entry], list[Difference]]:
    """The receipt's entries of the catalog, and what is wrong with their names."""
    entries = list(receipt["catalog"][: len(layout.CATALOG_TABLES)])
    wanted = [
        (name, layout.world_name(receipt["world_id"], f"catalog/{name}.parquet"))
        for name in layout.CATALOG_TABLES
    ]
    named = [(entry["name"], entry["path"]) for entry in entries]
    found = unequal("entries of the catalog", path, wanted, named, _REMEDY)
    return ([] if found else entries), found


def _tables(key: str) -> Mapping[str, str]:
    return layout.PLAN_TABLES if key.startswith("until=") else layout.DAY_TABLES


def _entries(receipt: Mapping[str, Any]) -> Iterator[Entry]:
    yield from receipt["catalog"][len(layout.CATALOG_TABLES) :]
    for partition in receipt["partitions"]:
        yield from partition["tables"]


def _strange_entries(
    receipt: Mapping[str, Any], wanted: Sequence[Part], path: object
) -> list[Difference]:
    """Entries that the window does not ask for, that stand twice, or under another table."""
    asked = {entry["path"]: name for part in wanted for name, entry in part.entries.items()}
    seen: set[str] = set()
    found = []
    for entry in _entries(receipt):
        if asked.get(entry["path"]) != entry["name"] or entry["path"] in seen:
            text = f"{entry['name']} at {entry['path']}"
            found.append(Difference("entry of a file", str(path), "none, or once", text, _REMEDY))
        seen.add(entry["path"])
    return found


def read_sidecar(
    root: Place, part: Part, receipt: Mapping[str, Any]
) -> tuple[PartitionReceipt | None, list[Difference]]:
    """The sidecar of a part, and where it does not say what the receipt says."""
    path = root / part.sidecar
    try:
        data = path.read_bytes()
        sidecar = partition_receipt(data)
        document = sidecar.document()
        own = spelling(data, document)
    except OSError as error:
        return None, [Difference("sidecar", str(path), "a file", error.strerror or str(error))]
    except ContractError as error:
        return None, [Difference("sidecar", str(path), "as it was written", str(error))]
    found = unequal("bytes", path, "canonical JSON", own)
    return sidecar, found + sidecar_differences(path, part, receipt, document)


def sidecar_differences(
    path: Place, part: Part, receipt: Mapping[str, Any], sidecar: Mapping[str, Any]
) -> list[Difference]:
    """Where the document of a sidecar does not say of a part what the receipt says."""
    wanted = {"world_id": receipt["world_id"], "seed": receipt["seed"], "event_day": part.day}
    wanted |= {"shard": part.shard, "verdict": "PASS", "findings": []}
    found = unequal_members("sidecar", path, wanted, sidecar, wanted)
    told = {entry["name"]: entry for entry in sidecar["tables"]}
    names = sorted(entry["name"] for entry in sidecar["tables"])
    found += unequal("sidecar tables", path, sorted(part.entries), names)
    for name in sorted(part.entries.keys() & told.keys()):
        found += unequal_members(f"sidecar of {name}:", path, part.entries[name], told[name])
    return found


def extra_files(root: Place, parts: Sequence[Part], receipt: Mapping[str, Any]) -> list[Difference]:
    """Files beside those of the run that a plain reader of the folders would take for rows."""
    named = {entry["path"] for part in parts for entry in part.entries.values()}
    named |= {part.sidecar for part in parts}
    named |= {entry["path"] for entry in receipt["catalog"]}
    folders = {(root / name).parent for name in named}
    tables = {folder.parent for folder in folders if "=" in folder.name}
    # Other runs of the world have days of their own; what else stands there is nobody's.
    strange = [
        path
        for table in sorted(tables)
        for path in sorted(table.glob("*"))
        if not _KEYS.get(table.name, _DAY).fullmatch(path.name) or path.is_file()
    ]
    found = []
    for top in [*sorted(folders), *strange]:
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and name_below(path, root) not in named:
                found.append(_extra(root, path))
    return found


def _extra(root: Place, path: Place) -> Difference:
    """Readers of Hive folders pass over names that begin with a dot or an underline, and JSON."""
    steps = name_below(path, root).split("/")
    is_hidden = any(step.startswith((".", "_")) for step in steps)
    is_beside = "partitions" in steps
    is_error = not is_hidden and not is_beside
    return Difference(
        "extra file",
        str(path),
        "no file but those of the receipt",
        "one that readers of the folder take for rows" if is_error else "one that no reader reads",
        "move it out of the folder",
        is_error,
    )
