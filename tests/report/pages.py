"""Small runs to report on, and eyes for what their pages hold."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import fauxpay
from fauxpay.readers.run import Run

SMALL = {"cards": 500, "merchants": 400, "places": 14}
FRAUD = {"card_testing_per_card_year": 4.0, "lost_stolen_per_card_year": 4.0}
SECTIONS = (
    "identity",
    "scorecard",
    "rhythm",
    "popularity",
    "amounts",
    "geography",
    "fraud",
    "labels",
    "nulls",
    "difficulty",
    "cite",
)
VOID = {"meta", "link", "br", "img", "input", "hr"}


def made(root: Path, first: str = "2026-03-01", end: str = "2026-03-15", **more: Any) -> Run:
    """A small run with much fraud, without a report; further sections of the config as given."""
    place = {"from": first, "to": end, "out": str(root), "executor": "serial", "report": False}
    catalog = {**SMALL, **more.pop("catalog", {})}
    return fauxpay.generate(
        {"catalog": catalog, "fraud": {**FRAUD, **more.pop("fraud", {})}, **more, "run": place}
    )


class Page(HTMLParser):
    """What stands in a page: elements with attributes, in order; text; tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.unmatched: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.unmatched += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remembers it, and that it is open."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remembers it; it is closed already."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Must be the one opened last."""
        if not self._open or self._open.pop() != tag:
            self.unmatched.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        """Collects text."""
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of a name."""
        return [attributes for name, attributes in self.elements if name == tag]
