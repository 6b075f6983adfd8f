"""Difficulty: how well simple detectors would find the fraud of a run.

Reads    the run as a card table (scorecard.difficulty)
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fauxpay.errors import MissingExtraError
from fauxpay.report.drawing import INK, MUTED, SERIES, drawn, plain_logarithm, svg_of
from fauxpay.report.parts import Figure, Section, Table, many, table_of
from fauxpay.report.tables import THREADS

if TYPE_CHECKING:
    from fauxpay.readers.run import Run
    from fauxpay.scorecard.difficulty import Curve, Difficulty

COLUMNS_DRAWN = 2
LEGEND_COLUMNS = 2


def detectors(run: Run) -> Difficulty | str:
    """What detectors find in a run, or why nobody knows. Nothing is drawn: threads may ask."""
    from fauxpay.scorecard.card_table import open_card_table
    from fauxpay.scorecard.difficulty import difficulty as measure

    if not run.rows.get("truth"):
        return "The run has no fraud to find."
    try:
        found = measure(open_card_table(run), threads=THREADS)
    except MissingExtraError as error:
        return f"Not measured: {error}."
    return found if found.curves else f"Not measured: {found.reason}."


def difficulty(found: Difficulty | str) -> Section:
    """ROC and lift of detectors that learnt on the first part of the run's time."""
    title = "Difficulty: how hard is the fraud to find"
    lead = (
        "Simple detectors learn on the first 60 % of the time and are judged on the rest. On real "
        "card traffic no single column gives fraud away, and boosting finds much, but not all."
    )
    if isinstance(found, str):
        return Section("difficulty", title, lead, notes=(found,))
    figures = (_roc(found), _gains(found))
    return Section("difficulty", title, lead, figures, (_numbers(found),), (_method(found),))


def _numbers(found: Difficulty) -> Table:
    rows = [
        (one.name.replace("_", " "), one.auc, one.average_precision, one.lift, one.recall_at_1)
        for one in found.curves
    ]
    columns = ("detector", "AUC", "average precision", "lift", "recall at 1 % false alarms")
    return table_of("Detectors, judged on the later part", columns, rows)


def _method(found: Difficulty) -> str:
    return (
        f"{many(found.frauds_learnt, 'fraud')} to learn from, {found.frauds_judged:,} to judge by, "
        f"prevalence {found.prevalence:.3%}. All cards with a fraud were looked at and "
        f"{found.share_cards:.1%} of the others, whose rows are weighted in return. With so few "
        f"frauds expect an AUC to be uncertain by about "
        f"{0.5 / found.frauds_judged**0.5:.2f}."
    )


def _drawn_curves(found: Difficulty) -> list[tuple[Curve, str, str]]:
    """(curve, colour, dashes): the models, and the best columns as thin lines."""
    columns = [one for one in found.curves if one.kind == "column"][:COLUMNS_DRAWN]
    models = [one for one in found.curves if one.kind != "column"]
    colours = {"tree": SERIES[2], "logistic": SERIES[1], "boosting": SERIES[0]}
    return [
        *((one, MUTED, ("--", ":")[place]) for place, one in enumerate(columns)),
        *((one, colours[one.kind], "-") for one in models),
    ]


def _roc(found: Difficulty) -> Figure:
    best = max(found.curves, key=lambda one: one.auc)
    with drawn(2.9) as (axes, made):
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.6, alpha=0.5)
        for curve, colour, dashes in _drawn_curves(found):
            label = f"{curve.name.replace('_', ' ')} {curve.auc:.2f}"
            axes.plot(*zip(*curve.roc, strict=True), dashes, color=colour, label=label)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.01)
        axes.set_xlabel("false alarms, share of genuine payments")
        axes.set_ylabel("recall, share of frauds")
        axes.legend(loc="lower right", fontsize=8)
    name = f"ROC curves; the best detector is {best.name} with an area of {best.auc:.2f}"
    at = (0.001, 0.01, 0.1, 0.5)
    rows = [(one.name.replace("_", " "), *(_value(one.roc, x) for x in at)) for one in found.curves]
    data = table_of(
        "Recall at shares of false alarms", ("detector", *(f"{x:.1%}" for x in at)), rows
    )
    return Figure(
        "ROC", svg_of(made[0], "difficulty-roc", name), data, "Area under the curve in the legend."
    )


def _gains(found: Difficulty) -> Figure:
    curves = _drawn_curves(found)
    above = 0.28 + 0.17 * -(-len(curves) // LEGEND_COLUMNS)
    with drawn(2.4 + above, (0.78, 0.14, 0.46, above)) as (axes, made):
        axes.axhline(1, color=INK, linewidth=0.6, alpha=0.5)
        for curve, colour, dashes in curves:
            label = f"{curve.name.replace('_', ' ')} {curve.lift:.3g}×"
            axes.plot(*zip(*curve.gains, strict=True), dashes, color=colour, label=label)
        _log_lift(axes)
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=LEGEND_COLUMNS, borderaxespad=0.2,
            title="average precision / prevalence", title_fontsize=8, alignment="left", fontsize=8,
            handlelength=1.6, columnspacing=1.2, handletextpad=0.5, labelspacing=0.3,
        )  # fmt: skip
    name = (
        f"Best precision over prevalence by recall, at a prevalence of {found.prevalence:.3%}; "
        "1 is chance"
    )
    at = (0.1, 0.25, 0.5, 0.75, 1.0)
    rows = [
        (one.name.replace("_", " "), *(_value(one.gains, x) for x in at)) for one in found.curves
    ]
    data = table_of(
        "Best precision over prevalence by recall", ("detector", *(f"{x:.0%}" for x in at)), rows
    )
    return Figure(
        "Precision and recall, as lift",
        svg_of(made[0], "difficulty-lift", name),
        data,
        "Precision divided by prevalence, which travels between tables. A curve is the best at "
        "that recall or beyond; the legend has the average precision, where nothing beyond counts.",
    )


def _log_lift(axes: Any) -> None:
    axes.set_yscale("log")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0.7)
    axes.set_xlabel("recall, share of frauds")
    axes.set_ylabel("best precision / prevalence")
    plain_logarithm(axes.yaxis, lambda value: f"{value:,g}×")


def _value(points: tuple[tuple[float, float], ...], x: float) -> float:
    """The value of a curve at the point nearest to x."""
    return min(points, key=lambda point: abs(point[0] - x))[1]
