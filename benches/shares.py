"""How near a month comes to the share of fraud that was asked for, and each typology to its part.

    python -m benches.shares               # .0005, .005, .02 and .05 of 25,000 cards, three seeds
    python -m benches.shares --rate 0.005 --seeds 1

Counted in the plan of thirty days, without drift; parts are those of the pilot (decision 0028).
Rows are shown with how far they are off; parts that are promised fewer than 60 rows are left out.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from fauxpay.activity.engine import day_number
from fauxpay.catalog.build import build_catalog
from fauxpay.config.model import Config
from fauxpay.foundations.parameters import load_parameters
from fauxpay.fraud.counts import quota_of
from fauxpay.fraud.rates import pilot_of
from fauxpay.fraud.typology import typology_names
from fauxpay.partitions.compose import PartitionMaker, world_of

RATES = (0.0005, 0.005, 0.02, 0.05)
WINDOW = {"from": "2026-03-02", "to": "2026-04-01"}
CATALOG = {"cards": 25_000, "merchants": 20_000, "places": 200}
ROWS_LEAST = 60


def main() -> None:
    """Prints a line for each rate and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, action="append")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    world = world_of(build_catalog(Config(catalog=CATALOG), load_parameters()))
    for rate in asked.rate or RATES:
        for seed in range(1, asked.seeds + 1):
            config = Config(
                catalog=CATALOG,
                fraud={"rate": rate, "drift": False},
                run={**WINDOW, "seed": seed},
            )
            print(line(PartitionMaker(world, config, load_parameters()), rate, seed), flush=True)


def line(maker: PartitionMaker, rate: float, seed: int) -> str:
    """Seconds of the quota, how far off the share is, rows and deviation by typology."""
    own = (maker.world, maker.tables, maker.config, maker.parameters)
    begun = time.perf_counter()
    quota_of(*own)
    seconds = time.perf_counter() - begun
    run = maker.config.run
    days = range(day_number(run.start_day), day_number(run.end_day))
    activity, plan = maker.shard(0).activity, maker.shard(0).plan
    names, attacks = typology_names(maker.config), plan.on_days(days)
    code = plan.compromises.typology[plan.attacks.compromise[attacks]]
    rows = np.bincount(code, minlength=len(names))
    genuine = sum(activity.days_events(range(day, day + 1))[1].card.size for day in days)
    off = rows.sum() / (rows.sum() + genuine) / rate - 1
    parts = pilot_of(*own).fraud
    wanted = parts / parts.sum() * rows.sum()
    told = [
        f"{names[kind]} {rows[kind]} ({rows[kind] / wanted[kind] - 1:+.1%})"
        for kind in np.argsort(-wanted)
        if wanted[kind] >= ROWS_LEAST
    ]
    return f"{rate} seed {seed}: share {off:+.1%}, quota {seconds:.1f} s; {', '.join(told)}"


if __name__ == "__main__":
    main()
