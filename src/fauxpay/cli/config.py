"""Commands about the config: `config init`, `config show`, `config schema`, and `cite`.

Everything heavy is imported inside the commands, so that `fauxpay --help` stays quick.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fauxpay.cli.options import local_path
from fauxpay.errors import ConfigError, StorageError

# A text, as `generate` takes it: a path would make one slash of the two of an address.
ConfigOption = Annotated[
    str | None, typer.Option("--config", "-c", help="YAML config file.", metavar="FILE")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting: catalog.cards=1000. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

app = typer.Typer(help="Write, show or describe the config.", no_args_is_help=True)


@app.command("init")
def init(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="File to write. Without: standard output.", callback=local_path
        ),
    ] = None,
) -> None:
    """Write a config: every key at its default, explained."""
    from fauxpay.config.model import Config
    from fauxpay.config.render import commented_yaml

    text = commented_yaml(Config())
    if path is None or str(path) == "-":
        typer.echo(text, nl=False)
        return
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(
            f"{path}: exists and is not overwritten; choose another name or remove it first"
        ) from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from None
    typer.echo(f"Wrote {path}. Next: fauxpay generate --config {path}")


@app.command("show")
def show(
    config: ConfigOption = None, settings: SetOption = None, as_json: JsonOption = False
) -> None:
    """Show the config in force, and the origin of each value."""
    import json

    from fauxpay.config.render import config_document, yaml_with_origins
    from fauxpay.config.sources import resolve

    resolved = resolve(config, os.environ, settings or (), {})
    if as_json:
        typer.echo(json.dumps(config_document(resolved), indent=2, ensure_ascii=False))
    else:
        typer.echo(yaml_with_origins(resolved), nl=False)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema (2020-12) of the config."""
    import json

    from fauxpay.config.render import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def cite(
    config: ConfigOption = None, settings: SetOption = None, as_json: JsonOption = False
) -> None:
    """Print the sources of what a world takes for facts."""
    import json

    from fauxpay.config.citations import citation_document
    from fauxpay.config.sources import resolve
    from fauxpay.foundations.parameters import load_parameters

    chosen = resolve(config, os.environ, settings or (), {}).config
    document = citation_document(load_parameters(chosen.parameters), chosen)
    typer.echo(
        json.dumps(document, indent=2, ensure_ascii=False) if as_json else _as_text(document)
    )


def _as_text(document: dict[str, list[dict[str, object]]]) -> str:
    lines = ["Sources of parameters"]
    for one in document["sources"]:
        ending = ". ".join(str(one[key]) for key in ("url", "licence") if key in one)
        lines.append(
            f"  [{one['key']}] {one['title']} ({one.get('year', 'no year')}). {ending}".rstrip()
        )
        names = one["parameters"]
        assert isinstance(names, list)
        lines.extend(f"      {name}" for name in names)
    lines += ["", "Assumptions: no published figure"]
    lines += [f"  {one['parameter']}: {one['why']}" for one in document["assumptions"]]
    if document["replaced"]:
        lines += ["", "Replaced by the config: the source above no longer holds"]
        lines += [f"  {one['parameter']} = {one['value']}" for one in document["replaced"]]
    lines += ["", "Reference data"]
    lines += [
        f"  {one['name']}: {one['source']} ({one['licence']})" for one in document["reference"]
    ]
    return "\n".join(lines)
