"""Inputs: what a sealed world was made from against what this installation would make it from.

Reads    a receipt or world.json, the package's own data
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fauxpay.errors import ConfigError
from fauxpay.foundations.canonical import document_digest
from fauxpay.foundations.parameters import load_parameters
from fauxpay.foundations.reference import reference_inputs
from fauxpay.receipts.identity import MODEL_VERSION, contract_inputs
from fauxpay.receipts.records import package_versions

OWN_CATALOG = "catalog/"
ABSENT = "absent"
_DIGITS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class InputDifference:
    """An input that is another one here than in the seal; `absent` where one side has none."""

    name: str
    sealed: str
    here: str

    def __str__(self) -> str:
        return f"{self.name}: sealed with {self.sealed}, here {self.here}"


def differing_inputs(document: Mapping[str, Any]) -> list[InputDifference]:
    """Inputs of the world of a receipt (or world.json) that are others in this installation.

    The files of one's own catalog are left out: they are the user's, and sealed with the world.
    """
    found = _unequal({"MODEL_VERSION": document["model_version"]}, {"MODEL_VERSION": MODEL_VERSION})
    here = {one["name"]: one["sha256"] for one in (*reference_inputs(), *contract_inputs())}
    sealed = {one["name"]: one["sha256"] for one in document["inputs"]}
    shared = {name: digest for name, digest in sealed.items() if not name.startswith(OWN_CATALOG)}
    return found + _differing_parameters(document) + _unequal(shared, here)


def differing_packages(document: Mapping[str, Any]) -> list[InputDifference]:
    """Packages of a receipt that have another version here: the bytes of files may differ."""
    return _unequal(document["packages"], package_versions())


def has_own_catalog(document: Mapping[str, Any]) -> bool:
    """Whether the catalog was brought by the user rather than built."""
    return any(one["name"].startswith(OWN_CATALOG) for one in document["inputs"])


def _differing_parameters(document: Mapping[str, Any]) -> list[InputDifference]:
    """By name where the document holds them all, by their digest otherwise."""
    try:
        here = load_parameters(document["config"].get("parameters")).document()
    except ConfigError as error:
        return [InputDifference("parameters", "accepted", str(error).replace("\n", " "))]
    if "parameters" in document:
        named = {f"parameters/{name}": value for name, value in document["parameters"].items()}
        return _unequal(named, {f"parameters/{name}": value for name, value in here.items()})
    digests = {"parameters": document["parameters_digest"]}
    return _unequal(digests, {"parameters": document_digest(here)})


def _unequal(sealed: Mapping[str, Any], here: Mapping[str, Any]) -> list[InputDifference]:
    return [
        InputDifference(name, _shown(sealed.get(name)), _shown(here.get(name)))
        for name in sorted({*sealed, *here})
        if sealed.get(name) != here.get(name)
    ]


def _shown(value: object) -> str:
    if value is None:
        return ABSENT
    text = str(value)
    return f"{text[:_DIGITS_SHOWN]}..." if len(text) == 64 else text
