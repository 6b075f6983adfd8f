"""Pack check: whether every reference of a folder of packs leads somewhere, by strict rules.

Nothing is fetched, nothing outside of the folder is read, nothing is overlooked: each file that
cannot be read, each id that two schemas claim, each reference without a target is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from fauxpay.contracts.dialects import DEFAULT, Dialect, meta_validator
from fauxpay.contracts.faults import Fault, Place, fault, shortened
from fauxpay.contracts.folders import ENDINGS, Folder, read_folder
from fauxpay.contracts.registry import BASE, BUILT_IN, built_in, pack_texts
from fauxpay.contracts.resolution import Miss, Target, file_uri
from fauxpay.contracts.rounds import rounds
from fauxpay.contracts.scan import Reference, Scan, Source, scan
from fauxpay.errors import ContractError

SCHEMA_FAULTS_MAX = 20
NEAREST_MAX = 200
"""So many misses are told what is nearest; the rest are named without, as comparing is slow."""
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("not", "if", "then", "else")


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at in a folder, and what is wrong; `drafts` other than 2020-12 by file."""

    files: int
    resources: int
    references: int
    drafts: Mapping[str, str]
    faults: tuple[Fault, ...]

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "files": self.files,
            "resources": self.resources,
            "references": self.references,
            "drafts": dict(self.drafts),
            "ok": not self.faults,
            "faults": [one.document() for one in self.faults],
        }


def check_folder(folder: Path) -> Report:
    """The report on a folder of packs.

    Raises StorageError where there is no such folder, ContractError where it holds no pack: a
    check of nothing would look like one that passed.
    """
    read = read_folder(folder)
    if not read.texts and not read.faults:
        raise ContractError(
            f"{folder}: holds no contract pack; expected files that end in {', '.join(ENDINGS)}"
        )
    return check_documents(read)


def check_documents(read: Folder) -> Report:
    """The report on packs that are at hand."""
    sources = [Source(name, file_uri(name), one) for name, one in read.documents.items()]
    unread = tuple(name for name in read.texts if name not in read.documents)
    found = scan(sources, known_documents(), unread)
    faults = [*read.faults, *found.faults, *_taken_names(found, read)]
    for name, document in read.documents.items():
        if name in found.laws:
            faults += _schema_faults(name, document, found.laws[name])
    edges: dict[int, list[int]] = {}
    misses = 0
    for reference in found.references:
        target = found.index.lookup(reference.text, reference.base)
        if isinstance(target, Miss):
            misses += 1
            alike = target.alike() if misses <= NEAREST_MAX else None
            place, text = reference.place, reference.text
            faults.append(fault(target.kind, place, target.message, text, alike))
            continue
        faults += _unseen(reference, target, found, read)
        if reference.keyword == "$ref":
            edges.setdefault(id(reference.holder), []).append(id(target.contents))
    faults += _endless(found, edges)
    drafts = {name: law.name for name, law in found.laws.items() if law is not DEFAULT}
    ordered = sorted(dict.fromkeys(faults), key=lambda one: (one.file, one.pointer, one.kind))
    own = sum(1 for place in found.index.places.values() if place.file in read.documents)
    return Report(len(read.texts), own, len(found.references), drafts, tuple(ordered))


@cache
def known_documents() -> tuple[Source, ...]:
    """What every pack may refer to: the packs of fauxpay and the meta-schemas of JSON Schema."""
    from jsonschema_specifications import REGISTRY

    own = [Source(BASE + name, BASE + name, built_in().document(name)) for name in BUILT_IN]
    return (*own, *(Source(uri, uri, REGISTRY.contents(uri)) for uri in REGISTRY))


def _taken_names(found: Scan, read: Folder) -> Iterator[Fault]:
    """An `$id` of fauxpay's own packs belongs to their very bytes."""
    texts = pack_texts()
    for uri, place in found.index.places.items():
        name = uri.removeprefix(BASE)
        is_taken = uri.startswith(BASE) and name in texts
        if is_taken and read.texts.get(place.file, texts[name]) != texts[name]:
            message = f"the $id {uri!r} is that of a built-in pack with other contents"
            yield fault("duplicate", place, message)


def _schema_faults(name: str, document: Any, law: Dialect) -> Iterator[Fault]:
    """What the meta-schema refuses."""
    errors = meta_validator(law).iter_errors(document)
    for error in islice(errors, SCHEMA_FAULTS_MAX):
        place = Place(name, "").below(*error.instance_path)
        yield fault("schema", place, f"no schema of {law.name}: {shortened(error.message)}")
    if next(errors, None) is not None:
        message = f"more than {SCHEMA_FAULTS_MAX} places are no schema of {law.name}"
        yield fault("schema", Place(name, ""), message)


def _unseen(reference: Reference, target: Target, found: Scan, read: Folder) -> Iterator[Fault]:
    """A target inside of data, whose own references no validator is sure to follow."""
    is_own = target.place.file in read.documents
    if is_own and isinstance(target.contents, Mapping) and id(target.contents) not in found.visited:
        message = f"{shortened(str(target.place))} stands inside of data; move it into $defs"
        yield fault("reference", reference.place, message, reference.text)


def _endless(found: Scan, edges: dict[int, list[int]]) -> Iterator[Fault]:
    """Rounds of references that come back without having stepped into the instance.

    A schema may well contain itself below a property or an item; one that is itself says nothing.
    """
    for identity, (node, law) in found.visited.items():
        if law.has_siblings or "$ref" not in node:
            edges.setdefault(identity, []).extend(_in_place(node))
    places = {id(one.holder): one for one in found.references if one.keyword == "$ref"}
    for members in rounds(edges):
        holders = [places[identity] for identity in members if identity in places]
        if holders:
            first = min(holders, key=lambda one: one.place)
            message = "refers to itself again without an end: no instance is ever decided"
            yield fault("endless", first.place, message, first.text)


def _in_place(node: Mapping[str, Any]) -> Iterator[int]:
    """Identities of the subschemas that are asked about the same instance."""
    for keyword in _IN_PLACE:
        if isinstance(one := node.get(keyword), Mapping):
            yield id(one)
    for keyword in _IN_PLACE_LISTS:
        if isinstance(listed := node.get(keyword), list):
            yield from (id(one) for one in listed if isinstance(one, Mapping))
    if isinstance(named := node.get("dependentSchemas"), Mapping):
        yield from (id(one) for one in named.values() if isinstance(one, Mapping))
