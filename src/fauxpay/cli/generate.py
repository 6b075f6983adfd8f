"""`fauxpay generate`: from flags to a run, and the summary of it."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fauxpay.errors import ConfigError

if TYPE_CHECKING:
    from fauxpay.config.model import Config
    from fauxpay.delivery.engine import Engine

INTERRUPTED = 130
_FLAG_NAMES = {"run.start_day": "--from", "run.end_day": "--to"}


def generate(
    config: Annotated[
        Path | None, typer.Option(help="Config file (YAML); without it the demo world.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Folder for everything that is made.")] = None,
    start_day: Annotated[
        str | None, typer.Option("--from", help="First UTC day, such as 2026-03-01.")
    ] = None,
    end_day: Annotated[str | None, typer.Option("--to", help="UTC day after the last one.")] = None,
    logical_date: Annotated[
        str | None,
        typer.Option(help="One scheduled UTC day D: the window [D, D+1). Not with --from, --to."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the activity.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; 0 is one per core. Never changes a byte.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value of the config, such as catalog.cards=1000."),
    ] = None,
    is_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON on standard output.")
    ] = False,
    is_quiet: Annotated[
        bool, typer.Option("--quiet", help="No progress and no summary, only errors.")
    ] = False,
) -> None:
    """Make the run that a config asks for, or find it where it was made before."""
    from fauxpay.config.sources import resolve

    first, end = (
        (start_day, end_day) if logical_date is None else one_day(logical_date, start_day, end_day)
    )
    flags: dict[str, object] = {
        "run.out": out,
        "run.from": first,
        "run.to": end,
        "run.seed": seed,
        "run.workers": workers,
    }
    resolved = resolve(config, os.environ, settings or [], flags)
    run_config(resolved.config, is_json=is_json, is_quiet=is_quiet)


def one_day(logical_date: str, start_day: str | None, end_day: str | None) -> tuple[str, str]:
    """The window of one scheduled day. Raises ConfigError for a text that is no day.

    start_day, end_day  what --from and --to say: they and --logical-date exclude each other
    """
    if start_day is not None or end_day is not None:
        raise ConfigError(
            "--logical-date and --from or --to say the same; give --logical-date for one day, "
            "--from and --to for a backfill"
        )
    try:
        day = date.fromisoformat(logical_date)
        following = day + timedelta(days=1)
        if day.isoformat() != logical_date:
            raise ValueError
    except (ValueError, OverflowError):
        raise ConfigError(
            f"--logical-date = {logical_date!r}: not a day; allowed is one such as 2026-03-01, "
            f"which is {{{{ ds }}}} in Airflow"
        ) from None
    return day.isoformat(), following.isoformat()


def run_config(
    config: Config, *, is_json: bool = False, is_quiet: bool = False, engine: Engine | None = None
) -> None:
    """Makes or finds a run and says so: progress on standard error, the result on standard output.

    Raises what `make_run` raises; typer.Exit(130) when interrupted.
    """
    from fauxpay.cli import progress, summary
    from fauxpay.delivery.run import make_run
    from fauxpay.foundations.memory import keep_freed_memory
    from fauxpay.foundations.parameters import load_parameters
    from fauxpay.readers.run import open_run

    begun = time.monotonic()
    keep_freed_memory()
    try:
        with progress.shown(is_quiet=is_quiet) as report:
            made = make_run(config, load_parameters(config.parameters), engine, report)
    except KeyboardInterrupt:
        message = (
            "fauxpay: interrupted; what is finished is kept, and the same command resumes "
            f"below {Path(config.run.out).absolute()}"
        )
        print(message, file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    seconds = time.monotonic() - begun
    run = open_run(made.root, made.folder)
    if is_json:
        _print_json(summary.document(run, is_new=made.is_new, seconds=seconds))
    elif not is_quiet and made.is_new:
        print("\n".join(summary.lines(run, seconds)))
    elif not is_quiet:
        print(summary.found_line(run, made.root))


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2))
