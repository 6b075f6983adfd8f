"""Scan: every resource, anchor and reference of some documents, and what is wrong with their ids.

Documents may be anything that JSON can say. What is no schema is looked through as well, because
references may lead into it and out of it; what is data (const, enum, default, examples) is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from referencing import Anchor, Registry, Resource, Specification

from fauxpay.contracts.dialects import (
    DATA_KEYWORDS,
    DEFAULT,
    DIALECTS,
    Dialect,
    anchors_of,
    dialect,
    id_of,
    subschemas,
)
from fauxpay.contracts.faults import Fault, Place, fault, shortened
from fauxpay.contracts.resolution import Index, joined

_META_SCHEMAS_MAX = 8


class Source(NamedTuple):
    """A document: name of its file, the address it was found at, and what stands in it."""

    file: str
    uri: str
    document: Any


class Reference(NamedTuple):
    """A reference as it is written, and from where it is seen."""

    keyword: str
    text: str
    base: str
    place: Place
    holder: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scan:
    """What documents hold.

    visited  identities of the mappings that were looked at, with these and their draft
    laws     the draft of each file, but of those that state an unknown one
    """

    index: Index
    references: tuple[Reference, ...]
    faults: tuple[Fault, ...]
    visited: Mapping[int, tuple[Mapping[str, Any], Dialect]]
    laws: Mapping[str, Dialect]


def scan(
    sources: Iterable[Source], known: Iterable[Source] = (), unread: tuple[str, ...] = ()
) -> Scan:
    """Everything in the sources.

    known   documents that may be referred to but are not looked at themselves
    unread  files that are there and could not be read, for messages
    """
    listed = list(sources)
    scanner = _Scanner(_meta_schemas(listed))
    for source in listed:
        scanner.document(source)
    scanner.require_one_name_each()
    return scanner.scanned(list(known), unread)


def _meta_schemas(sources: list[Source]) -> dict[str, str]:
    """Address of every document -> the `$schema` it states."""
    stated = {}
    for source in sources:
        if isinstance(source.document, Mapping):
            own, law = source.document.get("$id"), source.document.get("$schema")
            if isinstance(own, str) and isinstance(law, str):
                stated[joined(source.uri, own) or ""] = law
    return stated


@dataclass(frozen=True, slots=True)
class _Around:
    """What is in force at a node: base address, draft, identities of the schemas right below."""

    base: str
    law: Dialect
    schemas: frozenset[int]


@dataclass(slots=True)
class _Scanner:
    meta_schemas: Mapping[str, str]
    resources: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    anchors: dict[tuple[str, str], tuple[Any, Place]] = field(default_factory=dict)
    canonical: dict[str, str] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    visited: dict[int, tuple[Mapping[str, Any], Dialect]] = field(default_factory=dict)
    laws: dict[str, Dialect] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def document(self, source: Source) -> None:
        """Look through one document."""
        place = Place(source.file, "")
        self.files.append(source.file)
        if not isinstance(source.document, Mapping):
            self.resources.setdefault(source.uri, source.document)
            self.places.setdefault(source.uri, place)
            return
        stated = self._law(source.document, source.uri, place)
        law = stated or DEFAULT
        base = self._base(source.document, _Around(source.uri, law, frozenset()), place)
        if stated is not None or "$schema" not in source.document:
            self.laws[source.file] = law
        self.canonical[source.uri] = base
        self._resource(base, source.document, place)
        self._schema(source.document, place, _Around(base, law, frozenset()))

    def require_one_name_each(self) -> None:
        """A file's own address is nobody else's `$id`."""
        for uri, base in self.canonical.items():
            if uri != base and uri in self.places:
                other = self.places[uri]
                message = f"this $id is the address of another file of the folder: {uri}"
                self.faults.append(fault("duplicate", other, message))

    def scanned(self, known: list[Source], unread: tuple[str, ...]) -> Scan:
        """All that was found, with the known documents added where no other has their address."""
        for source in known:
            if source.uri not in self.resources:
                self.resources[source.uri] = source.document
                self.places[source.uri] = Place(source.file, "")
        by_identity: dict[int, list[Anchor[Any]]] = {}
        for (uri, name), (contents, _) in self.anchors.items():
            anchor = Anchor(name, Resource.opaque(contents))  # type: ignore[call-arg]
            by_identity.setdefault(id(self.resources[uri]), []).append(anchor)
        # The library hides its constructors from mypy.
        made: Any = Specification
        specification: Specification[Any] = made(
            name="scanned",
            id_of=lambda contents: None,
            subresources_of=lambda contents: (),
            anchors_in=lambda law, contents: by_identity.get(id(contents), ()),
            maybe_in_subresource=lambda segments, resolver, subresource: resolver,
        )
        registry: Registry[Any] = Registry().with_resources(
            (uri, specification.create_resource(contents))
            for uri, contents in self.resources.items()
        )
        anchors = {key: place for key, (_, place) in self.anchors.items()}
        index = Index(
            registry.crawl(),
            self.places,
            anchors,
            self.canonical,
            tuple(self.files),
            frozenset(unread),
            {name.rpartition("/")[2]: name for name in reversed(self.files)},
        )
        faults = tuple(self.faults)
        return Scan(index, tuple(self.references), faults, self.visited, self.laws)

    def _node(self, node: Any, place: Place, around: _Around) -> None:
        if isinstance(node, list):
            for number, item in enumerate(node):
                if isinstance(item, Mapping | list):
                    self._node(item, place.below(number), around)
        elif id(node) in around.schemas:
            inner = around
            if (stated := node.get("$schema")) is not None and around.law.id_keyword in node:
                law = self._law(node, around.base, place)
                inner = around if law is None or not stated else replace(around, law=law)
            base = self._base(node, inner, place)
            if base != around.base:
                self._resource(base, node, place)
            self._schema(node, place, replace(inner, base=base))
        else:
            self._members(node, place, around)

    def _schema(self, node: Mapping[str, Any], place: Place, around: _Around) -> None:
        for name in anchors_of(node, around.law):
            key = (around.base, name)
            if key in self.anchors and self.anchors[key][1] != place:
                message = f"the anchor {shortened(name)!r} stands at {self.anchors[key][1]} too"
                self.faults.append(fault("duplicate", place, message))
            self.anchors.setdefault(key, (node, place))
        schemas = frozenset(id(each) for each in subschemas(node, around.law))
        self._members(node, place, replace(around, schemas=schemas))

    def _members(self, node: Mapping[str, Any], place: Place, around: _Around) -> None:
        self.visited[id(node)] = (node, around.law)
        for keyword in around.law.references:
            if isinstance(text := node.get(keyword), str):
                self.references.append(Reference(keyword, text, around.base, place, node))
        if isinstance(node.get("nullable"), bool):
            message = (
                "nullable is a keyword of OpenAPI 3.0; JSON Schema does not know it and refuses "
                'null all the same. Write type: [..., "null"], and null into an enum'
            )
            self.faults.append(fault("nullable", place, message))
        for key, value in node.items():
            if not isinstance(value, Mapping | list):
                continue
            if key not in DATA_KEYWORDS or id(value) in around.schemas:
                self._node(value, place.below(key), around)

    def _resource(self, uri: str, node: Mapping[str, Any], place: Place) -> None:
        if uri in self.resources:
            message = f"the $id {shortened(uri)!r} is that of {self.places[uri]}, too"
            self.faults.append(fault("duplicate", place, message))
            return
        self.resources[uri] = node
        self.places[uri] = place

    def _base(self, node: Mapping[str, Any], around: _Around, place: Place) -> str:
        """The address that a schema gives itself, or that of what it stands in."""
        keyword = around.law.id_keyword
        own = id_of(node, around.law)
        if own is None or own == "":
            return around.base
        uri = joined(around.base, own)
        if uri is None or "#" in uri:
            message = f"{keyword} {shortened(own)!r} is no URI reference without a fragment"
            self.faults.append(fault("id", place, message))
            return around.base
        return uri

    def _law(self, node: Mapping[str, Any], base: str, place: Place) -> Dialect | None:
        """The draft that a document says it is written in, by way of its own meta-schemas."""
        stated = node.get("$schema")
        if stated is None:
            return None
        for _ in range(_META_SCHEMAS_MAX):
            if not isinstance(stated, str):
                break
            law = dialect(stated)
            if law is not None:
                return law
            stated = self.meta_schemas.get((joined(base, stated) or "").removesuffix("#"))
        message = (
            f"$schema {shortened(str(node['$schema']))!r} is no draft that is known here "
            f"({', '.join(one.name for one in DIALECTS.values())}), nor a pack of the folder"
        )
        self.faults.append(fault("dialect", place, message))
        return None
