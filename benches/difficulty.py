"""How hard fraud is to find: the Fraud Detection Handbook's protocol, to set beside real data.

    python -m benches.difficulty RUN                    a run's root or folder, or a card table
    python -m benches.difficulty RUN --months           frozen models, by their age in weeks

Remote traffic, the Handbook's features, seven days to learn from, seven of delay, seven to judge
by, week after week (`fauxpay.scorecard.handbook`). Where fraud is not .1-.4 % of the rows, genuine
rows are left out until it is .25 %, as in the real data, after the features were made. Then single
columns alone (`fauxpay.scorecard.single_columns`). Needs `pip install 'fauxpay[difficulty]'`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from fauxpay.scorecard import handbook
from fauxpay.scorecard.card_table import CardTable, open_card_table
from fauxpay.scorecard.single_columns import WORTH_ALL, WORTH_CHANNEL, column_worths

REAL = {
    "tree of depth 2": "AUC .626  AP .024",
    "logistic": "AUC .816  AP .054  CP@100 .211",
    "forest": "AUC .912  AP .080  CP@100 .227",
    "boosting": "AUC .928  AP .095  CP@100 .235",
}
FROZEN_WEEKS, FROZEN_GENUINE_SHARE = 12, 0.35


def main() -> None:
    """Prints the figures of a table."""
    arguments = _arguments()
    table = open_card_table(arguments.table)
    started = time.perf_counter()
    rows = handbook.examples(table, threads=arguments.threads)
    thin, kept = handbook.thinned(rows)
    print(
        f"{rows.at_us.size:,} remote rows, fraud {rows.is_fraud.mean():.4%}; genuine rows kept "
        f"{kept:.3f}, fraud {thin.is_fraud.mean():.4%} ({int(thin.is_fraud.sum())} rows)"
    )
    if arguments.months:
        frozen(thin)
    else:
        protocol(thin)
        columns(table)
    print(f"{time.perf_counter() - started:.0f} s")


def protocol(rows: handbook.Examples) -> None:
    """The table of detectors."""
    print(f"{'':16} {'AUC':>13} {'AP':>13} {'lift':>11} {'CP@100':>7} {'of':>5}  real")
    for name, scores in handbook.scores_of(rows).items():
        auc = [score.auc for score in scores]
        average = [score.average_precision for score in scores]
        lift = float(np.mean([score.lift for score in scores]))
        cards = float(np.mean([score.card_precision for score in scores]))
        ceiling = float(np.mean([score.ceiling for score in scores]))
        print(
            f"{name:16} {np.mean(auc):6.3f} +-{np.std(auc):.3f} {np.mean(average):6.3f} "
            f"+-{np.std(average):.3f} {lift:11.1f} {cards:7.3f} {ceiling:5.2f}  {REAL[name]}"
        )
    print(f"{len(scores)} folds; 'of' is what CP@100 could be at most: there are no more frauds")


def columns(table: CardTable) -> None:
    """Single columns: what each gives away, on all traffic and on each channel."""
    worths = column_worths(table)
    print(f"single columns, AUC (all traffic <= {WORTH_ALL}, any channel <= {WORTH_CHANNEL}):")
    for worth in worths:
        by_channel = "  ".join(f"{name} {auc:.3f}" for name, auc in worth.by_channel.items())
        print(
            f"  {worth.name:18} {worth.auc:.3f}  at equal channel {worth.pooled:.3f}  {by_channel}"
        )


def frozen(rows: handbook.Examples, learn_weeks: int = 4) -> None:
    """Models that are never taught again, beside those that are, by their age in weeks.

    Each week has a model that learnt on the weeks before it, but for the delay, and is judged in
    its own week and in those after it: one start alone would show its own luck. Part of the
    genuine rows is enough, since judges weigh them.
    """
    rows = handbook.some_genuine(rows, FROZEN_GENUINE_SHARE)
    first = rows.first_day + handbook.WARM_DAYS + 7 * learn_weeks + handbook.DELAY_DAYS
    last = int(rows.at_us.max() // handbook.DAY_US) + 1
    weeks = [(day, handbook.between(rows, day, day + 7)) for day in range(first, last - 6, 7)]
    weeks = [(day, week) for day, week in weeks if week.is_fraud.sum() >= handbook.FRAUDS_MIN]
    models = [_taught(rows, day, learn_weeks) for day, _ in weeks]
    taught = [
        handbook.judged(model, week).lift for model, (_, week) in zip(models, weeks, strict=True)
    ]
    ages = min(FROZEN_WEEKS, len(weeks))
    print("age   models   lift frozen   lift retrained   frozen / retrained")
    ratios: list[float] = []
    for age in range(ages):
        later = weeks[age:]
        old = [
            handbook.judged(model, week).lift
            for model, (_, week) in zip(models, later, strict=False)
        ]
        ratios.append(float(np.sum(old) / np.sum(taught[age:])))
        print(
            f"{age:3} {len(old):8} {np.mean(old):13.1f} {np.mean(taught[age:]):16.1f} "
            f"{ratios[-1]:20.2f}"
        )
    early, late = _ends(ratios)
    print(f"first four weeks {early:.2f}, last ones {late:.2f}: {1 - late / early:.1%} of AP lost")


def _taught(rows: handbook.Examples, day: int, learn_weeks: int) -> object:
    """Boosting that knows what is known on a day."""
    known = day - handbook.DELAY_DAYS
    past = handbook.between(rows, known - 7 * learn_weeks, known)
    return handbook.fitted(handbook.detectors()["boosting"], past)


def _ends(ratios: Sequence[float]) -> tuple[float, float]:
    """Means of the first four weeks, and of weeks 8 to 12 or the last two of fewer."""
    late = ratios[8:FROZEN_WEEKS] or ratios[-2:]
    return float(np.mean(ratios[:4])), float(np.mean(late))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="root or folder of a run, or files of a card table")
    parser.add_argument("--months", action="store_true", help="frozen models, by their age")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
