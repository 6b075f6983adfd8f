"""Facts: what is published of card payments, and by which rules a table is held to it.

Reads    facts.yaml
Writes   nothing
Draws    nothing
Sources  facts.yaml, each fact with its citation
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from fauxpay.foundations.shipped import own_yaml
from fauxpay.scorecard.columns import NEEDED
from fauxpay.scorecard.findings import Fact, Tag

FILE_NAME = "facts.yaml"
_KEYS = frozenset(("row", "group", "title", "unit", "corridor", "real", "source", "tag", "counts"))
_OPTIONAL = frozenset(("needs", "cards_min", "days_min", "frauds_min", "country", "blocks"))
_BLOCKS = ("days", "cards", "none")


@dataclass(frozen=True, slots=True)
class Law:
    """A fact and how a table is held to it.

    needs      canonical columns without which it is skipped
    *_min      below which it is shown, not counted
    country    of the cards that the figure is of; "" for all
    blocks     days, cards or none: what the confidence interval leaves out in turn
    counts     which rows count, and how
    """

    fact: Fact
    needs: tuple[str, ...]
    cards_min: int
    days_min: int
    frauds_min: int
    country: str
    blocks: str
    counts: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that facts.yaml says, laws in its order.

    weights            of a fact by its tag
    total_min          share of the counted weight that PASS takes
    group_min          the same in every group
    country_cards_min  cards of a country from which on its figures are judged
    notes              smallest note by currency
    typologies         names of kinds of fraud by class
    """

    laws: tuple[Law, ...]
    weights: Mapping[Tag, float]
    total_min: float
    group_min: float
    country_cards_min: int
    notes: Mapping[str, int]
    typologies: Mapping[str, tuple[str, ...]]


@cache
def shipped_rules() -> Rules:
    """The rules of the package."""
    text = (resources.files("fauxpay") / "scorecard" / FILE_NAME).read_text("utf-8")
    return rules_of(text)


def rules_of(text: str) -> Rules:
    """Rules from the text of a facts.yaml; a bad one is our own mistake."""
    document: Any = own_yaml(text, FILE_NAME)
    return Rules(
        tuple(_law(key, entry) for key, entry in document["facts"].items()),
        {Tag(tag): float(weight) for tag, weight in document["weights"].items()},
        float(document["verdict"]["total_min"]),
        float(document["verdict"]["group_min"]),
        int(document["country_cards_min"]),
        dict(document["notes"]),
        {name: tuple(kinds) for name, kinds in document["typologies"].items()},
    )


def _law(key: str, entry: Mapping[str, Any]) -> Law:
    keys = frozenset(entry)
    assert keys >= _KEYS, f"{key}: lacks {sorted(_KEYS - keys)}"
    assert keys <= _KEYS | _OPTIONAL, f"{key}: has {sorted(keys - _KEYS - _OPTIONAL)}"
    low, high = (None if bound is None else float(bound) for bound in entry["corridor"])
    assert low is not None or high is not None, f"{key}: a corridor without an end judges nothing"
    assert entry.get("blocks", "none") in _BLOCKS, f"{key}: blocks"
    fact = Fact(
        key,
        int(entry["row"]),
        entry["group"],
        entry["title"],
        entry["unit"],
        low,
        high,
        str(entry["real"]),
        entry["source"],
        Tag(entry["tag"]),
    )
    return Law(
        fact,
        (*NEEDED, *entry.get("needs", ())),
        int(entry.get("cards_min", 0)),
        int(entry.get("days_min", 0)),
        int(entry.get("frauds_min", 0)),
        entry.get("country", ""),
        entry.get("blocks", "none"),
        entry["counts"],
    )
