"""Seconds and peak memory of a training set over a run: `Run.write_training_set`.

    python -m benches.training ROOT                 the latest run below a root, all its days
    python -m benches.training ROOT --share 0.1     a tenth of the genuine rows

Features are counted over all rows, whatever share is kept: what is kept is joined and written.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import fauxpay


def main() -> None:
    """Prints what was made, how long it took, and the most memory that was held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="2GB")
    arguments = parser.parse_args()
    run = fauxpay.open(arguments.root).latest()
    window = run.receipt["window"]
    first, last = date.fromisoformat(window["from"]), date.fromisoformat(window["to"])
    with tempfile.TemporaryDirectory() as folder:
        path, started = Path(folder) / "set.parquet", time.perf_counter()
        rows = run.write_training_set(
            path,
            last,
            gap_days=7,
            train_days=(last - first - timedelta(days=7)).days,
            genuine_share=arguments.share,
            threads=arguments.threads,
            memory_limit=arguments.memory,
        )
        seconds = time.perf_counter() - started
        size = path.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{run.rows['transactions']:,} transactions, {rows:,} rows kept, {size / 1e6:,.0f} MB: "
        f"{seconds:.0f} s ({used.ru_utime + used.ru_stime:.0f} s of CPU), peak {peak:,.0f} MB"
    )


if __name__ == "__main__":
    main()
