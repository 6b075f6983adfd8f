"""Many partitions: what a run of thousands of them costs, and whether the cost grows in proportion.

    python -m benches.many            # 1,000 and 10,000 partitions
    python -m benches.many 200 2000   # other numbers

A world of 40 cards in two shards, so that hardly anything but the partitions themselves costs time.
Each line is one run: seconds and peak memory (of the largest process) of making it, of asking for
it again, of finding and of reading it, and the size of its documents.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import fauxpay

FIRST_DAY = date(2018, 2, 1)
SHARDS, CARDS_PER_SHARD = 2, 20
MEGABYTE = 1_000_000
STAGES = ("make", "ask again", "find", "read")


def request(root: str, partition_count: int) -> dict[str, Any]:
    """A run of so many partitions: days of two shards."""
    end_day = FIRST_DAY + timedelta(days=partition_count // SHARDS)
    return {
        "catalog": {"cards": SHARDS * CARDS_PER_SHARD, "merchants": 120, "places": 8},
        "activity": {"epoch": FIRST_DAY.isoformat()},
        "output": {"cards_per_shard": CARDS_PER_SHARD},
        # The report is another job, with a benchmark of its own.
        "run": {
            "from": FIRST_DAY.isoformat(),
            "to": end_day.isoformat(),
            "out": root,
            "report": False,
        },
    }


def stage(name: str, root: str, partition_count: int) -> None:
    """One thing that is done with the run."""
    if name in ("make", "ask again"):
        fauxpay.generate(request(root, partition_count))
        return
    run = fauxpay.open(root).latest()
    assert len(run.receipt["partitions"]) == partition_count
    if name == "read":
        # In batches, footers forgotten: Arrow keeps some 90 kB for each file otherwise, and each
        # small file of one Arrow table has chunks and dictionaries of its own.
        batches = run.table("transactions").to_batches(cache_metadata=False)
        assert sum(batch.num_rows for batch in batches) == run.rows["transactions"] > 0


def measured(name: str, root: str, partition_count: int) -> dict[str, float]:
    """Seconds and peak memory of a stage in a fresh process."""
    begun = time.perf_counter()
    own = [sys.executable, "-m", "benches.many", name, root, str(partition_count)]
    child = subprocess.Popen(own)
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, name
    seconds = time.perf_counter() - begun
    return {"seconds": round(seconds, 2), "peak_mb": round(used.ru_maxrss * 1024 / MEGABYTE)}


def costs(partition_count: int) -> dict[str, Any]:
    """What a run of so many partitions costs, by what is done with it."""
    with tempfile.TemporaryDirectory() as root:
        told: dict[str, Any] = {"partitions": partition_count}
        told |= {name: measured(name, root, partition_count) for name in STAGES}
        folder = next(Path(root).glob("runs/utc_day=*/*"))
        told["receipt_mb"] = (folder / "receipt.json").stat().st_size / MEGABYTE
        told["gate_mb"] = (folder / "gate.json").stat().st_size / MEGABYTE
    return told


def main(arguments: list[str]) -> None:
    """Prints a JSON line for each number of partitions; or does one stage, as a child."""
    if arguments and arguments[0] in STAGES:
        name, root, count = arguments
        stage(name, root, int(count))
        return
    for count in [int(text) for text in arguments] or [1000, 10_000]:
        print(json.dumps(costs(count)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
