"""The scorecard of the default consumer world under five seeds, and of the control group.

    python -m benches.realism           # 100,000 cards, 120 days with Black Friday and December
    python -m benches.realism --cards 20000
    python -m benches.realism --seeds 1

Each seed makes another world and another run of it. The goal: at least 21 of
rows 1-22 and all of rows 23-33 inside for each seed, and at least half of what is judged outside
for `realism: v1`.
"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import fauxpay
from fauxpay.scorecard.findings import Scorecard, Standing

WINDOW = {"from": "2026-10-01", "to": "2027-01-29"}
ROWS, FRAUD_ROWS = range(1, 23), range(23, 34)


def main() -> None:
    """Prints rows inside and the facts outside of each seed, then of the control group."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cards", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    for seed in range(1, asked.seeds + 1):
        report(f"seed {seed}", score(asked.cards, seed, "v2"))
    report("realism v1", score(asked.cards, 1, "v1"))


def score(cards: int, seed: int, realism: str) -> Scorecard:
    """The scorecard of one world."""
    with tempfile.TemporaryDirectory() as folder:
        config: dict[str, Any] = {
            "catalog": {"cards": cards, "seed": 2025 + seed},
            "activity": {"realism": realism},
            "run": {**WINDOW, "seed": seed, "out": folder, "report": False},
        }
        return fauxpay.score(fauxpay.generate(config))


def report(name: str, card: Scorecard) -> None:
    """Rows inside of spending and of fraud, the verdict, and each fact outside."""
    told = [f"{counted(card, rows)} of {len(rows)}" for rows in (ROWS, FRAUD_ROWS)]
    print(
        f"{name}: rows 1-22 {told[0]} inside, rows 23-33 {told[1]}, "
        f"verdict {card.extra['verdict']}, total {card.total:.1%}",
        flush=True,
    )
    for found in card.findings:
        if found.standing is Standing.OUTSIDE:
            print(f"  {found.fact.row} {found.fact.key} {found.value:.4g}", flush=True)


def counted(card: Scorecard, rows: range) -> int:
    """How many of the rows are inside."""
    return sum(card.extra["rows"].get(row) == Standing.INSIDE for row in rows)


if __name__ == "__main__":
    main()
