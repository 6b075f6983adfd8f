"""Three days of a small world by the plain command line, and what any folder holds of them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from environments import clean_environ

from fauxpay.receipts.layout import DAY_TABLES

SIZES = ("catalog.cards=600", "catalog.merchants=500", "catalog.places=20")
ARGUMENTS = " ".join(["--workers 1", *(f"--set {size}" for size in SIZES)])
DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")
SHUFFLED = (DAYS[1], DAYS[2], DAYS[0])


def plain_run(root: Path, *more: str) -> dict[str, object]:
    """The summary of one run of all three days, made or found by the plain command line."""
    window = ["--from", DAYS[0], "--to", "2026-03-04"]
    own = [sys.executable, "-m", "fauxpay", "generate", "--out", str(root), "--json", "--quiet"]
    done = subprocess.run(
        [*own, *window, *ARGUMENTS.split(), *more],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=clean_environ(),
    )
    return json.loads(done.stdout)


def files_of(root: Path) -> dict[str, str]:
    """SHA-256 of every file of the days and of the catalog, by its name below the root."""
    found = [*root.glob("worlds/*/catalog/*"), *root.glob("worlds/*/seed=*/*/event_day=*/*")]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found
    }


def logical_digests_of(root: Path) -> dict[str, str]:
    """The logical digest of every table of every day, by file name, as the sidecars say it."""
    sidecars = root.glob("worlds/*/seed=*/partitions/event_day=*/*.json")
    entries = [entry for path in sidecars for entry in json.loads(path.read_bytes())["tables"]]
    return {entry["path"]: entry["logical_digest"] for entry in entries}


def require_same_days(root: Path, plain: Path) -> None:
    """Both folders hold the same three days: same files, same bytes, same logical digests."""
    wanted, made = files_of(plain), files_of(root)
    assert {name.partition("event_day=")[2][:10] for name in wanted} == {"", *DAYS}
    assert made == wanted
    assert logical_digests_of(root) == logical_digests_of(plain)
    assert len(logical_digests_of(root)) == len(DAY_TABLES) * len(DAYS)


def require_complete(root: Path, plain: Path) -> None:
    """Asked for all three days at once, a folder needs no new day, and seals the same digests."""
    before = {path: path.stat().st_mtime_ns for path in _day_files(root)}
    summary = plain_run(root)
    assert {path: path.stat().st_mtime_ns for path in _day_files(root)} == before
    receipt = json.loads(Path(str(summary["receipt"])).read_bytes())
    wanted = json.loads(Path(str(plain_run(plain)["receipt"])).read_bytes())
    assert receipt["partitions"] == wanted["partitions"]
    assert receipt["run_id"] == wanted["run_id"]


def _day_files(root: Path) -> list[Path]:
    return sorted(root.glob("worlds/*/seed=*/*/event_day=*/*"))
