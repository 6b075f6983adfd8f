"""Asked: what may stand in a request, read as strictly as OpenAPI says it.

Reads    query parameters
Writes   frozen models
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fauxpay.labels.knowledge import instant_us
from fauxpay.server.cards import Sight
from fauxpay.server.shapes import CARD_DIGITS, RUN_DIGITS
from fauxpay.server.shelf import Part

LIMIT_MAX = 500
OFFSET_MAX = 10_000_000
NODES_MAX = 400
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # RFC 3339
_FIRST_US, _LAST_US = instant_us(datetime.min), instant_us(datetime.max)


def _whole(value: Any) -> Any:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("expected a whole number")
    return value


def _flag(value: Any) -> Any:
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("expected true or false")
    return value


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not _INSTANT.fullmatch(value):
        raise ValueError("expected RFC 3339 with a zone, such as 2026-03-01T12:00:00Z")
    return datetime.fromisoformat(value.upper())


Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX), BeforeValidator(_whole)]
Offset = Annotated[int, Field(ge=0, le=OFFSET_MAX), BeforeValidator(_whole)]
Nodes = Annotated[int, Field(ge=1, le=NODES_MAX), BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_flag)]
AsOf = Annotated[
    datetime,
    BeforeValidator(_instant),
    Field(description="What the bank knew at this instant. Default: everything it ever learns."),
]
Typology = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
RunId = Annotated[str, Path(pattern=RUN_DIGITS)]
CardId = Annotated[str, Path(pattern=CARD_DIGITS)]
CampaignId = Annotated[str, Path(pattern=CARD_DIGITS)]


class Asked(BaseModel):
    """A part of a list; names that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PartAsked(Asked):
    """A part of a list."""

    limit: Limit = 100
    offset: Offset = 0

    @property
    def part(self) -> Part:
        """As readers take it."""
        return Part(self.limit, self.offset)


class SightAsked(Asked):
    """Until when, and whether with the truth."""

    truth: Flag = False
    as_of: AsOf | None = None

    @property
    def sight(self) -> Sight:
        """As readers take it."""
        return Sight(_us(self.as_of), self.truth)


class CardsAsked(SightAsked, PartAsked):
    """Cards of a run."""

    fraud: Flag = False


class TimelineAsked(SightAsked, PartAsked):
    """A card's requests."""


class CampaignsAsked(PartAsked):
    """Campaigns of a run."""

    typology: Typology | None = None


class GraphAsked(Asked):
    """Nodes of a graph."""

    limit: Nodes = 150


class SharedAsked(GraphAsked):
    """Nodes of a graph until an instant."""

    as_of: AsOf | None = None

    @property
    def sight(self) -> Sight:
        """As readers take it."""
        return Sight(_us(self.as_of))


def _us(at: datetime | None) -> int | None:
    """Microseconds; a zone may lead out of the years that can be written, by less than a day."""
    if at is None:
        return None
    return max(_FIRST_US, min(instant_us(at), _LAST_US))
