"""`fauxpay load`: a run into a database."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption, RunArgument


def load(
    run: RunArgument,
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="postgres://USER@HOST:PORT/DATABASE; PG* variables count."
        ),
    ],
    schema: Annotated[
        str, typer.Option(metavar="NAME", help="Schema, one for each world and seed.")
    ] = "fauxpay",
    json_summary: JsonOption = False,
    out: OutOption = ROOT,
) -> None:
    """Load a run into PostgreSQL: tables, keys, comments; wholly or not at all.

    A run that is there is left alone; of one that overlaps it only the missing days are added.
    """
    from fauxpay.databases.postgres import load as load_run
    from fauxpay.foundations.addresses import masked
    from fauxpay.readers.run import run_of

    chosen = run_of(out, run)
    loaded = load_run(chosen, url, schema)
    if json_summary:
        told = {"run_id": chosen.run_id, "is_new": loaded.is_new, "rows": loaded.rows}
        typer.echo(json.dumps(told))
        return
    what = f"{sum(loaded.rows.values()):,} rows" if loaded.is_new else "nothing to do: it is there"
    typer.echo(f"run {chosen.run_id} in schema {schema} of {masked(url)}: {what}")
