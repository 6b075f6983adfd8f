"""Mutators: bytes and JSON trees, changed at random; a pure function of the generator given."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

BYTES_MAX = 1 << 16
TOKENS = (
    *(
        b"$ref",
        b"$id",
        b"$anchor",
        b"$dynamicRef",
        b"$defs",
        b"#/$defs/",
        b"#",
        b"../",
        b"~0",
        b"~2",
    ),
    *(b"%24", b"%ff", b"file:///etc/passwd", b"http://[::", b"urn:a:b", b"null", b"true", b"NaN"),
    *(
        b"1e999",
        b"-0.0",
        b"9" * 400,
        b"!!python/object/apply:os.system",
        b"&a ",
        b"*a",
        b"<<: ",
        b"? ",
    ),
    *(
        b": ",
        b"- ",
        b"|\n",
        b">-\n",
        b"---\n",
        b"...\n",
        b"%YAML 1.1\n",
        b"\t",
        b"\x00",
        b"\xff\xfe",
    ),
    *(b"\xed\xa0\x80", b"\\ud800", b'"', b"'", b"{", b"[", b"}", b"]", b"[" * 200, b'{"a":' * 200),
    *(
        b"PAR1",
        b"\x15\x00",
        b"\xff\xff\xff\x7f",
        b"\x80\x80\x80\x80\x08",
        b"\r\n",
        b",",
        b"2026-02-30",
    ),
)
TEXTS = (
    *(
        "",
        "#",
        "#/",
        "#/$defs",
        "#/$defs/a",
        "#a",
        "..",
        "../b.yaml",
        "../../../etc/passwd",
        "/etc/x",
    ),
    *("file:///etc/passwd", "http://x/y", "http://[", "urn:x", "\x00", "\x1b[31m", "é", "a" * 5000),
    *(
        "#/%ff",
        "#/~2",
        "#/$defs/%61",
        "null",
        "a.yaml#/$defs/a",
        "b.json#/x/0",
        "\ufeff",
        "💳",
        "-1",
    ),
    *("https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"),
    *("PASS", "FAIL", "2026-03-01", "2026-13-01T00:00:00Z", "0" * 64, "../../x", "a/../b", "."),
)
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400, 0.5, 1e308, -0.0, 1e-320)
KEYS = (
    *(
        "$ref",
        "$id",
        "$schema",
        "$anchor",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$defs",
    ),
    *(
        "items",
        "properties",
        "allOf",
        "not",
        "enum",
        "const",
        "nullable",
        "id",
        "definitions",
        "type",
    ),
    *("pattern", "if", "then", "dependentSchemas", "dependencies", "prefixItems", "examples", "x"),
)


def mutated_bytes(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """The bytes after one to eight changes."""
    content = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        random.choice(_BYTE_CHANGES)(random, content)
    if others and random.random() < 0.05:
        other = random.choice(others)
        cut, start = random.randrange(len(content) + 1), random.randrange(len(other) + 1)
        content[cut:] = other[start:]
    return bytes(content[:BYTES_MAX])


def _flip(random: Random, content: bytearray) -> None:
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def _set(random: Random, content: bytearray) -> None:
    if content:
        content[random.randrange(len(content))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, 0x20))


def _flip_late(random: Random, content: bytearray) -> None:
    """Where Parquet says what is in the file."""
    if content:
        content[-1 - random.randrange(min(len(content), 3000))] ^= 1 << random.randrange(8)


def _token(random: Random, content: bytearray) -> None:
    at = random.randrange(len(content) + 1)
    content[at : at + random.choice((0, 0, 1, 4))] = random.choice(TOKENS)


def _delete(random: Random, content: bytearray) -> None:
    at = random.randrange(len(content) + 1)
    del content[at : at + random.choice((1, 1, 2, 8, 64))]


def _cut(random: Random, content: bytearray) -> None:
    if random.random() < 0.3:
        del content[random.randrange(len(content) + 1) :]


def _repeat(random: Random, content: bytearray) -> None:
    at = random.randrange(len(content) + 1)
    part = content[at : at + random.choice((1, 4, 16, 64))]
    content[at:at] = part * random.choice((1, 2, 3, 50))


_BYTE_CHANGES: tuple[Callable[[Random, bytearray], None], ...] = (
    _flip,
    _flip,
    _flip_late,
    _set,
    _token,
    _token,
    _delete,
    _cut,
    _repeat,
)


def mutated_tree(random: Random, tree: Any) -> Any:
    """A copy of a JSON tree after one to five changes."""
    root = [json.loads(json.dumps(tree))]
    for _ in range(random.choice((1, 1, 2, 2, 3, 5))):
        _change(random, root)
    return root[0]


def value(random: Random, depth: int = 3) -> Any:
    """Any JSON value."""
    choice = random.randrange(8 if depth else 5)
    if choice < 2:
        return random.choice(TEXTS)
    if choice == 2:
        return random.choice(NUMBERS)
    if choice == 3:
        return random.choice((None, True, False))
    if choice == 4:
        return random.choice(({}, [], [None], {"": ""}))
    count = random.randrange(4)
    if choice == 5:
        return [value(random, depth - 1) for _ in range(count)]
    if choice == 6:
        return {random.choice(KEYS): value(random, depth - 1) for _ in range(count)}
    return _deep(random)


def _deep(random: Random) -> Any:
    tree: Any = random.choice(TEXTS)
    for _ in range(random.choice((5, 30, 130))):
        tree = [tree] if random.random() < 0.5 else {random.choice(KEYS): tree}
    return tree


def _change(random: Random, root: list[Any]) -> None:
    """One change at a random place."""
    holder, key = random.choice(_places(root))
    change = random.randrange(7)
    if change == 0:
        holder[key] = value(random)
    elif change == 1 and isinstance(holder[key], str):
        holder[key] = holder[key].replace(*random.choice((("/", "~1"), ("$", "%24"), ("a", ""))))
    elif change == 2 and holder is not root:
        del holder[key]
    elif change == 3 and isinstance(holder, dict):
        holder[random.choice((*KEYS, *TEXTS))] = holder.pop(key)
    elif change == 4:
        other, place = random.choice(_places(root))
        holder[key] = copy.deepcopy(other[place])
    elif change == 5 and isinstance(holder[key], dict):
        holder[key][random.choice(KEYS)] = value(random)
    else:
        holder[key] = [holder[key]]


def _places(root: list[Any]) -> list[tuple[Any, Any]]:
    """Every holder and key in a tree that is small or was cut."""
    places, to_do = [], [root]
    while to_do and len(places) < 5000:
        holder = to_do.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            places.append((holder, key))
            if isinstance(holder[key], dict | list):
                to_do.append(holder[key])
    return places
