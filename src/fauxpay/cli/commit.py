"""`fauxpay commit`: a run into Delta tables."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption, RunArgument


def commit(
    run: RunArgument,
    to: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Folder or URI, one for each world and seed.")
    ],
    json_summary: JsonOption = False,
    out: OutOption = ROOT,
) -> None:
    """Commit a run that passed to Delta tables.

    A run that is there is left alone; the same days are put anew, other days stay.
    """
    from fauxpay.foundations.addresses import masked
    from fauxpay.lakes.delta import commit as commit_run
    from fauxpay.readers.run import open as open_store

    chosen = open_store(out).run(run)
    done = commit_run(chosen, to)
    if json_summary:
        told = {"run_id": chosen.run_id, "is_new": done.is_new, "versions": done.versions}
        typer.echo(json.dumps(told))
        return
    what = f"{len(done.versions)} tables" if done.is_new else "nothing to do: it is there"
    typer.echo(f"run {chosen.run_id} in Delta tables below {masked(to)}: {what}")
