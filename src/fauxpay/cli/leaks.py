"""`fauxpay leaks`: whether a run, or any labelled card table, gives its fraud away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption
from fauxpay.cli.score import FailOption, MapOption, ThreadsOption

if TYPE_CHECKING:
    from fauxpay.scorecard.leaks import Leaks


def leaks(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="RUN|PATH",
            help="A run (beginning of its id, latest, its folder, or a root), or a folder, glob "
            "or file of CSV or Parquet.",
        ),
    ] = "latest",
    columns: MapOption = None,
    out: OutOption = ROOT,
    is_json: JsonOption = False,
    is_failing: FailOption = True,
    threads: ThreadsOption = None,
) -> None:
    """Check that fraud is neither given away nor impossible to learn.

    Looks at ids and order, the clock, entities and card-days that only fraud has, raw columns alone
    and together, and boosting on behaviour. Needs fauxpay[difficulty].
    """
    from fauxpay.errors import CorridorError
    from fauxpay.foundations.without_pandas import pandas_left_out
    from fauxpay.scorecard.card_table import open_card_table
    from fauxpay.scorecard.leaks import leaks as measured
    from fauxpay.scorecard.mapping import mapping_of

    table = open_card_table(subject, mapping_of(columns or []), out)
    with pandas_left_out():  # What learns looks for it, and is given arrays.
        found = measured(table, threads)
    if is_json:
        typer.echo(json.dumps(found.document(), indent=2))
    else:
        _show(found)
    broken = [each for each in found.checks if each.verdict.name != "PASS"]
    if broken and is_failing:
        first = broken[0]
        raise CorridorError(
            f"{found.subject}: {found.verdict.name}, {len(broken)} of {len(found.checks)} checks "
            f"did not pass, first {first.check} ({first.reason or first.about or first.value}); "
            f"expected all to. --no-fail only shows them."
        )


def _show(found: Leaks) -> None:
    from fauxpay.cli.score import number

    typer.echo(f"{found.subject}: {found.rows:,} rows, {found.frauds:,} of them fraud")
    for each in found.checks:
        low = "" if each.low is None else f">= {each.low:g} "
        corridor = low + ("" if each.high is None else f"<= {each.high:g}")
        said = f" ({each.reason or each.about})" if each.reason or each.about else ""
        typer.echo(
            f"{each.verdict.name:8}{number(each.value):>8}  {corridor:18} {each.title}{said}"
        )
    typer.echo(found.verdict.name)
