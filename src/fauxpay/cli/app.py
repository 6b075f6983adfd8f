"""The typer application: names of commands, nothing else."""

from __future__ import annotations

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
app.command()(generate.generate)
app.command()(export.export)
app.command()(report.report)
app.command()(sql.sql)
app.command()(serve.serve)
app.command()(stream.stream)
app.command()(load.load)
app.command()(commit.commit)
app.command()(config.cite)
app.command()(proofs.verify)
app.command()(proofs.replay)
app.command()(who.who)
app.command()(score.score)
app.command()(leaks.leaks)
app.command()(housekeeping.gc)
app.command()(drift.drift)
app.command()(fit.fit)
app.add_typer(config.app, name="config")
app.add_typer(runs.app, name="runs")
app.add_typer(housekeeping.app, name="quarantine")
app.add_typer(contracts.app, name="contracts")


@app.command()
def version() -> None:
    """Print the version."""
    from fauxpay import __version__

    typer.echo(__version__)
