"""Dialects: what each draft of JSON Schema calls a subschema, an id and an anchor.

The knowledge is that of the `referencing` library. It trusts the shape of what it is given, and
packs may be anything, so what has another shape than its keyword asks for is left out here; the
meta-schema names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from referencing import Specification
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012

if TYPE_CHECKING:
    from jsonschema_rs import Validator

_MAPPINGS = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_TEXTS = ("$id", "id", "$anchor", "$dynamicAnchor")
_SINGLES = frozenset(
    (
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
DATA_KEYWORDS = frozenset(("const", "enum", "default", "examples", "example"))
"""Their values are data: nothing in them is a reference."""


class Dialect(NamedTuple):
    """A draft: its name, its address, its rules, and the keywords that refer."""

    name: str
    uri: str
    specification: Specification[Any]
    references: tuple[str, ...]

    @property
    def id_keyword(self) -> str:
        return "id" if self.specification is DRAFT4 else "$id"

    @property
    def has_siblings(self) -> bool:
        """Whether keywords beside `$ref` count."""
        return self.specification in (DRAFT201909, DRAFT202012)


DEFAULT = Dialect(
    "2020-12",
    "https://json-schema.org/draft/2020-12/schema",
    DRAFT202012,
    ("$ref", "$dynamicRef"),
)
DIALECTS = {
    one.uri: one
    for one in (
        DEFAULT,
        Dialect(
            "2019-09",
            "https://json-schema.org/draft/2019-09/schema",
            DRAFT201909,
            ("$ref", "$recursiveRef"),
        ),
        Dialect("draft-07", "http://json-schema.org/draft-07/schema", DRAFT7, ("$ref",)),
        Dialect("draft-06", "http://json-schema.org/draft-06/schema", DRAFT6, ("$ref",)),
        Dialect("draft-04", "http://json-schema.org/draft-04/schema", DRAFT4, ("$ref",)),
    )
}


def dialect(uri: str) -> Dialect | None:
    """The draft at an address, with or without an empty fragment; None for an unknown one."""
    return DIALECTS.get(uri.removesuffix("#"))


def subschemas(contents: Mapping[str, Any], law: Dialect) -> Iterator[Mapping[str, Any]]:
    """The mappings right below a schema that are schemas by the law of a draft."""
    for each in law.specification.subresources_of(_shaped(contents)):
        if isinstance(each, Mapping):
            yield each


def id_of(contents: Mapping[str, Any], law: Dialect) -> str | None:
    """The id that a schema gives itself, without an empty fragment; None without one."""
    stated = law.specification.id_of(_texts(contents))
    return None if stated is None else stated.removesuffix("#")


def anchors_of(contents: Mapping[str, Any], law: Dialect) -> list[str]:
    """Names that a schema can be reached by, inside of its document."""
    return [each.name for each in law.specification.anchors_in(_texts(contents))]


@cache
def meta_validator(law: Dialect) -> Validator:
    """What says whether a document is a schema of that draft."""
    import jsonschema_rs

    return jsonschema_rs.validator_for({"$schema": law.uri, "$ref": law.uri})


def _texts(contents: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: contents[name] for name in _TEXTS if isinstance(contents.get(name), str)}
    # Older drafts ask whether there is a reference, which silences the id beside it.
    return {**texts, "$ref": ""} if "$ref" in contents else texts


def _shaped(contents: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that hold subschemas and have the shape for it."""
    shaped: dict[str, Any] = {}
    for key, value in contents.items():
        if isinstance(value, Mapping):
            if key in _MAPPINGS:
                shaped[key] = {name: one for name, one in value.items() if isinstance(one, Mapping)}
            elif key == "dependencies":
                # The library asks the first entry for the kind of all.
                lists = {name: one for name, one in value.items() if isinstance(one, Mapping)}
                shaped[key] = lists
            elif key in _SINGLES or key == "items":
                shaped[key] = value
        elif isinstance(value, list) and (key in _LISTS or key == "items"):
            shaped[key] = [one for one in value if isinstance(one, Mapping)]
    return shaped
