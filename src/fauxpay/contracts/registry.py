"""The contract packs and the local registry that resolves the references between them.

Packs are package resources, read through importlib so that a wheel, a zip import, another working
directory or a spawned worker gives the same answer. Strict: a reference that leads nowhere is an
error that names itself, the place that holds it and what is known. Nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from fauxpay.contracts.faults import Alike, Fault
from fauxpay.contracts.folders import parsed
from fauxpay.errors import ContractError
from fauxpay.foundations.shipped import shipped_value

if TYPE_CHECKING:
    from fauxpay.contracts.scan import Scan

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
    packs = Packs({**built_in().texts, **texts})
    for name in texts:
        require_references(packs, name)
    return packs


def require_references(packs: Packs, name: str) -> None:
    """Resolve every reference of a pack and of the packs it leads to; raises ContractError."""
    to_do, done = [name], set[str]()
    while to_do:
        current = to_do.pop()
        done.add(current)
        found = packs.scanned(current)
        if found.faults:
            raise ContractError(f"contract pack {found.faults[0]}")
        for reference in found.references:
            target = packs.resolve(reference.text, current, reference.place.pointer)
            if target.pack not in done:
                to_do.append(target.pack)


def _parsed(name: str, text: bytes) -> Schema:
    """One pack as plain data, with its address checked."""
    document = shipped_value(text)
    if document is None:
        document = parsed(name, text)
    if isinstance(document, Fault):
        raise ContractError(f"contract pack {document}")
    stated = document.get("$id") if isinstance(document, Mapping) else None
    if stated != BASE + name:
        raise ContractError(f"contract pack {name}: $id is {stated!r}; expected {BASE + name}")
    assert isinstance(document, dict)
    return document


@dataclass(frozen=True, slots=True)
class Packs:
    """Pack texts by file name, and what has been parsed of them so far."""

    texts: Mapping[str, bytes]
    _documents: dict[str, Schema] = field(default_factory=dict, repr=False, compare=False)
    _scans: dict[str, Scan] = field(default_factory=dict, repr=False, compare=False)

    def document(self, name: str) -> Schema:
        """One pack as plain data; raises ContractError for a name that is not known."""
        if name not in self.texts:
            raise ContractError(f"no contract pack {name!r}; known: {', '.join(self.texts)}")
        if self._is_shared(name):
            return built_in().document(name)
        if name not in self._documents:
            self._documents[name] = _parsed(name, self.texts[name])
        return self._documents[name]

    def retrieve(self, uri: str) -> Schema:
        """The pack at an absolute address, for validators; raises ContractError."""
        return self.document(uri.partition("#")[0].removeprefix(BASE))

    def _is_shared(self, name: str) -> bool:
        """Whether the built-in packs have this one, parsed once per process."""
        return name in BUILT_IN and self is not built_in()

    def scanned(self, name: str) -> Scan:
        """Resources, anchors and references of one pack; raises ContractError."""
        if self._is_shared(name):
            return built_in().scanned(name)
        if name not in self._scans:
            from fauxpay.contracts.scan import Source, scan

            self._scans[name] = scan([Source(name, BASE + name, self.document(name))])
        return self._scans[name]

    def resolve(self, reference: str, pack: str = "", pointer: str = "") -> Located:
        """The schema that a reference names.

        reference  "common.yaml#/$defs/hex64", absolute, or "#/$defs/x" inside `pack`
        pack       file that holds the reference ("" when code asks), `pointer` where in it
        Raises ContractError naming the reference, the file and pointer, and what is known.
        """
        from fauxpay.contracts.resolution import Miss, joined

        holder = f"{pack}#{pointer}: " if pack else ""
        address = (joined(BASE + pack, reference) or reference).partition("#")[0]
        name = address.removeprefix(BASE)
        if name not in self.texts:
            raise ContractError(
                f"{holder}reference {reference!r} leads nowhere: there is no pack {name!r}"
                f"{_described(Alike.of(name, self.texts))}"
            )
        target = self.scanned(name).index.lookup(reference, BASE + pack)
        if isinstance(target, Miss):
            raise ContractError(
                f"{holder}reference {reference!r} leads nowhere: {target.message}"
                f"{_described(target.alike())}"
            )
        contents = target.contents if isinstance(target.contents, Mapping) else {}
        return Located(contents, name, target.place.pointer)


def _described(alike: Alike) -> str:
    nearest = f" (nearest: {alike.nearest})" if alike.nearest else ""
    return f"; known: {', '.join(alike.known)}{nearest}" if alike.known else ""
