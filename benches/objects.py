"""Whole runs into an object store against the same runs into a folder.

    python -m benches.objects s3://BUCKET/PREFIX

Makes the demo world of some days by turns into a new prefix and into a new folder, in processes of
their own, and prints wall seconds, rows/s and the ratio of the medians; exits with 1 below 0.7.
The address must be writable; docs/object-stores.md says how to start a server on this machine.
What it made in the store stays there.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

DAYS = 14
ROUNDS = 5
RATIO_MIN = 0.7


def made(out: str) -> tuple[float, int]:
    """(wall seconds, rows) of a whole command."""
    window = ("--from", "2026-03-01", "--to", f"2026-03-{1 + DAYS:02d}")
    begun = time.perf_counter()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "fauxpay", "generate", "--out", out, *window),
            *("--no-report", "--json"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun, json.loads(done.stdout)["rows"]["transactions"]


def main() -> int:
    """Prints what the module says."""
    if len(sys.argv) != 2 or "://" not in sys.argv[1]:
        print(__doc__, file=sys.stderr)
        return 2
    address = f"{sys.argv[1].rstrip('/')}/bench-{uuid.uuid4().hex[:8]}"
    seconds: dict[str, list[float]] = {"folder": [], "store": []}
    rows = 0
    for nth in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            took, rows = made(folder)
            seconds["folder"].append(took)
        seconds["store"].append(made(f"{address}/{nth}")[0])
    medians = {name: statistics.median(took) for name, took in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<7} {median:6.2f} s  {rows / median:12,.0f} rows/s  of {rows:,} rows")
    ratio = medians["folder"] / medians["store"]
    print(f"a run into the store is as fast as {ratio:.0%} of one into a folder; goal 70 %")
    return 0 if ratio >= RATIO_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
