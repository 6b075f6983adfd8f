"""Handbook: the Fraud Detection Handbook's protocol on any card table, to compare with real data.

Reads    a card table with labels
Writes   examples with the Handbook's features; scores of detectors, fold by fold
Draws    nothing
Sources  Fraud Detection Handbook, chapters 3 to 5 (features, delay, folds, metrics)

Features of remote traffic: weekend, night, count and mean amount of the card over 1, 7 and 30 days,
count and risk of the terminal over 1, 7 and 30 days, its frauds known after seven days. As in the
Handbook, a card's windows hold the row itself; a terminal's end seven days before it.
Learnt on seven days, judged on seven days that begin seven days later; cards whose fraud was known
by the morning are left out of a day. Folds follow each other week by week.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.errors import CorridorError
from fauxpay.foundations.draws import F64, I64
from fauxpay.readers.training import entries_of
from fauxpay.readers.windows import DAY_US, Recipe, features
from fauxpay.scorecard.difficulty import require_models
from fauxpay.scorecard.events import money_of, rates_of

if TYPE_CHECKING:
    from fauxpay.scorecard.card_table import CardTable

Bool = NDArray[np.bool_]
DELAY_DAYS = TRAIN_DAYS = TEST_DAYS = 7
WARM_DAYS = 30 + DELAY_DAYS
SPAN_DAYS = TRAIN_DAYS + DELAY_DAYS + TEST_DAYS
DAYS_MIN = SPAN_DAYS + 7
PREVALENCE = 0.0025
PREVALENCE_BAND = (0.001, 0.004)
FRAUDS_MIN = 20
CARDS_CHECKED = 100
"""Cards that analysts look at in a day."""
FOLDS_JUDGED = 4
REMOTE = ("ecom", "moto")
NIGHT_HOURS = 6
SEED = 1
CARD = Recipe("card", means=True, near_us=0)
TERMINAL = Recipe("terminal", risks=True, near_us=0, delay_us=DELAY_DAYS * DAY_US)
NAMES = (
    *("amount", "is_weekend", "is_night"),
    *(f"card_{what}_{days}d" for what in ("count", "mean") for days in (1, 7, 30)),
    *(f"terminal_{what}_{days}d" for what in ("count", "risk") for days in (1, 7, 30)),
)


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows in order of time with the Handbook's features.

    at_us, card  i64[n]; card numbers cards from 0
    matrix       f64[n, features]
    first_day    of the table, days since 1970-01-01
    """

    at_us: I64
    card: I64
    is_fraud: Bool
    matrix: F64
    first_day: int

    def only(self, which: Any) -> Examples:
        """Some of the rows."""
        return Examples(
            self.at_us[which],
            self.card[which],
            self.is_fraud[which],
            self.matrix[which],
            self.first_day,
        )


@dataclass(frozen=True, slots=True)
class Score:
    """A detector on one fold.

    average_precision  at .25 % fraud; lift is over that
    card_precision     of the 100 most suspicious cards of each day, the share with fraud, mean
    ceiling            what card_precision would be if all were found
    """

    auc: float
    average_precision: float
    lift: float
    card_precision: float
    ceiling: float


def examples(
    table: CardTable,
    channels: Sequence[str] = REMOTE,
    threads: int | None = None,
    memory_limit: str | None = None,
    days: tuple[int, int] | None = None,
) -> Examples:
    """The rows of some channels with features; channels are left aside where there is no column.

    days  [first, last) since 1970-01-01 to read, all where None
    """
    terminal = "terminal" if "terminal" in table.columns else "merchant"
    amount, currency = money_of(table.columns)
    local = "local_at" if "local_at" in table.columns else '"at"'
    wanted = ("card", terminal, "at", amount, currency, "label", "channel", "kind", "local_at")
    with table.connect(
        threads, memory_limit, columns=[name for name in wanted if name]
    ) as connection:
        # Real card data is in one currency: yen beside euros would be a noise that it hasn't.
        found = connection.execute('SELECT min("at")::DATE FROM transactions').fetchall()[0][0]
        rates_of(connection, currency if found else "", "transactions", found)
        value = f"{amount} / coalesce(r.per_common, 1)" if currency else amount or "0"
        join = f"LEFT JOIN rates r ON r.currency = transactions.{currency}" if currency else ""
        conditions = ["card IS NOT NULL", '"at" IS NOT NULL']
        if "channel" in table.columns and channels:
            conditions.append(f"channel IN ({', '.join(map(repr, channels))})")
        if "kind" in table.columns:
            conditions.append("kind IN ('purchase', 'withdrawal')")
        if days:
            conditions.append(
                f'epoch_us("at") >= {days[0] * DAY_US} AND epoch_us("at") < {days[1] * DAY_US}'
            )
        # Text or number: cards and terminals are numbered, so that what follows is whole numbers.
        connection.execute(
            f"""CREATE TEMP TABLE payments AS
                SELECT row_number() OVER (ORDER BY at_us, card, terminal, amount) - 1 AS row, *
                FROM (
                    SELECT epoch_us("at") AS at_us, dense_rank() OVER (ORDER BY card) - 1 AS card,
                           dense_rank() OVER (ORDER BY {terminal}) - 1 AS terminal,
                           round(coalesce({value}, 0) * 100)::BIGINT AS amount,
                           coalesce(label, 0) = 1 AS is_fraud,
                           isodow({local}) >= 6 AS is_weekend,
                           hour({local}) < {NIGHT_HOURS} AS is_night
                    FROM transactions {join} WHERE {" AND ".join(conditions)}
                )"""
        )
        base = connection.execute("SELECT * FROM payments ORDER BY row").fetchnumpy()
    return _examples({name: np.ma.filled(values, 0) for name, values in base.items()})


def _examples(base: Mapping[str, Any]) -> Examples:
    made: dict[str, Any] = {
        "amount": base["amount"] / 100.0,
        "is_weekend": base["is_weekend"],
        "is_night": base["is_night"],
    }
    for recipe in (CARD, TERMINAL):
        rows, found = features(entries_of(_entries(base, recipe)), recipe)
        for name, values in found.items():
            made[name] = np.empty(rows.size)
            made[name][rows] = values
    at_us = np.asarray(base["at_us"], dtype=np.int64)
    matrix = np.column_stack([np.asarray(made[name], dtype=np.float64) for name in NAMES])
    return Examples(
        at_us,
        np.asarray(base["card"], dtype=np.int64),
        np.asarray(base["is_fraud"], dtype=np.bool_),
        np.nan_to_num(matrix),
        int(at_us.min() // DAY_US) if at_us.size else 0,
    )


def _entries(base: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Rows of an entity, and the moments when its frauds became known, in order of time."""
    fraud = np.flatnonzero(base["is_fraud"])
    rows = base["row"].size
    turned = np.arange(rows + fraud.size) >= rows
    zeros = np.zeros(fraud.size, dtype=np.int64)
    columns = {
        "entity": np.concatenate([base[recipe.entity], base[recipe.entity][fraud]]),
        "at_us": np.concatenate([base["at_us"], base["at_us"][fraud] + recipe.delay_us]),
        "row": np.concatenate([base["row"], zeros - 1]),
        "amount": np.concatenate([base["amount"], zeros]),
        "declined": np.zeros(turned.size, dtype=np.bool_),
        "turned": turned,
    }
    order = np.lexsort((columns["row"], columns["at_us"], columns["entity"]))
    return {name: values[order] for name, values in columns.items()}


def thinned(rows: Examples) -> tuple[Examples, float]:
    """(rows, share of genuine rows kept): as many as make fraud as rare as in the real data.

    Rows are left out after their features were made, so windows stay whole. Nothing is left out
    where fraud is as rare as in real remote traffic already.
    """
    frauds, genuine = int(rows.is_fraud.sum()), int((~rows.is_fraud).sum())
    low, high = PREVALENCE_BAND
    if not frauds or low <= frauds / (frauds + genuine) <= high:
        return rows, 1.0
    share = min(1.0, frauds * (1 - PREVALENCE) / PREVALENCE / max(1, genuine))
    return some_genuine(rows, share), share


def some_genuine(rows: Examples, share: float) -> Examples:
    """All frauds and a share of the genuine rows."""
    kept = np.random.Generator(np.random.PCG64(SEED)).random(rows.is_fraud.size) < share
    return rows.only(kept | rows.is_fraud)


def fold_days(rows: Examples) -> list[int]:
    """First training day of each fold, week by week, behind the longest window."""
    if not rows.at_us.size:
        return []
    last = int(rows.at_us.max() // DAY_US) + 1
    days = last - rows.first_day
    # A short table has one fold, behind windows that are cut short.
    warm = WARM_DAYS if days >= WARM_DAYS + SPAN_DAYS else max(days, DAYS_MIN) - SPAN_DAYS
    return list(range(rows.first_day + warm, last - SPAN_DAYS + 1, TEST_DAYS))


def between(rows: Examples, first: int, last: int) -> Examples:
    """Rows of the days [first, last)."""
    start, stop = np.searchsorted(rows.at_us, [first * DAY_US, last * DAY_US])
    return rows.only(slice(int(start), int(stop)))


def fold(rows: Examples, first: int, gap_days: int = DELAY_DAYS) -> tuple[Examples, Examples]:
    """(past, future) of a fold that begins on a day; no card whose fraud was known by then."""
    past = between(rows, first, first + TRAIN_DAYS)
    start = first + TRAIN_DAYS + gap_days
    future = between(rows, start, start + TEST_DAYS)
    known = between(rows, first, start + TEST_DAYS)
    known = known.only(known.is_fraud)
    # By card: the first fraud; it was known a week later, and from the next morning on.
    earliest = np.full(int(rows.card.max(initial=0)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(earliest, known.card, known.at_us // DAY_US + DELAY_DAYS)
    return past, future.only(earliest[future.card] >= future.at_us // DAY_US)


def detectors() -> dict[str, Callable[[], Any]]:
    """Makers of the Handbook's detectors, the simplest first."""
    require_models()
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    return {
        "tree of depth 2": lambda: DecisionTreeClassifier(max_depth=2, random_state=SEED),
        "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "forest": lambda: RandomForestClassifier(
            n_estimators=100, max_depth=20, min_samples_leaf=2, n_jobs=2, random_state=SEED
        ),
        "boosting": lambda: HistGradientBoostingClassifier(
            max_iter=100, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20,
            l2_regularization=1.0, early_stopping=False, random_state=SEED,
        ),
    }  # fmt: skip


def fitted(make: Callable[[], Any], past: Examples) -> Any:
    """A detector that learnt on the past, on one thread.

    Threads that wait for each other on a busy machine take many times as long as one.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return make().fit(past.matrix, past.is_fraud)


def judged(model: Any, future: Examples) -> Score:
    """How a fitted detector does on a fold's future."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = model.predict_proba(future.matrix)[:, 1]
    # Precision depends on how rare fraud is: weighed, so that it is as rare as in the real data.
    frauds = int(future.is_fraud.sum())
    genuine = frauds / (future.is_fraud.size - frauds) * (1 - PREVALENCE) / PREVALENCE
    weight = np.where(future.is_fraud, 1.0, genuine)
    average = float(average_precision_score(future.is_fraud, scores, sample_weight=weight))
    precision, ceiling = card_precision(future, scores)
    return Score(
        float(roc_auc_score(future.is_fraud, scores)),
        average,
        average / PREVALENCE,
        precision,
        ceiling,
    )


def card_precision(
    rows: Examples, scores: F64, checked: int = CARDS_CHECKED
) -> tuple[float, float]:
    """(share of the most suspicious cards of a day that had fraud, the most that could be), means.

    A card that was found is blocked: it is not looked at on later days.
    """
    found: set[int] = set()
    shares, ceilings = [], []
    day = rows.at_us // DAY_US
    for each in np.unique(day).tolist():
        today = np.flatnonzero(day == each)
        cards, member = np.unique(rows.card[today], return_inverse=True)
        worst = np.full(cards.size, -np.inf)
        np.maximum.at(worst, member, scores[today])
        is_hit = np.zeros(cards.size, dtype=np.bool_)
        np.logical_or.at(is_hit, member, rows.is_fraud[today])
        open_ = np.array([card not in found for card in cards.tolist()], dtype=np.bool_)
        cards, worst, is_hit = cards[open_], worst[open_], is_hit[open_]
        top = np.argsort(-worst, kind="stable")[:checked]
        shares.append(float(is_hit[top].sum()) / checked)
        ceilings.append(min(1.0, float(is_hit.sum()) / checked))
        found |= set(cards[top][is_hit[top]].tolist())
    return float(np.mean(shares)), float(np.mean(ceilings))


def folds(rows: Examples) -> list[tuple[Examples, Examples]]:
    """(past, future) of every fold with 20 frauds and more to learn from and to judge by."""
    found = [fold(rows, first) for first in fold_days(rows)]
    return [pair for pair in found if min(int(side.is_fraud.sum()) for side in pair) >= FRAUDS_MIN]


def boosting_scores(rows: Examples, folds_max: int = FOLDS_JUDGED) -> list[Score]:
    """Scores of boosting on the last folds; none where there is too little fraud."""
    make = detectors()["boosting"]
    return [judged(fitted(make, past), future) for past, future in folds(rows)[-folds_max:]]


def scores_of(rows: Examples) -> dict[str, list[Score]]:
    """Scores of every detector by fold. Raises CorridorError where there is too little fraud."""
    made: dict[str, list[Score]] = {name: [] for name in detectors()}
    for past, future in folds(rows):
        for name, make in detectors().items():
            made[name].append(judged(fitted(make, past), future))
    if not made["boosting"]:
        raise CorridorError(
            f"{int(rows.is_fraud.sum())} frauds in {len(fold_days(rows))} folds of "
            f"{TRAIN_DAYS} + {DELAY_DAYS} + {TEST_DAYS} days; expected {FRAUDS_MIN} on both sides "
            f"of one. More cards or a longer window have more"
        )
    return made
