"""Housekeeping: what failed, what was staged and left, what nothing names; and how to let it go.

Reads    .staging, conflicts, quarantine, worlds, receipts
Writes   nothing; removes what was chosen
Draws    nothing
Sources  nothing

Nothing that a readable receipt names is ever chosen, nor what stands beside it: world.json, packs,
sidecars. Where a receipt cannot be read nobody knows what it names, and while a live process is at
work (from before it looks for anything it has a file staged) what it published or found may have no
receipt yet: then nothing unnamed is chosen at all. A process of another machine or container cannot
be asked after here: it counts as alive until what it staged was not touched for days.
"""

from __future__ import annotations

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
from fauxpay.delivery.staging import Maker, is_gone, maker_of
from fauxpay.errors import ConfigError, FauxpayError, GateError, StorageError
from fauxpay.receipts import layout
from fauxpay.receipts.listing import Listed, listed, listed_runs
from fauxpay.receipts.store import read_gate, read_receipt
from fauxpay.storage.places import Place

DAY_SECONDS = 86_400
# What was staged elsewhere and not touched for so long is nobody's any more.
ELSEWHERE_DAYS = 7.0
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
    now = time.time() if now is None else now
    latest = now - older_than_days * DAY_SECONDS
    elsewhere = now - max(older_than_days, ELSEWHERE_DAYS) * DAY_SECONDS
    staged = list(_staged(root, elsewhere))
    found = [Leftover("staged", path, _size(path), why) for path, why in staged if why]
    found += _conflicts(root, latest)
    for folder in (root / layout.QUARANTINE / one.name for one in quarantined(root)):
        if _touched_at(folder) <= latest:
            why = f"run {folder.name} did not pass"
            found.append(Leftover("quarantined", folder, _size(folder), why))
    if is_unnamed_too:
        found += _unnamed(root, latest, [path for path, why in staged if not why])
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


def _staged(root: Path, elsewhere: float) -> Iterator[tuple[Path, str]]:
    """Staged files and replays, each with why it is nobody's any more; "" where it may be."""
    for path in sorted((root / STAGING).glob("*")):
        maker = maker_of(path.name)
        if maker is None:
            continue
        with suppress(FileNotFoundError):  # It was finished meanwhile.
            yield path, _why_gone(maker, _touched_at(path), elsewhere)


def _why_gone(maker: Maker, touched_at: float, elsewhere: float) -> str:
    """Why nobody makes what a process staged; "" where somebody may."""
    if not is_gone(maker, touched_at, elsewhere):
        return ""
    if not maker.is_ours:
        return f"staged by process {maker.pid} of another machine, long ago"
    return f"staged by process {maker.pid}, which is gone"


def _conflicts(root: Path, latest: float) -> Iterator[Leftover]:
    for path in sorted((root / CONFLICTS).rglob("*")):
        if path.is_file() and path.stat().st_mtime <= latest:
            name = path.relative_to(root / CONFLICTS).as_posix().rpartition(".")[0]
            why = f"other bytes than the published {name}"
            yield Leftover("conflict", path, path.stat().st_size, why)


def _unnamed(root: Path, latest: float, staged: Sequence[Path]) -> Iterator[Leftover]:
    """Files of worlds that no receipt names. Raises GateError where that cannot be known.

    staged  of processes that are at work, or may be
    """
    if staged:
        raise GateError(
            f"{staged[0]}: a living process is at work, or one of another machine that may be, and "
            f"what it published or counts on has no receipt yet; expected none at work. Wait for "
            f"it, then ask again; of another machine's it is believed after {ELSEWHERE_DAYS:.0f} "
            f"days without a sign of it, or when you remove what it staged."
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
