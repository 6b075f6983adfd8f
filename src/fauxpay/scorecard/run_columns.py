"""Run columns: where the canonical columns of a run of ours stand, joined only where asked for.

Reads    transactions, truth, labels, customers and postings of a run
Writes   SQL expressions of canonical columns
Draws    nothing
Sources  reference currencies
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fauxpay.foundations.reference import reference
from fauxpay.readers.query import literal, parquet
from fauxpay.readers.run import TABLES, Run
from fauxpay.receipts.layout import DAY_TABLES

POSTINGS = "postings"
NAMES = {
    "card": "card_id",
    "merchant": "merchant_id",
    "at": "event_time",
    "mcc": "mcc",
    "channel": "channel",
    "entry_mode": "entry_mode",
    "kind": "transaction_type",
    "currency": "currency",
    "billing_currency": "billing_currency",
    "merchant_country": "merchant_country",
    "customer": "customer_id",
    "latitude": "latitude",
    "longitude": "longitude",
    "card_product": "card_product",
    "is_recurring": "is_recurring",
    "is_approved": "is_approved",
    "response_code": "response_code",
    "terminal": "terminal_id",
    "device": "device_id",
    "ip": "ip_address",
}
"""Canonical name -> the column of `transactions` that says it as it stands."""
_PLAIN = {name: f"t.{column}" for name, column in NAMES.items()} | {
    "at": "CAST(t.event_time AS TIMESTAMP)",
    "latitude": "CAST(t.latitude AS DOUBLE)",
    "longitude": "CAST(t.longitude AS DOUBLE)",
    "local_at": "CAST(t.event_time AS TIMESTAMP) + to_minutes(t.local_offset_minutes)",
}
_JOINED = {
    "card_country": ("customers", "customers.country"),
    "label": ("truth", "CAST(truth.transaction_id IS NOT NULL AS TINYINT)"),
    "typology": ("truth", "truth.typology"),
    "campaign": ("truth", "truth.campaign_id"),
    "known_at": ("labels", "labels.known_at"),
    "label_source": ("labels", "labels.source"),
    "posted_on": (POSTINGS, "postings.posted_on"),
}
_KEYS = {"customers": "customer_id"}


def run_columns(run: Run) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Canonical name -> (expression, tables to join) of a run."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {
        name: (expression, ()) for name, expression in _PLAIN.items()
    }
    found["amount"] = (f"t.amount_minor / {units('t.currency')}", ())
    found["billing_amount"] = (f"t.billing_amount_minor / {units('t.billing_currency')}", ())
    for name, (table, expression) in _JOINED.items():
        if table in TABLES and run.entries(table):
            found[name] = (expression, (table,))
    return found


def run_source(run: Run, tables: Sequence[str], event_days: frozenset[str] | None = None) -> str:
    """The FROM clause of the transactions with the tables that are asked for beside them.

    event_days  partitions to read; None for all
    """
    joins = [f"{_scan(run, 'transactions', event_days)} t"]
    for name in tables:
        key = _KEYS.get(name, "transaction_id")
        scan = _scan(run, name, event_days)
        scan = f"({first_known(scan)})" if name == "labels" else scan
        joins.append(f"LEFT JOIN {scan} {name} ON {name}.{key} = t.{key}")
    return " ".join(joins)


def first_known(labels: str) -> str:
    """When the bank first learnt that a transaction is fraud; later words do not change when."""
    return (
        "SELECT transaction_id, CAST(min(known_at) AS TIMESTAMP) AS known_at, "
        f"arg_min(source, known_at) AS source FROM {labels} "
        "WHERE label = 'fraud' GROUP BY transaction_id"
    )


def _scan(run: Run, name: str, event_days: frozenset[str] | None = None) -> str:
    files = run.files(name)
    if event_days is not None and name in DAY_TABLES:
        files = [path for path in files if _event_day(path) in event_days]
    return parquet(files)


def _event_day(path: Path) -> str:
    return path.parent.name.partition("=")[2]


def units(currency: str) -> str:
    """Minor units in a major one."""
    by_digits: dict[int, list[Any]] = {}
    table = reference("currencies")
    for name, digits in zip(
        table.column("currency").to_pylist(), table.column("minor_digits").to_pylist(), strict=True
    ):
        by_digits.setdefault(digits, []).append(name)
    cases = " ".join(
        f"WHEN {currency} IN ({', '.join(map(literal, names))}) THEN {10.0**digits}"
        for digits, names in by_digits.items()
        if digits != 2
    )
    return f"CASE {cases} ELSE 100.0 END"
