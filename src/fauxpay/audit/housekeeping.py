"""Housekeeping: what failed, what was staged and left, what nothing names; and how to let it go.

Reads    .staging, conflicts, quarantine, worlds, receipts
Writes   nothing; removes what was chosen
Draws    nothing
Sources  nothing

Nothing that a readable receipt names is ever chosen, nor what stands beside it: world.json, packs,
sidecars. Where a receipt cannot be read nobody knows what it names, and while a live process is at
work (from before it looks for anything it has a file staged) what it published or found may have no
receipt yet: then nothing unnamed is chosen at all.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fauxpay.audit.contents import parts_of
from fauxpay.audit.who import entries_of
from fauxpay.delivery.sinks import CONFLICTS, STAGING
from fauxpay.errors import ConfigError, FauxpayError, GateError, StorageError
from fauxpay.receipts import layout
from fauxpay.receipts.listing import Listed, listed, listed_runs
from fauxpay.receipts.store import read_gate, read_receipt
from fauxpay.storage.places import Place

DAY_SECONDS = 86_400
_STAGED = re.compile(r"(\d+)-.+")
_RUN_ID = re.compile(r"[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or folder that could go.

    kind  staged, conflict, quarantined, unnamed
    why   what it is
    """

    kind: str
    path: Path
    bytes: int
    why: str

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "kind": self.kind,
            "path": str(self.path),
            "bytes": self.bytes,
            "why": self.why,
        }


def leftovers(
    root: Path, older_than_days: float, *, is_unnamed_too: bool, now: float | None = None
) -> list[Leftover]:
    """What could go below a root, and why.

    older_than_days  conflicts, quarantined runs and unnamed files that were touched later stay
    is_unnamed_too   worlds and partitions that no receipt names, as a killed run leaves them
    now              seconds since 1970; the clock by default
    Raises GateError where unnamed files are asked for and cannot be told from named ones.
    """
    latest = (time.time() if now is None else now) - older_than_days * DAY_SECONDS
    found = list(_staged(root))
    found += _conflicts(root, latest)
    for folder in (root / layout.QUARANTINE / one.name for one in quarantined(root)):
        if _touched_at(folder) <= latest:
            why = f"run {folder.name} did not pass"
            found.append(Leftover("quarantined", folder, _size(folder), why))
    if is_unnamed_too:
        found += _unnamed(root, latest)
    return found


def remove(root: Path, chosen: Sequence[Leftover]) -> int:
    """Removes what was chosen; returns the bytes. Raises StorageError where it cannot."""
    gone = 0
    for leftover in chosen:
        path = leftover.path
        assert path.is_relative_to(root), path
        assert path != root
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"{path}: cannot be removed: {error.strerror or error}. {gone:,} bytes went "
                f"before it; allow writing there and run the same command again."
            ) from error
        gone += leftover.bytes
        _remove_empty(path.parent, root)
    return gone


def quarantined(root: Place) -> list[Place]:
    """Folders of the runs in quarantine, by run id."""
    found: Iterable[Place] = root.glob(f"{layout.QUARANTINE}/*")
    folders: list[Place] = sorted(
        path for path in found if path.is_dir() and _RUN_ID.fullmatch(path.name)
    )
    return folders


def quarantined_run(root: Place, text: str) -> Listed:
    """The quarantined run whose id begins so. Raises StorageError, ConfigError where several do."""
    found = [folder for folder in quarantined(root) if text and folder.name.startswith(text)]
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found)
        raise ConfigError(
            f"run {text!r}: several in quarantine begin so ({names}); give more of it"
        )
    if not found:
        known = ", ".join(folder.name for folder in quarantined(root))
        raise StorageError(
            f"{root / layout.QUARANTINE}: no run {text!r}; in quarantine are {known or 'none'}"
        )
    return listed(root, found[0])


def failed_checks(folder: Place) -> list[dict[str, Any]]:
    """Checks of a run's gate that did not pass. Raises ContractError, StorageError: no gate."""
    gate = read_gate(folder)
    return [
        {"gate": entry["name"], **check}
        for entry in gate["gates"]
        for check in entry["checks"]
        if check["verdict"] != "PASS"
    ]


def is_alive(pid: int) -> bool:
    """Whether a process of this machine has the number; in doubt it has."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _staged(root: Path) -> Iterator[Leftover]:
    """Staged files and replays of processes that are gone; those of the living stay."""
    for path in sorted((root / STAGING).glob("*")):
        named = _STAGED.fullmatch(path.name)
        if named and not is_alive(int(named[1])):
            why = f"staged by process {named[1]}, which is gone"
            yield Leftover("staged", path, _size(path), why)


def _alive(root: Path) -> list[Path]:
    """Staged files of processes that are at work."""
    named = [(path, _STAGED.fullmatch(path.name)) for path in (root / STAGING).glob("*")]
    return [path for path, match in named if match and is_alive(int(match[1]))]


def _conflicts(root: Path, latest: float) -> Iterator[Leftover]:
    for path in sorted((root / CONFLICTS).rglob("*")):
        if path.is_file() and path.stat().st_mtime <= latest:
            name = path.relative_to(root / CONFLICTS).as_posix().rpartition(".")[0]
            why = f"other bytes than the published {name}"
            yield Leftover("conflict", path, path.stat().st_size, why)


def _unnamed(root: Path, latest: float) -> Iterator[Leftover]:
    """Files of worlds that no receipt names. Raises GateError where that cannot be known."""
    staged = _alive(root)
    if staged:
        raise GateError(
            f"{staged[0]}: a living process is at work, and what it published or counts on has no "
            f"receipt yet; expected none at work. Wait for it, then ask again."
        )
    runs = listed_runs(root)
    named, worlds = _named(root, runs)
    for world in sorted(root.glob("worlds/*")):
        if world.name not in worlds:
            if _touched_at(world) <= latest:
                yield Leftover("unnamed", world, _size(world), "a world that no run names")
            continue
        for path in sorted(world.glob("seed=*/**/*")):
            is_named = path.relative_to(root).as_posix() in named
            if path.is_file() and not is_named and path.stat().st_mtime <= latest:
                why = "a partition that no run names"
                yield Leftover("unnamed", path, path.stat().st_size, why)


def _named(root: Path, runs: Sequence[Listed]) -> tuple[set[str], set[str]]:
    """Every name that a receipt gives, with the sidecars beside them, and the worlds of them.

    Runs without a mark and those in quarantine count too: they can still be sealed, or looked at.
    """
    names: set[str] = set()
    worlds: set[str] = set()
    folders = [run.folder for run in runs] + [folder for run in runs for folder in run.copies]
    kept = [folder for folder in quarantined(root) if (folder / layout.RECEIPT).exists()]
    for folder in [*folders, *kept]:
        try:
            receipt = read_receipt(folder)
            sidecars = [part.sidecar for part in parts_of(receipt)]
        except FauxpayError as error:
            raise GateError(
                f"{folder}: its receipt cannot be read, so nobody knows which files it names; "
                f"expected a whole one. Restore it, or remove the folder, then ask again: {error}"
            ) from error
        names |= {*sidecars, *(entry["path"] for entry in entries_of(receipt))}
        worlds.add(receipt["world_id"])
    return names, worlds


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def _touched_at(path: Path) -> float:
    """When the newest file of a folder was written, or the folder itself where it has none."""
    return max((file.stat().st_mtime for file in _files(path)), default=path.stat().st_mtime)


def _files(path: Path) -> Iterable[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def _remove_empty(folder: Path, root: Path) -> None:
    """Folders that are empty now, up to those directly below the root."""
    with suppress(OSError):
        while folder not in (root, root / STAGING) and folder.is_relative_to(root):
            folder.rmdir()
            folder = folder.parent
