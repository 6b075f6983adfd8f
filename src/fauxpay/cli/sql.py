"""`fauxpay sql`: a run's tables asked in SQL."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from fauxpay.cli.options import ROOT, OutOption, RunArgument

PROMPT, MORE = "fauxpay> ", "    ...> "
_BATCH_ROWS = 65_536


class Form(StrEnum):
    """How answers are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


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
    from fauxpay.readers.run import open as open_store
    from fauxpay.readers.statements import answers
    from fauxpay.readers.views import confine, connect_run

    chosen = open_store(out).run(run)
    connection = connect_run(chosen, memory_limit=memory)
    confine(connection, chosen)
    if query:
        for relation in answers(connection, query):
            _print(relation, form)
        return
    is_asked = sys.stdin.isatty()
    for text in _statements(sys.stdin, is_asked):
        try:
            for relation in answers(connection, text):
                _print(relation, form)
        except FauxpayError as error:
            if not is_asked:
                raise
            typer.echo(str(error), err=True)  # At a prompt one tries again.


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


def _print(relation: Any, form: Form) -> None:
    if form is Form.TABLE:
        relation.show(max_width=_width(), max_rows=40)
        return
    reader = relation.to_arrow_reader(_BATCH_ROWS)
    if form is Form.CSV:
        from pyarrow import csv

        with csv.CSVWriter(sys.stdout.buffer, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        return
    import json

    for batch in reader:
        for row in batch.to_pylist():
            typer.echo(json.dumps(row, default=str, ensure_ascii=False))


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((160, 24)).columns
