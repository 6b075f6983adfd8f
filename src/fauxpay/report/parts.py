"""Parts: what a page is made of, before any HTML: sections, figures, tables.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Texts in rows; `numbers` are the places of the columns that are read as numbers."""

    caption: str
    columns: Row
    rows: tuple[Row, ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and the numbers behind it.

    title  what it shows, in words: its name for those who do not see it
    svg    markup as `drawing.svg_of` makes it, safe to stand in a page
    note   one sentence below it, or ""
    """

    title: str
    svg: str
    data: Table
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of the page. `notes` say what is not shown, and why."""

    key: str
    title: str
    lead: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


def table_of(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table of values: numbers as people read them, and to the right."""
    numbers = frozenset(
        place
        for place in range(len(columns))
        if rows and all(isinstance(row[place], (int, float, type(None))) for row in rows)
    )
    texts = tuple(tuple(text_of(value) for value in row) for row in rows)
    return Table(caption, tuple(columns), texts, numbers)


def text_of(value: object) -> str:
    """A value as people read it: 1,234 and 0.0123, and a dash for none."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return number_text(value)
    return str(value)


def many(count: int, one: str, more: str = "") -> str:
    """A count and what it counts: 1 city, 2 cities. `more` where an s is not enough."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def number_text(value: float) -> str:
    """Four significant digits; no exponent where that can be helped."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 1e-4 else f"{value:.2g}"
