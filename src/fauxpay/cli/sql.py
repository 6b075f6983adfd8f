"""`fauxpay sql`: a run's tables asked in SQL."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from fauxpay.cli.answers import Form, show
from fauxpay.cli.options import ROOT, OutOption, RunArgument

PROMPT, MORE = "fauxpay> ", "    ...> "
_ASKING = ("SELECT", "FROM", "WITH", "SHOW", "DESCRIBE", "SUMMARIZE", "EXPLAIN")


def sql(
    run: RunArgument = "latest",
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="SQL; without it, lines of standard input.")
    ] = "",
    out: OutOption = ROOT,
    form: Annotated[
        Form, typer.Option("--format", help="table, csv, or json: one object a line.")
    ] = Form.TABLE,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", help="Memory of the engine; the rest goes to disk.")
    ] = "2GB",
) -> None:
    """Ask the tables of a run in SQL (DuckDB), read only.

    Views: transactions, postings, truth, labels, cards, customers, merchants and the others of
    `fauxpay contracts list`. SHOW TABLES lists them, DESCRIBE cards shows columns.
    """
    from fauxpay.errors import FauxpayError
    from fauxpay.readers.query import memory_limit_of
    from fauxpay.readers.run import run_of
    from fauxpay.readers.views import confine, connect_run

    _require_a_run(run, query)
    limit = memory_limit_of(memory)
    chosen = run_of(out, run)
    connection = connect_run(chosen, memory_limit=limit)
    confine(connection, chosen)
    if query:
        show(connection, query, form)
        return
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # What is no text is told with the query.
    is_asked = sys.stdin.isatty()
    for text in _statements(sys.stdin, is_asked):
        try:
            show(connection, text, form)
        except FauxpayError as error:
            if not is_asked:
                raise
            typer.echo(str(error), err=True)  # At a prompt one tries again.


def _require_a_run(run: str, query: str) -> None:
    """Raises ConfigError for a statement where the run is named."""
    from fauxpay.errors import ConfigError

    words = run.split()
    if not query and len(words) > 1 and words[0].upper() in _ASKING:
        raise ConfigError(f"{run[:80]!r} is no run; expected RUN first: fauxpay sql latest QUERY")


def _statements(lines: Iterable[str], is_asked: bool) -> Iterator[str]:
    """Texts that end with a semicolon, or with the input."""
    text = ""
    _ask(PROMPT, is_asked)
    for line in lines:
        text += line
        if text.strip() and line.rstrip().endswith(";"):
            yield text
            text = ""
        _ask(MORE if text.strip() else PROMPT, is_asked)
    if text.strip():
        yield text


def _ask(prompt: str, is_asked: bool) -> None:
    if is_asked:
        typer.echo(prompt, nl=False)
