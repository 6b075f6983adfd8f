"""Rows at the edges of what is measured, and a walk over them."""

from __future__ import annotations

import datetime
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from fauxpay.calibration.measuring import GAP_MINUTES
from fauxpay.calibration.statistics import Cell
from fauxpay.drift.windows import Window

CARDS, ROWS, DAYS = 30, 2400, 38
START = datetime.date(2026, 3, 4)  # A Wednesday: the first week and the last are pieces.
WINDOW = Window(START, START + datetime.timedelta(DAYS))
MIDNIGHT = datetime.datetime.combine(START, datetime.time())
MCCS = {"5411": "grocery", "5542": "fuel", "9999": "other", None: "other"}
MIXES: dict[str, tuple[Any, ...]] = {
    "merchant": (*range(40), None),
    "channel": ("pos", "pos", "pos", "ecom", "ecom", "atm", "moto", None),
    "entry_mode": ("chip", "contactless", "magstripe", "credential_on_file", "ecommerce", None),
    "kind": (*["purchase"] * 14, "withdrawal", "refund", "reversal", None),
    "currency": ("USD", "USD", "JPY", "KWD"),
    "merchant_country": ("US", "US", "GB", "JP", None),
    "is_recurring": (*[False] * 8, True, None),
    "is_approved": (True, True, True, False, None),
    "label": (*[0] * 12, 1, None),
    "mcc": tuple(MCCS),
    "amount": (12.0, 12.99, 7.95, 3.9, 20.5, 8.37, 0.0, 41.01),
}
Row = dict[str, Any]
Key = tuple[str, ...]


def some_rows() -> list[Row]:
    """Rows of a month and a bit about a window: at its first and last instant, before, after."""
    chance, rows = random.Random(7), list[Row]()
    for nth in range(ROWS):
        seconds = chance.randrange(-86_400, (DAYS + 1) * 86_400)
        seconds = (0, DAYS * 86_400, DAYS * 86_400 - 1)[nth] if nth < 3 else seconds
        card = int(CARDS * chance.random() ** 6)
        row: Row = {name: chance.choice(values) for name, values in MIXES.items()}
        if card == CARDS - 1:
            row["kind"] = "refund"  # It does nothing else.
        row |= {"card": card, "at": MIDNIGHT + datetime.timedelta(seconds=seconds)}
        row["local_at"] = row["at"] + datetime.timedelta(hours=(-5, 9)[card % 2])
        row["card_country"] = ("US", "GB", None)[card % 3]
        fraud = row["label"] == 1
        row["typology"] = chance.choice(("phishing", "skimming", None)) if fraud else None
        late = datetime.timedelta(days=chance.choice((0, 2, 31)))
        known = fraud and chance.random() < 0.7
        row["known_at"] = row["at"] + late if known else None
        row["label_source"] = chance.choice(("analyst", "chargeback")) if known else None
        rows.append(row)
        # Some come again soon, at the edge of what is soon.
        if nth % 4 == 0:
            gap = datetime.timedelta(minutes=chance.choice((5, GAP_MINUTES, GAP_MINUTES + 1)))
            again = {**row, "at": row["at"] + gap, "local_at": row["local_at"] + gap}
            rows.append({**again, "label": 0, "typology": None, "known_at": None})
            rows[-1]["label_source"] = None
    return rows


def inside(rows: list[Row]) -> list[Row]:
    """Rows of the window, with what kind each is of."""
    end = MIDNIGHT + datetime.timedelta(DAYS)
    own = []
    for row in rows:
        if MIDNIGHT <= row["at"] < end:
            kind, fraud = row["kind"] or "purchase", row["label"] == 1
            paid = kind in ("purchase", "withdrawal") and not fraud
            often = row["is_recurring"] is True
            own.append({**row, "paid": paid, "spontaneous": paid and not often, "often": often})
    return own


def shares(
    rows: list[Row], key: Callable[[Row], Key | None], whole: Callable[[Key], Key]
) -> dict[Key, Cell]:
    """Share of each group in its whole, with what stands behind it."""
    groups = defaultdict(list)
    for row in rows:
        if (name := key(row)) is not None:
            groups[name].append(row)
    total = Counter()
    for name, own in groups.items():
        total[whole(name)] += len(own)
    return {
        name: Cell(len(own) / total[whole(name)], len(own), cards(own))
        for name, own in groups.items()
    }


def cards(rows: Iterable[Row]) -> int:
    """Different cards of rows."""
    return len({row["card"] for row in rows})
