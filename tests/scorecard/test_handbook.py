"""The Handbook's protocol: its features, its folds and its metrics, each against a plain count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fauxpay
from fauxpay.errors import CorridorError
from fauxpay.gates.verdicts import Verdict
from fauxpay.scorecard import handbook
from fauxpay.scorecard.card_table import open_card_table
from fauxpay.scorecard.leaks import leaks
from fauxpay.scorecard.single_columns import auc, column_worths
from scorecard_tables import DAY_US, START_US, plain, write


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A small plain table; merchants stand for terminals."""
    columns = plain(cards=150, frauds=120)
    return write(tmp_path_factory.mktemp("handbook") / "table.parquet", columns)


@pytest.fixture(scope="module")
def rows(path):
    """Its rows with features."""
    return handbook.examples(open_card_table(path), threads=1)


@pytest.fixture(scope="module")
def frame(path):
    """The same in pandas, as the Handbook has it."""
    table = pd.read_parquet(path).sort_values(["at", "card", "merchant", "amount"])
    return table.reset_index(drop=True)


def test_card_features_are_the_handbooks(rows, frame):
    """Count and mean amount of the card, the row itself included, as pandas rolls them."""
    for days in (1, 7, 30):
        for card, own in frame.groupby("card"):
            rolled = own.set_index("at")["amount"].rolling(f"{days}D")
            at = own.index.to_numpy()
            count = rows.matrix[at, handbook.NAMES.index(f"card_count_{days}d")]
            mean = rows.matrix[at, handbook.NAMES.index(f"card_mean_{days}d")]
            assert np.array_equal(count, rolled.count().to_numpy()), card
            # Amounts are counted in whole cents.
            assert np.allclose(mean / 100, rolled.mean().to_numpy(), atol=0.006), card


def test_terminal_features_are_the_handbooks(rows, frame):
    """Risk of the terminal: frauds over rows of the window that ended seven days ago."""
    delay = pd.Timedelta(days=handbook.DELAY_DAYS)
    picked = frame.sample(150, random_state=2).index
    seen = 0
    for days in (1, 7, 30):
        for place in picked:
            row = frame.loc[place]
            end, start = row["at"] - delay, row["at"] - delay - pd.Timedelta(days=days)
            own = frame[frame["merchant"] == row["merchant"]]
            window = own[(own["at"] <= end) & (own["at"] >= start)]
            risk = rows.matrix[place, handbook.NAMES.index(f"terminal_risk_{days}d")]
            assert risk == pytest.approx(window["label"].sum() / max(1, len(window)))
            seen += bool(risk)
    assert seen > 10


def test_weekend_night_and_amount_are_plain(rows, frame):
    """What needs no window."""
    columns = dict(zip(handbook.NAMES, rows.matrix.T, strict=True))
    assert np.array_equal(columns["is_weekend"], frame["at"].dt.day_of_week >= 5)
    assert np.array_equal(columns["is_night"], frame["at"].dt.hour < 6)
    assert np.allclose(columns["amount"], frame["amount"], atol=0.005)


def test_thinning_makes_fraud_as_rare_as_in_life(rows):
    """Genuine rows are left out until fraud is .25 %; common fraud is left as it is."""
    every = np.flatnonzero(rows.is_fraud)[:6]
    rare = rows.only(np.sort(np.concatenate([every, np.flatnonzero(~rows.is_fraud)])))
    thin, share = handbook.thinned(rare)
    assert share == pytest.approx(6 / 0.0025 / 6_000, rel=0.1)
    assert thin.is_fraud.sum() == 6
    assert thin.is_fraud.mean() == pytest.approx(0.0025, rel=0.15)
    same, whole = handbook.thinned(rows)
    assert whole == 1
    assert same.at_us.size == rows.at_us.size


def test_folds_leave_out_what_was_known(rows):
    """Seven days, seven of gap, seven to judge by, without cards whose fraud was known by then."""
    (first,) = handbook.fold_days(rows)[:1]
    past, future = handbook.fold(rows, first)
    day = future.at_us // DAY_US
    assert set(past.at_us // DAY_US) <= set(range(first, first + 7))
    assert set(day) <= set(range(first + 14, first + 21))
    whole = handbook.between(rows, first + 14, first + 21)
    frauds = handbook.between(rows, first, first + 21)
    known = {
        (card, each + 7)
        for card, each in zip(
            frauds.card[frauds.is_fraud], frauds.at_us[frauds.is_fraud] // DAY_US, strict=True
        )
    }
    expected = [
        not any(card == own and since < today for own, since in known)
        for card, today in zip(whole.card, whole.at_us // DAY_US, strict=True)
    ]
    assert future.at_us.size == sum(expected) < whole.at_us.size


def test_card_precision_counts_cards_not_rows():
    """Two of the three worst cards of a day had fraud; a card that was found is not found again."""
    at_us = START_US + np.array([0, 1, 2, 3, 4, DAY_US, DAY_US + 1, DAY_US + 2])
    made = handbook.Examples(
        at_us,
        np.array([1, 1, 2, 3, 4, 1, 5, 6]),
        np.array([1, 1, 0, 1, 0, 1, 0, 1], dtype=np.bool_),
        np.zeros((8, 1)),
        int(START_US // DAY_US),
    )
    scores = np.array([0.9, 0.1, 0.8, 0.7, 0.2, 0.9, 0.5, 0.4])
    precision, ceiling = handbook.card_precision(made, scores, checked=3)
    assert precision == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert ceiling == pytest.approx((2 / 3 + 1 / 3) / 2)
    only, most = handbook.card_precision(made, scores, checked=1)
    assert (only, most) == (0.5, 1.0)


def test_auc_is_the_share_of_pairs():
    """With weights and ties, against all pairs one by one."""
    rng = np.random.default_rng(4)
    scores, labels = rng.integers(0, 9, 200).astype(float), rng.random(200) < 0.2
    weight = rng.integers(1, 4, 200).astype(float)
    total = won = 0.0
    for mine in np.flatnonzero(labels):
        for other in np.flatnonzero(~labels):
            own = weight[mine] * weight[other]
            total += own
            won += own * (scores[mine] > scores[other]) + own / 2 * (scores[mine] == scores[other])
    assert auc(scores, labels, weight) == pytest.approx(won / total)


def test_rare_names_earn_nothing_by_chance(path):
    """Ids that say nothing are worth a coin's toss, though each fraud has its own."""
    worths = {worth.name: worth for worth in column_worths(open_card_table(path), threads=1)}
    assert abs(worths["device"].auc - 0.5) < 0.12
    assert worths["amount"].auc > 0.58


def test_too_little_fraud_is_said(rows):
    """Without a fold with frauds enough there are no scores, and the reason is told."""
    few = rows.only(~rows.is_fraud | (np.arange(rows.is_fraud.size) < 500))
    with pytest.raises(CorridorError, match="expected 20 on both sides"):
        handbook.scores_of(few)
    assert handbook.boosting_scores(few) == []


@pytest.mark.slow
def test_the_control_group_fails_the_gate(tmp_path):
    """Realism v1 tosses a coin for its fraud: it cannot be learnt, and the gate says so."""
    run = fauxpay.generate(
        {
            "catalog": {"cards": 3_000, "merchants": 1_500, "places": 40},
            "activity": {"realism": "v1"},
            "run": {"from": "2026-02-02", "to": "2026-04-06", "out": str(tmp_path), "workers": 1},
        }
    )
    found = {each.check: each for each in leaks(open_card_table(run), threads=2).checks}
    assert found["boosting"].verdict == Verdict.FAIL
    assert 0.4 < found["boosting"].value < 0.6
    for name in ("ids", "order", "clock", "fraud_only_entities", "column"):
        assert found[name].verdict == Verdict.PASS, found[name]
