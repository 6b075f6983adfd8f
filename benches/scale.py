"""How cost grows with cards, days and workers: the slopes behind docs/scale.md.

    python -m benches.scale [CARDS ...]

Prints, for each number of cards (10^5 and 10^6 by default; 10^7 takes minutes and memory): what
its world costs to build, open and plan and how large it is; CPU seconds a million rows, the world
apart; bytes and files of what is written; rows/s of one and two workers, start and world included.
Then what a row costs at the largest world against the smallest, and exits with 1 where that is not
flat within a fifth. Each measurement has a process and a root of its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from fauxpay.config.model import Config
from fauxpay.delivery.engine import Engine
from fauxpay.delivery.judging import tasks_of
from fauxpay.delivery.partition import make_partitions
from fauxpay.delivery.processes import ProcessExecutor
from fauxpay.delivery.task import Context, Stretch, first_day_early, stretch_days, stretches
from fauxpay.delivery.workers import open_world
from fauxpay.delivery.worlds import build_world, find_world, identify
from fauxpay.foundations.parameters import load_parameters
from fauxpay.receipts.records import PartitionReceipt

CARDS = (100_000, 1_000_000)
FIRST_DAY = "2026-03-02"
DAYS = 4
# The same for every world, so that a partition has as many rows, and two workers a shard each.
CARDS_PER_SHARD = 50_000
SPEED_CARDS_MAX = 2_000_000
FLAT_WITHIN = 0.2
SIDECARS = "worlds/*/seed=*/partitions/event_day=*/*.json"


@dataclass(frozen=True, slots=True)
class Made:
    """What one run cost, and what it left.

    All seconds are CPU seconds of one process, in which nothing else runs.
    """

    cards: int
    rows: int
    build_seconds: float
    open_seconds: float
    plan_seconds: float
    day_seconds: float
    peak_mb: float
    catalog_bytes: int
    derived_bytes: int
    table_bytes: int
    table_files: int
    sidecar_bytes: int
    partitions: int


def context_of(root: Path, cards: int, seed: int) -> tuple[Context, date]:
    """A request of some days below a root, and the day after its last."""
    last = date.fromisoformat(FIRST_DAY) + timedelta(days=DAYS)
    config = Config(
        catalog={"cards": cards},
        output={"cards_per_shard": CARDS_PER_SHARD},
        run={"from": FIRST_DAY, "to": last.isoformat(), "seed": seed, "out": str(root)},
    )
    parameters, engine = load_parameters(), Engine()
    request = identify(config, parameters, engine.inputs(config))
    return Context(root, request, config, parameters, engine), last


def measured(root: Path, cards: int) -> Made:
    """Builds a world below a root and makes days of it in this process, each part timed apart."""
    context, last = context_of(root, cards, seed=1)
    begun = time.process_time()
    world = build_world(root, context.request, context.config, context.parameters, context.engine)
    built = time.process_time()
    workshop = open_world(context)
    opened = time.process_time()
    plan_seconds = day_seconds = 0.0
    receipts: list[PartitionReceipt] = []
    for stretch in work_of(context, world, 1):
        used = time.process_time()
        receipts += make_partitions(context, workshop, stretch, lambda rows: None)
        used = time.process_time() - used
        if stretch[0].is_plan:
            plan_seconds += used
        else:
            day_seconds += used
    made = [one for one in receipts if one.event_day != last.isoformat()]
    sidecars = [path.stat().st_size for path in root.glob(SIDECARS)]
    return Made(
        cards=cards,
        rows=rows_of(made),
        build_seconds=built - begun,
        open_seconds=opened - built,
        plan_seconds=plan_seconds,
        day_seconds=day_seconds,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        catalog_bytes=sum(path.stat().st_size for path in root.glob("worlds/*/catalog/*")),
        derived_bytes=sum(path.stat().st_size for path in root.glob("worlds/*/derived/*")),
        table_bytes=sum(entry.bytes for one in made for entry in one.tables),
        table_files=sum(len(one.tables) for one in made),
        sidecar_bytes=sum(sidecars) // len(sidecars),
        partitions=len(made),
    )


def speed(root: Path, cards: int, workers: int) -> tuple[float, float]:
    """Rows a second of wall time, from the first word to the workers to the last receipt.

    Beside it the peak memory of the largest worker, in MB.
    """
    context, _ = context_of(root, cards, seed=10 + workers)
    world = find_world(root, context.request.world_id)
    assert world is not None
    work = work_of(context, world, workers)
    begun = time.perf_counter()
    # One worker is a process of its own too: both pay for its start.
    with ProcessExecutor(workers) as running:
        receipts = list(running.run(work, context, lambda rows: None))
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return rows_of(receipts) / seconds, peak_mb


def work_of(context: Context, world: Mapping[str, Any], workers: int) -> list[Stretch]:
    """All stretches of a request, cut as a run cuts them."""
    tasks = tasks_of(context, world)
    cards = min(context.config.catalog.cards, context.config.output.cards_per_shard)
    return list(first_day_early(stretches(tasks, stretch_days(cards, len(tasks), workers))))


def rows_of(receipts: Iterable[PartitionReceipt]) -> int:
    """Transactions of partitions; plans have none."""
    return sum(one.rows.get("transactions", 0) for one in receipts)


def in_a_process(*arguments: object) -> Any:
    """What this module prints for some arguments in a process of its own, memory included."""
    words = [sys.executable, "-m", "benches.scale", *map(str, arguments)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def lines_of(made: Made, speeds: Sequence[tuple[float, float]]) -> list[str]:
    """What a world and its rows cost."""
    size = made.catalog_bytes + made.derived_bytes
    each = made.cards / 1e6
    world = (
        f"{made.cards:,} cards: world built in {made.build_seconds:.1f} CPU s "
        f"({made.build_seconds / each:.1f} s a million cards), opened in {made.open_seconds:.1f} s "
        f"({made.open_seconds / each:.1f}), planned in {made.plan_seconds:.1f} s "
        f"({made.plan_seconds / each:.1f}); {size / 1e6:.0f} MB, {size / made.cards:.0f} bytes a "
        f"card, {made.derived_bytes / 1e6:.1f} MB of it derived; peak {made.peak_mb:.0f} MB"
    )
    files = (
        f"  {made.rows:,} rows in {made.partitions} partitions: "
        f"{made.table_bytes / made.rows:.1f} bytes a row, "
        f"{made.table_files / made.partitions:.0f} files and a sidecar of {made.sidecar_bytes} "
        f"bytes a partition"
    )
    cost = f"  a million rows: {cost_of(made):.3f} CPU s, the world apart"
    if not speeds:
        return [world, files, cost]
    (one, peak_mb), (two, _) = speeds
    rates = (
        f"  start, world and plan included: one worker {one:,.0f} rows/s, two {two:,.0f} rows/s, "
        f"{two / one:.2f} times; peak of a worker {peak_mb:.0f} MB"
    )
    return [world, files, cost, rates]


def cost_of(made: Made) -> float:
    """CPU seconds a million rows."""
    return made.day_seconds / made.rows * 1e6


def receipt_bytes() -> tuple[float, int]:
    """(bytes a partition, bytes besides) of a run's receipt, from runs of 2 and 42 partitions."""
    sizes: dict[int, int] = {}
    for days in (2, 42):
        with tempfile.TemporaryDirectory() as root:
            last = date.fromisoformat(FIRST_DAY) + timedelta(days=days)
            words = [sys.executable, "-m", "fauxpay", "generate", "--quiet", "--out", root]
            words += ["--from", FIRST_DAY, "--to", last.isoformat(), "--set=catalog.cards=200"]
            words += ["--set=catalog.merchants=400", "--set=catalog.places=12", "--no-report"]
            subprocess.run(words, check=True)
            (receipt,) = Path(root).glob("runs/utc_day=*/*/receipt.json")
            sizes[days] = receipt.stat().st_size
    each = (sizes[42] - sizes[2]) / 40
    return each, round(sizes[2] - 2 * each)


def main(arguments: Sequence[str]) -> int:
    """Prints the figures; 1 where a row's cost is not flat."""
    if arguments[:1] == ["--made"]:
        print(json.dumps(asdict(measured(Path(arguments[1]), int(arguments[2])))))
        return 0
    if arguments[:1] == ["--speed"]:
        place, size, workers = arguments[1:]
        print(json.dumps(speed(Path(place), int(size), int(workers))))
        return 0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start", flush=True)
    found: list[Made] = []
    for cards in [int(text) for text in arguments] or CARDS:
        with tempfile.TemporaryDirectory() as root:
            found.append(Made(**in_a_process("--made", root, cards)))
            workers = (1, 2) if cards <= SPEED_CARDS_MAX else ()
            speeds = [in_a_process("--speed", root, cards, count) for count in workers]
        print("\n".join(lines_of(found[-1], speeds)), flush=True)
    each, besides = receipt_bytes()
    print(f"receipt.json: {each:.0f} bytes a partition and {besides:,} besides")
    if len(found) < 2:
        return 0  # One size says nothing of others.
    costs: list[Any] = [cost_of(one) for one in found]
    spread = max(costs) / min(costs) - 1
    is_flat = spread <= FLAT_WITHIN
    print(f"cost of a row: within {spread:.0%} over all sizes, {'flat' if is_flat else 'NOT flat'}")
    return 0 if is_flat else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
