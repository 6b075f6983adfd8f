"""`fauxpay generate`: from flags to a run, and the summary of it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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

    flags: dict[str, object] = {
        "run.out": out,
        "run.from": start_day,
        "run.to": end_day,
        "run.seed": seed,
        "run.workers": workers,
    }
    resolved = resolve(config, os.environ, settings or [], flags)
    run_config(resolved.config, is_json=is_json, is_quiet=is_quiet)


def run_config(
    config: Config, *, is_json: bool = False, is_quiet: bool = False, engine: Engine | None = None
) -> None:
    """Makes or finds a run and says so: progress on standard error, the result on standard output.

    Raises what `make_run` raises; typer.Exit when interrupted: 130, or 143 by SIGTERM.
    """
    from fauxpay.cli import progress, summary
    from fauxpay.cli.stopping import Stopped
    from fauxpay.delivery.run import make_run
    from fauxpay.foundations.memory import keep_freed_memory
    from fauxpay.foundations.parameters import load_parameters
    from fauxpay.readers.run import open_run

    begun = time.monotonic()
    keep_freed_memory()
    try:
        with progress.shown(is_quiet=is_quiet) as report:
            made = make_run(config, load_parameters(config.parameters), engine, report)
    except (KeyboardInterrupt, Stopped) as stop:
        from fauxpay.delivery.sinks import discard_all

        discard_all()
        message = (
            "fauxpay: interrupted; what is finished is kept, and the same command resumes "
            f"below {Path(config.run.out).absolute()}"
        )
        print(message, file=sys.stderr)
        raise typer.Exit(stop.exit_code if isinstance(stop, Stopped) else INTERRUPTED) from None
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
