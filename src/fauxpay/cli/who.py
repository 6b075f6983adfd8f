"""`fauxpay who`: which exact run produced this file, or this transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption

if TYPE_CHECKING:
    from fauxpay.audit.who import Answer
    from fauxpay.storage.places import Place


def who(
    what: Annotated[str, typer.Argument(help="A file, or the id of a transaction.")],
    out: OutOption = ROOT,
    is_json: JsonOption = False,
) -> None:
    """Name the run, world, config and segment that a file or a transaction comes from."""
    from fauxpay.audit.transactions import who_did
    from fauxpay.audit.who import who_made
    from fauxpay.receipts.listing import root_around
    from fauxpay.storage.places import existing, place_of

    file, root = Path(what), place_of(out)
    if out == ROOT and isinstance(root, Path) and not root.is_dir():
        root = root_around(file) or root
    existing(root)
    is_number = what.isascii() and what.isdigit() and not file.exists()
    answers = who_did(root, int(what)) if is_number else [who_made(root, file)]
    if is_json:
        typer.echo(json.dumps([answer.document() for answer in answers], indent=2))
    else:
        typer.echo("\n\n".join("\n".join(_lines(answer)) for answer in answers))
    _conclude(root, answers)


def _conclude(root: Place, answers: Sequence[Answer]) -> None:
    """Raises where the answer is not the one that was hoped for."""
    from fauxpay.errors import ProofError, StorageError

    for answer in answers:
        if answer.is_sealed is False:
            published = root / answer.sealed_as if answer.sealed_as else None
            is_copy = published is not None and Path(answer.subject).absolute() != published
            remedy = f"take {published}" if is_copy else "restore it from a copy"
            raise ProofError(
                f"{answer.subject}: not as sealed; expected the bytes that the receipt names. Do "
                f"not use it: {remedy}, and let `fauxpay verify` say what else differs."
            )
        if not answer.runs:
            raise StorageError(
                f"{answer.subject}: its run is not below the root; expected one. Give the root "
                f"that it comes from with --out."
            )


def _lines(answer: Answer) -> list[str]:
    facts: dict[str, Any] = {"what": f"{answer.subject} ({answer.kind})", **answer.facts}
    states = {True: "yes", False: "NO", None: "never sealed"}
    facts["sealed"] = states[answer.is_sealed]
    if answer.sealed_as:
        facts["published as"] = answer.sealed_as
    for run in answer.runs:
        window = run.receipt.get("window", {})
        facts[f"run {run.run_id}"] = (
            f"{run.verdict.name}, {window.get('from')}..{window.get('to')}, created "
            f"{run.receipt.get('created_utc')}"
        )
    for section, value in answer.config.items():
        facts[f"config {section}"] = json.dumps(value)
    width = max(len(name) for name in facts)
    lines = [f"  {name:<{width}}  {value}" for name, value in facts.items() if name != "document"]
    return [*lines, *(f"  note: {note}" for note in answer.notes)]
