"""Faults: what is wrong with a pack, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

# Names that are looked at for the nearest one: the comparison is slow, and a pack may be hostile.
_COMPARED_MAX = 2_000
_COMPARED_LENGTH_MAX = 200
_KNOWN_SHOWN_MAX = 8
_SHOWN_MAX = 200


class Place(NamedTuple):
    """A file, relative to its folder, and the JSON pointer inside of it."""

    file: str
    pointer: str

    def __str__(self) -> str:
        return f"{self.file}#{self.pointer}"

    def below(self, *steps: str | int) -> Place:
        """The place that so many steps lead to from here."""
        escaped = (str(step).replace("~", "~0").replace("/", "~1") for step in steps)
        return Place(self.file, "/".join((self.pointer, *escaped)))


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    kind       file, limit, outside, id, duplicate, dialect, schema, nullable, reference, remote,
               missing, endless
    reference  as it is written; "" where the fault is of no reference
    known      what there is instead, cut short
    nearest    the one of them that looks most like what was asked for, or ""
    """

    kind: str
    file: str
    pointer: str
    reference: str
    message: str
    known: tuple[str, ...] = ()
    nearest: str = ""

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "known": list(self.known)}

    def __str__(self) -> str:
        where = f"{self.file}#{self.pointer}" if self.pointer else self.file
        said = f" reference {self.reference!r}" if self.reference else ""
        known = f"; known: {', '.join(self.known)}" if self.known else ""
        nearest = f" (nearest: {self.nearest})" if self.nearest else ""
        return printable(f"{where}:{said} [{self.kind}] {self.message}{known}{nearest}")


def fault(
    kind: str, place: Place, message: str, reference: str = "", alike: Alike | None = None
) -> Fault:
    """A fault at a place; `alike` adds what is known and nearest. Long texts are cut."""
    known, nearest = alike if alike is not None else ((), "")
    return Fault(kind, place.file, place.pointer, shortened(reference), message, known, nearest)


class Alike(NamedTuple):
    """What is known, cut short, and what of it is nearest to what was sought."""

    known: tuple[str, ...]
    nearest: str

    @staticmethod
    def of(sought: str, names: Iterable[str]) -> Alike:
        """The known names, and the nearest to the one that was sought."""
        listed = [name for name in names if len(name) <= _COMPARED_LENGTH_MAX]
        compared = listed[:_COMPARED_MAX]
        close = get_close_matches(sought[:_COMPARED_LENGTH_MAX], compared, n=1)
        shown = listed[:_KNOWN_SHOWN_MAX]
        if len(listed) > len(shown):
            shown.append(f"and {len(listed) - len(shown)} more")
        return Alike(tuple(shown), close[0] if close else "")


def printable(text: str) -> str:
    """A text with what does not print written out as escapes: it may come from anywhere."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def shortened(text: str) -> str:
    """A text that may come from anywhere, short enough for a message."""
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
