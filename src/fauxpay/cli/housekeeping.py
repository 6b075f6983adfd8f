"""`fauxpay quarantine` and `fauxpay gc`: what failed, and what was left behind."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption

if TYPE_CHECKING:
    from fauxpay.storage.places import Place

OLDER_THAN_DAYS = 7.0
YesOption = Annotated[bool, typer.Option("--yes", help="Delete; without it only say what.")]
REASON_WIDTH = 160
LIFECYCLE = (
    "a bucket's own lifecycle rules remove what is old below .staging/, conflicts/ and quarantine/"
)
IdArgument = Annotated[str, typer.Argument(help="Beginning of a run id.", metavar="RUN")]

app = typer.Typer(help="Look at runs that did not pass, or drop them.", no_args_is_help=True)


@app.command("list")
def list_quarantined(out: OutOption = ROOT, is_json: JsonOption = False) -> None:
    """List the runs that did not pass, each with its reason."""
    from fauxpay.audit.housekeeping import quarantined
    from fauxpay.storage.places import existing, place_of

    root = existing(place_of(out))
    documents = [_document(root, folder) for folder in quarantined(root)]
    if is_json:
        typer.echo(json.dumps(documents, indent=2))
        return
    for one in documents:
        typer.echo(f"{one['run_id']}  {one['verdict']:<7} {_reason(one)}")


def _reason(one: dict[str, Any]) -> str:
    """The first check that did not hold, or else the error that ended the run, in one line."""
    if one["failed"]:
        return f"{one['failed'][0]['name']}: {one['failed'][0]['evidence']}"
    told = one["failure"]
    text = one["fault"] if told is None else f"{told['class']}: {told['message']}"
    return textwrap.shorten(str(text), REASON_WIDTH, placeholder=" ...")


@app.command("show")
def show(run: IdArgument, out: OutOption = ROOT, is_json: JsonOption = False) -> None:
    """Show why a run did not pass, and where its files are."""
    from fauxpay.audit.housekeeping import quarantined_run
    from fauxpay.receipts import layout
    from fauxpay.storage.places import existing, place_of

    root = existing(place_of(out))
    document = _document(root, quarantined_run(root, run).folder)
    if is_json:
        typer.echo(json.dumps(document, indent=2))
        return
    for name in ("run_id", "verdict", "world_id", "seed", "window", "created_utc", "folder"):
        typer.echo(f"  {name:<11} {document[name]}")
    failure = document["failure"] or {}
    for name in ("class", "code", "segment", "partition", "message", "remedy", "replay"):
        if failure.get(name) is not None:
            typer.echo(f"  {name:<11} {failure[name]}")
    for check in document["failed"]:
        typer.echo(
            f"  {check['verdict']:<11} {check['gate']} / {check['name']}: {check['evidence']}"
        )
    for name in document["files"]:
        typer.echo(f"  {'kept':<11} {name}")
    if any(name.endswith(f"/{layout.RECEIPT}") for name in document["files"]):
        typer.echo(f"  {'read it':<11} fauxpay.open({str(out)!r}, allow_unverified=True)")


@app.command("drop")
def drop(
    run: IdArgument,
    is_certain: YesOption = False,
    out: OutOption = ROOT,
    is_json: JsonOption = False,
) -> None:
    """Remove a run that did not pass from the quarantine. Says what would go unless --yes."""
    from fauxpay.audit.housekeeping import leftovers, quarantined_run
    from fauxpay.storage.places import existing, folder_of, place_of

    root = folder_of(existing(place_of(out)), LIFECYCLE)
    folder = quarantined_run(root, run).folder
    found = leftovers(root, 0, is_unnamed_too=False, now=float("inf"))
    _let_go(root, [one for one in found if one.path == folder], is_certain, is_json)


def gc(
    is_certain: YesOption = False,
    older_than: Annotated[
        float, typer.Option(help="Keep what was touched within so many days; staged files aside.")
    ] = OLDER_THAN_DAYS,
    is_unnamed_too: Annotated[
        bool,
        typer.Option("--unnamed", help="Also worlds and partitions that no receipt names."),
    ] = False,
    out: OutOption = ROOT,
    is_json: JsonOption = False,
) -> None:
    """Say what was staged and left, kept aside or failed; with --yes delete it."""
    from fauxpay.audit.housekeeping import leftovers
    from fauxpay.errors import ConfigError
    from fauxpay.storage.places import existing, folder_of, place_of

    if not 0 <= older_than < float("inf"):
        raise ConfigError(f"--older-than {older_than:g}: expected a number of days, 0 or more")
    root = folder_of(existing(place_of(out)), LIFECYCLE)
    found = leftovers(root, older_than, is_unnamed_too=is_unnamed_too)
    _let_go(root, found, is_certain, is_json)


def _let_go(root: Path, found: list[Any], is_certain: bool, is_json: bool) -> None:
    """Prints what goes or would go, and lets it go where one is certain."""
    from fauxpay.audit.housekeeping import remove

    total = sum(one.bytes for one in found)
    if is_certain:
        remove(root, found)
    if is_json:
        items = [one.document() for one in found]
        typer.echo(json.dumps({"removed": is_certain, "bytes": total, "items": items}, indent=2))
        return
    for one in found:
        typer.echo(
            f"{one.kind:<11} {one.bytes:>12,} bytes  {one.path.relative_to(root)}: {one.why}"
        )
    ending = "removed" if is_certain else "would go; nothing was removed, --yes removes it"
    typer.echo(f"{len(found)} items, {total:,} bytes {ending if found else 'to remove'}")


def _document(root: Place, folder: Place) -> dict[str, Any]:
    """A quarantined run for programs."""
    from fauxpay.audit.housekeeping import failed_checks
    from fauxpay.cli.runs import run_document
    from fauxpay.errors import FauxpayError
    from fauxpay.receipts.listing import listed
    from fauxpay.receipts.store import read_failure
    from fauxpay.storage.places import name_below

    try:
        failed = failed_checks(folder)
    except FauxpayError:
        failed = []
    names: list[Place] = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [name_below(path, root) for path in names]
    own = {"failed": failed, "failure": read_failure(folder), "files": files}
    return {**run_document(listed(root, folder)), **own}
