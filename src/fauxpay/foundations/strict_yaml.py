"""Strict YAML: plain data with line numbers, and nothing that could surprise.

YAML 1.2 core scalars only (`NO` is a text, not false), every key is a text, a date like 2026-03-01
is a date. Refused: duplicate keys, tags, several documents, what passes the limits of depth and
number and, unless the caller allows them, anchors and aliases.
The events of ruamel.yaml are read directly, because its nodes no longer say whether a tag was
written or inferred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fauxpay.errors import ConfigError

DEPTH_MAX = 20
VALUES_MAX = 200_000
# Longer digit strings are no number that any key accepts, and int() is quadratic in them.
_DIGITS_MAX = 100

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEAN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_INTEGER_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_FLOAT_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_WORD = re.compile(r"[0-9A-Za-z][-+._0-9A-Za-z]*\Z")
_HALF = re.compile("[\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a text may hold.

    depth    levels of lists and mappings
    values   scalars, lists and mappings, an aliased value counted each time that it stands there
    aliases  how often `*name` may stand there; 0 refuses anchors as well
    """

    depth: int = DEPTH_MAX
    values: int = VALUES_MAX
    aliases: int = 0


CONFIG_LIMITS = Limits()


def read_yaml(text: str, name: str, limits: Limits = CONFIG_LIMITS) -> Document:
    """The one document of a YAML text; an empty text is the value None.

    name     what the text is called in messages, e.g. its file name
    limits   how much it may hold; those of a config unless given
    returns  plain values, and the line (from 1) of every mapping key by its path
    Raises ConfigError `<name>:<line>: ...` for anything that is not plain data.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    builder = _Builder(name, limits)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        raise ConfigError(f"{where}: this is not YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        summary = str(error).strip().splitlines()[0]
        raise ConfigError(f"{name}: this is not YAML: {summary}") from None
    return Document(builder.value, builder.lines)


def read_value(text: str, name: str) -> Any:
    """The value of a short YAML text such as `5000`, `2026-03-01` or `{US: 0.6, GB: 0.4}`."""
    # One word is what it looks like: no parser has to be imported to say so.
    return scalar(text) if _WORD.match(text) else read_yaml(text, name).value


def scalar(text: str) -> Any:
    """The value of a plain scalar by the YAML 1.2 core schema, plus dates."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if text[0] not in "+-.0123456789" or len(text) > _DIGITS_MAX:
        return text
    if _INTEGER.match(text):
        return int(text)
    if _INTEGER_BASED.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    if _FLOAT_SPECIAL.match(text):
        return float(text.replace(".", "", 1))
    if _DAY.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text


@dataclass(frozen=True, slots=True)
class Document:
    """`value` is None, a scalar, list or dict; `lines` gives the line of every mapping key."""

    value: Any
    lines: dict[Path, int]


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read; `key` is the mapping key whose value comes next."""

    items: list[Any] | dict[str, Any]
    path: Path
    key: str | None = None
    anchor: str | None = None
    values_before: int = 0
    depth: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A value that has a name: how many values it is, and how many levels deep."""

    value: Any
    values: int
    depth: int


@dataclass(slots=True)
class _Builder:
    """Builds the value from events with a stack of its own: depth is bounded, not recursion."""

    name: str
    limits: Limits
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    _documents: int = 0
    _values: int = 0
    _aliases: int = 0
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, _Anchored | None] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            self._require_plain(event)
            self._scalar(event)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._require_plain(event)
            self._start({} if kind == "MappingStartEvent" else [], event)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            ended = self._stack.pop()
            if ended.anchor is not None:
                self._anchors[ended.anchor] = _Anchored(
                    ended.items, self._values - ended.values_before, ended.depth
                )
            self._deepen(ended.depth)
            self._add(ended.items, event)
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise self._fault(event, "a second document starts here; one is allowed")

    def _require_plain(self, event: Any) -> None:
        if event.tag is not None:
            raise self._fault(event, f"the tag {event.tag} is not read; write a plain value")
        if event.anchor is not None and not self.limits.aliases:
            raise self._fault(event, "anchors and aliases (& and *) are not read; repeat the value")
        self._count(1, event)

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > self.limits.values:
            raise self._fault(event, f"more than {self.limits.values} values, aliases followed")

    def _deepen(self, depth: int) -> None:
        if self._stack:
            self._stack[-1].depth = max(self._stack[-1].depth, depth + 1)

    def _alias(self, event: Any) -> None:
        if not self.limits.aliases:
            raise self._fault(event, "anchors and aliases (& and *) are not read; repeat the value")
        self._aliases += 1
        if self._aliases > self.limits.aliases:
            raise self._fault(event, f"more than {self.limits.aliases} aliases")
        if event.anchor not in self._anchors:
            raise self._fault(event, f"the alias *{event.anchor} has no anchor before it")
        named = self._anchors[event.anchor]
        if named is None:
            raise self._fault(event, f"the alias *{event.anchor} stands inside of what it names")
        if len(self._stack) + named.depth > self.limits.depth:
            raise self._fault(event, f"nested more than {self.limits.depth} levels deep")
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.items, dict) and top.key is None:
            raise self._fault(event, "a key must be a text that is written out, not an alias")
        self._count(named.values, event)
        self._deepen(named.depth)
        self._add(named.value, event)

    def _scalar(self, event: Any) -> None:
        if _HALF.search(event.value):
            raise self._fault(
                event, "half of a surrogate pair (\\ud800 to \\udfff) is no character"
            )
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.items, dict) and top.key is None:
            self._key(top, event)
        else:
            is_plain = event.style in (None, "")
            value = scalar(event.value) if is_plain else event.value
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(value, 1, 0)
            self._add(value, event)

    def _key(self, top: _Open, event: Any) -> None:
        key = event.value
        path = (*top.path, key)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(key, 1, 0)
        if key == "<<" and self.limits.aliases:
            raise self._fault(event, "the merge key << is not YAML 1.2; write the members out")
        if key in top.items:
            first = self.lines[path]
            raise self._fault(event, f"the key {key!r} stands here twice, first on line {first}")
        top.key = key
        self.lines[path] = event.start_mark.line + 1

    def _start(self, items: list[Any] | dict[str, Any], event: Any) -> None:
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.items, dict) and top.key is None:
            raise self._fault(event, "a key must be a text, not a list or mapping")
        if len(self._stack) >= self.limits.depth:
            raise self._fault(event, f"nested more than {self.limits.depth} levels deep")
        path: Path = ()
        if top is not None:
            path = (*top.path, str(len(top.items)) if top.key is None else top.key)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(items, path, None, event.anchor, self._values - 1))

    def _add(self, value: Any, event: Any) -> None:
        if not self._stack:
            self.value = value
            return
        top = self._stack[-1]
        if isinstance(top.items, list):
            top.items.append(value)
            return
        assert top.key is not None, event
        top.items[top.key] = value
        top.key = None

    def _fault(self, event: Any, what: str) -> ConfigError:
        return ConfigError(f"{self.name}:{event.start_mark.line + 1}: {what}")
