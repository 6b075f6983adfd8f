"""Labels: what the bank comes to know of the day's transactions, and when.

Reads    transactions(transaction_id, event_time, is_approved), truth
Writes   labels(transaction_id, label, source, known_at)
Draws    labels/*
Sources  parameters.yaml

Late, incomplete and sometimes wrong: some frauds are never found, a few genuine purchases are
disputed. Declined attempts cost nobody anything and are labelled by alerts alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.activity.visits import lognormal_table
from fauxpay.config.model import Config
from fauxpay.foundations.draws import F64, I64, U64, draw, stream_key, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.quantiles import look_up, tail_index
from fauxpay.fraud.story import TYPOLOGIES

SOURCES = ("chargeback", "customer_report", "issuer_alert", "analyst")
FRAUD, GENUINE = 0, 1
_ANALYST, _CUSTOMER = SOURCES.index("analyst"), SOURCES.index("customer_report")
_DAY_US = 86_400_000_000.0


@dataclass(frozen=True, slots=True)
class Bank:
    """What the bank's knowledge is drawn from: chances of 2**32 and delay quantiles by source."""

    seed: int
    is_open: bool
    found: int
    wrong: int
    reversed: int
    source_edges: I64  # [typologies, 3]
    delays: F64  # [sources, points], microseconds


@dataclass(frozen=True, slots=True)
class Labels:
    """Facts by the UTC day of their transactions (event_day), then in the order they became known.

    label and source are codes of the contract, times microseconds UTC.
    """

    event_day: I64
    transaction_id: I64
    label: I64
    source: I64
    known_at_us: I64


def open_bank(config: Config, parameters: Parameters) -> Bank:
    """The bank of one world under a run's seed."""
    delays = parameters.value("labels.delay_days")
    shares = parameters.value("labels.sources")
    return Bank(
        seed=config.run.seed,
        is_open=config.labels.enabled,
        found=threshold(config.labels.found_share, 32),
        wrong=threshold(config.labels.false_share, 32),
        reversed=threshold(parameters.value("labels.reversed_share"), 32),
        source_edges=np.array([_edges(shares[name]) for name in TYPOLOGIES]),
        delays=np.concatenate([_delay_table(delays[name]) for name in SOURCES]),
    )


def _edges(shares: list[float]) -> list[int]:
    cumulative = np.cumsum(shares)[:-1] / np.sum(shares)
    return [threshold(float(share), 32) for share in cumulative]


def _delay_table(law: dict[str, Any]) -> F64:
    unit = _DAY_US
    return lognormal_table(
        law["median"] * unit, law["log_sd"], law["min"] * unit, law["max"] * unit
    )


def _top(bank: Bank, name: str, address: U64) -> I64:
    word = draw(stream_key(bank.seed, f"labels/{name}"), address)
    return (word >> np.uint64(32)).view(np.int64)


def disputed(bank: Bank, address: U64) -> I64:
    """Rows that would be disputed by mistake if they were genuine and approved."""
    if not bank.is_open or not bank.wrong:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(_top(bank, "wrong", address) < bank.wrong)


def label(
    bank: Bank,
    frauds: tuple[U64, I64, I64, I64],
    mistakes: tuple[U64, I64, I64],
) -> Labels:
    """Labels of consecutive days.

    frauds    (address, transaction_id, event_time us, typology) of approved frauds
    mistakes  (address, transaction_id, event_time us) of disputed genuine rows
    """
    address, transaction_id, at_us, typology = frauds
    known = np.flatnonzero(_top(bank, "found", address) < bank.found)
    if not bank.is_open:
        known = known[:0]
    address, at_us = address[known], at_us[known]
    drawn = _top(bank, "source", address)
    source = (drawn[:, None] >= bank.source_edges[typology[known]]).sum(axis=1)
    found = (transaction_id[known], source, at_us + _delays(bank, "delay", address, source))

    wrong_address, wrong_id, wrong_us = mistakes
    by_customer = np.full(wrong_id.size, _CUSTOMER)
    told_us = wrong_us + _delays(bank, "delay", wrong_address, by_customer)
    undone = np.flatnonzero(_top(bank, "undone", wrong_address) < bank.reversed)
    by_analyst = np.full(undone.size, _ANALYST)
    undone_us = told_us[undone] + _delays(bank, "undo_delay", wrong_address[undone], by_analyst)
    ids = np.concatenate([found[0], wrong_id, wrong_id[undone]])
    is_genuine = np.arange(ids.size) >= ids.size - undone.size
    known_us = np.concatenate([found[2], told_us, undone_us])
    event_day = np.concatenate([at_us, wrong_us, wrong_us[undone]]) // int(_DAY_US)
    order = np.lexsort((ids, known_us, event_day))
    return Labels(
        event_day=event_day[order],
        transaction_id=ids[order],
        label=np.where(is_genuine, GENUINE, FRAUD)[order],
        source=np.concatenate([found[1], by_customer, by_analyst])[order],
        known_at_us=known_us[order],
    )


def _delays(bank: Bank, name: str, address: U64, source: I64) -> I64:
    word = draw(stream_key(bank.seed, f"labels/{name}"), address)
    index, fraction = tail_index(word >> np.uint64(32))
    return np.rint(look_up(bank.delays, source, index, fraction)).astype(np.int64)
