"""Typologies by name: ours, and those that installed packages offer.

Reads    entry points of the group `fauxpay.typologies`
Writes   nothing
Draws    nothing
Sources  nothing

Only names are needed to judge a config; what they stand for is loaded by fraud.typology.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint

from fauxpay.config.fraud_model import FraudConfig
from fauxpay.config.offered import offered, one_of

GROUP = "fauxpay.typologies"
# The control group's, which has a code and which nobody plans: there is nothing to ask for.
CONTROL_GROUP = "random"
_RATE = "_per_card_year"
OURS = tuple(name.removesuffix(_RATE) for name in FraudConfig.model_fields if name.endswith(_RATE))


def names_of_others(fraud: FraudConfig) -> list[str]:
    """Typologies of other packages that a config asks for, all the time or in campaigns."""
    asked = {*fraud.more, *(campaign.typology for campaign in fraud.campaigns)}
    return sorted(asked - set(OURS))


def unknown_typologies(fraud: FraudConfig) -> dict[str, str]:
    """What is allowed in the place of each name that nobody offers."""
    return unknown_names(names_of_others(fraud))


def unknown_names(names: Iterable[str]) -> dict[str, str]:
    """What is allowed in the place of each of some names that nobody offers."""
    asked = sorted(set(names) - set(OURS))
    known = typologies_of_others() if asked else {}
    return {name: one_of(name, OURS, known, GROUP) for name in asked if name not in known}


def typologies_of_others() -> dict[str, EntryPoint]:
    """Entry points of installed packages by name, but for names that are ours."""
    return offered(GROUP, (*OURS, CONTROL_GROUP))
