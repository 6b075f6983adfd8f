"""Knowledge: what the bank has learnt of the frauds, how late, how wrong; and what is null.

Reads    transactions(transaction_id, event_time), truth, labels; Parquet footers
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fauxpay.readers.measures import null_counts
from fauxpay.report.drawing import INK, SERIES, drawn, svg_of
from fauxpay.report.parts import Figure, Section, many, table_of
from fauxpay.report.tables import DAY_US, Tables

SOURCES = {
    "issuer_alert": SERIES[0],
    "customer_report": SERIES[1],
    "analyst": SERIES[2],
    "chargeback": SERIES[3],
}
"""Who tells the bank, and its colour, the same in every report."""
LISTED_DAYS = (0.25, 1, 3, 7, 14, 30, 60, 90, 120)
STEPS_A_DAY = 4
# The first label that says fraud: what the bank would have acted on.
_DELAYS = f"""
    SELECT source, greatest(0, (delay * {STEPS_A_DAY}) // {DAY_US})::INTEGER AS step, count(*)
    FROM (
        SELECT transaction_id, arg_min(source, (known_at, source)) AS source,
               min(epoch_us(known_at)) - any_value(epoch_us(event_time)) AS delay
        FROM labels JOIN truth USING (transaction_id) JOIN transactions USING (transaction_id)
        WHERE label = 'fraud' GROUP BY transaction_id
    )
    GROUP BY ALL ORDER BY ALL
"""
_STANDING = """
    SELECT count(*) FILTER (label = 'fraud' AND truth.transaction_id IS NULL),
           count(*) FILTER (label = 'genuine' AND truth.transaction_id IS NOT NULL), count(*)
    FROM (
        SELECT transaction_id, arg_max(label, (known_at, label)) AS label
        FROM labels GROUP BY transaction_id
    ) LEFT JOIN truth USING (transaction_id)
"""


def knowledge(tables: Tables) -> Section:
    """The delay curve, and how the bank's labels stand to the truth."""
    title = "Labels: what the bank learns, and when"
    lead = (
        "Share of the frauds that the bank knows of, by days since the payment. Train on what was "
        "known at the time, or the model is told the future."
    )
    rows = tables.run.rows
    if not rows.get("labels") or not rows.get("truth"):
        config = tables.run.receipt["config"].get("labels", {})
        why = "labels are switched off" if not config.get("enabled", True) else "none was made"
        what = "The run has no label" if not rows.get("labels") else "The run has no fraud"
        return Section("labels", title, lead, notes=(f"{what}: {why}.",))
    wrong, missed, labelled = tables.rows(_STANDING)[0]
    standing = table_of(
        "Labels against the truth, as they stand at the end",
        ("what", "transactions"),
        [
            ("frauds", rows["truth"]),
            ("transactions with a label", labelled),
            ("genuine, but labelled fraud", wrong),
            ("fraud, but labelled genuine", missed),
        ],
    )
    found = tables.rows(_DELAYS)
    if not found:
        return Section("labels", title, lead, (), (standing,), ("No fraud was ever reported.",))
    return Section("labels", title, lead, (_delays(found, rows["truth"]),), (standing,))


def _delays(found: list[tuple[Any, ...]], total: int) -> Figure:
    steps: dict[str, dict[int, int]] = defaultdict(dict)
    for source, step, count in found:
        steps[source][step] = count
    last = max(step for one in steps.values() for step in one) + 1
    curves = {name: _cumulated(steps[name], last, total) for name in SOURCES if name in steps}
    whole = [sum(values) for values in zip(*curves.values(), strict=True)]
    days = [step / STEPS_A_DAY for step in range(last + 1)]
    known = whole[-1]
    median, late = (_day_at(whole, share * known) for share in (0.5, 0.9))
    # A little longer than the last step, which would else stand on the edge, as if it rose on.
    end = max(1.0, 1.03 * days[-1])
    with drawn(2.9, (0.66, 0.2, 0.44, 0.46)) as (axes, made):
        axes.plot([*days, end], [*whole, whole[-1]], color=INK, linewidth=2, label="any source",
                  drawstyle="steps-post")  # fmt: skip
        for source, curve in curves.items():
            axes.plot([*days, end], [*curve, curve[-1]], color=SOURCES[source],
                      label=source.replace("_", " "), linewidth=1.3,
                      drawstyle="steps-post")  # fmt: skip
        axes.set_ylim(0, 1)
        axes.set_xlim(0, end)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.set_xlabel("days since the payment")
        axes.set_ylabel("share of all frauds known")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, borderaxespad=0.2,
                    handlelength=1.2, columnspacing=1.2, handletextpad=0.5)  # fmt: skip
    name = (
        f"Share of frauds known by days since the payment: {known:.0%} in the end, half of these "
        f"after {median:g} days, nine in ten after {late:g}"
    )
    rows = [
        (day, *(_at(curve, day) for curve in curves.values()), _at(whole, day))
        for day in LISTED_DAYS
    ]
    columns = ("days", *(source.replace("_", " ") for source in curves), "any source")
    return Figure(
        "Label delay",
        svg_of(made[0], "labels-delay", name),
        table_of("Share of all frauds known by days since the payment", columns, rows),
        f"{known:.0%} of {many(total, 'fraud')} become known; half of these after "
        f"{'1 day' if median == 1 else f'{median:g} days'}, "
        f"nine in ten after {late:g}.",
    )


def _cumulated(steps: dict[int, int], last: int, total: int) -> list[float]:
    """Share known at the begin of each step, and after the last."""
    seen, out = 0, [0.0]
    for step in range(last):
        seen += steps.get(step, 0)
        out.append(seen / total)
    return out


def _at(curve: list[float], day: float) -> float:
    return curve[min(len(curve) - 1, int(day * STEPS_A_DAY))]


def _day_at(curve: list[float], share: float) -> float:
    return next(s for s, value in enumerate(curve) if value >= share - 1e-12) / STEPS_A_DAY


def nulls(tables: Tables) -> Section:
    """How often each column that may be null is null."""
    title = "Nulls: what does not apply"
    lead = (
        "Null means that a thing does not apply, such as the place of an online payment; it never "
        "stands for fraud. Every other column has a value in every row."
    )
    found = [one for one in null_counts(tables.run) if one.rows]
    shown = sorted(
        (one for one in found if one.table == "transactions"),
        key=lambda one: (-one.rate, one.column),
    )
    columns = ("table", "column", "rows", "nulls", "share null")
    listed = table_of(
        "Nulls of every column that may have some",
        columns,
        [(one.table, one.column, one.rows, one.nulls, one.rate) for one in found],
    )
    if not shown:
        return Section("nulls", title, lead, notes=("No table with such columns has rows.",))
    with drawn(0.42 + 0.22 * len(shown), (1.75, 0.24, 0.3, 0.06)) as (axes, made):
        places = range(len(shown))
        axes.barh(places, [one.rate for one in shown], 0.68, color=SERIES[0])
        axes.set_yticks(places, [one.column for one in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    most = shown[0]
    name = f"Share of nulls by column of transactions; {most.column} leads with {most.rate:.0%}"
    figure = Figure("Nulls of transactions", svg_of(made[0], "nulls", name), listed)
    return Section("nulls", title, lead, (figure,))
