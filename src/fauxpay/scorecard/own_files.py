"""Own files: a table of ours away from its run, known by the names of its columns.

Reads    columns of a flat export, of transactions, or of a CSV of either
Writes   SQL expressions of canonical columns
Draws    nothing
Sources  reference currencies
"""

from __future__ import annotations

from collections.abc import Mapping

from fauxpay.readers.flat import CUSTOMER
from fauxpay.scorecard.columns import CANONICAL, shaped
from fauxpay.scorecard.run_columns import NAMES, units

OWN = ("transaction_id", "event_time", "card_id", "amount_minor")
"""Who has all of these names means by them what we do."""
_ATTRIBUTES = {"card_country": next(k for k, v in CUSTOMER.items() if v == "country")}
_ORACLE = {"label": "is_fraud", "typology": "typology", "posted_on": "posted_on"}
_LAST_WORD = "label_known_at"
_MINOR = {"amount": "currency", "billing_amount": "billing_currency"}
_SINGLE = ("latitude", "longitude")
_OFFSET = "local_offset_minutes"


def is_own(theirs: Mapping[str, str]) -> bool:
    """Whether a table is ours by its columns."""
    return set(OWN) <= theirs.keys()


def own_columns(theirs: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Canonical name -> (column that it is read from, expression) of a table of ours.

    theirs  name -> SQL type of the table's columns
    What the bank learnt of a fraud first is not in a flat export, which has its last word alone.
    """
    found = {
        name: (name, shaped(name, name, theirs[name]))
        for name in CANONICAL
        if name in theirs and not (name in ("label", "label_source") and _LAST_WORD in theirs)
    }
    for name, column in {**NAMES, **_ATTRIBUTES, **_ORACLE}.items():
        if column in theirs:
            found[name] = (column, shaped(name, column, theirs[column]))
    for name in _SINGLE:
        if name in found:  # As text a number of ours is as short as single precision lets it be.
            column, expression = found[name]
            found[name] = (column, f"CAST(CAST({expression} AS FLOAT) AS DOUBLE)")
    for name, currency in _MINOR.items():
        column = f"{name}_minor"
        if {column, currency} <= theirs.keys():
            own = f"({shaped(name, column, theirs[column])}) / {units(found[currency][1])}"
            found[name] = (column, own)
    if _OFFSET in theirs:
        local = f"{found['at'][1]} + to_minutes(CAST({_OFFSET} AS BIGINT))"
        found["local_at"] = (_OFFSET, local)
    return {name: found[name] for name in CANONICAL if name in found}
