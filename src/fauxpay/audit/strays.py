"""Strays: what lies in the folders of a run and its world and is named by nobody.

Reads    names in the folders of world, seed and run; packages of a receipt
Writes   nothing
Draws    nothing
Sources  nothing

Folders of tables are `contents.extra_files`' and packs `documents.pack_differences`': what lies
there may be taken for rows. What is told here is read by nobody; it is worth a note.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

from fauxpay.audit.differences import Difference, unequal
from fauxpay.audit.documents import FORGED
from fauxpay.foundations.version import VERSION
from fauxpay.gates.segments import ACTIVITY, FRAUD, LABELS
from fauxpay.receipts import layout
from fauxpay.receipts.inputs import differing_packages
from fauxpay.receipts.records import package_versions
from fauxpay.storage.places import Place

_SEED = re.compile(r"seed=[0-9]+")
_OF_WORLD = ("catalog", "contracts", "derived", "world.json")
_OF_SEED = (*layout.DAY_TABLES, *layout.PLAN_TABLES, "partitions")
_DERIVED = "derived"
# Told by the footers of Parquet files, each held against the receipt.
_SHOWN = ("pyarrow",)


def stray_notes(
    root: Place, folder: Place, receipt: Mapping[str, Any], world: Mapping[str, Any] | None
) -> list[Difference]:
    """A note for each file or folder that neither layout nor documents know.

    folder  of the run
    world   world.json; None where it cannot be read, and then nobody knows what was derived
    """
    own = root / layout.world_name(receipt["world_id"], "world.json")
    seed = root / layout.seed_name(receipt["world_id"], receipt["seed"])
    segments = [layout.segment_file(name).partition("/")[2] for name in (ACTIVITY, FRAUD, LABELS)]
    found = [*_strange(own.parent, _OF_WORLD, _SEED), *_strange(seed, _OF_SEED)]
    found += _strange(folder / "segments", segments)
    if world is not None:
        derived = {entry["path"].rpartition("/")[2] for entry in world["derived"]}
        found += _strange(own.parent / _DERIVED, derived)
    return found


def package_differences(path: Place, receipt: Mapping[str, Any]) -> list[Difference]:
    """The packages of a receipt: their names, and versions that nothing else in the run shows.

    They are covered by the receipt's own digest alone, which whoever edits one can make again.
    """
    names, own = sorted(receipt["packages"]), sorted(package_versions())
    made_by = receipt["packages"].get("fauxpay")
    if names != own and made_by in (None, VERSION):
        return unequal("packages", path, own, names, FORGED)
    return [
        Difference(
            f"package {one.name}",
            str(path),
            f"{one.here}, which is here",
            one.sealed,
            "no other file of the run tells this version; `fauxpay replay` with it shows whether "
            "it makes these bytes",
            is_error=False,
        )
        for one in differing_packages(receipt)
        if one.name not in _SHOWN
    ]


def _strange(
    folder: Place, known: Collection[str], folders: re.Pattern[str] | None = None
) -> Iterator[Difference]:
    """Notes of what stands in a folder beside what is known; what is not there is told already.

    folders  that may stand there, too
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        listed: list[Place] = sorted(folder.iterdir())
        for path in listed:
            may_be = folders is not None and folders.fullmatch(path.name) and path.is_dir()
            if path.name not in known and not may_be:
                yield Difference(
                    "extra file" if path.is_file() else "extra folder",
                    str(path),
                    ", ".join(sorted(known)),
                    "one that no document names and no reader reads",
                    "move it out of the folder; it is no part of the run",
                    is_error=False,
                )
