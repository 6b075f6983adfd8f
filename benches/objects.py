"""Whole runs into an object store against the same runs into a folder.

    python -m benches.objects s3://BUCKET/PREFIX

Makes the demo world of two weeks by turns into a new prefix and into a new folder, in processes of
their own, and prints wall seconds, rows/s, peak memory of the largest process, and the ratio of
the medians; exits with 1 below 0.7. docs/object-stores.md says how to start a server on this
machine. What it made in the store stays there.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import uuid

import fauxpay
from benches.resources import run

WINDOW = ("--from", "2026-03-01", "--to", "2026-03-15")
ROUNDS = 5
RATIO_MIN = 0.7


def made(out: str) -> tuple[float, float]:
    """(wall seconds, peak MB) of a whole command."""
    seconds, peak_mb, _ = run("generate", "--out", out, *WINDOW, "--no-report", "--quiet")
    return seconds, peak_mb


def main() -> int:
    """Prints what the module says."""
    if len(sys.argv) != 2 or "://" not in sys.argv[1]:
        print(__doc__, file=sys.stderr)
        return 2
    address = f"{sys.argv[1].rstrip('/')}/bench-{uuid.uuid4().hex[:8]}"
    found: dict[str, list[tuple[float, float]]] = {"folder": [], "store": []}
    rows = 0
    for nth in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            found["folder"].append(made(folder))
            rows = fauxpay.open(folder).latest().rows["transactions"]
        found["store"].append(made(f"{address}/{nth}"))
    medians = {name: statistics.median(one for one, _ in took) for name, took in found.items()}
    for name, median in medians.items():
        peak = max(mb for _, mb in found[name])
        print(
            f"{name:<7} {median:6.2f} s {rows / median:10,.0f} rows/s {peak:5.0f} MB, "
            f"{rows:,} transactions"
        )
    ratio = medians["folder"] / medians["store"]
    print(f"a run into the store is {ratio:.0%} as fast as one into a folder; goal 70 %")
    return 0 if ratio >= RATIO_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
