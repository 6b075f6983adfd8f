"""Columns: the names that any card table is read by, and how their values are brought into shape.

Reads    columns of a table of somebody's
Writes   SQL expressions of canonical columns
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping

from fauxpay.errors import ConfigError
from fauxpay.readers.query import quoted

CANONICAL: Mapping[str, str] = {
    "card": "the card, any type",
    "merchant": "the merchant, any type",
    "at": "timestamp in UTC; text in ISO form, or as 31.12.2026 23:59, with / or - too; or "
    "seconds, milli- or microseconds since 1970",
    "amount": "major units of `currency`",
    "label": "1 or true for fraud, 0 or false for genuine",
    "mcc": "merchant category, four digits",
    "channel": "pos, ecom, moto or atm",
    "entry_mode": "chip, contactless, magstripe, manual, ecommerce or credential_on_file",
    "kind": "purchase, withdrawal, refund or reversal",
    "currency": "ISO 4217, of the merchant",
    "billing_amount": "major units of the card's currency",
    "billing_currency": "ISO 4217, of the card",
    "merchant_country": "ISO 3166-1 alpha-2",
    "card_country": "ISO 3166-1 alpha-2",
    "customer": "the holder, any type",
    "latitude": "degrees",
    "longitude": "degrees",
    "local_at": "timestamp on the wall clock where one pays",
    "card_product": "debit, credit or prepaid",
    "is_recurring": "true or false",
    "is_approved": "true or false",
    "response_code": "ISO 8583 field 39, as text",
    "typology": "kind of fraud, null for genuine rows",
    "campaign": "of the fraud, any type",
    "known_at": "timestamp in UTC: when the bank learnt of the fraud",
    "label_source": "who told the bank",
    "posted_on": "day of posting",
    "terminal": "any type",
    "device": "any type",
    "ip": "any type",
}
NEEDED = ("card", "at")
_HINTS = {
    "card": ("card", "cc_num", "pan", "karte", "carte", "tarjeta", "carta"),
    "at": ("timestamp", "time", "date", "zeit", "datum", "fecha", "_ts"),
}
"""Parts of names that others give to what is needed, the surest first."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "channel": ("pos", "ecom", "moto", "atm"),
    "kind": ("purchase", "withdrawal", "refund", "reversal"),
}
TIMES = ("at", "local_at", "known_at")
DAY = "posted_on"
NUMBERS = ("amount", "billing_amount", "latitude", "longitude")
_FLAGS = ("is_recurring", "is_approved")
_TEXTS = (
    *("mcc", "entry_mode", "currency", "billing_currency", "merchant_country", "card_country"),
    *("card_product", "response_code", "typology", "label_source", "channel", "kind"),
)
_LOWER = ("channel", "kind", "entry_mode", "card_product")
_TRUE = "('1', '1.0', 'true', 't', 'yes', 'y', 'fraud')"
_FALSE = "('0', '0.0', 'false', 'f', 'no', 'n', 'genuine', 'legit', 'legitimate')"
_FLOATS = ("DOUBLE", "FLOAT")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_CODE_DIGITS = {"mcc": 4, "response_code": 2}
"""Codes that others keep as numbers, without their leading zeros."""
FIRST_TIME, _LAST_TIME = "1900-01-01", "2200-01-01"
"""Outside of these a time is a sentinel, such as 9999-12-31 for never: it counts as none."""
_NEAR = 0.5


def chosen_columns(
    subject: str,
    theirs: Mapping[str, str],
    mapping: Mapping[str, str],
    known: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Canonical name -> their name: what the mapping says, then names that are canonical already.

    theirs   name -> SQL type of the table's columns
    known    canonical name -> column of a table that is known; None for one of somebody's
    Raises ConfigError for names that do not exist, with the nearest ones.
    """
    for canonical, name in mapping.items():
        if canonical not in CANONICAL:
            raise ConfigError(
                f"--map {canonical}={name}: no column is called {canonical!r} here; "
                f"{nearest(canonical, CANONICAL)}. Write --map ours=theirs."
            )
        if name not in theirs:
            raise ConfigError(
                f"--map {canonical}={name}: {subject} has no column {name!r}; "
                f"{nearest(name, theirs)}."
            )
    if known is None:
        known = {name: name for name in CANONICAL if name in theirs}
    found = {**known, **mapping}
    lacking = [name for name in NEEDED if name not in found]
    if lacking:
        asked = ",".join(f"{name}=THEIR_NAME" for name in lacking)
        likely = [f"{name}={_likely(name, theirs)}" for name in lacking if _likely(name, theirs)]
        such = f", perhaps --map {shlex.quote(','.join(likely))}" if likely else ""
        others = (name for name in CANONICAL if name not in (*found, *lacking))
        raise ConfigError(
            f"{subject}: no column for {' and '.join(lacking)}, without which nothing can be "
            f"measured; name it with --map {asked}{such}. "
            f"The table has {', '.join(theirs) or 'no columns'}. Others that can be named: "
            f"{', '.join(others)}."
        )
    return {name: found[name] for name in CANONICAL if name in found}


def _likely(name: str, theirs: Mapping[str, str]) -> str:
    """The column that a needed one may be by its name; "" for none."""
    hints = _HINTS[name]
    return next((one for hint in hints for one in theirs if hint in one.lower()), "")


def nearest(name: str, known: Mapping[str, object]) -> str:
    """What to say of a name that is not known."""
    close = difflib.get_close_matches(name.lower(), {k.lower(): k for k in known}, 1, _NEAR)
    if close:
        near = next(each for each in known if each.lower() == close[0])
        return f"the nearest is {near!r}; known are {', '.join(known)}"
    return f"known are {', '.join(known)}"


def shaped(canonical: str, theirs: str, sql_type: str) -> str:
    """The SQL expression that brings a column of theirs into the canonical type."""
    column = quoted(theirs)
    if canonical in TIMES:
        return bounded(_instant(column, sql_type))
    if canonical in NUMBERS:
        # Data frames write NaN where there is nothing.
        number = f"CAST({column} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    if canonical == "label":
        return f"CAST({_flag(column, sql_type)} AS TINYINT)"
    if canonical in _FLAGS:
        return _flag(column, sql_type)
    if canonical == DAY:
        return f"CAST({column} AS DATE)"
    if canonical in _CODE_DIGITS and _is_number(sql_type):
        digits = _CODE_DIGITS[canonical]
        return f"lpad(CAST(CAST({column} AS BIGINT) AS VARCHAR), {digits}, '0')"
    if canonical in _TEXTS:
        text = f"CAST({column} AS VARCHAR)"
        return f"lower(trim({text}))" if canonical in _LOWER else text
    return column


def bounded(instant: str) -> str:
    """An expression of times, null where it is a sentinel."""
    within = f"BETWEEN TIMESTAMP '{FIRST_TIME}' AND TIMESTAMP '{_LAST_TIME}'"
    return f"CASE WHEN {instant} {within} THEN {instant} END"


def _is_number(sql_type: str) -> bool:
    return sql_type in (*_INTEGERS, *_FLOATS) or sql_type.startswith(("U", "DECIMAL"))


def _instant(column: str, sql_type: str) -> str:
    if _is_number(sql_type):
        is_whole = sql_type in _INTEGERS or sql_type.startswith("U")
        number = f"CAST({column} AS {'BIGINT' if is_whole else 'DOUBLE'})"
        # Seconds reach 1e11 in the year 5138, and milliseconds were 1e11 in 1973; so on.
        micros = (
            f"CASE WHEN abs({number}) < 1e11 THEN {number} * 1000000 "
            f"WHEN abs({number}) < 1e14 THEN {number} * 1000 "
            f"WHEN abs({number}) < 1e17 THEN {number} "
            f"ELSE {number} {'//' if is_whole else '/'} 1000 END"
        )
        return f"make_timestamp(TRY_CAST({micros} AS BIGINT))"
    if sql_type == "VARCHAR":
        # With a zone in the text it is that instant, without one it is taken for UTC.
        return f"(CAST({column} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        # No plain cast: the reader of CSV would be asked for times without a zone, and drop it.
        return f"({column} AT TIME ZONE 'UTC')"
    return f"CAST({column} AS TIMESTAMP)"


def _flag(column: str, sql_type: str) -> str:
    if sql_type == "BOOLEAN":
        return column
    text = f"lower(trim(CAST({column} AS VARCHAR)))"
    return (
        f"CASE WHEN {column} IS NULL THEN NULL WHEN {text} IN {_TRUE} THEN true "
        f"WHEN {text} IN {_FALSE} THEN false "
        f"ELSE error('neither true nor false: ' || {text}) END"
    )
