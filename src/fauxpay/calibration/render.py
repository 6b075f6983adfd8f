"""Rendering: a fitted config as commented YAML, with what it was made from.

Reads    what was fitted
Writes   text
Draws    nothing
Sources  nothing

No value of a row stands in it: only sums over at least k cards, names that fauxpay has itself, and
the digest of the files.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from fauxpay import __version__
from fauxpay.calibration.estimate import Fitted

WIDTH = 100
SECTIONS = ("catalog", "activity", "fraud", "labels", "output", "run")


def config_yaml(fitted: Fitted, provenance: Mapping[str, Any]) -> str:
    """A config file: what it was fitted from, each knob with its evidence, what was left."""
    lines = [
        "# A fauxpay config fitted by `fauxpay fit`. Make it: fauxpay generate --config FILE",
        "#",
        *(f"# {name}: {_told(value)}" for name, value in provenance.items()),
        "",
    ]
    nested = fitted.values()
    for section in SECTIONS:
        if section in nested:
            lines.append(f"{section}:")
            for name, value in nested[section].items():
                lines += [f"  # {text}" for text in _evidence(fitted, f"{section}.{name}")]
                lines.append(f"  {name}: {_scalar(value)}")
    if "parameters" in nested:
        lines.append("parameters:")
        for name, value in sorted(nested["parameters"].items()):
            lines += [f"  # {text}" for text in _evidence(fitted, name)]
            lines += _parameter(name, value)
    if fitted.knobs.left:
        lines += ["", "# Left at its default:"]
        for name, why in sorted(fitted.knobs.left.items()):
            lines += [f"# * {text}" for text in _wrapped(f"{name}: {why}")]
    return "\n".join(lines) + "\n"


def provenance_of(fitted: Fitted, digests: Mapping[str, str]) -> dict[str, Any]:
    """What was used: columns, rows, days, digests, k and method. No value of any row."""
    own = fitted.seen.window
    suppressed = sorted({key[0] for key in fitted.seen.suppressed})
    return {
        "fauxpay": __version__,
        "columns": list(fitted.columns),
        "rows": fitted.rows,
        "cards_seen": fitted.cards_seen,
        "from": own.start.isoformat(),
        "to": own.end.isoformat(),
        "k": fitted.k,
        "statistics_suppressed": suppressed,
        "mirror_cards": fitted.mirror_cards,
        "method": "indirect inference: each knob is moved until a small world made by it, measured "
        "by the same queries, agrees with the table",
        "sha256": dict(digests),
    }


def _evidence(fitted: Fitted, name: str) -> Iterator[str]:
    note = fitted.knobs.notes.get(name)
    if note is not None:
        yield from _wrapped(f"{note.how}; {note.rows:,} rows, {note.cards:,} cards")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH - 6)


def _parameter(name: str, value: Any) -> list[str]:
    """JSON is YAML; a mapping has a line for each entry."""
    if not isinstance(value, dict):
        return [f"  {name}: {_scalar(value)}"]
    lines = [f"  {name}:"]
    for key, child in value.items():
        lines.append(
            f"    {json.dumps(key) if not str(key).isalpha() else _key(key)}: {_scalar(child)}"
        )
    return lines


def _key(key: str) -> str:
    """Two letters may be a country, and NO would be read as false by older readers."""
    return json.dumps(key) if len(key) == 2 else key


def _scalar(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {digest}" for name, digest in value.items()) or "none"
    return str(value)
