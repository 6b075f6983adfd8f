"""`fauxpay runs`: which runs there are, which is the latest, what one of them is."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption, RunArgument

if TYPE_CHECKING:
    from fauxpay.gates.verdicts import Verdict
    from fauxpay.receipts.listing import Listed, Wanted

WorldOption = Annotated[str | None, typer.Option("--world", help="Beginning of a world id.")]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the activity.")]
VerdictOption = Annotated[
    str | None, typer.Option("--verdict", help="PASS, UNKNOWN or FAIL; the last two quarantined.")
]
WindowOption = Annotated[
    str | None, typer.Option("--window", help="FROM..TO: runs that overlap these UTC days.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="Runs with days from this on.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Runs with days before this one.")]

app = typer.Typer(help="List runs, or show one.", no_args_is_help=True)


@app.command("list")
def list_runs(
    world: WorldOption = None,
    window: WindowOption = None,
    start_day: FromOption = None,
    end_day: ToOption = None,
    verdict: VerdictOption = None,
    seed: SeedOption = None,
    out: OutOption = ROOT,
    is_json: JsonOption = False,
) -> None:
    """List the runs below a root, newest first; what did not pass on demand."""
    wanted = wanted_runs(world, (window, start_day, end_day), verdict, seed)
    runs = chosen_runs(out, wanted)
    warn_of(runs)
    if is_json:
        typer.echo(json.dumps([run_document(run) for run in runs], indent=2))
        return
    if not runs:
        print("fauxpay: no such run", file=sys.stderr)
    for run in runs:
        typer.echo(_line(run))


@app.command("latest")
def latest(
    world: WorldOption = None,
    window: WindowOption = None,
    start_day: FromOption = None,
    end_day: ToOption = None,
    verdict: VerdictOption = None,
    seed: SeedOption = None,
    out: OutOption = ROOT,
    is_json: JsonOption = False,
) -> None:
    """Show the run with the greatest created_utc, then run id, of those that passed."""
    from fauxpay.errors import GateError
    from fauxpay.receipts.listing import latest_run

    wanted = wanted_runs(world, (window, start_day, end_day), verdict, seed)
    runs = chosen_runs(out, wanted)
    warn_of(runs)
    run = latest_run(runs)
    if run is None:
        raise GateError(
            f"{out}: no such run; expected at least one. `fauxpay runs list` shows all, "
            f"`fauxpay generate` makes one."
        )
    _show(run, is_json=is_json)


@app.command("show")
def show(run: RunArgument, out: OutOption = ROOT, is_json: JsonOption = False) -> None:
    """Show what a run is: identity, config, rows, verdict, where it stands."""
    from fauxpay.receipts.listing import resolve_run
    from fauxpay.storage.places import place_of

    found = resolve_run(place_of(out), run)
    warn_of([found])
    _show(found, is_json=is_json)


def wanted_runs(
    world: str | None,
    days: tuple[str | None, str | None, str | None],
    verdict: str | None,
    seed: int | None,
) -> Wanted:
    """The filters of a command. Raises ConfigError for texts that are none.

    days  values of --window, --from and --to
    """
    from fauxpay.errors import ConfigError
    from fauxpay.receipts.listing import Wanted

    window, first, end = days
    names = ("--from", "--to")
    if window is not None:
        if first is not None or end is not None:
            raise ConfigError("--window and --from or --to say the same; give one of them")
        first, dots, end = window.partition("..")
        names = ("--window", "--window")
        if not dots:
            raise ConfigError(f"--window {window!r}: write it as FROM..TO, 2026-03-01..2026-04-01")
    first_day, end_day = _day(names[0], first), _day(names[1], end)
    if first_day is not None and end_day is not None and first_day >= end_day:
        told = f"--window {window}" if window is not None else f"--from {first} --to {end}"
        raise ConfigError(f"{told}: no day lies in it; expected the first day before the last")
    return Wanted(world, seed, _verdict(verdict), first_day, end_day)


def chosen_runs(out: str, wanted: Wanted) -> list[Listed]:
    """Runs that the filters hold, newest first; quarantined ones where their verdict is asked."""
    from fauxpay.gates.verdicts import Verdict
    from fauxpay.receipts.listing import listed_runs
    from fauxpay.storage.places import existing, place_of

    is_failure = wanted.verdict in (Verdict.UNKNOWN, Verdict.FAIL)
    runs = listed_runs(existing(place_of(out)), is_quarantine_too=is_failure)
    return [run for run in runs if wanted.holds(run)]


def warn_of(runs: Sequence[Listed]) -> None:
    """One line on standard error for each run whose date cannot be read."""
    for run in runs:
        if run.warning:
            print(f"fauxpay: warning: {run.warning}", file=sys.stderr)


def run_document(run: Listed) -> dict[str, Any]:
    """A run for programs; members of a receipt that cannot be read are null."""
    known = ("world_id", "seed", "window", "created_utc", "model_version", "rows")
    return {
        "run_id": run.run_id,
        **{name: run.receipt.get(name) for name in known},
        "verdict": run.verdict.name,
        "is_verified": not run.fault,
        "is_dated": run.created is not None,
        "is_quarantined": run.is_quarantined,
        "fault": run.fault or None,
        "warning": run.warning or None,
        "folder": str(run.folder),
        "copies": [str(folder) for folder in run.copies],
    }


def _show(run: Listed, *, is_json: bool) -> None:
    if is_json:
        document = {**run_document(run), "receipt": dict(run.receipt)}
        typer.echo(json.dumps(document, indent=2))
        return
    receipt = run.receipt
    rows = receipt.get("rows")
    facts = {
        "run": run.run_id,
        "world": receipt.get("world_id", "?"),
        "seed": receipt.get("seed", "?"),
        "window": _window(run),
        "created": receipt.get("created_utc", "?"),
        "verdict": run.verdict.name,
        "rows": ", ".join(f"{n} {c:,}" for n, c in rows.items()) if isinstance(rows, dict) else "?",
        "made by": _pairs(receipt.get("packages")),
        "where": run.folder,
    }
    for name, value in facts.items():
        typer.echo(f"  {name:<8} {value}")
    if run.fault:
        typer.echo(f"  {'fault':<8} {run.fault}")
    for folder in run.copies:
        typer.echo(f"  {'copy':<8} {folder}")


def _line(run: Listed) -> str:
    created = str(run.receipt.get("created_utc")) if run.created else "no date"
    world = str(run.receipt.get("world_id", "?"))[:12]
    seed = run.receipt.get("seed", "?")
    state = " in quarantine" if run.is_quarantined else ""
    return (
        f"{created:<20} {run.run_id}  {run.verdict.name:<7} world {world}  seed {seed}  "
        f"{_window(run)}{state}"
    )


def _window(run: Listed) -> str:
    window = run.receipt.get("window")
    if not isinstance(window, dict):
        return "?"
    return f"{window.get('from')}..{window.get('to')}"


def _pairs(document: object) -> str:
    if not isinstance(document, dict):
        return "?"
    return ", ".join(f"{name} {value}" for name, value in document.items())


def _day(name: str, text: str | None) -> date | None:
    from fauxpay.errors import ConfigError

    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ConfigError(f"{name} {text!r}: not a day; write it as 2026-03-01")
    return day


def _verdict(text: str | None) -> Verdict | None:
    from fauxpay.errors import ConfigError
    from fauxpay.gates.verdicts import Verdict

    if text is None:
        return None
    if text.upper() not in Verdict.__members__:
        raise ConfigError(f"--verdict {text!r}: allowed are {', '.join(Verdict.__members__)}")
    return Verdict[text.upper()]
