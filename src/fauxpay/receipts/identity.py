"""Identity: which world, which run. Never the clock, the host, the path or the git commit.

parameter_hash  SHA-256 over the resolved config (without `run`) and the digest of all parameters
world_id        SHA-256 over parameter_hash, each sealed input and MODEL_VERSION
run_id          SHA-256 over world_id, seed and window, its first 20 digits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from typing import Any, Protocol

from fauxpay.foundations.canonical import document_digest, sha256_hex

MODEL_VERSION = 2
"""Raised when any golden output changes; part of every world_id."""

RUN_ID_DIGITS = 20
EPOCH = date(1970, 1, 1)


class Parametrised(Protocol):
    """What identity asks of parameters: one document that holds them all."""

    def document(self) -> dict[str, Any]:
        """Every parameter with value, unit and source."""
        ...


class Configured(Protocol):
    """What identity asks of a config: the part that makes the world."""

    def world_document(self) -> dict[str, Any]:
        """Everything but `run` and where things lie."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """UTC days, `start` inclusive, `end` exclusive."""

    start: date
    end: date

    def __post_init__(self) -> None:
        assert self.start < self.end

    def document(self) -> dict[str, str]:
        """As contract run.yaml#/$defs/window."""
        return {"from": self.start.isoformat(), "to": self.end.isoformat()}

    def days(self) -> range:
        """Days since 1970-01-01."""
        return range(day_number(self.start), day_number(self.end))


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_text(number: int) -> str:
    """ISO date of a day number."""
    return (EPOCH + timedelta(days=number)).isoformat()


def parameter_hash(config: Configured, parameters: Parametrised) -> str:
    """SHA-256 of the canonical JSON of resolved config and parameters, 64 hex digits."""
    return hash_of(config.world_document(), document_digest(parameters.document()))


def hash_of(world_document: Mapping[str, Any], parameters_digest: str) -> str:
    """`parameter_hash` from documents at hand, so that a receipt alone can be held against it.

    world_document     the config without `run`
    parameters_digest  SHA-256 of the canonical JSON of every parameter
    """
    return document_digest({"config": dict(world_document), "parameters": parameters_digest})


def world_id(
    hashed: str, inputs: Sequence[Mapping[str, Any]], model_version: int = MODEL_VERSION
) -> str:
    """The manifest fingerprint, 64 hex digits.

    hashed         `parameter_hash`
    inputs         {name, sha256, ...} of every sealed input; their order says nothing
    model_version  this package's, unless an earlier identity is recomputed
    """
    sealed = sorted((str(item["name"]), str(item["sha256"])) for item in inputs)
    return document_digest(
        {"parameter_hash": hashed, "inputs": sealed, "model_version": model_version}
    )


def run_id(world: str, seed: int, window: Window) -> str:
    """The same request is the same run: 20 hex digits."""
    request = {"world_id": world, "seed": seed, "window": window.document()}
    return document_digest(request)[:RUN_ID_DIGITS]


def contract_inputs() -> list[dict[str, str]]:
    """Each contract pack as a sealed input."""
    return [
        {
            "name": f"contracts/{name}",
            "sha256": sha256_hex(data),
            "source": "fauxpay",
            "licence": "Apache-2.0",
        }
        for name, data in contract_packs().items()
    ]


def contract_packs() -> dict[str, bytes]:
    """File name to bytes of every contract pack in the package, by name."""
    folder = resources.files("fauxpay.contracts").joinpath("packs")
    packs = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    assert packs
    return dict(sorted(packs.items()))
