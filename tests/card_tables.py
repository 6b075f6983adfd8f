"""Card tables for tests: made by hand, with known answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.scorecard.card_table import open_card_table
from fauxpay.scorecard.facts import shipped_rules
from fauxpay.scorecard.findings import Finding, Scorecard
from fauxpay.scorecard.staging import Staged, staged

FIRST = date(2026, 3, 2)  # a Monday
DAY_US = 86_400_000_000
FIRST_US = int(np.datetime64(FIRST, "us").astype(np.int64))


def instants(days: Sequence[float] | np.ndarray) -> pa.Array:
    """Timestamps so many days after FIRST."""
    micros = FIRST_US + np.rint(np.asarray(days, np.float64) * DAY_US).astype(np.int64)
    return pa.array(micros, pa.timestamp("us"))


def write(path: Path, columns: Mapping[str, Any]) -> Path:
    """A Parquet file of columns; numbers alone stand for every row."""
    rows = len(columns["card"])
    filled = {
        name: [value] * rows if isinstance(value, (str, int, float, bool)) else value
        for name, value in columns.items()
    }
    pq.write_table(pa.table(filled), path)
    return path


@contextmanager
def prepared(path: Path, mapping: Mapping[str, str] | None = None) -> Iterator[Staged]:
    """A file, ready for measuring."""
    table = open_card_table(path, mapping)
    with table.connect(threads=1, columns=("card", "at")) as connection:
        yield staged(table, shipped_rules(), connection)


def found(card: Scorecard, key: str) -> Finding:
    """The finding of a fact."""
    return next(each for each in card.findings if each.fact.key == key)


def poisson_world(
    path: Path, *, cards: int = 300, days: int = 60, rate: float = 1.0, seed: int = 1
) -> Path:
    """Cards of one rate, at any time, over merchants of one weight: nothing but chance."""
    rng = np.random.default_rng(seed)
    rows = rng.poisson(cards * days * rate)
    return write(
        path,
        {
            "card": rng.integers(0, cards, rows),
            "merchant": rng.integers(0, 400, rows),
            "at": instants(rng.uniform(0, days, rows)),
            "amount": np.round(np.exp(rng.normal(3, 1, rows)), 2),
        },
    )
