"""Options of the commands that read any card table: how its columns are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="OURS=THEIRS,...",
        help="What the table's columns are called: card=cc_num,at=trans_ts. Repeatable.",
    ),
]


def numbers_of(texts: Sequence[str] | None, flag: str) -> dict[str, float]:
    """Names -> numbers above 0 of `NAME=NUMBER` flags. Raises ConfigError."""
    import math

    from fauxpay.errors import ConfigError

    found: dict[str, float] = {}
    for text in texts or ():
        name, _, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not (name and math.isfinite(value) and value > 0):
            raise ConfigError(f"{flag} {text}: expected NAME=NUMBER with a number above 0")
        found[name] = value
    return found
