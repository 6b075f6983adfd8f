"""The contract packs and the local registry that resolves the references between them.

Packs are package resources, read through importlib so that a wheel, a zip import, another working
directory or a spawned worker gives the same answer. Strict: a reference that leads nowhere is an
error that names itself, the place that holds it and what is known. Nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple
from urllib.parse import urljoin

from fauxpay.errors import ConfigError, ContractError
from fauxpay.foundations.strict_yaml import read_yaml

BASE = "https://fauxpay.example/contracts/"
BUILT_IN = ("common.yaml", "catalog.yaml", "activity.yaml", "fraud.yaml", "labels.yaml", "run.yaml")

Schema = Mapping[str, Any]


class Located(NamedTuple):
    """A schema, and the pack file and JSON pointer where it stands."""

    schema: Schema
    pack: str
    pointer: str

    def __str__(self) -> str:
        return f"{self.pack}#{self.pointer}"


def pack_texts() -> dict[str, bytes]:
    """File name -> bytes of every built-in pack: what a world seals and its id covers."""
    folder = files("fauxpay.contracts") / "packs"
    return {name: (folder / name).read_bytes() for name in BUILT_IN}


@cache
def built_in() -> Packs:
    """The packs of this package; each is parsed when it is first needed, once per process."""
    return Packs(pack_texts())


def with_packs(texts: Mapping[str, bytes]) -> Packs:
    """The built-in packs and a user's own, with every reference checked.

    texts  file name ("mine.yaml") -> YAML text; `$id` must be BASE + file name
    Raises ContractError for a name that is taken, a broken pack or an unresolvable reference.
    """
    taken = sorted(set(texts) & set(BUILT_IN))
    if taken:
        raise ContractError(f"a pack of one's own cannot be called {taken[0]}: that is built in")
    packs = Packs({**pack_texts(), **texts})
    for name in texts:
        require_references(packs, name)
    return packs


def require_references(packs: Packs, name: str) -> None:
    """Resolve every `$ref` of a pack and of the packs it leads to; raises ContractError."""
    to_do, done = [name], set[str]()
    while to_do:
        current = to_do.pop()
        done.add(current)
        for reference, pointer in references(packs.document(current)):
            target = packs.resolve(reference, current, pointer)
            if target.pack not in done:
                to_do.append(target.pack)


def references(node: object, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every `$ref` below a node, with the JSON pointer of the mapping that holds it."""
    if isinstance(node, Mapping):
        if "$ref" in node:
            yield node["$ref"], pointer
        for key, item in node.items():
            yield from references(item, f"{pointer}/{key}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from references(item, f"{pointer}/{index}")


def _parsed(name: str, text: bytes) -> Schema:
    """One pack as plain data, with its address checked."""
    try:
        document = read_yaml(text.decode("utf-8"), name).value
    except (ConfigError, UnicodeDecodeError) as error:
        raise ContractError(f"contract pack {name} cannot be read: {error}") from error
    stated = document.get("$id") if isinstance(document, dict) else None
    if stated != BASE + name:
        raise ContractError(f"contract pack {name}: $id is {stated!r}; expected {BASE + name}")
    assert isinstance(document, dict)
    return document


@dataclass(frozen=True, slots=True)
class Packs:
    """Pack texts by file name, and what has been parsed of them so far."""

    texts: Mapping[str, bytes]
    _documents: dict[str, Schema] = field(default_factory=dict, repr=False, compare=False)

    def document(self, name: str) -> Schema:
        """One pack as plain data; raises ContractError for a name that is not known."""
        if name not in self.texts:
            raise ContractError(f"no contract pack {name!r}; known: {', '.join(self.texts)}")
        if name not in self._documents:
            self._documents[name] = _parsed(name, self.texts[name])
        return self._documents[name]

    def retrieve(self, uri: str) -> Schema:
        """The pack at an absolute address, for validators; raises ContractError."""
        return self.document(uri.partition("#")[0].removeprefix(BASE))

    def resolve(self, reference: str, pack: str = "", pointer: str = "") -> Located:
        """The schema that a reference names.

        reference  "common.yaml#/$defs/hex64", absolute, or "#/$defs/x" inside `pack`
        pack       file that holds the reference ("" when code asks), `pointer` where in it
        Raises ContractError naming the reference, the file and pointer, and what is known.
        """
        from referencing import Registry
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import DRAFT202012

        address, _, fragment = urljoin(BASE + pack, reference).partition("#")
        name = address.removeprefix(BASE)
        holder = f"{pack}#{pointer}" if pack else ""
        if name not in self.texts:
            raise self._unresolvable(reference, name, fragment, holder)
        resource = DRAFT202012.create_resource(self.document(name))
        try:
            resolver = Registry().with_resource(address, resource).resolver(BASE + pack)
            found = resolver.lookup(reference).contents
        except Unresolvable:
            found = None
        if not isinstance(found, Mapping):
            raise self._unresolvable(reference, name, fragment, holder)
        return Located(found, name, fragment)

    def _unresolvable(self, reference: str, name: str, fragment: str, holder: str) -> ContractError:
        """The error for a reference to `fragment` of the pack `name` that `holder` states."""
        if name not in self.texts:
            wanted, known, what = name, list(self.texts), f"there is no pack {name!r}"
        else:
            known = list(self.document(name).get("$defs", {}))
            wanted = fragment.rpartition("/")[2]
            what = f"{name} has no {fragment or 'such part'!r}"
        close = get_close_matches(wanted, known, n=1)
        return ContractError(
            f"{f'{holder}: ' if holder else ''}reference {reference!r} leads nowhere: {what}; "
            f"known: {', '.join(known)}{f' (nearest: {close[0]})' if close else ''}"
        )
