"""Commands about contracts: `contracts check`, `list`, `show`, `export` and `validate`.

Everything heavy is imported inside the commands, so that `fauxpay --help` stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fauxpay.errors import ConfigError, ContractError, StorageError

if TYPE_CHECKING:
    from fauxpay.contracts.members import Members
    from fauxpay.contracts.registry import Packs
    from fauxpay.contracts.tables import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
PacksOption = Annotated[
    Path | None,
    typer.Option("--packs", help="Folder with packs of your own.", metavar="DIR"),
]


class Form(StrEnum):
    """How `show` prints."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


class ExportForm(StrEnum):
    """What `export` writes."""

    JSON_SCHEMA = "json-schema"
    ARROW = "arrow"
    MARKDOWN = "markdown"
    ODCS = "odcs"


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
    counted = f"{report.files} files, {report.resources} resources, {report.references} references"
    if report.faults:
        raise ContractError(f"{folder}: {len(report.faults)} faults in {counted}")
    if not as_json:
        typer.echo(f"{folder}: {counted}, all of them sound")


@app.command("list")
def list_(packs: PacksOption = None, as_json: JsonOption = False) -> None:
    """List the tables and documents that have a contract."""
    import json

    from fauxpay.contracts.inventory import inventory, packs_of

    entries = inventory(packs_of(packs))
    if as_json:
        typer.echo(json.dumps([one.document() for one in entries], indent=2, ensure_ascii=False))
        return
    rows = [("NAME", "KIND", "PACK", "COLUMNS", "KEY")]
    rows += [(e.name, e.kind, e.pack, str(e.columns), ", ".join(e.key)) for e in entries]
    typer.echo(_aligned(rows))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Table, or reference such as run.yaml#/$defs/gate.")],
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.TABLE,
    packs: PacksOption = None,
) -> None:
    """Show one contract: columns, types, limits, keys."""
    import json

    from fauxpay.contracts.inventory import find, find_table, packs_of, table_document
    from fauxpay.contracts.odcs import yaml_text

    known = packs_of(packs)
    place = find(name, known)
    is_table = "x-table" in place.schema
    if is_table and form is Form.TABLE:
        typer.echo(_table_text(find_table(name, known), place.schema.get("description", "")))
        return
    document = table_document(find_table(name, known)) if is_table else dict(place.schema)
    if form is Form.JSON:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        typer.echo(yaml_text(document), nl=False)


def _require_own_names(tables: Sequence[Table]) -> None:
    """Raises ContractError where two packs have a table of one name: one of them would be lost."""
    names = [table.name for table in tables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(
            f"{twice[0]!r} is a table of several packs; expected a name of its own for each in "
            f"this form. json-schema and markdown hold them all."
        )


@app.command("export")
def export(
    form: Annotated[ExportForm, typer.Option("--format", help="What to write.")],
    path: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File (arrow: folder) to make; printed without it."),
    ] = None,
    packs: PacksOption = None,
    data: Annotated[
        str, typer.Option(help="odcs: where the Parquet files are, {model} for a table.")
    ] = "fauxpay-out/worlds/*/seed=*/{model}/*/*.parquet",
) -> None:
    """Write all contracts: JSON Schema, Arrow, a page of documentation, or ODCS 3.1."""
    import json

    from fauxpay.contracts import exports
    from fauxpay.contracts.inventory import find_table, inventory, packs_of
    from fauxpay.contracts.odcs import odcs_document, yaml_text

    known = packs_of(packs)
    entries = [one for one in inventory(known) if one.kind == "table"]
    tables = [find_table(one.ref, known) for one in entries]
    if form in (ExportForm.ARROW, ExportForm.ODCS):
        _require_own_names(tables)
    if form is ExportForm.ARROW:
        files = {f"{table.name}.arrow": exports.arrow_file(table) for table in tables}
        _write_folder(path, files)
        return
    if form is ExportForm.JSON_SCHEMA:
        text = json.dumps(exports.json_schema_bundle(known), indent=2, ensure_ascii=False) + "\n"
    elif form is ExportForm.MARKDOWN:
        text = exports.markdown_page(known, tables)
    else:
        text = yaml_text(odcs_document(tables, {one.ref: one.description for one in entries}, data))
    if path is None:
        typer.echo(text, nl=False)
    else:
        _write(path, text.encode())
        typer.echo(f"Wrote {path}")


@app.command("validate")
def validate(
    name: Annotated[str, typer.Argument(help="Table, or its reference.", metavar="TABLE")],
    files: Annotated[list[Path], typer.Argument(help="Parquet or CSV files.", metavar="FILE...")],
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="TABLE=FILE that foreign keys lead to. Repeatable.", metavar="TABLE=FILE"
        ),
    ] = None,
    packs: PacksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check files against the contract of a table, in bounded memory."""
    import json

    from fauxpay.contracts.inventory import find_table, packs_of
    from fauxpay.contracts.validation import validate as outcome_of

    known = packs_of(packs)
    table = find_table(name, known)
    outcome = outcome_of(table, files, _members(table, others or [], known))
    if as_json:
        typer.echo(json.dumps(outcome.document(), indent=2, ensure_ascii=False))
    else:
        for one in outcome.findings:
            typer.echo(str(one))
        for left in outcome.left_out:
            typer.echo(f"note: not asked: {left} (--with TABLE=FILE gives the other table)")
    counted = f"{outcome.rows:,} rows in {outcome.files} files against {outcome.table}"
    if outcome.findings:
        raise ContractError(f"{len(outcome.findings)} checks did not hold; {counted}")
    if not as_json:
        typer.echo(f"{counted}: all {len(outcome.checks)} checks hold")


def _members(table: Table, others: list[str], packs: Packs) -> dict[str, Members | None]:
    """Keys of the tables that were given, by reference."""
    from fauxpay.contracts.inventory import find_table
    from fauxpay.contracts.validation import read_members

    given: dict[str, list[Path]] = {}
    for text in others:
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise ConfigError(f"--with {text}: write it as TABLE=FILE, such as cards=cards.parquet")
        given.setdefault(find_table(name, packs).ref, []).append(Path(file))
    columns = {reference: key.key for key in table.foreign_keys for reference in key.tables}
    unused = sorted(set(given) - set(columns))
    if unused:
        expected = ", ".join(columns) or "none"
        raise ConfigError(
            f"--with {unused[0]}: no foreign key of {table.name} leads there; expected {expected}"
        )
    return {
        reference: read_members(find_table(reference, packs), columns[reference], paths)
        for reference, paths in given.items()
    }


def _table_text(table: Table, description: str) -> str:
    from fauxpay.contracts.exports import limits_of

    lines = [f"{table.name}  {table.ref}", description, f"key: {', '.join(table.key)}"]
    lines += [f"unique: {', '.join(columns)}" for columns in table.unique[1:]]
    lines += [f"order: {', '.join(table.order)}"] if table.order else []
    lines += [
        f"foreign key: {key.column} in {' or '.join(key.tables)} ({key.key})"
        for key in table.foreign_keys
    ]
    rows = [("COLUMN", "TYPE", "NULL", "UNIT", "VALUES", "MEANING")]
    for column in table.columns:
        null = "yes" if column.nullable else "no"
        kind = f"{column.arrow}*" if column.is_dictionary else column.arrow
        rows.append((column.name, kind, null, column.unit, limits_of(column), column.description))
    note = "* as a dictionary" if any(column.is_dictionary for column in table.columns) else ""
    return "\n".join(filter(None, [*lines, "", _aligned(rows), note]))


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        raise ConfigError(f"{path}: exists and is not overwritten; choose another name") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from None


def _write_folder(path: Path | None, files: Mapping[str, bytes]) -> None:
    if path is None:
        raise ConfigError("--format arrow writes a file for each table: name a folder with -o")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be made: {error.strerror or error}") from None
    for name, content in files.items():
        _write(path / name, content)
    typer.echo(f"Wrote {len(files)} files to {path}; pyarrow.ipc.open_file(FILE).schema reads one")
