"""Options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

ROOT = "fauxpay-out"
OutOption = Annotated[
    str,
    typer.Option(
        "--out", help="Folder or address that `fauxpay generate` wrote to.", metavar="ROOT"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
RunArgument = Annotated[
    str,
    typer.Argument(
        help="Beginning of a run id, latest, or the path of a run's folder.", metavar="RUN"
    ),
]
