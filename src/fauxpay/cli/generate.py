"""`fauxpay generate`: from flags to a run, and the summary of it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import typer

from fauxpay.cli import INTERRUPTED
from fauxpay.cli import flags as given
from fauxpay.errors import ConfigError

if TYPE_CHECKING:
    from fauxpay.cli.metrics import Meter
    from fauxpay.config.model import Config
    from fauxpay.delivery.engine import Engine
    from fauxpay.delivery.run import Made
    from fauxpay.readers.run import Run
    from fauxpay.storage.places import Place

CARDS = "catalog.cards"
WINDOW_KEYS = ("run.from", "run.to")
DRAWING = "the run is sealed; drawing its report, which run.report=false leaves out"


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
    config: given.ConfigFile = None,
    out: given.Out = None,
    logical_date: given.LogicalDate = None,
    start_day: given.StartDay = None,
    end_day: given.EndDay = None,
    seed: given.Seed = None,
    rows: given.Rows = None,
    workers: given.Workers = None,
    executor: given.Executor = None,
    kind: given.Format = None,
    settings: given.Settings = None,
    is_json: given.IsJson = False,
    is_quiet: given.IsQuiet = False,
    is_reportless: given.NoReport = False,
    log_format: given.Logs = "text",
    metrics: given.Metrics = None,
) -> None:
    """Make a run, or find it where it was made before."""
    from fauxpay.cli.metrics import metered

    manner = Manner(is_json, is_quiet, log_format)
    with metered(metrics, log_format) as meter:
        names: dict[str, str] = {}
        if logical_date is not None and rows is not None:
            raise ConfigError(
                f"--rows {rows}: each day would have its own number of cards, and so its own "
                f"world; give --set {CARDS}=NUMBER beside --logical-date"
            )
        if logical_date is not None:
            start_day, end_day = one_day(logical_date, start_day, end_day)
            names = dict.fromkeys(WINDOW_KEYS, "--logical-date")
        flags: dict[str, object] = {
            "run.out": out,
            "run.from": start_day,
            "run.to": end_day,
            "run.seed": seed,
            "run.workers": workers,
            "run.executor": executor,
            "run.format": kind,
            "run.report": False if is_reportless else None,
        }
        resolved = _resolved((config, settings or [], flags, names), rows, manner)
        outcome = make_or_find(resolved, manner, meter=meter)
    tell_summary(outcome, manner)  # Not before the metrics are written: then all went well.


def _resolved(
    told: tuple[str | None, list[str], dict[str, object], dict[str, str]],
    rows: int | None,
    manner: Manner,
) -> Config:
    """The config that is told; with as many cards as make some rows, where these are asked for.

    told  (config file, settings, flags, what the user typed for them)
    """
    from fauxpay.config.sources import resolve

    file, settings, flags, names = told
    config = resolve(file, os.environ, settings, flags, names).config
    if rows is None:
        return config
    if any(one.partition("=")[0].strip() == CARDS for one in settings):
        raise ConfigError(
            f"--rows {rows} and --set {CARDS} say the same twice; give one of them: --rows for as "
            f"many cards as make so many transactions"
        )
    cards = cards_of_rows(rows, config, is_quiet=manner.is_quiet or manner.log_format == "json")
    names = names | {CARDS: f"--rows {rows}"}
    return resolve(file, os.environ, settings, flags | cards, names).config


def cards_of_rows(rows: int, config: Config, *, is_quiet: bool) -> dict[str, object]:
    """The flag for as many cards as make about so many rows."""
    from fauxpay.cli import progress
    from fauxpay.foundations.parameters import load_parameters
    from fauxpay.partitions.sizing import cards_for

    with progress.told(f"counting how many cards make {rows:,} transactions", is_quiet=is_quiet):
        return {CARDS: cards_for(rows, config, load_parameters(config.parameters))}


def one_day(logical_date: str, start_day: str | None, end_day: str | None) -> tuple[str, str]:
    """The window of one scheduled day. Raises ConfigError for a text that is no day.

    start_day, end_day  what --from and --to say: they and --logical-date exclude each other
    """
    from fauxpay.config.model import FIRST_DAY, LAST_DAY

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
            f"--logical-date = {logical_date!r}: not a day of a run; allowed is one such as "
            f"2026-03-01, from {FIRST_DAY} before {LAST_DAY}, which is {{{{ ds }}}} in Airflow"
        ) from None
    return day.isoformat(), following.isoformat()


def run_config(config: Config, manner: Manner | None = None, engine: Engine | None = None) -> None:
    """Makes or finds a run and says so: progress on standard error, the result on standard output.

    engine  what builds and makes; production's by default
    Raises what `make_run` raises; typer.Exit when interrupted: 130, or 143 by SIGTERM.
    """
    manner = manner or Manner()
    tell_summary(make_or_find(config, manner, engine), manner)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sealed run, whether it is new, and how long the run took.

    report  its report.html; None where none was made or found
    tables  the folder of its Delta or Iceberg tables; None where none were asked for
    is_drawn  whether the report is new, too
    """

    run: Run
    is_new: bool
    seconds: float
    report: Place | None = None
    tables: Place | None = None
    is_drawn: bool = False


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
    from fauxpay.delivery.workers import own_process
    from fauxpay.foundations import stops
    from fauxpay.foundations.parameters import load_parameters
    from fauxpay.lakes.beside import keep_tables, require_format
    from fauxpay.readers.run import as_run
    from fauxpay.report.writing import is_due, keep_report

    require_format(config.run.format, config.run.out)
    begun = time.monotonic()
    own_process(config)
    log = JsonReport() if manner.log_format == "json" and not manner.is_quiet else None
    made: Made | None = None
    is_drawn = False
    try:
        is_mute = manner.is_quiet or log is not None
        with stops.kept(), progress.shown(is_quiet=is_mute) as bars:
            report = to_all(bars, log or silent, meter.report if meter else silent)
            made = make_run(config, load_parameters(config.parameters), engine, report)
        run, seconds = as_run(made.sealed), time.monotonic() - begun
        is_drawn = is_due(run, is_new=made.is_new, is_asked=config.run.report)
        with progress.told(DRAWING, is_quiet=is_mute or not is_drawn):
            page = keep_report(
                run,
                is_wanted=is_drawn,
                warn=lambda text: tell_warning("no report", text, manner.log_format),
            )
        if log is not None:
            log.sealed(run.receipt, is_new=made.is_new, seconds=seconds)
        if meter is not None:
            meter.note_run(run)
        tables = keep_tables(run, config.run.format)
    except (KeyboardInterrupt, Stopped) as stop:
        from fauxpay.delivery.sinks import discard_all

        discard_all()
        tell_warning(
            "run interrupted", _what_is_left(config, made, is_drawn=is_drawn), manner.log_format
        )
        raise typer.Exit(stop.exit_code if isinstance(stop, Stopped) else INTERRUPTED) from None
    return Outcome(run, made.is_new, seconds, page, tables, is_drawn and page is not None)


def _what_is_left(config: Config, made: Made | None, *, is_drawn: bool) -> str:
    """What an interruption leaves, and what goes on from it.

    made      the run, where it was sealed before
    is_drawn  whether its report was to be drawn
    """
    from fauxpay.storage.places import place_of

    root = place_of(config.run.out)
    if made is None:
        return f"interrupted; what is finished is kept, and the same command resumes below {root}"
    text = f"interrupted; run {made.run_id} is sealed below {root}"
    if is_drawn:
        # A run that is found gets no report, but where somebody was killed over it.
        text += (
            f". `fauxpay report {made.run_id} --out {root}` draws its report, if that is missing"
        )
    if config.run.format != "parquet":
        text += f". The same command resumes its commit to {config.run.format} tables"
    return text


def tell_summary(outcome: Outcome, manner: Manner) -> None:
    """The result on standard output: for programs, for people, or nothing."""
    from fauxpay.cli import summary

    run, seconds = outcome.run, outcome.seconds
    if manner.is_json:
        found = {"report": outcome.report, "tables": outcome.tables}
        document = summary.document(run, is_new=outcome.is_new, seconds=seconds, **found)
        print(json.dumps(document, indent=2))
    elif not manner.is_quiet and outcome.is_new:
        print("\n".join(summary.lines(run, seconds, outcome.report, outcome.tables)))
    elif not manner.is_quiet:
        page = outcome.report if outcome.is_drawn else None
        print(summary.found_line(run, outcome.tables, page))
