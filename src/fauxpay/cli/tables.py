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


def mapping_of(texts: Sequence[str] | None) -> dict[str, str]:
    """Ours -> theirs. Raises ConfigError for what is no pair, or for a name given twice."""
    from fauxpay.errors import ConfigError

    mapping: dict[str, str] = {}
    for pair in (part for text in texts or () for part in text.split(",") if part.strip()):
        ours, equals, theirs = (part.strip() for part in pair.partition("="))
        if not (ours and equals and theirs):
            raise ConfigError(
                f"--map {pair.strip()}: no pair; expected OURS=THEIRS, as card=cc_num"
            )
        if ours in mapping:
            raise ConfigError(f"--map {ours}: given twice; expected one column for each name")
        mapping[ours] = theirs
    return mapping


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
