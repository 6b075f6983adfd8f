"""`fauxpay verify` and `fauxpay replay`: whether a run is what its receipt says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fauxpay.cli.logs import chosen
from fauxpay.cli.options import ROOT, JsonOption, OutOption, RunArgument, local_path

if TYPE_CHECKING:
    from fauxpay.audit.differences import Proof

SHOWN_MAX = 50
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")]


def verify(
    run: RunArgument = "latest",
    out: OutOption = ROOT,
    is_json: JsonOption = False,
    is_quiet: QuietOption = False,
) -> None:
    """Read every file of a run again and say what is not as its receipt says."""
    from fauxpay.audit.verify import verify_run
    from fauxpay.cli import progress
    from fauxpay.receipts.listing import resolve_run
    from fauxpay.storage.places import place_of

    found = resolve_run(place_of(out), run)
    with progress.shown(is_quiet=is_quiet or _is_for_machines()) as report:
        proof = verify_run(found, report)
    conclude(proof, is_json=is_json)


def replay(
    run: RunArgument = "latest",
    sample: Annotated[
        int | None, typer.Option(help="Make only so many days, drawn by the run id.", min=1)
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; 0 is one per core.", min=0)] = 0,
    scratch: Annotated[
        Path | None,
        typer.Option(
            help="Folder for what is made; below the root without it.", callback=local_path
        ),
    ] = None,
    out: OutOption = ROOT,
    is_json: JsonOption = False,
    is_quiet: QuietOption = False,
) -> None:
    """Make a run again from its receipt alone, in a scratch place, and compare the digests."""
    from fauxpay.audit.replay import replay_run
    from fauxpay.cli import progress
    from fauxpay.receipts.listing import resolve_run
    from fauxpay.storage.places import place_of

    found = resolve_run(place_of(out), run)
    with progress.shown(is_quiet=is_quiet or _is_for_machines()) as report:
        proof = replay_run(found, sample, (scratch, workers), report)
    conclude(proof, is_json=is_json)


def _is_for_machines() -> bool:
    """Whether standard error is to have JSON alone: bars and lines for people are none."""
    return chosen(sys.argv[1:], os.environ) == "json"


def conclude(proof: Proof, *, is_json: bool) -> None:
    """Prints a proof. Raises ProofError unless it holds."""
    from fauxpay.errors import ProofError

    errors = [one for one in proof.differences if one.is_error]
    if is_json:
        typer.echo(json.dumps(proof.document(), indent=2))
    else:
        for difference in [*errors, *(one for one in proof.differences if not one.is_error)][
            :SHOWN_MAX
        ]:
            typer.echo(str(difference))
        if len(proof.differences) > SHOWN_MAX:
            typer.echo(f"and {len(proof.differences) - SHOWN_MAX} more; --json prints all")
    counts = ", ".join(f"{count:,} {name}" for name, count in proof.counts.items())
    counted = f" ({counts})" if counts else ""
    if not proof.holds:
        raise ProofError(
            f"{proof.kind} of run {proof.run_id}: {len(errors)} "
            f"{'difference' if len(errors) == 1 else 'differences'}{counted}; expected none. "
            f"{proof.folder} is not what its receipt says; what each one calls for is said "
            f"beside it."
        )
    if not is_json:
        typer.echo(f"{proof.kind} of run {proof.run_id}: all holds{counted}")
