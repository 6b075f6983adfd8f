"""Events a second of `fauxpay stream`, to a file and to a broker, beside the disk's own speed.

    python -m benches.stream                        # to a file
    python -m benches.stream kafka://127.0.0.1:9192/bench

The demo world. The file is written again from memory afterwards: the ratio of both times is what
reading, ordering, encoding and digesting cost.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import fauxpay
from fauxpay.streams.channels import Encoding
from fauxpay.streams.pace import Pace
from fauxpay.streams.play import Asked, Played, play


def timed(
    run: fauxpay.Run, target: str, encoding: Encoding = "json"
) -> tuple[Played, float, float]:
    """What was played, wall seconds and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    played = play(run, Asked(target, encoding=encoding), Pace())
    return played, time.perf_counter() - wall, time.process_time() - cpu


def shown(played: Played, target: str, wall: float, cpu: float) -> str:
    """One line."""
    return (
        f"{target}: {played.sent:,} events, {played.sent / wall:,.0f} events/s, "
        f"{played.sent / cpu:,.0f} a CPU second"
    )


def main(targets: list[str]) -> None:
    """Prints a line for the file, and one for each target given."""
    with tempfile.TemporaryDirectory() as folder:
        run = fauxpay.generate({"run": {"out": folder, "report": False, "executor": "serial"}})
        path = Path(folder) / "events.ndjson"
        played, wall, cpu = timed(run, str(path))
        data = path.read_bytes()
        begun = time.perf_counter()
        with (Path(folder) / "again.ndjson").open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        plain = time.perf_counter() - begun
        print(shown(played, "a file", wall, cpu))
        print(f"  {len(data) / 1e6:,.0f} MB; ratio to writing them from memory {wall / plain:.1f}")
        path = Path(folder) / "events.avro"
        played, wall, cpu = timed(run, str(path), "avro")
        print(shown(played, "a file of Avro", wall, cpu))
        print(f"  {path.stat().st_size / 1e6:,.0f} MB")
        for target in targets:
            played, wall, cpu = timed(run, target)
            print(shown(played, target, wall, cpu))


if __name__ == "__main__":
    main(sys.argv[1:])
