"""Messages: one line for each problem - key, value, where it came from, what is allowed.

What is allowed is read off the field itself, so that no text can contradict the model.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from fauxpay.errors import ConfigError
from fauxpay.foundations.addresses import masked

VALUE_LENGTH_MAX = 80
NEAR_ENOUGH = 0.6
_BOUNDS = (("gt", "above"), ("ge", "from"), ("lt", "below"), ("le", "to"))
_TEXTS = {"folder": "a folder", "folder or address": "a folder or address", "name": "a name"}
"""What a text is called, by its unit."""
_DAY_BOUNDS = (("gt", "after"), ("ge", "from"), ("lt", "before"), ("le", "to"))


def problems_of(error: ValidationError, model: type[BaseModel]) -> tuple[Problem, ...]:
    """The problems of a failed validation, in the order of the model."""
    return tuple(problem for detail in error.errors() for problem in _problems(detail, model))


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known dotted key most like a name: the same last part, else most letters in common."""
    last = {key.rpartition(".")[2]: key for key in reversed(known)}
    own_last = name.rpartition(".")[2]
    if own_last in last:
        return last[own_last]
    if near := difflib.get_close_matches(name, known, n=1, cutoff=NEAR_ENOUGH):
        return near[0]
    near = difflib.get_close_matches(own_last, last, n=1, cutoff=NEAR_ENOUGH)
    return last[near[0]] if near else None


def key_paths(model: type[BaseModel]) -> list[str]:
    """Every dotted key of a model that has a value of its own, in order."""
    return [key for key, _ in fields_of(model)]


def fields_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """(dotted key, field) of everything that has a value of its own, in order."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = section_model(field)
        if inner is None:
            yield key, field
        else:
            yield from fields_of(inner, f"{key}.")


def section_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a group of settings, else None."""
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def unit_of(field: FieldInfo) -> str:
    """The unit of a setting, empty for a group of settings."""
    extra = field.json_schema_extra
    return str(extra["x-unit"]) if isinstance(extra, dict) else ""


def allowed(field: FieldInfo) -> str:
    """What a field accepts, in words: `a whole number from 1 to 2147483647 (cards)`."""
    kind, is_optional = _without_null(field.annotation)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    extra = field.json_schema_extra
    if isinstance(extra, dict) and (choices := extra.get("x-choices")):
        assert isinstance(choices, list)
        return f"one of {', '.join(map(str, choices))}, or one of an installed package"
    if kind is bool:
        return "true or false"
    limits = {
        name: getattr(constraint, name)
        for constraint in field.metadata
        for name, _ in _BOUNDS
        if hasattr(constraint, name)
    }
    words = dict(_DAY_BOUNDS if kind is date else _BOUNDS)
    if "ge" not in limits:
        words["le"] = "up to"
    bounds = "".join(f" {word} {limits[name]}" for name, word in words.items() if name in limits)
    longest = [one.max_length for one in field.metadata if hasattr(one, "max_length")]
    length = f", at most {longest[0]} of them" if longest else ""
    unit = unit_of(field)
    suffix = "" if unit in ("", "seed", *_TEXTS) else f" ({unit})"
    null = (", or null" if bounds else " or null") if is_optional else ""
    return f"{_kind_name(kind, unit)}{bounds}{null}{suffix}{length}"


def shown(value: object) -> str:
    """A value as it may be written in YAML, cut where it is long."""
    if isinstance(value, (str, os.PathLike)):
        # An address may hold a password.
        text = repr(masked(os.fspath(value)))
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "null"}[value]
    elif isinstance(value, date):
        text = value.isoformat()
    else:
        text = repr(value)
    return text if len(text) <= VALUE_LENGTH_MAX else f"{text[:VALUE_LENGTH_MAX]}..."


def _problems(detail: Any, model: type[BaseModel]) -> Iterator[Problem]:
    kind, value = detail["type"], detail["input"]
    location = tuple(str(part) for part in detail["loc"] if part != "[key]")
    path = ".".join(location)
    if kind == "combination":
        for key, given, text in detail["ctx"]["faults"]:
            yield Problem(key, given, text)
    elif kind == "extra_forbidden":
        yield _unknown(path, value, model)
    elif kind in ("folder", "executor"):
        yield Problem(path, value, f"allowed is {detail['msg']}")
    else:
        yield Problem(path, value, f"allowed is {_allowed_at(location, model)}")


def _unknown(path: str, value: object, model: type[BaseModel]) -> Problem:
    parent = path.rpartition(".")[0]
    scope, known = _scope(parent, model)
    text = f"there is no such key ({f'known in {scope}' if scope else 'known'}: {', '.join(known)})"
    own = [f"{scope}.{name}" for name in known] if scope else []
    near = nearest(path, [*own, *key_paths(model), *model.model_fields])
    if near == path:
        # The key is right, but not where it stands.
        *groups, key = path.split(".")
        if any(group.isdecimal() for group in groups):
            text = f"entries of {scope.rpartition('.')[0]} are given all together, as a list"
        else:
            nested = ": {".join([*groups, f"{key}: {shown(value)}"]) + "}" * len(groups)
            text = f"keys stand in their groups here: {nested}"
        near = None
    return Problem(path, value, text, near=near)


def _scope(path: str, model: type[BaseModel]) -> tuple[str, list[str]]:
    """The innermost group of settings at or above a place, and the keys in it."""
    while path:
        found, _ = _walked(tuple(path.split(".")), model)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return path, _keys(found)
        path = path.rpartition(".")[0]
    return "", _keys(model)


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _allowed_at(location: tuple[str, ...], model: type[BaseModel]) -> str:
    """What is allowed at a place: a setting, an entry of a mapping, or a group of settings."""
    found, unit = _walked(location, model)
    if isinstance(found, FieldInfo):
        text = allowed(found)
        return text if unit_of(found) or not unit else f"{text} ({unit})"
    return f"a mapping of keys: {', '.join(_keys(found or model))}"


def _walked(
    location: tuple[str, ...], model: type[BaseModel]
) -> tuple[FieldInfo | type[BaseModel] | None, str]:
    """What stands at a place - a field, or the model of a group - and the unit of what holds it.

    A part that nobody knows leads to None.
    """
    found: FieldInfo | type[BaseModel] | None = model
    unit = ""
    for part in location:
        if isinstance(found, FieldInfo):
            unit = unit_of(found) or unit
            kind, _ = _without_null(found.annotation)
            holds = get_args(kind)
            if get_origin(kind) not in (dict, list) or not holds:
                return None, unit
            found = FieldInfo.from_annotation(holds[-1])
        elif found is not None:
            fields = {field.alias or name: field for name, field in found.model_fields.items()}
            found = fields.get(part)
        if found is None:
            return None, unit
        if isinstance(found, FieldInfo):
            found = section_model(found) or found
    return found, unit


def _without_null(kind: Any) -> tuple[Any, bool]:
    """(kind, whether null is allowed too) of an annotation, without the checks around it."""
    holds = get_args(kind)
    is_optional = type(None) in holds and get_origin(kind) is not dict
    if is_optional:
        (kind,) = (one for one in holds if one is not type(None))
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind, is_optional


def _kind_name(kind: Any, unit: str) -> str:
    names: Mapping[Any, str] = {
        int: "a whole number",
        float: "a number",
        date: "a day such as 2026-03-01",
        str: _TEXTS.get(unit, "a text"),
        dict: "a mapping of names to values",
        list: "a list",
    }
    return names[get_origin(kind) or kind]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `origin` says who gave the value, `near` which key was meant."""

    path: str
    value: object
    expected: str
    origin: str = ""
    near: str | None = None

    def __str__(self) -> str:
        given = f" (from {self.origin})" if self.origin else ""
        hint = f"; did you mean {self.near}?" if self.near else ""
        return f"{self.path} = {shown(self.value)}{given}: {self.expected}{hint}"


class InvalidConfig(ConfigError):
    """A ConfigError that keeps its problems, so that whoever knows the origins can add them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
        lines = "\n".join(f"* {problem}" for problem in self.problems)
        return f"the config has {count}:\n{lines}\nEvery key is explained by: fauxpay config init"
