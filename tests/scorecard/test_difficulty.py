"""Difficulty: planted frauds are found as well as they were planted, and chance is chance."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from fauxpay.errors import MissingExtraError
from fauxpay.scorecard import behaviour as features
from fauxpay.scorecard import difficulty as measure
from fauxpay.scorecard.card_table import open_card_table

DAYS, CARDS, MERCHANTS = 30, 400, 60
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def planted(folder, kind: str, rows: int = 12_000, rate: float = 0.02):
    """A card table whose frauds are told by the amount, by bursts of a card, or by nothing."""
    random = np.random.default_rng(7)
    card = random.integers(0, CARDS, rows)
    seconds = np.sort(random.integers(0, DAYS * 86_400, rows))
    amount = np.round(np.exp(random.normal(3, 1, rows)), 2)
    is_fraud = random.random(rows) < rate
    if kind == "amount":
        amount[is_fraud] += 5_000
    if kind == "burst":
        # Ten rows of a card within minutes, like any others but for that.
        starts = np.flatnonzero(is_fraud)[::10]
        is_fraud[:] = False
        for start in starts:
            rows_of = slice(start, start + 10)
            card[rows_of] = CARDS + start
            seconds[rows_of] = seconds[start] + 40 * np.arange(10)[: len(card[rows_of])]
            is_fraud[rows_of] = True
    path = folder / f"{kind}.parquet"
    pl.DataFrame(
        {
            "card": card,
            "merchant": random.integers(0, MERCHANTS, rows),
            "at": [BEGIN + timedelta(seconds=int(second)) for second in seconds],
            "amount": amount,
            "label": is_fraud.astype(int),
        }
    ).write_parquet(path)
    return open_card_table(path)


def by_name(found: measure.Difficulty) -> dict[str, measure.Curve]:
    """Curves by what they are of."""
    return {curve.name: curve for curve in found.curves}


def test_a_column_that_gives_fraud_away_is_found(tmp_path):
    """Frauds cost 5,000 more: the amount alone has an AUC of 1 and the lift of an oracle."""
    found = measure.difficulty(planted(tmp_path, "amount"))
    amount = by_name(found)["amount"]
    assert amount.auc > 0.999
    assert amount.lift == pytest.approx(1 / found.prevalence, rel=0.01)
    assert amount.recall_at_1 == 1
    assert found.curves[0].auc >= found.curves[1].auc


def test_noise_is_not_found(tmp_path):
    """Frauds at random: no detector is far from chance, its lift is about 1."""
    found = measure.difficulty(planted(tmp_path, "nothing"))
    assert {curve.kind for curve in found.curves} == {"column", "tree", "logistic", "boosting"}
    for curve in found.curves:
        assert abs(curve.auc - 0.5) < 0.12, curve.name
        assert curve.lift < 2.5, curve.name


def test_bursts_are_found_by_counting(tmp_path):
    """Frauds in bursts: counts of the card find them, the amount does not."""
    curves = by_name(measure.difficulty(planted(tmp_path, "burst")))
    assert curves["boosting"].auc > 0.9
    assert max(curve.auc for curve in curves.values() if curve.kind == "column") > 0.8
    assert "amount" not in curves or curves["amount"].auc < 0.65


def test_curves_rise_and_stay_in_range(tmp_path):
    """ROC from 0 to 1 and never down; gains never below nothing; areas in 0..1."""
    for curve in measure.difficulty(planted(tmp_path, "burst")).curves:
        xs, ys = zip(*curve.roc, strict=True)
        assert (xs[0], xs[-1], ys[-1]) == (0, 1, 1)
        assert list(ys) == sorted(ys)
        assert all(lift >= 0 for _, lift in curve.gains)
        assert 0 <= curve.auc <= 1


def test_the_same_table_gives_the_same_curves(tmp_path):
    """Metamorphic: asked twice, and with other threads, nothing moves."""
    table = planted(tmp_path, "burst", rows=6_000)
    assert measure.difficulty(table, threads=1) == measure.difficulty(table, threads=2)


def test_samples_stand_for_the_whole(tmp_path, monkeypatch):
    """Of a quarter of the cards the prevalence is that of all rows, and every fraud is there."""
    monkeypatch.setattr(features, "ROWS_WANTED", 3_000)
    table = planted(tmp_path, "burst")
    found = measure.difficulty(table)
    rows = pl.read_parquet(tmp_path / "burst.parquet")
    cut = rows["at"].min() + 0.6 * (rows["at"].max() - rows["at"].min())
    later = rows.filter(pl.col("at") >= cut)
    assert found.share_cards == pytest.approx(0.25)
    assert found.frauds_judged == later["label"].sum()
    assert found.prevalence == pytest.approx(later["label"].mean(), rel=0.2)


def test_features_are_what_they_are_called(tmp_path):
    """Counts, sums and times of every row against a plain loop over the rows before it."""
    table = planted(tmp_path, "burst", rows=1_500)
    with table.connect(1, columns=(*features.NEEDED, *features.HELPFUL)) as connection:
        whole = features.extent(connection, "TRUE")
        found = features.behaviour(table, connection, "TRUE", whole)
    rows = pl.read_parquet(tmp_path / "burst.parquet").sort("at").to_dicts()
    us = [int(row["at"].timestamp()) * 1_000_000 for row in rows]
    wanted = []
    for place, row in enumerate(rows):
        own = [n for n in range(place + 1) if rows[n]["card"] == row["card"]]
        day = [n for n in own if us[place] - us[n] <= 86_400_000_000]
        today = us[place] // 86_400_000_000
        seven = [
            n
            for n in range(place)
            if rows[n]["merchant"] == row["merchant"] and 1 <= today - us[n] // 86_400_000_000 <= 7
        ]
        visits = [n for n in own[:-1] if rows[n]["merchant"] == row["merchant"]]
        since = (us[place] - us[own[-2]]) / 1e6 if len(own) > 1 else None
        total = round(sum(rows[n]["amount"] for n in day), 2)
        wanted.append((us[place], len(day), total, len(visits), len(seven), since))
    columns = ("card_count_1d", "card_amount_1d", "visits_before", "merchant_count_7d")
    got = [
        (
            int(found.at_us[n]),
            *(round(float(found.features[name][n]), 2) for name in columns),
            None
            if np.isnan(found.features["seconds_since_last"][n])
            else float(found.features["seconds_since_last"][n]),
        )
        for n in range(len(found.is_fraud))
    ]
    assert sorted(got, key=str) == sorted(
        wanted, key=lambda one: str((one[0], *map(float, one[1:5]), one[5]))
    )


def test_too_few_frauds_are_told(tmp_path):
    """A dozen frauds measure luck: no curve, and a sentence with the count."""
    found = measure.difficulty(planted(tmp_path, "nothing", rows=2_000, rate=0.004))
    assert found.curves == ()
    assert "too few" in found.reason


def test_a_table_without_labels_is_told(tmp_path):
    """What the table lacks is named."""
    planted(tmp_path, "nothing", rows=100)
    path = tmp_path / "plain.parquet"
    pl.read_parquet(tmp_path / "nothing.parquet").drop("label").write_parquet(path)
    assert "label" in measure.difficulty(open_card_table(path)).reason


def test_without_the_extra_the_command_is_named(tmp_path, monkeypatch):
    """scikit-learn is not installed: an error that says how to get it."""
    table = planted(tmp_path, "nothing")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"fauxpay\[difficulty\]"):
        measure.difficulty(table)
