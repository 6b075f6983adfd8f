"""How hard fraud is to find: the Fraud Detection Handbook's protocol, to set beside real data.

    python -m benches.difficulty RUN                    a run's root or folder, or a card table
    python -m benches.difficulty RUN --months           a frozen model, week by week

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
FROZEN_WEEKS = 12


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
    """A model that is never taught again, beside one that is, week by week.

    The frozen one learns on the first weeks; the other on as many weeks before each test week.
    """
    make = handbook.detectors()["boosting"]
    first = rows.first_day + handbook.WARM_DAYS
    begin = first + 7 * learn_weeks + handbook.DELAY_DAYS
    last = int(rows.at_us.max() // handbook.DAY_US) + 1
    past = handbook.between(rows, first, first + 7 * learn_weeks)
    model = make().fit(past.matrix, past.is_fraud)
    print("week   frauds   lift frozen   lift retrained   frozen / retrained")
    ratios: list[float] = []
    for week, start in enumerate(range(begin, last - 6, 7)):
        future = handbook.between(rows, start, start + 7)
        if int(future.is_fraud.sum()) < handbook.FRAUDS_MIN:
            continue
        own = handbook.between(
            rows, start - handbook.DELAY_DAYS - 7 * learn_weeks, start - handbook.DELAY_DAYS
        )
        old = handbook.judged(model, future)
        new = handbook.judged(make().fit(own.matrix, own.is_fraud), future)
        ratios.append(old.lift / new.lift)
        print(
            f"{week:4} {int(future.is_fraud.sum()):8} {old.lift:13.1f} {new.lift:16.1f} "
            f"{ratios[-1]:20.2f}"
        )
    early, late = _ends(ratios)
    print(f"first four weeks {early:.2f}, from the eighth on {late:.2f}")
    print(f"average precision lost: {1 - late / early:.1%}")


def _ends(ratios: Sequence[float]) -> tuple[float, float]:
    """Means of the first four weeks and of those from the eighth on."""
    late = ratios[8:FROZEN_WEEKS] or ratios[-2:]
    return float(np.mean(ratios[:4])), float(np.mean(late))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="root or folder of a run, or files of a card table")
    parser.add_argument("--months", action="store_true", help="a frozen model, week by week")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
