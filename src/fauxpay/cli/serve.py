"""`fauxpay serve`: a run to look at in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from fauxpay.cli.options import ROOT, OutOption, RunArgument

HOST, PORT = "127.0.0.1", 8765


def serve(
    run: RunArgument = "latest",
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Address to listen at; there is no password.")
    ] = HOST,
    port: Annotated[int, typer.Option(metavar="PORT", help="0 takes a free one.")] = PORT,
    truth: Annotated[
        bool, typer.Option("--truth/--no-truth", help="Whether the truth may be asked for.")
    ] = True,
    allow_unverified: Annotated[
        bool, typer.Option("--allow-unverified", help="Show runs that did not pass, too.")
    ] = False,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", help="Memory of each run that is looked at.")
    ] = "512MB",
    out: OutOption = ROOT,
) -> None:
    """Serve a page and a read-only JSON API over runs, until Ctrl-C.

    Runs, verdicts, report, timelines of cards, stories and graphs of fraud. For this machine alone
    unless --host says otherwise. /api/openapi.json describes the API.
    """
    from fauxpay.cli.stopping import Stopped
    from fauxpay.readers.query import memory_limit_of
    from fauxpay.readers.run import Store
    from fauxpay.server.serving import listening, opened_run, require_installed
    from fauxpay.server.serving import serve as answer
    from fauxpay.storage.places import place_of

    require_installed()
    limit = memory_limit_of(memory)
    from fauxpay.server.app import Serving, application
    from fauxpay.server.guard import is_loopback

    store, opened = opened_run(Store(place_of(out), allow_unverified), run)
    is_local = is_loopback(host)
    app = application(Serving(store, opened, truth, is_local, limit))
    if not is_local:
        typer.echo(
            f"fauxpay: warning: whoever reaches {host} can read these runs: there is no password "
            "and no encryption. Without --host only this machine can.",
            err=True,
        )
    with listening(host, port) as listener:
        try:
            answer(app, listener, lambda url: typer.echo(f"run {opened}: {url} (Ctrl-C ends it)"))
        except Stopped:
            typer.echo("stopped", err=True)  # It is how one ends a server: nothing broke off.
