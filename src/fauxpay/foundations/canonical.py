"""Canonical JSON: one spelling for each document, so that a digest names it.

Keys sorted, UTF-8, no spaces, floats by their shortest round-trip digits. Two documents that
mean the same have the same bytes on any machine; what JSON cannot say is refused, not guessed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

from fauxpay.errors import ContractError


def canonical_json(document: object) -> bytes:
    """The only spelling of a document.

    document  mappings with text keys, lists, tuples (as lists), text, booleans, integers,
              finite floats, None, dates and aware datetimes (as ISO text, UTC, "Z")
    returns   UTF-8 JSON: keys sorted by code point, no spaces, no final newline

    Raises ContractError, with the place, for NaN, infinities, naive datetimes, keys that are
    not text and any other type. `1` and `1.0` are different documents.
    """
    text = json.dumps(
        _plain(document, ""), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ContractError(f"a document holds text that is not Unicode: {error}") from error


def sha256_hex(data: bytes) -> str:
    """SHA-256 of bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def document_digest(document: object) -> str:
    """SHA-256 of the canonical JSON of a document; raises what `canonical_json` raises."""
    return sha256_hex(canonical_json(document))


def _plain(value: object, place: str) -> Any:
    """The same value in JSON's own types; `place` is the JSON pointer for messages."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return _finite(value, place)
        case datetime():
            return _instant(value, place)
        case date():
            return value.isoformat()
        case Mapping():
            return {_key(key, place): _plain(item, f"{place}/{key}") for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, f"{place}/{index}") for index, item in enumerate(value)]
    raise _refusal(place, value, "mappings, lists, text, numbers, booleans, dates or null")


def _key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise _refusal(place, key, "keys that are text")
    return key


def _finite(value: float, place: str) -> float:
    if not isfinite(value):
        raise _refusal(place, value, "a finite number")
    return value


def _instant(value: datetime, place: str) -> str:
    if value.tzinfo is None:
        raise _refusal(place, value, "a datetime that names its zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _refusal(place: str, value: object, expected: str) -> ContractError:
    return ContractError(
        f"canonical JSON at {place or '/'}: {value!r} ({type(value).__name__}); expected {expected}"
    )
