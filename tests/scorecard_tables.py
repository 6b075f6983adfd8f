"""Labelled card tables for tests: a plain one, into which a test plants what gives fraud away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAY_US = 86_400_000_000
START_US = 20_500 * DAY_US
DAYS = 40


def plain(cards: int = 1_500, frauds: int = 600, seed: int = 3) -> dict[str, np.ndarray]:
    """Columns of remote payments in order of time; fraud is a little dearer and comes in bursts.

    Thieves use the shops, the devices and the hours of everybody.
    """
    rng = np.random.default_rng(seed)
    rows = cards * DAYS
    card = rng.integers(0, cards, rows)
    at_us = START_US + rng.integers(0, DAYS * DAY_US, rows)
    amount = np.exp(rng.normal(3.2, 1.1, rows))
    victims = rng.choice(cards, frauds // 4, replace=False)
    begin = START_US + rng.integers(0, DAYS * DAY_US - 3_600_000_000, victims.size)
    burst = begin[:, None] + np.cumsum(rng.integers(60_000_000, 900_000_000, (victims.size, 4)), 1)
    columns = {
        "card": np.concatenate([card, np.repeat(victims, 4)]) * 7_919 % 104_729 + 10**9,
        "at": np.concatenate([at_us, burst.ravel()]),
        "amount": np.concatenate([amount, np.exp(rng.normal(3.9, 1.1, victims.size * 4))]),
        "label": np.concatenate([np.zeros(rows, int), np.ones(victims.size * 4, int)]),
    }
    size = columns["card"].size
    columns["merchant"] = np.minimum(rng.zipf(1.6, size), 400) + 5_000
    columns["device"] = rng.integers(0, 2_000, size) + 70_000
    columns["mcc"] = columns["merchant"] % 17 + 5_000
    order = np.argsort(columns["at"], kind="stable")
    return {name: values[order] for name, values in columns.items()}


def write(path: Path, columns: dict[str, np.ndarray], **names: str) -> Path:
    """A Parquet file of columns, some of them under other names."""
    table = pa.table(
        {
            names.get(name, name): pa.array(values, pa.timestamp("us")) if name == "at" else values
            for name, values in columns.items()
        }
    )
    pq.write_table(table, path)
    return path
