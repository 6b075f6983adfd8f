"""Wording: values of tables as people and programs outside read them.

Reads    reference tables
Writes   texts
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

from fauxpay.foundations.reference import minor_digits, reference

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_US = 2**62  # Later than anything that is told.


def instant(us: int | None) -> str | None:
    """Microseconds as RFC 3339 in UTC, to the millisecond."""
    return None if us is None else told(us)


def told(us: int) -> str:
    """The same of an instant that is there."""
    at = _EPOCH + timedelta(microseconds=us)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local(us: int, offset_minutes: int) -> str:
    """Microseconds as RFC 3339 on a wall clock, with its offset."""
    zone = timezone(timedelta(minutes=offset_minutes))
    return (_EPOCH + timedelta(microseconds=us)).astimezone(zone).isoformat(timespec="milliseconds")


def major(minor: int | None, currency: str) -> str:
    """Minor units as an exact amount in major ones."""
    digits = _digits(currency)
    sign, whole = ("-", -minor) if minor and minor < 0 else ("", int(minor or 0))
    if not digits:
        return f"{sign}{whole}"
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d}"


def address(number: int | None) -> str | None:
    """An IPv4 address in its usual form."""
    if number is None:
        return None
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def trade(mcc: str) -> str:
    """What a merchant category code says; "" for one that is not in the reference."""
    return _trades().get(mcc, "")


def text_or_none(number: int | None) -> str | None:
    """An identifier as text."""
    return None if number is None else str(number)


def place(row: dict[str, Any]) -> dict[str, Any]:
    """Shape `Place` of columns merchant_id, name, mcc, merchant_city, merchant_country."""
    return {
        "merchant_id": str(row["merchant_id"]),
        "name": row["name"],
        "mcc": row["mcc"],
        "trade": trade(row["mcc"]),
        "city": row["merchant_city"],
        "country": row["merchant_country"],
    }


@cache
def _digits(currency: str) -> int:
    return int(minor_digits([currency])[0])


@cache
def _trades() -> dict[str, str]:
    found = reference("merchant_categories")
    codes, names = found.column("mcc").to_pylist(), found.column("description").to_pylist()
    return dict(zip(codes, names, strict=True))
