"""Runs of a small world as plain files, and copies of them in which one thing has changed."""

from __future__ import annotations

from pathlib import Path

import fauxpay
from fauxpay.readers.run import Run, open_run
from fauxpay.scorecard.card_table import open_card_table

# Paydays truly move volumes and countries from week to week; without them weeks are alike.
NO_PAYDAYS = {"activity.rhythm.payday_lift": [1.0] * 7}


def make(
    root: Path,
    cards: int,
    seed: int,
    days: tuple[str, str],
    parameters: dict[str, object] | None = None,
) -> Run:
    """A run below a root."""
    fauxpay.generate(
        {
            "catalog": {"cards": cards, "merchants": 3000, "places": 60},
            "parameters": parameters or {},
            "run": {
                "from": days[0],
                "to": days[1],
                "seed": seed,
                "out": str(root),
                "executor": "serial",
            },
        }
    )
    from fauxpay.receipts.listing import resolve_run

    listed = [one for one in _listed(root) if one.receipt["seed"] == seed]
    found = resolve_run(root, listed[0].run_id)
    return open_run(root, found.folder)


def _listed(root: Path) -> list[Run]:
    from fauxpay.readers.run import open as open_store

    return open_store(root).runs()


def written(run: Run, file: Path, select: str = "select * from transactions") -> Path:
    """A run's rows as one Parquet file, by any SELECT over `transactions`."""
    connection = open_card_table(run).connect()
    connection.execute(f"copy ({select}) to '{file}' (format parquet)")
    return file


def _replaced(expression: str, column: str) -> str:
    return f"select * replace ({expression} as {column}) from transactions"


def _some(parts: int) -> str:
    return f'hash(card, "at") % {parts} = 0'


_LATER = 'local_at + interval 1 hour as local_at, "at" + interval 1 hour'
# What has changed -> (SELECT that changes it, families of which at least these move).
CHANGES: dict[str, tuple[str, set[str]]] = {
    "amounts": (_replaced("amount * 1.1", "amount"), {"amounts"}),
    "online share": (
        _replaced(
            f"case when channel = 'pos' and {_some(10)} then 'ecom' else channel end", "channel"
        ),
        {"channel"},
    ),
    "missing country": (
        "select * from transactions where merchant_country <> 'JP'",
        {"merchant_country", "currency"},
    ),
    "hours": (_replaced(_LATER, '"at"'), {"hour_of_week"}),
    "nulls": (_replaced(f"case when {_some(50)} then null else mcc end", "mcc"), {"nulls.mcc"}),
    "lost rows": ("select * from transactions where hash(card) % 6 > 0", {"rows_per_day"}),
    "declines": (
        _replaced(f"case when {_some(25)} then '51' else response_code end", "response_code"),
        {"response"},
    ),
    "merchant ids": (_replaced('hash(merchant, card, "at")', "merchant"), {"new_merchants"}),
    "fraud": (_replaced(f"case when {_some(200)} then 1 else label end", "label"), {"fraud_rate"}),
}
