"""Parameters: facts about the world, each with its unit and source.

Every folder of a stage may hold a `parameters.yaml`. A leaf is a mapping with the keys `value`,
`unit`, `source` and perhaps `note`; every other mapping is a group. A leaf's name is its segment
and path, such as `activity.refunds.share`. Values are scalars, lists or text-keyed mappings.
A source is a key of `citations.yaml`, details after a comma, or `assumption: <why>`.

Facts that differ by country stand in packs, `activity/countries/<code>.yaml`. The pack `default`
has all of them with their units; a country's names those that differ, such as
`activity.countries.JP.payment.atm_share`. Overrides may name any country of the reference tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from fauxpay.errors import ConfigError
from fauxpay.foundations.bounds import bound_fault, choice_fault
from fauxpay.foundations.kinds import kind_fault
from fauxpay.foundations.overrides import fault
from fauxpay.foundations.shipped import own_yaml

FOLDERS = ("catalog", "activity", "clearing", "fraud", "labels")
FILE_NAME = "parameters.yaml"
COUNTRIES = "activity.countries"
DEFAULT = "default"
ASSUMPTION = "assumption: "
_LEAF_KEYS = frozenset(("value", "unit", "source"))
_OF_COUNTRY = re.compile(rf"{re.escape(COUNTRIES)}\.(?P<country>[A-Z]{{2}})\.(?P<fact>.+)")
_SOURCE = re.compile(r"assumption: \S.*|[a-z0-9_]+(, \S.*)?", re.DOTALL)


def load_parameters(overrides: Mapping[str, object] | None = None) -> Parameters:
    """The parameters of every segment, with some values replaced.

    overrides  dotted parameter name -> value (the config key `parameters`)
    Raises ConfigError that lists each override of an unknown name or of another shape.
    """
    leaves = dict(_shipped())
    faults = override_faults(overrides or {})
    if faults:
        lines = "\n".join(f"* parameters.{name}: {text}" for name, _, text in faults)
        raise ConfigError(f"the parameters cannot be overridden as asked:\n{lines}")
    for name, value in (overrides or {}).items():
        leaf = leaves.get(name) or leaves[_default_name(name)]
        # A shipped float stays one, so that 1 and 1.0 name the same world.
        leaves[name] = Sourced(_like(leaf.value, value), leaf.unit, leaf.source, leaf.note)
    return Parameters(leaves)


def override_faults(overrides: Mapping[str, object]) -> list[tuple[str, object, str]]:
    """(name, value, what is wrong) of every override that cannot be used; empty when all can."""
    shipped = _shipped() if overrides else {}
    known = {key: (leaf.value, leaf.unit) for key, leaf in shipped.items()}
    found = []
    for name, value in overrides.items():
        default = _default_name(name)
        if name not in shipped and default in shipped:
            text = _country_fault(name) or fault(default, value, known)
        else:
            text = fault(name, value, known)
        # Only a value of the right shape can be held against a bound.
        text = text or _reach_fault(name if name in shipped else default, value, known)
        if text is not None:
            found.append((name, value, text))
    return found


def _reach_fault(name: str, value: object, known: Mapping[str, tuple[Any, str]]) -> str | None:
    """What is wrong with a value of the right shape: its own bounds, its texts, then its kind."""
    default = _default_name(name)
    text = bound_fault(default, value)
    text = text or choice_fault(default, value, {key: one for key, (one, _) in known.items()})
    return text or kind_fault(known[name][0], value, known[name][1])


def _default_name(name: str) -> str:
    """The name of a country's fact as the pack `default` has it; other names as they are."""
    match = _OF_COUNTRY.fullmatch(name)
    return f"{COUNTRIES}.{DEFAULT}.{match['fact']}" if match else name


def _country_fault(name: str) -> str | None:
    """What is wrong with the country of a name that is not shipped."""
    from fauxpay.foundations.reference import reference  # only for those who bring a country

    match = _OF_COUNTRY.fullmatch(name)
    assert match
    if match["country"] in reference("countries")["country"].to_pylist():
        return None
    return f"{match['country']} is not a country (ISO 3166 alpha-2); `fauxpay cite` lists the names"


def parameters_of(texts: Mapping[str, str]) -> dict[str, Sourced]:
    """Leaves of parameter packs given as segment -> YAML text; a bad pack is our own mistake.

    A country's pack is given as `activity.countries.<code>`, after the default one, whose units
    it has.
    """
    leaves: dict[str, Sourced] = {}
    for segment, text in texts.items():
        document = own_yaml(text, f"{segment}/{FILE_NAME}")
        assert document is None or isinstance(document, dict), f"{segment}: a mapping is expected"
        leaves.update(_leaves(segment, document or {}, leaves))
    return leaves


def load_citations() -> dict[str, Citation]:
    """Every source that a parameter may name, by its citation key."""
    text = (resources.files("fauxpay") / "foundations" / "citations.yaml").read_text("utf-8")
    return {
        key: Citation(key, entry["title"], entry["year"], entry.get("url"), entry.get("licence"))
        for key, entry in own_yaml(text, "citations.yaml").items()
    }


@cache
def _shipped() -> Mapping[str, Sourced]:
    return parameters_of(dict(_texts()))


def _texts() -> Iterator[tuple[str, str]]:
    for segment in FOLDERS:
        file = resources.files("fauxpay") / segment / FILE_NAME
        if file.is_file():
            yield segment, file.read_text("utf-8")
    folder = resources.files("fauxpay").joinpath(*COUNTRIES.split("."))
    packs = {file.name.removesuffix(".yaml"): file for file in folder.iterdir()}
    for country in (DEFAULT, *sorted(packs.keys() - {DEFAULT})):
        yield f"{COUNTRIES}.{country}", packs[country].read_text("utf-8")


def _leaves(name: str, node: Any, known: Mapping[str, Sourced]) -> Iterator[tuple[str, Sourced]]:
    assert isinstance(node, dict), f"{name}: a value needs unit and source"
    keys = set(node)
    if not keys & _LEAF_KEYS:
        for key, child in node.items():
            yield from _leaves(f"{name}.{key}", child, known)
        return
    if name != _default_name(name):
        assert _default_name(name) in known, f"{name}: the pack `default` has no such fact"
        assert "unit" not in keys, f"{name}: the unit is that of the pack `default`"
        node = {**node, "unit": known[_default_name(name)].unit}
        keys = set(node)
    assert keys >= _LEAF_KEYS, f"{name}: lacks {sorted(_LEAF_KEYS - keys)}"
    assert keys <= _LEAF_KEYS | {"note"}, f"{name}: has {sorted(keys - _LEAF_KEYS)}"
    value, unit, source = node["value"], node["unit"], node["source"]
    assert value is not None, f"{name}: has no value"
    assert isinstance(unit, str), f"{name}: the unit is a text"
    assert unit.strip(), f"{name}: the unit is empty"
    assert isinstance(source, str), f"{name}: the source is a text"
    assert _SOURCE.fullmatch(source), f"{name}: {source!r} is no citation and no assumption"
    yield name, Sourced(value, unit, source, str(node.get("note", "")))


def _like(shipped: object, given: Any) -> Any:
    """The given value, with its whole numbers written as the shipped ones are.

    A mapping that has a `default` keeps its other entries.
    """
    if isinstance(shipped, dict) and DEFAULT in shipped:
        added = {key: _like(shipped[DEFAULT], item) for key, item in sorted(given.items())}
        return {key: _like(item, given.get(key, item)) for key, item in shipped.items()} | {
            key: item for key, item in added.items() if key not in shipped
        }
    if isinstance(shipped, dict):
        return {key: _like(item, given[key]) for key, item in shipped.items()}
    if isinstance(shipped, list):
        return [_like(item, other) for item, other in zip(shipped, given, strict=True)]
    if isinstance(shipped, float):
        return float(given)
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _copied(value: Any) -> Any:
    """The same mappings and lists anew, so that whoever changes them changes his own."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _nested(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Values by dotted name as nested mappings."""
    found: dict[str, Any] = {}
    for name, value in values:
        *groups, last = name.split(".")
        target = found
        for group in groups:
            target = target.setdefault(group, {})
        target[last] = value
    return found


@dataclass(frozen=True, slots=True)
class Citation:
    """A published source: its key in citations.yaml, title, year, address and licence."""

    key: str
    title: str
    year: int | None = None
    url: str | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value with its unit and source; `source` is a citation key or `assumption: <why>`."""

    value: Any
    unit: str
    source: str
    note: str = ""

    @property
    def citation_key(self) -> str | None:
        """The key in citations.yaml, or None for an assumption."""
        if self.source.startswith(ASSUMPTION):
            return None
        return self.source.partition(",")[0]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every parameter of a world by its dotted name; picklable, so workers need not parse."""

    leaves: Mapping[str, Sourced]

    def sourced(self, name: str) -> Sourced:
        """The leaf of that name; an unknown name is our own mistake."""
        assert name in self.leaves, f"no parameter {name}"
        return self.leaves[name]

    def value(self, name: str) -> Any:
        """The plain value of that name: scalar, list or mapping with texts as keys."""
        return _copied(self.sourced(name).value)

    def section(self, name: str) -> dict[str, Any]:
        """The plain values below a group as nested mappings, without unit and source."""
        prefix = f"{name}."
        found = _nested(
            (key.removeprefix(prefix), self.value(key))
            for key in self.leaves
            if key.startswith(prefix)
        )
        assert found, f"no parameters below {name}"
        return found

    def of_country(self, country: str) -> dict[str, Any]:
        """The plain facts of a country: its pack's, and the default's where it has none."""
        default, own = f"{COUNTRIES}.{DEFAULT}.", f"{COUNTRIES}.{country}."
        facts = [name.removeprefix(default) for name in self.leaves if name.startswith(default)]
        return _nested(
            (fact, self.value(own + fact if own + fact in self.leaves else default + fact))
            for fact in facts
        )

    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(sorted(self.leaves))

    def document(self) -> dict[str, Any]:
        """{name: {value, unit, source}}, sorted: what the parameter hash covers."""
        return {
            name: {
                "value": self.value(name),
                "unit": self.leaves[name].unit,
                "source": self.leaves[name].source,
            }
            for name in self.names()
        }

    def citations(self, prefixes: Sequence[str] = ("",)) -> dict[Citation, tuple[str, ...]]:
        """The sources of the parameters whose names start with a prefix, and those names."""
        known = load_citations()
        used: dict[Citation, list[str]] = {}
        for name in self._below(prefixes):
            key = self.leaves[name].citation_key
            if key is not None:
                assert key in known, f"{name}: no citation {key}"
                used.setdefault(known[key], []).append(name)
        return {source: tuple(used[source]) for source in sorted(used, key=lambda one: one.key)}

    def assumptions(self, prefixes: Sequence[str] = ("",)) -> dict[str, str]:
        """Why each unsourced parameter has its value, by name."""
        return {
            name: self.leaves[name].source.removeprefix(ASSUMPTION)
            for name in self._below(prefixes)
            if self.leaves[name].citation_key is None
        }

    def _below(self, prefixes: Sequence[str]) -> Iterator[str]:
        return (name for name in self.names() if name.startswith(tuple(prefixes)))
