"""Shipped: what the package's own YAML files say, without parsing them at every start.

Reads    foundations/shipped.json, made by tools/build_shipped.py: SHA-256 of a text -> its value
Writes   nothing
Draws    nothing
Sources  the YAML files themselves

A strict YAML parser in Python needs a third of a second for parameters and packs, in each process.
A text that was edited since has another digest, is not found here and is parsed: the file can be
late, never wrong.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from fauxpay.foundations.canonical import sha256_hex
from fauxpay.foundations.strict_yaml import read_yaml

FILE_NAME = "shipped.json"


def shipped_value(text: bytes) -> Any:
    """The value of a YAML text that ships with the package, or None where it is not known."""
    return _known().get(sha256_hex(text))


def own_yaml(text: str, name: str) -> Any:
    """The value of a YAML text of the package, shared by all who ask; parsed where not known.

    name  what the text is called in messages
    Raises ConfigError for a text that is no strict YAML.
    """
    value = shipped_value(text.encode("utf-8"))
    return read_yaml(text, name).value if value is None else value


@cache
def _known() -> dict[str, Any]:
    file = resources.files("fauxpay") / "foundations" / FILE_NAME
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError):
        # Nothing hangs on it but time; a damaged installation shows where it matters.
        return {}
    return known if isinstance(known, dict) else {}
