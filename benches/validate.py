"""Peak memory and time of `fauxpay contracts validate` on ten million transactions.

    python -m benches.validate          # Parquet as generated, and as one file of plain types
    python -m benches.validate --csv    # the same rows as one CSV as well

Rows come from a real run (100,000 cards, 90 days). The one file has no dictionaries and row groups
of a million rows, as another tool would write it, so that every column has to be cast.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benches.resources import CARDS, run

WINDOW = ("--from", "2026-03-01", "--to", "2026-05-30")
GROUP_ROWS = 1_000_000


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with texts in the place of dictionaries."""
    arrays = [
        one.dictionary_decode() if pa.types.is_dictionary(one.type) else one
        for one in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def rewritten(files: list[Path], path: Path) -> None:
    """One file of all rows, with plain types; CSV by its ending."""
    schema = plain(pq.ParquetFile(files[0]).read_row_group(0).to_batches()[0]).schema
    if path.suffix == ".csv":
        with pyarrow.csv.CSVWriter(path, schema) as writer:
            for file in files:
                for batch in pq.ParquetFile(file).iter_batches():
                    writer.write_batch(plain(batch))
        return
    with pq.ParquetWriter(path, schema, store_schema=False) as writer:
        held: list[pa.RecordBatch] = []
        for file in files:
            held += [plain(batch) for batch in pq.ParquetFile(file).iter_batches()]
            if sum(batch.num_rows for batch in held) >= GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(held), row_group_size=GROUP_ROWS)
                held = []
        if held:
            writer.write_table(pa.Table.from_batches(held))


def main() -> None:
    """Prints rows, seconds and peak megabytes of each shape."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        run("generate", "--quiet", "--out", folder, "--workers", "1", *CARDS, *WINDOW)
        files = sorted(root.glob("worlds/*/seed=1/transactions/*/*.parquet"))
        rows = sum(pq.read_metadata(file).num_rows for file in files)
        shapes = {f"{len(files)} files as generated": files}
        for ending in ("parquet", "csv")[: 2 if "--csv" in sys.argv else 1]:
            path = root / f"plain.{ending}"
            # In a process of its own: the peak of a parent counts as that of its children.
            command = [sys.executable, "-m", "benches.validate", "--rewrite", str(path)]
            subprocess.run([*command, *map(str, files)], check=True)
            shapes[f"one {ending} of plain types, {path.stat().st_size >> 20} MB"] = [path]
        for name, paths in shapes.items():
            seconds, peak = run("contracts", "validate", "transactions", *map(str, paths))
            print(f"{rows:,} rows, {name}: {seconds:.1f} s, peak {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rewrite"]:
        rewritten([Path(name) for name in sys.argv[3:]], Path(sys.argv[2]))
    else:
        main()
