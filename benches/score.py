"""Time and peak memory of `fauxpay score` on ten million transactions.

    python -m benches.score             # a run as generated
    python -m benches.score --csv       # the same rows as one CSV of a few columns as well
    python -m benches.score --times 10  # the run's files read ten times over, as 100 million rows

Rows come from a real run (100,000 cards, 90 days). The goal is 60 s for ten million on two cores.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from benches.resources import CARDS, run

WINDOW = ("--from", "2026-03-01", "--to", "2026-05-30")
PLAIN = 'card_id AS card, merchant_id AS merchant, event_time AS "at", amount_minor / 100 AS amount'


def main() -> None:
    """Prints rows, seconds, rows a second and peak megabytes of each shape."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        run("generate", "--quiet", "--out", folder, "--workers", "1", *CARDS, *WINDOW)
        files = sorted(root.glob("worlds/*/seed=1/transactions/*/*.parquet"))
        rows = sum(pq.read_metadata(file).num_rows for file in files)
        measure("a run as generated", rows, folder)
        if "--csv" in sys.argv:
            measure("one CSV of 4 columns", rows, str(plain(files, root / "plain.csv")))
        if "--times" in sys.argv:
            times = int(sys.argv[sys.argv.index("--times") + 1])
            path = repeated(files, root / "repeated", times)
            measure(f"{times} copies, other cards", rows * times, str(path))


def measure(name: str, rows: int, subject: str) -> None:
    """Scores a table and says what it took."""
    seconds, peak = run("score", "--no-fail", subject)
    print(
        f"{rows:,} rows, {name}: {seconds:.1f} s, {rows / seconds / 1e3:,.0f} k rows/s, "
        f"peak {peak:.0f} MB",
        flush=True,
    )


def plain(files: list[Path], path: Path) -> Path:
    """One CSV of all rows."""
    scan = f"read_parquet({[str(file) for file in files]})"
    duckdb.sql(f"COPY (SELECT {PLAIN} FROM {scan}) TO '{path}' (HEADER)")
    return path


def repeated(files: list[Path], folder: Path, times: int) -> Path:
    """Parquet files of all rows several times, each time with other cards."""
    folder.mkdir()
    scan = f"read_parquet({[str(file) for file in files]})"
    for copy in range(times):
        duckdb.sql(
            f"COPY (SELECT * REPLACE (card + {copy} AS card) FROM (SELECT {PLAIN} FROM {scan})) "
            f"TO '{folder}/{copy}.parquet'"
        )
    return folder


if __name__ == "__main__":
    main()
