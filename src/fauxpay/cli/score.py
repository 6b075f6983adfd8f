"""`fauxpay score`: a run, or any card table, against published facts; two of them side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption

if TYPE_CHECKING:
    from rich.table import Table

    from fauxpay.scorecard.findings import Fact, Finding, Scorecard

BAR_WIDTH = 21
_MARGIN = 0.35
"""Of the corridor's width, to either side of it, is what a bar shows."""
_MARKS = {"inside": "inside", "outside": "OUTSIDE", "shown": "shown", "skipped": "skipped"}
_STYLES = {"inside": "green", "outside": "bold red", "shown": "yellow", "skipped": "dim"}
_WIDTH_OF_A_FILE = 170
"""Columns where standard output is no terminal."""
_WIDTH_NARROW = 120
"""Below it corridor, interval, published figure and source are left out."""

SubjectsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN|PATH...",
        help="A run (beginning of its id, latest, its folder, or a root), or a folder, glob or "
        "file of CSV or Parquet. Two are shown side by side.",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="OURS=THEIRS,...",
        help="Columns of a table of your own: card=cc_num,merchant=merchant,at=trans_ts. "
        "Repeatable.",
    ),
]
FailOption = Annotated[
    bool,
    typer.Option("--fail/--no-fail", help="Exit with 10 where the verdict is not PASS (default)."),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="NUMBER", min=1, max=1024, help="At most 1024; default: one per core."
    ),
]
MemoryOption = Annotated[
    str | None,
    typer.Option("--memory", metavar="SIZE", help="Of the query engine before it spills: 4GB."),
]


def score(
    subjects: SubjectsArgument,
    columns: MapOption = None,
    out: OutOption = ROOT,
    is_json: JsonOption = False,
    is_failing: FailOption = True,
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
) -> None:
    """Hold a run, or any card table, against published facts.

    docs/scorecard.md lists the facts, and how each is measured. Two are drawn side by side;
    --map is for the one that is no run.
    """
    from fauxpay.errors import ConfigError, CorridorError
    from fauxpay.readers.query import memory_limit_of
    from fauxpay.scorecard.card_table import open_card_table
    from fauxpay.scorecard.documents import document_of
    from fauxpay.scorecard.mapping import mapping_of
    from fauxpay.scorecard.scoring import MEMORY_LIMIT, scored

    if len(subjects) > 2:
        raise ConfigError(f"score takes one table or two, not {len(subjects)}")
    limit = MEMORY_LIMIT if memory is None else memory_limit_of(memory)
    mapping = mapping_of(columns or [])
    tables = [
        open_card_table(subject, mapping, out, is_mapped_run_refused=len(subjects) == 1)
        for subject in subjects
    ]
    cards = [scored(table, threads, limit) for table in tables]
    if is_json:
        documents = [document_of(card) for card in cards]
        typer.echo(json.dumps(documents[0] if len(cards) == 1 else documents, indent=2))
    else:
        show(cards)
    failed = [card for card in cards if card.extra["verdict"] != "PASS"]
    if failed and is_failing:
        raise CorridorError(_complaint(failed))


def show(cards: Sequence[Scorecard]) -> None:
    """Prints one scorecard, or two beside each other, grouped as facts.yaml has them."""
    from rich.console import Console

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=_WIDTH_OF_A_FILE)
    is_narrow = console.width < _WIDTH_NARROW
    for card in cards:
        console.print(_about(card), highlight=False, markup=False)
    for group in dict.fromkeys(each.fact.group for each in cards[0].findings):
        table = _single(cards[0], group, is_narrow) if len(cards) == 1 else _double(cards, group)
        console.print(table, highlight=False)
    for card in cards:
        console.print(_total(card), highlight=False, markup=False)


def bar(each: Finding) -> str:
    """The corridor as a bar of text, the value in it: `····[━━●━━━]····`."""
    fact, value = each.fact, each.value
    low = fact.low if fact.low is not None else min(0.0, fact.high or 0.0)
    high = fact.high if fact.high is not None else 3 * (fact.low or 1.0)
    span = high - low or 1.0
    first, last = low - _MARGIN * span, high + _MARGIN * span

    def place(number: float) -> int:
        return round((min(max(number, first), last) - first) / (last - first) * (BAR_WIDTH - 1))

    cells = ["·"] * BAR_WIDTH
    cells[place(low) : place(high) + 1] = "━" * (place(high) - place(low) + 1)
    if fact.low is not None:
        cells[place(low)] = "["
    if fact.high is not None:
        cells[place(high)] = "]"
    if value is not None:
        outside = "◀" if value < first else "▶" if value > last else "●"
        cells[place(value)] = outside
    return "".join(cells)


def number(value: float | None) -> str:
    """A value in four figures, small shares as they are read: 0.00023."""
    if value is None:
        return ""
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _single(card: Scorecard, group: str, is_narrow: bool) -> Table:
    table = _table(group)
    table.add_column("row", justify="right", no_wrap=True)
    table.add_column("fact", ratio=3)
    table.add_column("value", justify="right", no_wrap=True)
    if not is_narrow:
        table.add_column("corridor", justify="center", no_wrap=True)
    table.add_column("", no_wrap=True)
    if not is_narrow:
        table.add_column("real", ratio=2)
        table.add_column("source", ratio=2)
    table.add_column("standing", ratio=2)
    for each in _of_group(card, group):
        fact = each.fact
        table.add_row(
            str(fact.row),
            fact.title,
            number(each.value) if is_narrow else _with_interval(each),
            *(() if is_narrow else (_corridor(fact),)),
            bar(each) if each.value is not None else "",
            *(() if is_narrow else (fact.real, f"{fact.source} {fact.tag.value}")),
            _standing(each),
        )
    return table


def _double(cards: Sequence[Scorecard], group: str) -> Table:
    table = _table(group)
    table.add_column("row", justify="right", no_wrap=True)
    table.add_column("fact", ratio=2)
    table.add_column("corridor", justify="center", no_wrap=True)
    for card in cards:
        table.add_column(card.subject, justify="right", overflow="fold", ratio=1)
        table.add_column("", no_wrap=True)
        table.add_column("", ratio=1)
    pairs = zip(*(_of_group(card, group) for card in cards), strict=True)
    for each in pairs:
        fact = each[0].fact
        cells = [
            (number(one.value), bar(one) if one.value is not None else "", _standing(one))
            for one in each
        ]
        table.add_row(
            str(fact.row),
            fact.title,
            _corridor(fact),
            *(cell for group_of_cells in cells for cell in group_of_cells),
        )
    return table


def _table(group: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=group,
        title_justify="left",
        title_style="bold",
        expand=True,
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )


def _of_group(card: Scorecard, group: str) -> list[Finding]:
    return [each for each in card.findings if each.fact.group == group]


def _corridor(fact: Fact) -> str:
    return f"{number(fact.low)}..{number(fact.high)}"


def _with_interval(each: Finding) -> str:
    if each.value is None or each.interval is None:
        return number(each.value)
    half = (each.interval[1] - each.interval[0]) / 2
    return f"{number(each.value)} ±{half:.2g}"


def _standing(each: Finding) -> str:
    from rich.markup import escape

    from fauxpay.scorecard.findings import Standing
    from fauxpay.scorecard.judging import is_inside

    style, mark = _STYLES[each.standing.value], _MARKS[each.standing.value]
    if each.standing is Standing.SHOWN and each.value is not None:
        mark += " (inside)" if is_inside(each.fact, each.value) else " (outside)"
    return f"[{style}]{mark}[/]" + (f" {escape(each.reason)}" if each.reason else "")


def _about(card: Scorecard) -> str:
    seen = card.evidence
    return (
        f"{card.subject}: {seen['rows']:,} rows, {seen['cards']:,} cards, "
        f"{seen['merchants']:,} merchants, {seen['first_day']} to {seen['last_day']}"
    )


def _total(card: Scorecard) -> str:
    rows = list(card.extra["rows"].values())
    told = ", ".join(f"{rows.count(mark)} {mark}" for mark in _MARKS if mark in rows)
    total = "nothing counted" if card.total is None else f"{card.total:.1%} of the weight inside"
    return f"{card.subject}: {card.extra['verdict']}, {total}; rows: {told}"


def _complaint(cards: Sequence[Scorecard]) -> str:
    lines = []
    for card in cards:
        outside = [each.fact.key for each in card.findings if each.standing.value == "outside"]
        if card.total is None:
            lines.append(
                f"{card.subject}: UNKNOWN, no fact could be judged; expected a table of more "
                f"cards, days or columns"
            )
            continue
        lines.append(
            f"{card.subject}: {card.total:.1%} of the weight of what was counted is inside of its "
            f"corridor; expected what docs/scorecard.md asks. Outside: {', '.join(outside)}"
        )
    return "\n".join(lines)
