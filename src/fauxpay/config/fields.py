"""Fields: what every setting of the config is made of: text, unit, bounds, and kinds of values."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from fauxpay.config.executors import known_executor
from fauxpay.storage.clients import PATIENCE_SECONDS as PATIENCE_SECONDS
from fauxpay.storage.objects import EXPECTED, is_address

CARD_INDEX_MAX = 2**31 - 1
SHARD_CARDS_MAX = 2**24
SEED_MAX = 2**63 - 1
# The days that the reference tables for civil time and holidays cover (2018-01-01 up to 2036-01-01)
# but one at either end: a UTC day reaches into the local dates before and after it.
FIRST_DAY = date(2018, 1, 2)
LAST_DAY = date(2035, 12, 31)


def setting(
    default: Any, description: str, unit: str, *, choices: Iterable[str] = (), **bounds: Any
) -> Any:
    """A field with what every field must have: description, unit, and bounds where they apply.

    choices  the values of our own, where packages may bring more
    """
    extra: dict[str, Any] = {"x-unit": unit}
    if choices:
        extra["x-choices"] = list(choices)
    return Field(default, description=description, json_schema_extra=extra, **bounds)


def section(model: Any, description: str) -> Any:
    """A field that is a group of settings."""
    return Field(default_factory=model, description=description)


def _day(value: object) -> object:
    """ISO days only: pydantic itself would take a number for seconds since 1970."""
    if isinstance(value, datetime) or not isinstance(value, (str, date)):
        raise PydanticCustomError("day", "not a day")
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("day", "not a day") from None
    if day.isoformat() != value:
        raise PydanticCustomError("day", "not a day")
    return day


def _folder(value: object) -> object:
    """A folder name as text. Addresses and ~ would silently make oddly named folders."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        return value
    if "://" in value:
        raise PydanticCustomError("folder", "a local folder")
    if not value.strip() or "\0" in value or value.startswith("~"):
        raise PydanticCustomError("folder", "a folder, written out in full (~ is not expanded)")
    if any("\ud800" <= character <= "\udfff" for character in value):
        # Bytes that are no UTF-8: no receipt could name what stands below.
        raise PydanticCustomError("folder", "a folder whose name is Unicode text")
    return value


def _root(value: object) -> object:
    """A folder, or an address of an object store."""
    if isinstance(value, str) and "://" in value and not value.startswith("file://"):
        if not is_address(value):
            raise PydanticCustomError(
                "folder", "a folder or an address, {text}", {"text": EXPECTED}
            )
        return value.rstrip("/")
    if isinstance(value, str) and value.startswith("file://"):
        return value
    return _folder(value)


def _own_folder(value: object) -> object:
    """As `_folder`, and without "..": where one's own files are read from is written out."""
    value = _folder(value)
    if isinstance(value, str) and ".." in PurePath(value).parts:
        raise PydanticCustomError("folder", "a folder, written out in full (without ..)")
    return value


def in_key_order(value: object) -> object:
    """In the order of keys, so that the order in a file is no part of the world."""
    return dict(sorted(value.items(), key=str)) if isinstance(value, dict) else value


Day = Annotated[date, BeforeValidator(_day)]
Root = Annotated[str, BeforeValidator(_root)]
OwnFolder = Annotated[str, BeforeValidator(_own_folder)]
ExecutorName = Annotated[str, BeforeValidator(known_executor)]
Share = Annotated[float, Field(gt=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=5)]
Factor = Annotated[float, Field(ge=0, le=100)]


class Section(BaseModel):
    """A group of settings: frozen, strict, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
