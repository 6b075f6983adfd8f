"""Difficulty: how well simple detectors find the fraud of a card table, learning on its past.

Reads    a card table with labels, by scorecard.behaviour
Writes   nothing
Draws    nothing
Sources  nothing

Too easy is as wrong as impossible: on real card traffic a single column hardly helps and boosting
helps well, yet never finds all. Precision depends on how rare fraud is, so what travels between
tables is the lift (precision over prevalence) and the recall at 1 % false alarms.
Models learn on all frauds of the past and a sample of genuine rows, each with its weight, so every
number is an estimate for the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fauxpay.errors import MissingExtraError
from fauxpay.scorecard.behaviour import (
    DAY_US,
    HELPFUL,
    NEEDED,
    Behaviour,
    Column,
    behaviour,
    condition_of,
    extent,
)

if TYPE_CHECKING:
    from fauxpay.scorecard.card_table import CardTable

FRAUDS_MIN = 20
"""Frauds that both the past and the future must have; fewer would measure luck."""
TRAIN_SHARE = 0.6
WARM_DAYS = 7
GENUINE_LEARNT = 20_000
GENUINE_JUDGED = 60_000
COLUMNS_SHOWN = 5
POINTS = 61
SEED = 1
BINS = 255
"""Steps that boosting sees of a column. Made here in one go: scikit-learn goes through all weighted
rows for each of them."""

Kind = Literal["column", "tree", "logistic", "boosting"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A detector, judged on the future.

    lift          average precision over prevalence: 1 is chance
    recall_at_1   share of frauds found when 1 % of genuine rows are alarms
    roc           (false alarm rate, recall)
    gains         (recall, precision over prevalence)
    """

    name: str
    kind: Kind
    auc: float
    average_precision: float
    lift: float
    recall_at_1: float
    roc: tuple[tuple[float, float], ...]
    gains: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """What was measured; without curves `reason` says why there are none.

    share_cards  of the cards without fraud that were looked at
    """

    curves: tuple[Curve, ...]
    prevalence: float
    frauds_learnt: int
    frauds_judged: int
    share_cards: float
    reason: str = ""


def difficulty(
    table: CardTable, channels: Sequence[str] = (), threads: int | None = None
) -> Difficulty:
    """Curves of single columns, a small tree, logistic regression and boosting, in that order.

    channels  only these, such as ecom and moto; all where there are none
    Raises MissingExtraError without scikit-learn.
    """
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        return _unmeasured(f"the table has no {', '.join(missing)}")
    condition = condition_of(table, channels)
    with table.connect(threads, columns=(*NEEDED, *HELPFUL)) as connection:
        whole = extent(connection, condition)
        if whole.frauds < 2 * FRAUDS_MIN:
            return _unmeasured(
                f"{whole.frauds} frauds are too few; {FRAUDS_MIN} are needed to learn from and as "
                f"many to judge by. A longer window or more cards have more"
            )
        require_models()
        rows = behaviour(table, connection, condition, whole)
    return measured(rows)


def require_models() -> None:
    """Raises MissingExtraError without scikit-learn."""
    try:
        import sklearn  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "scikit-learn is not installed, which the detectors come from; `pip install "
            "'fauxpay[difficulty]'` brings it, and everything else works without"
        ) from error


def measured(rows: Behaviour) -> Difficulty:
    """Learns on the first part of the time and judges on the rest."""
    span = rows.last - rows.first
    cut = rows.first + int(TRAIN_SHARE * span)
    warm = rows.first + min(WARM_DAYS * DAY_US, int(0.2 * span))
    learnt = _sampled(rows, (rows.at_us >= warm) & (rows.at_us < cut), GENUINE_LEARNT)
    judged = _sampled(rows, rows.at_us >= cut, GENUINE_JUDGED)
    counts = int(learnt.is_fraud.sum()), int(judged.is_fraud.sum())
    if min(counts) < FRAUDS_MIN:
        return _unmeasured(
            f"{counts[0]} frauds to learn from and {counts[1]} to judge by are too few; "
            f"{FRAUDS_MIN} of each are needed. A longer window or more cards have more"
        )
    prevalence = float(judged.weight[judged.is_fraud].sum() / judged.weight.sum())
    from threadpoolctl import threadpool_limits

    # One thread: sums in one order give the same curves twice, and threads that wait for each
    # other on a busy machine take many times as long as one.
    with threadpool_limits(1):
        curves = [*_columns(learnt, judged), *_models(learnt, judged)]
    return Difficulty(tuple(curves), round(prevalence, 8), *counts, rows.share_cards)


def _unmeasured(reason: str) -> Difficulty:
    return Difficulty((), 0.0, 0, 0, 1.0, reason)


def _sampled(rows: Behaviour, chosen: NDArray[np.bool_], genuine_max: int) -> Behaviour:
    """Rows of a part of the time: all frauds, and genuine ones up to a number, weights kept."""
    genuine = np.flatnonzero(chosen & ~rows.is_fraud)
    # Rows come in the order of a hash: the first so many are a sample.
    kept = genuine[:genuine_max]
    scale = genuine.size / max(1, kept.size)
    places = np.sort(np.concatenate([np.flatnonzero(chosen & rows.is_fraud), kept]))
    is_fraud = rows.is_fraud[places]
    return replace(
        rows,
        features={name: values[places] for name, values in rows.features.items()},
        is_fraud=is_fraud,
        weight=rows.weight[places] * np.where(is_fraud, 1.0, scale),
        at_us=rows.at_us[places],
    )


def _columns(learnt: Behaviour, judged: Behaviour) -> list[Curve]:
    """Single columns, the best first; which end is the suspicious one is learnt from the past."""
    from sklearn.metrics import roc_auc_score

    found = []
    for name, values in judged.features.items():
        past, future = _finite(learnt.features[name]), _finite(values)
        if np.ptp(past) == 0:
            continue
        is_high = roc_auc_score(learnt.is_fraud, past, sample_weight=learnt.weight) >= 0.5
        future = future if is_high else -future
        auc = float(roc_auc_score(judged.is_fraud, future, sample_weight=judged.weight))
        found.append((-round(auc, 4), name, future))
    found.sort(key=lambda one: one[:2])
    return [_curve(name, "column", scores, judged) for _, name, scores in found[:COLUMNS_SHOWN]]


def _models(learnt: Behaviour, judged: Behaviour) -> list[Curve]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    past, future = _matrix(learnt), _matrix(judged)
    balanced = _balanced(learnt)
    middle, spread = past.mean(axis=0), past.std(axis=0)
    spread[spread == 0] = 1.0

    def scaled(matrix: Column) -> Column:
        out: Column = (matrix - middle) / spread
        return out

    edges = [_edges(values, balanced) for values in past.T]

    def stepped(matrix: Column) -> Column:
        columns = zip(edges, matrix.T, strict=True)
        return np.column_stack([np.searchsorted(cuts, v, side="right") for cuts, v in columns])

    tree = DecisionTreeClassifier(max_depth=2, random_state=SEED)
    logistic = LogisticRegression(C=0.1, max_iter=500)
    boosting = HistGradientBoostingClassifier(
        max_iter=50, learning_rate=0.1, max_leaf_nodes=15, l2_regularization=1.0,
        early_stopping=False, random_state=SEED,
    )  # fmt: skip
    plans: list[tuple[str, Kind, Any, Callable[[Column], Column]]] = [
        ("tree of depth 2", "tree", tree, lambda matrix: matrix),
        ("logistic regression", "logistic", logistic, scaled),
        ("boosting", "boosting", boosting, stepped),
    ]
    curves = []
    for name, kind, model, shaped in plans:
        model.fit(shaped(past), learnt.is_fraud, sample_weight=balanced)
        scores = model.predict_proba(shaped(future))[:, 1]
        curves.append(_curve(name, kind, scores, judged))
    return curves


def _balanced(rows: Behaviour) -> Column:
    """Weights under which frauds are a tenth: a model that hardly sees them learns nothing."""
    weight = rows.weight.copy()
    genuine, fraud = weight[~rows.is_fraud].sum(), weight[rows.is_fraud].sum()
    weight[rows.is_fraud] *= genuine / fraud / 9
    out: Column = weight / weight.mean()
    return out


def _edges(values: Column, weight: Column) -> Column:
    """Where the steps of a column begin: at most BINS of them, of one weight where values allow."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    at = np.searchsorted(reached, reached[-1] * np.arange(1, BINS) / BINS)
    out: Column = np.unique(values[order][at])
    return out


def _finite(values: Column) -> Column:
    """No history is the longest since the last, and an amount as usual."""
    out: Column = np.nan_to_num(values, nan=-1.0, posinf=1e12, neginf=-1e12)
    return out


def _matrix(rows: Behaviour) -> Column:
    """Features side by side; what has a long tail on the scale of its logarithm."""
    columns = []
    for name, values in rows.features.items():
        filled = np.nan_to_num(values, nan=1.0 if "mean" in name else 0.0)
        if name.startswith("seconds"):
            filled = np.nan_to_num(values, nan=30 * 86_400.0)
        is_long = "amount" in name or "count" in name or "second" in name or "visits" in name
        columns.append(np.log1p(np.maximum(filled, 0)) if is_long else filled)
    return np.column_stack(columns)


def _curve(name: str, kind: Kind, scores: Column, rows: Behaviour) -> Curve:
    from sklearn.metrics import auc as area
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

    weighed = {"sample_weight": rows.weight}
    alarms, found, _ = roc_curve(rows.is_fraud, scores, **weighed)
    precision, recall, _ = precision_recall_curve(rows.is_fraud, scores, **weighed)
    average = float(average_precision_score(rows.is_fraud, scores, **weighed))
    prevalence = float(rows.weight[rows.is_fraud].sum() / rows.weight.sum())
    grid = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, POINTS - 1)])
    # Precision at a recall is the best that reaches it: the envelope, which a grid may cut.
    best = np.maximum.accumulate(precision[np.argsort(recall, kind="stable")][::-1])[::-1]
    ordered = np.sort(recall, kind="stable")
    reached = np.linspace(0.02, 1.0, POINTS - 12)
    at = np.minimum(np.searchsorted(ordered, reached), ordered.size - 1)
    return Curve(
        name,
        kind,
        round(float(area(alarms, found)), 4),
        round(average, 5),
        round(average / prevalence, 2),
        round(float(np.interp(0.01, alarms, found)), 4),
        _points(grid, np.interp(grid, alarms, found)),
        _points(reached, best[at] / prevalence),
    )


def _points(xs: Column, ys: Column) -> tuple[tuple[float, float], ...]:
    pairs = zip(xs.tolist(), ys.tolist(), strict=True)
    return tuple((round(x, 5), round(y, 4)) for x, y in pairs)
