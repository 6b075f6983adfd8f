"""Differences: what a proof found that is not as sealed, one line each.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fauxpay.foundations.canonical import canonical_json
from fauxpay.storage.places import Place

RESTORE = "restore it from a copy; or remove it and the run's _PASSED, and make the same run again"
REBUILD = f"{RESTORE}; of a contract pack, remove world.json beside it, too"
NOTHING = "nothing"
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the seal says.

    what      the fact that does not hold, such as "file SHA-256"
    path      of the file, and the place in it where there is one
    remedy    what to do
    is_error  false for what is worth knowing but proves nothing wrong
    """

    what: str
    path: str
    expected: str
    found: str
    remedy: str = RESTORE
    is_error: bool = True

    def document(self) -> dict[str, Any]:
        """All members, for programs."""
        return asdict(self)

    def __str__(self) -> str:
        kind = "" if self.is_error else "note: "
        return (
            f"{kind}{self.what}: {self.path}: expected {_short(self.expected)}, found "
            f"{_short(self.found)}; {self.remedy}"
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome of a verification or a replay.

    counts  what was looked at: files, rows, bytes, partitions
    """

    kind: str
    run_id: str
    folder: Place
    differences: tuple[Difference, ...]
    counts: Mapping[str, int]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong; notes are allowed."""
        return not any(difference.is_error for difference in self.differences)

    def document(self) -> dict[str, Any]:
        """The proof for programs."""
        return {
            "kind": self.kind,
            "run_id": self.run_id,
            "folder": str(self.folder),
            "holds": self.holds,
            "counts": dict(self.counts),
            "differences": [difference.document() for difference in self.differences],
        }


def unequal(
    what: str, path: object, expected: object, found: object, remedy: str = RESTORE
) -> list[Difference]:
    """A difference where two values are not the same; none otherwise.

    1 and 1.0 are equal to Python, but they are other bytes in a document.
    """
    if expected == found and (
        isinstance(found, bytes) or canonical_json(expected) == canonical_json(found)
    ):
        return []
    return [Difference(what, str(path), str(expected), str(found), remedy)]


def unequal_members(
    what: str,
    path: object,
    expected: Mapping[str, Any],
    found: Mapping[str, Any],
    names: Iterable[str] = (),
) -> list[Difference]:
    """A difference for each member of two documents, all or the named ones, that is not equal."""
    chosen = list(names) or sorted({*expected, *found})
    return [
        difference
        for name in chosen
        for difference in unequal(
            f"{what} {name}", path, expected.get(name, NOTHING), found.get(name, NOTHING)
        )
    ]


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


OnRows = Callable[[int], None]
