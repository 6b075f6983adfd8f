"""Commands about contracts: `contracts check`, `list`, `show`, `export` and `validate`.

Everything heavy is imported inside the commands, so that `fauxpay --help` stays quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fauxpay.errors import ContractError

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
PacksOption = Annotated[
    Path | None,
    typer.Option("--packs", help="Folder with packs of your own.", metavar="DIR"),
]

app = typer.Typer(help="Check, list, show, export contracts; check files.", no_args_is_help=True)


@app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of YAML or JSON packs.", metavar="DIR")],
    as_json: JsonOption = False,
) -> None:
    """Resolve every reference of a folder of packs, or name each that leads nowhere."""
    import json

    from fauxpay.contracts.pack_check import check_folder

    report = check_folder(folder)
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), **report.document()}, indent=2))
    else:
        for one in report.faults:
            typer.echo(str(one))
        for name, draft in report.drafts.items():
            typer.echo(f"note: {name} is written in {draft} and was read by its rules")
    counted = (
        f"{report.files} files, {report.resources} resources, {report.references} references"
    )
    if report.faults:
        raise ContractError(f"{folder}: {len(report.faults)} faults in {counted}")
    if not as_json:
        typer.echo(f"{folder}: {counted}, all of them sound")
