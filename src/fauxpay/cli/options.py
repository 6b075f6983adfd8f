"""Options that many commands share."""

from __future__ import annotations

import re
from pathlib import Path
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
        help="Beginning of a run id, latest, or the path of a run's folder or root.", metavar="RUN"
    ),
]
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)


def local_path(path: Path | None) -> Path | None:
    """The path itself, as a callback of an option or argument that names what is on this machine.

    Raises BadParameter for an address, which would be taken for a folder that is called `s3:`.
    """
    if path is not None and _ADDRESS.match(str(path)):
        raise typer.BadParameter(
            f"{str(path).replace(':/', '://', 1)}: this is an address; expected the name of a file "
            "or folder on this machine"
        )
    return path
