"""`fauxpay drift`: which distributions moved between two tables, or two stretches of days."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption
from fauxpay.cli.tables import MapOption, numbers_of

if TYPE_CHECKING:
    from fauxpay.drift.compare import Drift, Move
    from fauxpay.drift.windows import Window
    from fauxpay.scorecard.card_table import CardTable

TABLE = "A run (id, folder or latest), or CSV or Parquet files."
DaysOption = Annotated[
    str | None,
    typer.Option(
        "--days",
        metavar="DAY|FROM..TO",
        help="UTC days that are looked at (TO not included). Without B they are days of A.",
    ),
]
AgainstOption = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="DAY|FROM..TO",
        help="UTC days of A that they are held against. Without B by default all before --days.",
    ),
]


def drift(
    baseline: Annotated[str, typer.Argument(metavar="A", help=f"The baseline. {TABLE}")],
    compared: Annotated[
        str | None, typer.Argument(metavar="[B]", help=f"What is held against it. {TABLE}")
    ] = None,
    days: DaysOption = None,
    against: AgainstOption = None,
    mapping: MapOption = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAMILY=NUMBER", help="From which distance on a family moved. Repeatable."
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            min=1e-9, max=0.5, help="Chance at which a distance is no more put to chance."
        ),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory of the query engine, such as 4GB.")
    ] = None,
    out: OutOption = ROOT,
    is_json: JsonOption = False,
) -> None:
    """Say which distributions moved. Exit code 0: none, 10: some.

    A fauxpay run and another, two files, or days of one: drift RUN --days 2026-03-30.
    """
    from fauxpay.drift.compare import compare
    from fauxpay.drift.families import family_keys, guard_settings
    from fauxpay.readers.query import memory_limit_of

    limits = {} if memory is None else {"memory_limit": memory_limit_of(memory)}
    thresholds = numbers_of(threshold, "--threshold")
    _require_known(thresholds, family_keys())
    tables = _tables((baseline, compared), mapping, out)
    windows = _windows((against, days), tables, is_one=compared is None)
    found = compare(tables, windows, thresholds, guard_settings(alpha), limits)
    typer.echo(json.dumps(found.document(), indent=2) if is_json else told(found), nl=True)
    conclude(found)


def conclude(found: Drift) -> None:
    """Raises CorridorError where something moved."""
    from fauxpay.errors import CorridorError

    if found.moved:
        names = ", ".join(move.family.key for move in found.moved)
        raise CorridorError(
            f"{found.second.table.subject} {found.second.window}: {len(found.moved)} families "
            f"moved against {found.first.table.subject} {found.first.window}: {names}; expected "
            f"none. --threshold FAMILY=NUMBER says what is too little to matter."
        )


def told(found: Drift) -> str:
    """The comparison as text for people."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    buffer = StringIO()
    console = Console(file=buffer, width=110, highlight=False, color_system=None)
    for name, side in (("baseline", found.first), ("compared", found.second)):
        console.print(
            f"{name}: {side.table.subject} {side.window}, {side.day_count} days, "
            f"{side.rows:,} rows, about {side.cards:,} cards"
        )
    console.print("each weekday counts as one day on both sides, however often it comes")
    for note in found.notes:
        console.print(f"note: {note}")
    table = Table(box=None, pad_edge=False)
    for head in ("family", "outcome", "distance", "from", "chance", "what"):
        table.add_column(head, justify="right" if head in ("distance", "from") else "left")
    hidden = 0
    for move in found.moves:
        if move.family.key.startswith("nulls.") and move.outcome == "still":
            hidden += 1
            continue
        table.add_row(*_line(move))
    console.print(table)
    if hidden:
        console.print(f"null rates of {hidden} further columns are still")
    return buffer.getvalue().rstrip("\n")


def _line(move: Move) -> tuple[str, ...]:
    family = move.family
    if move.distance is None:
        return family.key, str(move.outcome), "", f"{family.threshold:g}", "", move.reason
    chances = [move.chance_by_cards, move.chance_by_days]
    chance = ", ".join("-" if one is None else f"{one:.4f}" for one in chances)
    what = ""
    if move.before is not None and move.after is not None:
        what = f"{move.before:.6g} -> {move.after:.6g}"
    elif move.outcome != "still":
        shown = move.leading[:3]
        what = ", ".join(f"{name} {p:.2%} -> {q:.2%}" for name, p, q in shown)
    what = f"{what} ({move.reason})" if move.reason else what
    chance = "" if move.outcome == "still" else chance
    distance = f"{move.distance:.4f}"
    return family.key, str(move.outcome), distance, f"{family.threshold:g}", chance, what


def _require_known(thresholds: dict[str, float], known: tuple[str, ...]) -> None:
    from fauxpay.errors import ConfigError

    for name in thresholds:
        if name not in known:
            raise ConfigError(f"--threshold {name}: no such family; expected {', '.join(known)}")


def _tables(
    names: tuple[str, str | None], mapping: list[str] | None, out: str
) -> tuple[CardTable, CardTable]:
    """The tables; a mapping is for files, since a run knows its own columns."""
    from fauxpay.errors import ConfigError
    from fauxpay.scorecard.card_table import open_card_table
    from fauxpay.scorecard.mapping import mapping_of

    given = mapping_of(mapping or ())

    def opened(name: str) -> CardTable:
        return open_card_table(name, given, root=out, is_mapped_run_refused=False)

    first = opened(names[0])
    if names[1] is None:
        if given and first.run is not None:
            raise ConfigError("--map: a run of fauxpay knows its own columns; leave it out")
        return first, first
    second = opened(names[1])
    if given and first.run is not None and second.run is not None:
        raise ConfigError("--map: runs of fauxpay know their own columns; leave it out")
    return first, second


def _windows(
    texts: tuple[str | None, str | None], tables: tuple[CardTable, CardTable], *, is_one: bool
) -> tuple[Window | None, Window | None]:
    """Days of the baseline and of what is compared; None is all."""
    from fauxpay.drift.sides import connect, whole_window
    from fauxpay.drift.windows import Window, window
    from fauxpay.errors import ConfigError

    against, days = texts
    first = None if against is None else window(against, "--against")
    second = None if days is None else window(days, "--days")
    if not is_one:
        return first, second
    if second is None:
        raise ConfigError(
            "drift A: nothing to compare; expected a second table, or --days and perhaps "
            "--against for days of the one"
        )
    if first is None:
        start = whole_window(tables[0], connect(tables[0], {}))[0].start
        if start >= second.start:
            raise ConfigError(
                f"--days {days}: no day of {tables[0].subject} lies before it; name the days of "
                f"the baseline with --against"
            )
        first = Window(start, second.start)
    return first, second
