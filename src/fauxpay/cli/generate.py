"""`fauxpay generate`: from flags to a run, and the summary of it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from fauxpay.cli import INTERRUPTED, options

if TYPE_CHECKING:
    from fauxpay.cli.metrics import Meter
    from fauxpay.config.model import Config
    from fauxpay.delivery.engine import Engine
    from fauxpay.readers.run import Run

WINDOW_KEYS = ("run.from", "run.to")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a command speaks.

    is_json     the summary is JSON
    is_quiet    no progress, and no summary for people
    log_format  of what goes to standard error
    """

    is_json: bool = False
    is_quiet: bool = False
    log_format: Literal["text", "json"] = "text"


def generate(
    config: options.ConfigFile = None,
    out: options.Out = None,
    logical_date: options.LogicalDate = None,
    start_day: options.StartDay = None,
    end_day: options.EndDay = None,
    seed: options.Seed = None,
    workers: options.Workers = None,
    settings: options.Settings = None,
    is_json: options.IsJson = False,
    is_quiet: options.IsQuiet = False,
    log_format: options.Logs = "text",
    metrics: options.Metrics = None,
) -> None:
    """Make a run, or find it where it was made before."""
    from fauxpay.cli.metrics import metered
    from fauxpay.config.sources import resolve

    manner = Manner(is_json, is_quiet, log_format)
    with metered(metrics, log_format) as meter:
        start_day, end_day, names = window_days(logical_date, start_day, end_day)
        flags: dict[str, object] = {
            "run.out": out,
            "run.from": start_day,
            "run.to": end_day,
            "run.seed": seed,
            "run.workers": workers,
        }
        resolved = resolve(config, os.environ, settings or [], flags, names)
        outcome = make_or_find(resolved.config, manner, meter=meter)
    tell_summary(outcome, manner)  # Not before the metrics are written: then all went well.


def window_days(
    logical_date: str | None, start_day: str | None, end_day: str | None
) -> tuple[str | None, str | None, dict[str, str]]:
    """First day, the day after the last, and which flags said so."""
    from datetime import date, timedelta

    from fauxpay.errors import ConfigError

    if logical_date is None:
        return start_day, end_day, {}
    if start_day is not None or end_day is not None:
        raise ConfigError(
            "--logical-date: stands for one day, --from and --to for several; expected one or "
            "the others. Leave --logical-date out, or --from and --to."
        )
    try:
        # Python also reads 20260301 and 2026-W09-7; one way to write a day is enough.
        day = date.fromisoformat(logical_date)
        following = (day + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        day = None
    if day is None or day.isoformat() != logical_date:
        raise ConfigError(
            f"--logical-date = {logical_date!r}: not a day; expected one such as 2026-03-01"
        )
    return logical_date, following, dict.fromkeys(WINDOW_KEYS, "--logical-date")


def run_config(config: Config, manner: Manner | None = None, engine: Engine | None = None) -> None:
    """Makes or finds a run and says so: progress on standard error, the result on standard output.

    engine  what builds and makes; production's by default
    Raises what `make_run` raises; typer.Exit when interrupted: 130, or 143 by SIGTERM.
    """
    manner = manner or Manner()
    tell_summary(make_or_find(config, manner, engine), manner)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sealed run, whether it is new, and how long the command took."""

    run: Run
    is_new: bool
    seconds: float


def make_or_find(
    config: Config, manner: Manner, engine: Engine | None = None, meter: Meter | None = None
) -> Outcome:
    """The run of a config, with progress or a log on standard error; see `run_config`.

    meter  is told of progress and of the run, where there is one
    """
    from fauxpay.cli import progress
    from fauxpay.cli.logs import JsonReport, tell_warning
    from fauxpay.cli.stopping import Stopped
    from fauxpay.delivery.progress import silent, to_all
    from fauxpay.delivery.run import make_run
    from fauxpay.foundations.memory import keep_freed_memory
    from fauxpay.foundations.parameters import load_parameters
    from fauxpay.readers.run import open_run

    begun = time.monotonic()
    keep_freed_memory()
    log = JsonReport() if manner.log_format == "json" and not manner.is_quiet else None
    try:
        with progress.shown(is_quiet=manner.is_quiet or log is not None) as bars:
            report = to_all(bars, log or silent, meter.report if meter else silent)
            made = make_run(config, load_parameters(config.parameters), engine, report)
    except (KeyboardInterrupt, Stopped) as stop:
        text = (
            "interrupted; what is finished is kept, and the same command resumes "
            f"below {Path(config.run.out).absolute()}"
        )
        tell_warning("run interrupted", text, manner.log_format)
        raise typer.Exit(stop.exit_code if isinstance(stop, Stopped) else INTERRUPTED) from None
    run = open_run(made.root, made.folder)
    outcome = Outcome(run, made.is_new, time.monotonic() - begun)
    if log is not None:
        log.sealed(run.receipt, is_new=outcome.is_new, seconds=outcome.seconds)
    if meter is not None:
        meter.note_run(run)
    return outcome


def tell_summary(outcome: Outcome, manner: Manner) -> None:
    """The result on standard output: for programs, for people, or nothing."""
    from fauxpay.cli import summary

    run, seconds = outcome.run, outcome.seconds
    if manner.is_json:
        document = summary.document(run, is_new=outcome.is_new, seconds=seconds)
        print(json.dumps(document, indent=2))
    elif not manner.is_quiet and outcome.is_new:
        print("\n".join(summary.lines(run, seconds)))
    elif not manner.is_quiet:
        print(summary.found_line(run))
