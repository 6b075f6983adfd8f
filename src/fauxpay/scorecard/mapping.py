"""Mapping: what a user says of the columns of a table of his own.

Reads    texts such as card=cc_num,at=trans_ts
Writes   canonical name -> their name
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Sequence

from fauxpay.errors import ConfigError
from fauxpay.scorecard.columns import CANONICAL, nearest


def mapping_of(texts: Sequence[str]) -> dict[str, str]:
    """Canonical name -> their name. Raises ConfigError for no pair, unknown names, and repetitions.

    A name of theirs may hold a comma only in a --map of its own.
    """
    mapping: dict[str, str] = {}
    for text in texts:
        pairs = text.split(",") if all("=" in part for part in text.split(",")) else [text]
        for pair in pairs:
            canonical, equals, name = (part.strip() for part in pair.partition("="))
            if not equals or not canonical or not name:
                raise ConfigError(
                    f"--map {pair!r}: write pairs of ours=theirs, parted by commas, such as "
                    f"card=cc_num,merchant=merchant,at=trans_ts,amount=amt"
                )
            if canonical not in CANONICAL:
                raise ConfigError(
                    f"--map {pair}: no column is called {canonical!r} here; "
                    f"{nearest(canonical, CANONICAL)}"
                )
            if mapping.get(canonical, name) != name:
                raise ConfigError(
                    f"--map {pair}: {canonical} is {mapping[canonical]!r} already; name it once"
                )
            mapping[canonical] = name
    return mapping
