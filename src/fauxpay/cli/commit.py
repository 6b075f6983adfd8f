"""`fauxpay commit`: a run into Delta or Iceberg tables."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption, RunArgument


def commit(
    run: RunArgument,
    to: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help="Folder, or URI (Delta), one for each world and seed; the namespace of --catalog.",
        ),
    ],
    kind: Annotated[
        Literal["delta", "iceberg"],
        typer.Option("--format", metavar="delta|iceberg", help="Of the tables."),
    ] = "delta",
    catalog: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Iceberg catalog of pyiceberg's own config, instead of one in FOLDER.",
        ),
    ] = None,
    json_summary: JsonOption = False,
    out: OutOption = ROOT,
) -> None:
    """Commit a run that passed to Delta or Iceberg tables.

    A run that is there is left alone; the same days are put anew, other days stay.
    """
    from fauxpay.errors import ConfigError
    from fauxpay.foundations.addresses import masked
    from fauxpay.lakes.commits import commit as commit_run
    from fauxpay.readers.run import run_of

    if catalog is not None and kind != "iceberg":
        raise ConfigError(f"--catalog {catalog}: expected with --format iceberg only")
    chosen = run_of(out, run)
    done = commit_run(chosen, to, kind, catalog=catalog)
    if json_summary:
        told = {"run_id": chosen.run_id, "is_new": done.is_new, "versions": done.versions}
        typer.echo(json.dumps(told))
        return
    what = f"{len(done.versions)} tables" if done.is_new else "nothing to do: it is there"
    place = f"catalog {catalog}, namespace {to}" if catalog else f"below {masked(to)}"
    typer.echo(f"run {chosen.run_id} in {kind.title()} tables {place}: {what}")
