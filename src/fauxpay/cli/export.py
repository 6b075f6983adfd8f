"""`fauxpay export`: one file for people who want one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fauxpay.cli.options import ROOT, OutOption, local_path


def export(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="File to make, which must not exist yet: .parquet, .csv or .csv.gz.",
            callback=local_path,
        ),
    ],
    out: OutOption = ROOT,
    run: Annotated[
        str,
        typer.Option(
            metavar="RUN", help="Beginning of a run id, latest, or the path of its folder or root."
        ),
    ] = "latest",
    graph: Annotated[
        bool,
        typer.Option(help="Two files graph_nodes and graph_edges in a new folder FILE instead."),
    ] = False,
) -> None:
    """Write a run as one flat file, Parquet or CSV, for beginners.

    Each transaction with its fraud, labels, customer and merchant beside it.
    """
    from fauxpay.readers.flat import LEAKING, export_flat
    from fauxpay.readers.run import run_of

    chosen = run_of(out, run)
    if graph:
        from fauxpay.readers.graph import export_graph

        counts = export_graph(chosen, file)
        shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        typer.echo(f"{shown} of run {chosen.run_id} in {file}")
        return
    rows = export_flat(chosen, file)
    typer.echo(f"{rows:,} rows of run {chosen.run_id} in {file}")
    typer.echo(
        f"never train on these columns, for they tell answer or future: {', '.join(LEAKING)}"
    )
