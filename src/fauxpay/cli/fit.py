"""`fauxpay fit`: a config estimated from a table of one's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from fauxpay.cli.options import ROOT, OutOption, local_path
from fauxpay.cli.tables import MapOption


def fit(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A run, or CSV or Parquet files of card payments.")
    ],
    file: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Config to write, *.yaml; new.",
            callback=local_path,
        ),
    ],
    mapping: MapOption = None,
    days: Annotated[
        str | None,
        typer.Option("--days", metavar="FROM..TO", help="UTC days to use (TO not included)."),
    ] = None,
    k: Annotated[int, typer.Option("--k", min=2, help="Sums over fewer cards are not used.")] = 20,
    mirror_cards: Annotated[
        int, typer.Option(min=200, help="Cards of the small worlds that are made to compare.")
    ] = 4000,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory of the query engine, such as 4GB.")
    ] = None,
    out: OutOption = ROOT,
    is_quiet: Annotated[
        bool, typer.Option("--quiet", help="No progress, only the result.")
    ] = False,
) -> None:
    """Write a config that makes a world like a table, keeping no row of it.

    FILE gets a twin FILE.fit.json that says from what it was made.
    """
    from fauxpay.calibration.estimate import fit as fitted_to
    from fauxpay.calibration.provenance import digests_of
    from fauxpay.calibration.render import config_yaml, provenance_of
    from fauxpay.config.model import Config
    from fauxpay.drift.windows import window
    from fauxpay.errors import ConflictError
    from fauxpay.readers.query import memory_limit_of
    from fauxpay.scorecard.card_table import open_card_table
    from fauxpay.scorecard.mapping import mapping_of

    limits = {} if memory is None else {"memory_limit": memory_limit_of(memory)}
    _require_target(file)
    twin = file.with_suffix(".fit.json")
    for path in (file, twin):
        if path.exists():
            raise ConflictError(f"{path}: is there already; expected a new name for -o")

    def told(said: str) -> None:
        if not is_quiet:
            print(f"fauxpay: {said}", file=sys.stderr)

    table = open_card_table(data, mapping_of(mapping or ()), root=out)
    own = None if days is None else window(days, "--days")
    found = fitted_to(table, k, mirror_cards, own, told, limits)
    provenance = provenance_of(found, digests_of(table))
    _write(file, config_yaml(found, provenance))
    Config.load(file)  # What cannot be read back is a fault of ours, and is said at once.
    _write(twin, json.dumps(provenance, indent=2) + "\n")
    knobs = found.knobs
    typer.echo(
        f"{file}: {len(knobs.notes)} knobs from {found.rows:,} rows of {found.cards_seen:,} cards; "
        f"{len(knobs.left)} left at their defaults, each with its reason"
    )


def _require_target(file: Path) -> None:
    """Raises ConfigError, StorageError where the config could not be written after all the work."""
    from fauxpay.errors import ConfigError, StorageError

    if file.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"-o {file}: expected a name that ends in .yaml")
    if not file.parent.is_dir():
        raise StorageError(f"{file.parent}: no such folder; expected one for {file.name}")


def _write(path: Path, text: str) -> None:
    """Raises StorageError where the file cannot be written, ConflictError where it came about."""
    from fauxpay.readers.new_files import new_file

    with new_file(path) as staged:
        staged.write_text(text, encoding="utf-8")
