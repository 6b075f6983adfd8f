"""The typer application: names of commands, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import wraps
from typing import Annotated, Any

import typer

from fauxpay.cli import (
    commit,
    config,
    contracts,
    drift,
    export,
    fit,
    generate,
    housekeeping,
    leaks,
    load,
    proofs,
    report,
    runs,
    score,
    serve,
    sql,
    stream,
    who,
)

app = typer.Typer(
    name="fauxpay",
    help="Fabricates a whole, labelled card-payments world, the same bytes on any machine.\n\n"
    "`fauxpay generate` makes the demo world. docs/exit-codes.md lists the exit codes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: rich takes longer to import than the rest of the command line together.
    rich_markup_mode=None,
)


def _with_tables(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, for which Arrow does not import pandas: nobody hands it data frames here."""

    @wraps(command)
    def alone(*arguments: Any, **options: Any) -> Any:
        from fauxpay.foundations.without_pandas import leave_pandas_out

        leave_pandas_out()
        return command(*arguments, **options)

    return alone


app.command()(generate.generate)
app.command()(_with_tables(export.export))
app.command()(_with_tables(report.report))
app.command()(_with_tables(sql.sql))
app.command()(_with_tables(serve.serve))
app.command()(_with_tables(stream.stream))
app.command()(_with_tables(load.load))
app.command()(_with_tables(commit.commit))
app.command()(config.cite)
app.command()(proofs.verify)
app.command()(proofs.replay)
app.command()(who.who)
app.command()(_with_tables(score.score))
app.command()(_with_tables(leaks.leaks))
app.command()(housekeeping.gc)
app.command()(_with_tables(drift.drift))
app.command()(_with_tables(fit.fit))
app.add_typer(config.app, name="config")
app.add_typer(runs.app, name="runs")
app.add_typer(housekeeping.app, name="quarantine")
app.add_typer(contracts.app, name="contracts")


@app.command()
def version() -> None:
    """Print the version."""
    from fauxpay import __version__

    typer.echo(__version__)


def _told_version(is_asked: bool) -> None:
    """What people try first."""
    if is_asked:
        version()
        raise typer.Exit


@app.callback()
def _of_all(
    is_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_told_version),
    ] = False,
) -> None:
    """Options that belong to no command."""
    del is_version


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The application; of its commands only the one that the arguments begin with, if they do.

    To read what each command takes costs more than to read the arguments.
    """
    wanted = arguments[0] if arguments else None
    commands = [one for one in app.registered_commands if _name_of(one) == wanted]
    groups = [one for one in app.registered_groups if one.name == wanted]
    if not (commands or groups):
        return app
    narrow = copy(app)
    narrow.registered_commands, narrow.registered_groups = commands, groups
    return narrow


def _name_of(command: typer.models.CommandInfo) -> str | None:
    return command.name or getattr(command.callback, "__name__", None)
