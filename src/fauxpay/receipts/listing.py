"""Listing: every run below a root, in an order that touching, copying and restoring never change.

Reads    runs/utc_day=*/<run_id>/, quarantine/<run_id>/
Writes   nothing
Draws    nothing
Sources  nothing

The order is that of `created_utc`, then of run ids, newest first. A receipt without a readable
`created_utc` has only the time of its file, which a copy changes, so it comes behind all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from fauxpay.errors import ConfigError, FauxpayError, GateError, StorageError
from fauxpay.gates.verdicts import Verdict, worst
from fauxpay.receipts import layout
from fauxpay.receipts.store import judged, read_gate, read_receipt, read_run
from fauxpay.storage.places import Place, existing, place_of

LATEST = "latest"
_PREFIX = re.compile(r"[0-9a-f]{1,20}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_SHOWN_MAX = 5
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Listed:
    """A run as it stands on disk.

    receipt      as its file says, or its failure.json where it has none, {} where neither is a
                 JSON object; believe it only without `fault`
    created      `created_utc`; None where it cannot be read
    touched_at   seconds, of the receipt's file or else the folder; it orders what has no `created`
    fault        why the run is not verified; "" for one that is sealed and says PASS
    copies       further folders that hold the same run
    """

    root: Place
    folder: Place
    run_id: str
    receipt: Mapping[str, Any]
    created: datetime | None
    touched_at: float
    verdict: Verdict
    fault: str
    copies: tuple[Place, ...] = ()

    @property
    def is_quarantined(self) -> bool:
        """Whether it stands in the quarantine."""
        return self.folder.parent.name == layout.QUARANTINE

    @property
    def warning(self) -> str:
        """What to say of a run whose place in the order rests on a file time; else ""."""
        if self.created is not None:
            return ""
        if self.is_quarantined and not (self.folder / layout.RECEIPT).exists():
            return ""  # It broke off before it had one.
        return (
            f"{self.folder / layout.RECEIPT}: no readable created_utc, so the time of the file "
            f"places it, behind all others; expected the receipt that was sealed. Restore it, "
            f"or make the run again."
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are asked for; None asks for any.

    first, end  UTC days; runs whose window overlaps [first, end)
    """

    world: str | None = None
    seed: int | None = None
    verdict: Verdict | None = None
    first: date | None = None
    end: date | None = None

    def holds(self, run: Listed) -> bool:
        """Whether a run is asked for."""
        receipt = run.receipt
        if self.world is not None and not str(receipt.get("world_id", "")).startswith(self.world):
            return False
        if self.seed is not None and receipt.get("seed") != self.seed:
            return False
        if self.verdict is not None and run.verdict is not self.verdict:
            return False
        return (self.first is None and self.end is None) or self._overlaps(receipt.get("window"))

    def _overlaps(self, window: object) -> bool:
        try:
            assert isinstance(window, Mapping)
            first, end = (date.fromisoformat(window[key]) for key in ("from", "to"))
        except (AssertionError, KeyError, TypeError, ValueError):
            return False  # A run without a readable window lies in none.
        return (self.end is None or first < self.end) and (self.first is None or self.first < end)


Reading = Callable[[Place, Place], Listed]


def listed_runs(
    root: Place, *, is_quarantine_too: bool = False, read: Reading | None = None
) -> list[Listed]:
    """Every run below a root once, newest first; those without a readable date last.

    read  the run of a root and a folder, in place of `listed`: for those who remember some
    """
    read = read or listed
    found = [read(root, folder) for folder in _folders(root, "*")]
    if is_quarantine_too:
        found += [read(root, folder) for folder in _quarantined(root, "*")]
    return _ordered(found)


def latest_run(runs: Sequence[Listed]) -> Listed | None:
    """Of runs in order: the first that passed; where none did, the first of them."""
    passed = (run for run in runs if not run.fault)
    return next(passed, runs[0] if runs else None)


def resolve_run(root: Place, text: str) -> Listed:
    """The run that a user means.

    text  "latest", the beginning of a run id, or a path: of a run's folder or receipt, or of
          another root, whose latest run is meant
    Raises StorageError where there is none, ConfigError where several begin so.
    """
    if text == LATEST:
        run = latest_run(listed_runs(existing(root)))
        if run is None:
            raise GateError(
                f"{root}: no run there; expected at least one. `fauxpay generate` makes one; what "
                f"did not pass stands in {layout.QUARANTINE}/."
            )
        return run
    if _PREFIX.fullmatch(text):
        found = _ordered(listed(root, folder) for folder in _folders(root, f"{text}*"))
        found = found or _ordered(listed(root, folder) for folder in _quarantined(root, f"{text}*"))
        if len(found) == 1:
            return found[0]
        if found:
            shown = ", ".join(run.run_id for run in found[:_SHOWN_MAX])
            raise ConfigError(
                f"run {text!r}: {len(found)} runs begin so ({shown}); give more of it"
            )
    path = place_of(text)
    folder = _run_folder(path)
    if folder is not None:
        return listed(_root_of(folder, root), folder)
    if _is_root(path):
        return resolve_run(path, LATEST)
    existing(root)
    known = ", ".join(run.run_id for run in listed_runs(root)[:_SHOWN_MAX])
    raise StorageError(
        f"{root}: no run {text!r}; expected the beginning of a run id, 'latest' or the path of a "
        f"run's folder or root. Known are {known or 'none'}; `fauxpay runs list` shows all."
    )


def is_named_by(path: Place) -> bool:
    """Whether a path alone names a run: as its folder, one of its documents, or its root."""
    return _run_folder(path) is not None or _is_root(path)


def root_around(file: Path) -> Path | None:
    """The root that a file lies below; None where there is none."""
    return next((one for one in file.absolute().parents if _is_root(one)), None)


def _run_folder(path: Place) -> Place | None:
    folder = path.parent if path.name in (layout.RECEIPT, layout.GATE) else path
    known = any((folder / name).is_file() for name in (layout.RECEIPT, layout.GATE))
    return folder if known else None


def _is_root(folder: Place) -> bool:
    return all((folder / name).is_dir() for name in (layout.RUNS, layout.WORLDS))


def listed(root: Place, folder: Place) -> Listed:
    """The run of a folder, as far as it can be read."""
    try:
        sealed = read_run(root, folder)
        receipt, verdict, fault = sealed.receipt, Verdict.PASS, ""
    except FauxpayError as error:
        failure = _peeked(folder / layout.FAILURE)
        receipt, fault = _peeked(folder / layout.RECEIPT) or failure, str(error)
        if failure and not (folder / layout.RECEIPT).exists():
            fault = f"{failure.get('class')}: {failure.get('message')}"
        verdict = _verdict_without_seal(folder)
    if folder.parent.name == layout.QUARANTINE:
        fault = fault or f"{folder}: stands in the quarantine"
        verdict = max(verdict, Verdict.UNKNOWN)
    return Listed(
        root,
        folder,
        folder.name if fault else str(receipt["run_id"]),
        receipt,
        _instant(receipt.get("created_utc")),
        _touched_at(folder),
        verdict,
        fault,
    )


def _folders(root: Place, run_id: str) -> list[Place]:
    found = root.glob(f"{layout.RUNS}/utc_day=*/{run_id}")
    return sorted(path for path in found if path.is_dir())


def _quarantined(root: Place, run_id: str) -> list[Place]:
    return sorted(path for path in root.glob(f"{layout.QUARANTINE}/{run_id}") if path.is_dir())


def _root_of(folder: Place, root: Place) -> Place:
    """What a run's own folder lies below, where it stands as it was filed."""
    if folder.parent.name.startswith("utc_day=") and folder.parent.parent.name == layout.RUNS:
        return folder.parent.parent.parent
    if folder.parent.name == layout.QUARANTINE:
        return folder.parent.parent
    return root


def _ordered(runs: Iterable[Listed]) -> list[Listed]:
    """Each run once, newest first. Of copies the one counts that passed, then the earliest."""
    by_run: dict[tuple[bool, str], list[Listed]] = {}
    for run in runs:
        by_run.setdefault((run.is_quarantined, run.run_id), []).append(run)
    single = []
    for copies in by_run.values():
        copies.sort(key=_preference)
        single.append(replace(copies[0], copies=tuple(run.folder for run in copies[1:])))
    dated = [run for run in single if run.created is not None]
    undated = [run for run in single if run.created is None]
    dated.sort(key=lambda run: (run.created or _NEVER, run.run_id), reverse=True)
    undated.sort(key=lambda run: (run.touched_at, run.run_id), reverse=True)
    return dated + undated


def _preference(run: Listed) -> tuple[bool, bool, datetime, str]:
    return (bool(run.fault), run.created is None, run.created or _NEVER, str(run.folder))


def _verdict_without_seal(folder: Place) -> Verdict:
    """FAIL where gate or receipt say so in documents that can be read; UNKNOWN otherwise."""
    said = [Verdict.UNKNOWN]
    try:
        gate = read_gate(folder)
        said += [Verdict[gate["verdict"]], judged(gate)]
        said.append(Verdict[read_receipt(folder)["verdict"]])
    except FauxpayError:
        pass
    return worst(said)


def _peeked(path: Place) -> Mapping[str, Any]:
    """What a receipt that may not be believed says of itself."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _instant(text: object) -> datetime | None:
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _touched_at(folder: Place) -> float:
    for path in (folder / layout.RECEIPT, folder):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0
