"""Scoring: a card table against every published fact.

Reads    a card table
Writes   a scorecard
Draws    nothing
Sources  facts.yaml
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fauxpay.readers.run import Run
from fauxpay.scorecard.blocks import Measured, finite
from fauxpay.scorecard.card_table import DEFAULT_ROOT, CardTable, open_card_table
from fauxpay.scorecard.columns import NEEDED
from fauxpay.scorecard.events import readable
from fauxpay.scorecard.facts import Rules, shipped_rules
from fauxpay.scorecard.findings import Scorecard
from fauxpay.scorecard.judging import (
    finding,
    group_shares,
    lacking_columns,
    rows_of,
    share_inside,
    verdict_of,
)
from fauxpay.scorecard.measures.activity import activity, merchants
from fauxpay.scorecard.measures.amounts import amounts
from fauxpay.scorecard.measures.channels import channels
from fauxpay.scorecard.measures.fraud import bursts, fraud, knowledge, typologies
from fauxpay.scorecard.measures.posting import posting
from fauxpay.scorecard.measures.rhythm import hours, rhythm
from fauxpay.scorecard.measures.slices import card_slices
from fauxpay.scorecard.staging import Staged, day_of, staged
from fauxpay.storage.places import Place

MEMORY_LIMIT = "4GB"
"""What DuckDB may hold before it spills; a table of 100 million rows needs no more."""


def score(
    source: str | Path | Run,
    mapping: Mapping[str, str] | None = None,
    root: str | Place = DEFAULT_ROOT,
    *,
    threads: int | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> Scorecard:
    """Scores a run of ours or any card table; see `open_card_table` for what can be named.

    threads       of DuckDB; None for one per core
    memory_limit  of DuckDB, beyond which it spills into a temporary folder
    Raises StorageError, GateError, ConfigError and ContractError for what cannot be read.
    """
    return scored(open_card_table(source, mapping, root), threads, memory_limit)


def scored(table: CardTable, threads: int | None, memory_limit: str) -> Scorecard:
    """The scorecard of an open card table."""
    rules = shipped_rules()
    with readable(), table.connect(threads, memory_limit, columns=NEEDED) as connection:
        ready = staged(table, rules, connection)
        measured = _measured(ready, rules)
        findings = tuple(finding(law, ready, measured) for law in rules.laws)
        evidence = _evidence(ready)
    return Scorecard(
        table.subject,
        evidence,
        findings,
        share_inside(findings, rules),
        {
            "verdict": verdict_of(findings, rules).name,
            "rows": {number: standing.value for number, standing in rows_of(findings).items()},
            "groups": group_shares(findings, rules),
            "also": {
                name: {"value": each.value, "interval": each.interval}
                for name, each in measured.items()
                if name not in {law.fact.key for law in rules.laws}
            },
        },
    )


def _measured(ready: Staged, rules: Rules) -> dict[str, Measured]:
    """Every fact whose columns are there; what belongs together is measured together."""
    can = {law.fact.key for law in rules.laws if not lacking_columns(law, ready.table.columns)}
    cards = card_slices(ready)
    parts: list[tuple[tuple[str, ...], Callable[[], Mapping[str, Measured]]]] = [
        (("gini",), lambda: activity(ready, cards)),
        (("merchant_zipf",), lambda: merchants(cards)),
        (("friday",), lambda: rhythm(ready)),
        (("trough_hour",), lambda: hours(ready)),
        (("posting_lag",), lambda: posting(ready)),
        (("mean_over_median",), lambda: amounts(ready)),
        (("refunds", "home_share", "remote_count"), lambda: channels(ready)),
        (("fraud_rate_count",), lambda: fraud(ready)),
        (("typology_cnp",), lambda: typologies(ready)),
        (("frauds_per_card_day",), lambda: bursts(ready)),
        (("known_median",), lambda: knowledge(ready)),
    ]
    measured: dict[str, Measured] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for keys, measure in parts:
            if can & set(keys):
                measured |= measure()
    return {name: finite(one) for name, one in measured.items()}


def _evidence(ready: Staged) -> dict[str, Any]:
    return {
        "rows": ready.rows,
        "rows_without_card_or_time": ready.rows_without,
        "cards": ready.cards,
        "merchants": ready.merchants,
        "frauds": ready.frauds,
        "first_day": day_of(ready.first_utc_day).isoformat(),
        "last_day": day_of(ready.first_utc_day + ready.span_days - 1).isoformat(),
        "days": ready.span_days,
        "currency": ready.currency,
        "columns": sorted(ready.table.columns),
    }
