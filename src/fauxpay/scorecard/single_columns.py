"""Single columns: how much each raw column alone gives fraud away, learnt on the past.

Reads    a card table with labels
Writes   AUC of each column on all traffic, on each channel, and at equal channel
Draws    nothing
Sources  nothing

A number may be telling by its size or by its band, a name by its rate of fraud; which, is learnt on
the first part of the time and judged on the rest, so a rare name that only chance made suspicious
earns nothing. Fraud is mostly remote in life, so whatever tells the channel tells fraud on all
traffic; `pooled` is what a column tells beyond that: the mean over channels, by their frauds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.foundations.draws import F64, I64

if TYPE_CHECKING:
    from fauxpay.scorecard.card_table import CardTable

Bool = NDArray[np.bool_]
WORTH_ALL = 0.70
WORTH_CHANNEL = 0.85
PAST_SHARE = 0.6
GENUINE_ROWS = 300_000
FRAUDS_MIN = 30
BANDS = 20
_PRIOR_ROWS = 20.0
_CUTS = (PAST_SHARE, PAST_SHARE / 2)
_NUMBERS: Mapping[str, str] = {
    "amount": "amount",
    "billing_amount": "billing_amount",
    "latitude": "latitude",
    "longitude": "longitude",
    "local_at": "hour(local_at) + minute(local_at) / 60",
    "at": 'hour("at") + minute("at") / 60',
}
_TITLES = {"local_at": "local hour", "at": "hour, UTC"}
_NAMES = (
    *("mcc", "channel", "entry_mode", "kind", "currency", "merchant_country", "card_country"),
    *("card_product", "is_recurring", "is_approved", "merchant", "terminal", "device", "ip"),
    *("card", "customer"),
)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a column alone is worth, as AUC on the later part of the time.

    auc         on all traffic, nan where there is too little fraud
    pooled      mean over channels, weighed by their frauds; auc where the table has no channel
    by_channel  on channels with fraud enough; judged how many frauds each is of
    frauds      judged by on all traffic
    """

    name: str
    auc: float
    pooled: float
    by_channel: Mapping[str, float]
    judged: Mapping[str, int]
    frauds: int

    @property
    def pooled_frauds(self) -> int:
        """Frauds that `pooled` is judged by."""
        return sum(self.judged.values()) or self.frauds


@dataclass(frozen=True, slots=True)
class Sample:
    """All frauds and a sample of genuine rows, each with how many rows it stands for.

    columns   values and whether they are numbers, else codes of names
    is_early  first half of the past
    """

    columns: Mapping[str, tuple[NDArray[Any], bool]]
    is_fraud: Bool
    weight: F64
    is_past: Bool
    is_early: Bool
    channel: NDArray[Any] | None


def column_worths(table: CardTable, threads: int | None = None) -> list[Worth]:
    """The worth of every raw column, the most telling first."""
    sample = sampled(table, threads)
    found = [_worth(name, sample) for name in sample.columns]
    return sorted(found, key=lambda worth: (-np.nan_to_num(worth.pooled), worth.name))


def sampled(table: CardTable, threads: int | None = None) -> Sample:
    """The sample of a table; rows are chosen by a hash of card and time, so twice the same."""
    numbers = {name: sql for name, sql in _NUMBERS.items() if name in table.columns}
    if "local_at" in numbers:
        del numbers["at"]
    names = [name for name in _NAMES if name in table.columns]
    needed = {"card", "at", "label", *numbers, *names}
    with table.connect(threads, columns=needed) as connection:
        found = connection.execute(
            "SELECT count(*), count(*) FILTER (label IS DISTINCT FROM 1) FROM transactions"
        ).fetchall()
        genuine = int(found[0][1])
        share = min(1.0, GENUINE_ROWS / max(1, genuine))
        selected = [f"({sql})::DOUBLE AS number_{name}" for name, sql in numbers.items()]
        selected += [f"{name}::VARCHAR AS name_{name}" for name in names]
        made = connection.sql(
            f"""SELECT {", ".join(selected)}, coalesce(label, 0) = 1 AS is_fraud,
                       epoch_us("at") AS at_us FROM transactions
                WHERE "at" IS NOT NULL
                  AND (label = 1 OR hash(card, "at") % 1000000 < {round(share * 1_000_000)})
                ORDER BY at_us, hash(card)"""
        ).to_arrow_table()
    at_us, is_fraud = made["at_us"].to_numpy(), made["is_fraud"].to_numpy(zero_copy_only=False)
    columns: dict[str, tuple[NDArray[Any], bool]] = {}
    for name in numbers:
        columns[name] = (made[f"number_{name}"].to_numpy(), True)
    for name in names:
        codes = made[f"name_{name}"].combine_chunks().dictionary_encode(null_encoding="encode")
        columns[name] = (np.asarray(codes.indices.to_numpy(zero_copy_only=False)), False)
    channel = None
    if "channel" in table.columns:
        channel = made["name_channel"].to_numpy()
    first, last = (int(at_us[0]), int(at_us[-1])) if at_us.size else (0, 0)
    weight = np.where(is_fraud, 1.0, 1 / share)
    is_past, is_early = (at_us < first + share * (last - first) for share in _CUTS)
    return Sample(columns, is_fraud, weight, is_past, is_early, channel)


def _worth(name: str, sample: Sample) -> Worth:
    every = np.ones(sample.is_fraud.size, dtype=np.bool_)
    auc, frauds = _auc_of(name, sample, every)
    by_channel: dict[str, float] = {}
    judged: dict[str, int] = {}
    if sample.channel is not None and name != "channel":
        for channel in sorted({str(one) for one in sample.channel if one is not None}):
            own, count = _auc_of(name, sample, sample.channel == channel)
            if count >= FRAUDS_MIN:
                by_channel[channel], judged[channel] = own, count
    if by_channel:
        pooled = float(np.average(list(by_channel.values()), weights=list(judged.values())))
    else:
        pooled = 0.5 if name == "channel" else auc
    return Worth(_TITLES.get(name, name), auc, pooled, by_channel, judged, frauds)


def _auc_of(name: str, sample: Sample, which: Bool) -> tuple[float, int]:
    """(AUC, frauds judged by) on some rows; nan where past or future have too few frauds."""
    past, future = np.flatnonzero(which & sample.is_past), np.flatnonzero(which & ~sample.is_past)
    counts = int(sample.is_fraud[past].sum()), int(sample.is_fraud[future].sum())
    if min(counts) < FRAUDS_MIN:
        return float("nan"), 0
    values, is_number = sample.columns[name]
    labels, weight = sample.is_fraud, sample.weight
    candidates = [_banded(values, is_number, labels, weight, past)]
    if is_number:
        filled = np.nan_to_num(values, nan=-1e18)
        candidates += [filled, -filled]
    learnt = [auc(scores[past], labels[past], weight[past]) for scores in candidates]
    # The bands fit the past that they were learnt on: they must beat size clearly to be taken.
    learnt[0] -= 0.03 if is_number else 0.0
    best = candidates[int(np.argmax(learnt))]
    return auc(best[future], labels[future], weight[future]), counts[1]


def _banded(values: NDArray[Any], is_number: bool, labels: Bool, weight: F64, past: I64) -> F64:
    """The rate of fraud that each row's name, or band of its number, had in the past."""
    codes = values
    if is_number:
        known = values[past]
        known = known[~np.isnan(known)]
        cuts = np.linspace(0, 1, BANDS + 1)[1:-1]
        edges: F64 = np.unique(np.quantile(known, cuts)) if known.size else known
        band = np.searchsorted(edges, values, side="right")
        codes = np.where(np.isnan(values), edges.size + 1, band)
    return rates(codes, labels, weight, past)


def rates(codes: I64, labels: Bool, weight: F64, past: I64) -> F64:
    """Rate of fraud of each row's code among some rows, drawn towards the mean where it is rare."""
    size = int(codes.max()) + 1
    rows = np.bincount(codes[past], weight[past], size)
    frauds = np.bincount(codes[past], weight[past] * labels[past], size)
    prior = frauds.sum() / rows.sum()
    out: F64 = ((frauds + prior * _PRIOR_ROWS) / (rows + _PRIOR_ROWS))[codes]
    return out


def auc(scores: F64, labels: Bool, weight: F64) -> float:
    """Chance that a fraud scores above a genuine row, ties counting half; rows weighted."""
    order = np.argsort(scores, kind="stable")
    ranked, is_fraud, own = scores[order], labels[order], weight[order]
    bounds = np.flatnonzero(np.diff(ranked, prepend=np.nan) != 0)
    genuine = np.add.reduceat(np.where(is_fraud, 0.0, own), bounds)
    fraud = np.add.reduceat(np.where(is_fraud, own, 0.0), bounds)
    below = np.cumsum(genuine) - genuine
    return float((fraud * (below + genuine / 2)).sum() / (fraud.sum() * genuine.sum()))


def auc_error(value: float, frauds: int) -> float:
    """Standard error of an AUC by so many frauds among far more genuine rows.

    Source: Hanley and McNeil, Radiology 143 (1982), by their approximation of Q2.
    """
    return float(np.sqrt(max(2 * value**2 / (1 + value) - value**2, 0.0) / frauds))
