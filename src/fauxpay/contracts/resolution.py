"""Resolution: what a reference leads to among documents that are at hand, and nothing else.

An `Index` holds every resource and anchor of some documents in a registry that has no way to
fetch. A lookup either gives the schema and the place where it stands, or says what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urljoin

from referencing import Registry
from referencing.exceptions import NoSuchAnchor, NoSuchResource, Unresolvable

from fauxpay.contracts.faults import Alike, Place, shortened

FOLDER = "https://folder.invalid/~the-folder~/"
"""Address of the folder that is looked at, whatever it is called: a reference that leaves it and
comes back by its name would break with the next copy. The host cannot exist (RFC 2606)."""
_OUTSIDE = "https://folder.invalid/"
_STEP = re.compile(r"(?:[^~]|~[01])*")
_POSITION = re.compile(r"0|[1-9][0-9]{0,8}")


class Target(NamedTuple):
    """What a reference leads to: a schema (a mapping or a boolean) and where it stands."""

    contents: Any
    place: Place


def _nothing() -> Iterable[str]:
    return ()


class Miss(NamedTuple):
    """Why a reference leads nowhere: kind of the fault, what is wrong, what there is instead.

    sought, names  what was asked for, and what there is; compared only when somebody asks, since
                   a hostile pack may miss a hundred thousand times
    """

    kind: str
    message: str
    sought: str = ""
    names: Callable[[], Iterable[str]] = _nothing

    def alike(self) -> Alike:
        """What is known, and what of it is nearest."""
        return Alike.of(self.sought, self.names())


def file_uri(file: str) -> str:
    """The address of a file by its name relative to the folder, with slashes."""
    return FOLDER + quote(file)


def joined(base: str, reference: str) -> str | None:
    """The address that a reference means, seen from a base; None for what is no reference."""
    try:
        if reference.startswith("#"):
            return base.partition("#")[0] + reference
        return urljoin(base, reference)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Index:
    """Resources by address, the places where they stand, and their anchors.

    canonical  the address a file was found at -> the address it gives itself
    files      names of the files, for messages
    unread     names of those that could not be read
    last_names file name without folders -> one file of that name
    """

    registry: Registry[Any]
    places: Mapping[str, Place]
    anchors: Mapping[tuple[str, str], Place]
    canonical: Mapping[str, str]
    files: tuple[str, ...]
    unread: frozenset[str]
    last_names: Mapping[str, str]

    def lookup(self, reference: str, base: str) -> Target | Miss:
        """What a reference leads to from a document whose address is `base`."""
        full = joined(base, reference)
        if full is None:
            return Miss("reference", "this is no URI reference")
        address, _, fragment = full.partition("#")
        uri = self._canonical(address)
        try:
            resource = self.registry.get_or_retrieve(uri).value
        except (NoSuchResource, Unresolvable):
            return self._absent(address, reference)
        place = self.places[uri]
        if fragment and not fragment.startswith("/"):
            return self._anchored(uri, unquote(fragment), resource.contents, place)
        found = _pointed(resource.contents, fragment, place)
        if isinstance(found, Target) and not isinstance(found.contents, Mapping | bool):
            kind = "list" if isinstance(found.contents, list) else "plain value"
            return Miss("missing", f"a {kind} stands there; a schema is expected")
        return found

    def _canonical(self, address: str) -> str:
        address = self.canonical.get(address, address)
        if address.startswith(FOLDER) and address not in self.places:
            # A name may be percent-encoded in several ways.
            plain = file_uri(unquote(address.removeprefix(FOLDER)))
            return self.canonical.get(plain, plain)
        return address

    def _anchored(self, uri: str, name: str, contents: Any, place: Place) -> Target | Miss:
        try:
            anchor = self.registry.anchor(uri, name).value
        except (NoSuchAnchor, Unresolvable):
            message = f"{place.file} has no anchor {shortened(name)!r}"
            if "/" in name:
                message += " (a JSON pointer begins with a slash)"
            definitions = contents.get("$defs") if isinstance(contents, Mapping) else None
            if isinstance(definitions, Mapping) and name in definitions:
                message += f" (a definition is reached as #/$defs/{shortened(name)})"
            return Miss("missing", message, name, lambda: self._anchors_of(uri))
        return Target(anchor.resource.contents, self.anchors[uri, name])

    def _anchors_of(self, uri: str) -> Iterator[str]:
        return (name for address, name in self.anchors if address == uri)

    def _own_addresses(self) -> Iterator[str]:
        others = (FOLDER, "http://json-schema.org/", "https://json-schema.org/")
        return (uri for uri in self.places if not uri.startswith(others))

    def _absent(self, address: str, reference: str) -> Miss:
        """No document has the address."""
        if address.startswith(FOLDER):
            sought = unquote(address.removeprefix(FOLDER))
            if sought in self.unread:
                return Miss("missing", f"{sought} could not be read, see there")
            message = f"there is no pack {shortened(sought)!r} in the folder"
            return Miss("missing", message, sought, lambda: self.files)
        if address.startswith((_OUTSIDE, "file:")) or not address.partition(":")[2]:
            message = "it leads out of the folder, which is never left; copy the pack into it"
            return Miss("outside", message, reference, lambda: self.files)
        last = address.rpartition("/")[2]
        message = f"no pack has the $id {shortened(address)!r}, and nothing is ever fetched"
        if last in self.last_names:
            message += f"; {self.last_names[last]} has that file name: give it this $id"
        return Miss("remote", message, address, self._own_addresses)


def _members(contents: Any) -> Iterable[str]:
    return contents if isinstance(contents, Mapping) else ()


def _pointed(contents: Any, fragment: str, place: Place) -> Target | Miss:
    """The value at a JSON pointer (RFC 6901) that may be percent-encoded."""
    if not fragment:
        return Target(contents, place)
    try:
        steps = unquote(fragment, errors="strict")[1:].split("/")
    except UnicodeDecodeError:
        return Miss("reference", "the pointer is not percent-encoded UTF-8")
    for step in steps:
        if not _STEP.fullmatch(step):
            return Miss("reference", "in a pointer, ~ is written ~0 and / is ~1")
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(contents, Mapping) and name in contents:
            contents = contents[name]
        elif isinstance(contents, list) and _POSITION.fullmatch(step) and int(step) < len(contents):
            contents = contents[int(step)]
        else:
            message = f"{shortened(str(place))} has no part {shortened(name)!r}"
            return Miss("missing", message, name, partial(_members, contents))
        place = place.below(name)
    return Target(contents, place)
