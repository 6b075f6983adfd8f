"""Typology: the interface of a kind of fraud, and how those of a config are found.

Reads    config, entry points of the group `fauxpay.typologies`
Writes   typologies with their codes
Draws    nothing
Sources  nothing

Ours and those of others are looked up by the same function; ours have fixed codes, others follow
in the order of their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any, Protocol, runtime_checkable

from fauxpay.config.model import Config
from fauxpay.config.offered import one_of
from fauxpay.config.typologies import (
    CONTROL_GROUP,
    GROUP,
    names_of_others,
    typologies_of_others,
)
from fauxpay.errors import ConfigError
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.story import Story

# Append only: a code is part of ids. The third is the control group's, which nobody plans.
TYPOLOGIES = (
    *("card_testing", "lost_stolen", CONTROL_GROUP, "account_takeover", "application_fraud"),
    *("bin_attack", "card_not_received", "data_breach", "friendly_fraud", "merchant_bust_out"),
    *("mule_ring", "phishing", "refund_abuse", "skimming"),
)
RANDOM = TYPOLOGIES.index(CONTROL_GROUP)
OURS = tuple(name for name in TYPOLOGIES if name != CONTROL_GROUP)
_CODES_MAX = 32


@runtime_checkable
class Typology(Protocol):
    """A kind of fraud. `fauxpay.testing.check_typology` says whether one keeps the rules.

    name   lower-case letters, digits and _: what stands in `truth`
    facts  its parameters, or None where they stand in the package's parameters.yaml
    """

    @property
    def name(self) -> str:
        """Lower-case letters, digits and _."""

    @property
    def facts(self) -> Mapping[str, Any] | None:
        """Parameters of its own."""

    def plan(self, ground: Ground) -> Story:
        """Compromises, attacks and disputes of the ground's cards from the epoch to its end."""


@dataclass(frozen=True, slots=True)
class Named:
    """A typology under its code, with its rate."""

    typology: Typology
    code: int
    per_card_year: float


def typology_names(config: Config) -> tuple[str, ...]:
    """Names of all typologies that a config knows, by code."""
    others = names_of_others(config.fraud)
    if len(TYPOLOGIES) + len(others) > _CODES_MAX:
        raise ConfigError(
            f"fraud.more and fraud.campaigns name {len(others)} typologies of other packages; "
            f"allowed are at most {_CODES_MAX - len(TYPOLOGIES)}: leave some out"
        )
    return (*TYPOLOGIES, *others)


def typologies_of(config: Config) -> list[Named]:
    """The typologies of a config with a rate, in the order of their codes.

    Raises ConfigError for one that no installed package offers.
    """
    rates = {name: getattr(config.fraud, f"{name}_per_card_year") for name in OURS}
    rates |= config.fraud.more
    wanted = {name for name, rate in rates.items() if rate > 0}
    wanted |= {campaign.typology for campaign in config.fraud.campaigns}
    names = typology_names(config)
    return [
        Named(found(name), names.index(name), rates.get(name, 0.0))
        for name in names
        if name in wanted
    ]


@cache
def found(name: str) -> Typology:
    """The typology of a name, ours or an installed one. Raises ConfigError for an unknown name."""
    point = _point(name)
    typology = point.load()
    typology = typology() if isinstance(typology, type) else typology
    if not isinstance(typology, Typology) or typology.name != name:
        raise ConfigError(
            f"fraud: {point.value} is not the typology {name!r}; expected an object with "
            "name, facts and plan: see fauxpay.fraud.typology.Typology"
        )
    return typology


def import_ours() -> None:
    """Imports the modules of our typologies."""
    for name in OURS:
        found(name)


def _point(name: str) -> EntryPoint:
    """Where a typology is to be loaded from."""
    if name in OURS:
        return EntryPoint(name, f"fauxpay.fraud.{name}:{_class_name(name)}", GROUP)
    others = typologies_of_others()
    if name not in others:
        # The config was judged where it was resolved: a worker elsewhere may lack the package.
        allowed = one_of(name, OURS, others, GROUP)
        raise ConfigError(f"fraud: there is no typology {name!r} here: allowed is {allowed}")
    return others[name]


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
