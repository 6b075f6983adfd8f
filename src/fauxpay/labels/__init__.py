"""Labels: what the bank learns. `fauxpay.labels.as_of(run, instant)` is what it knew on a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fauxpay.labels.knowledge import as_of

__all__ = ["as_of"]


if not TYPE_CHECKING:  # Or any name at all would pass for one of ours.

    def __getattr__(name: str) -> Any:
        if name == "as_of":
            from fauxpay.labels import knowledge

            return knowledge.as_of
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
