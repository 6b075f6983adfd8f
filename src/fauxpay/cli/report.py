"""`fauxpay report`: one HTML page of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fauxpay.cli.options import ROOT, OutOption, RunArgument, local_path


def report(
    run: RunArgument = "latest",
    file: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="HTML file, over an earlier one. Default: report.html beside the receipt.",
            callback=local_path,
        ),
    ] = None,
    out: OutOption = ROOT,
) -> None:
    """Draw a run as one HTML page that needs no network.

    Verdict, identity, scorecard, rhythm, merchants, amounts, places, fraud, labels, nulls,
    difficulty and sources.
    """
    from fauxpay.readers.run import run_of
    from fauxpay.report.writing import write_report

    chosen = run_of(out, run)
    path = write_report(chosen, file)
    typer.echo(f"report of run {chosen.run_id}: {path}")
