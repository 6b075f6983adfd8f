"""Families: the distributions and rates that are compared, as SQL over canonical columns.

Reads    families.yaml
Writes   nothing
Draws    nothing
Sources  families.yaml

A shape counts the rows in each bin; a rate adds up a part and a whole. SQL sees the
canonical columns that a family needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from fauxpay.drift.measures import Measure
from fauxpay.foundations.shipped import own_yaml

FILE_NAME = "families.yaml"
AMOUNT_STEPS = 20  # bins to one unit of the natural log, merged into twentieths afterwards
_DELAY_DAYS = (0, 1, 3, 7, 14, 30, 60)
_LOGGED = "ln(greatest(abs(amount), 0.01))"


@dataclass(frozen=True, slots=True)
class Family:
    """One thing that may move.

    threshold  distance from which on it matters: an index, a share of itself, or a difference
    needs      canonical columns without which it is skipped
    bin        SQL of a row's bin, for shapes
    part       SQL of what a row adds to the part, for rates; None where rows are counted
    whole      SQL of what a row adds to the whole; "days" where the whole is the number of days
    where      SQL of the rows that take part
    special    a query of its own: "cards" or "pairs"
    """

    key: str
    title: str
    measure: Measure
    threshold: float
    needs: frozenset[str]
    bin: str = ""
    part: str = ""
    whole: str = ""
    where: str = "true"
    special: str = ""


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """How sure a move must be. See families.yaml."""

    alpha: float
    slices: int
    exchanges: int
    bins_max: int
    amount_bins: int


_DELAY = """date_diff('second', "at", known_at) / 86400.0"""
_SHAPES: dict[str, tuple[str, str, str]] = {
    # key: (columns, bin, rows that take part)
    "amounts": ("amount", f"floor({_LOGGED} * {AMOUNT_STEPS})::integer::varchar", "amount <> 0"),
    "mcc": ("mcc", "cast(mcc as varchar)", "mcc is not null"),
    "channel": ("channel", "channel", "channel is not null"),
    "entry_mode": ("entry_mode", "entry_mode", "entry_mode is not null"),
    "kind": ("kind", "kind", "kind is not null"),
    "merchant_country": ("merchant_country", "merchant_country", "merchant_country is not null"),
    "card_country": ("card_country", "card_country", "card_country is not null"),
    "currency": ("currency", "currency", "currency is not null"),
    "card_product": ("card_product", "card_product", "card_product is not null"),
    "recurring": ("is_recurring", "cast(is_recurring as varchar)", "is_recurring is not null"),
    "typology": ("label typology", "coalesce(typology, '(none)')", "label = 1"),
    "label_delay": ("label known_at", "", "label = 1 and known_at is not null"),
    "hour_of_week": ("", "", "true"),
    "response": ("", "", ""),
}
_RATES: dict[str, tuple[str, str, str, str]] = {
    # key: (columns, part, whole, rows that take part)
    "rows_per_day": ("", "1", "days", "true"),
    "amount_level": ("amount", _LOGGED, "1", "amount <> 0"),
    "fraud_rate": ("label", "label", "1", "label is not null"),
}
_SPECIAL = {"cards_per_day": ("card", "cards"), "new_merchants": ("card merchant", "pairs")}
NULLS = "nulls"
# Without these a table is no card table, or nothing is expected of them.
_NOT_ASKED = frozenset(("card", "merchant", "at", "amount", "label", "known_at", "label_source"))
_NOT_ASKED |= {"typology", "campaign", "posted_on", "is_recurring"}


@cache
def _document() -> Mapping[str, Any]:
    text = (resources.files("fauxpay") / "drift" / FILE_NAME).read_text("utf-8")
    document: Mapping[str, Any] = own_yaml(text, FILE_NAME)
    return document


def guard_settings(alpha: float | None = None) -> GuardSettings:
    """As shipped, but for what is given."""
    shipped = {key: entry["value"] for key, entry in _document()["guard"].items()}
    return GuardSettings(**{**shipped, **({} if alpha is None else {"alpha": alpha})})


def reasons() -> dict[str, str]:
    """Why each threshold is what it is, by family."""
    return {key: str(entry["why"]) for key, entry in _document()["families"].items()}


def families(columns: Collection[str], thresholds: Mapping[str, float]) -> list[Family]:
    """Every family in the order of families.yaml; null rates once for each column.

    columns     canonical columns that both sides have
    thresholds  by family, in place of the shipped ones
    """
    found = []
    for key, entry in _document()["families"].items():
        threshold = float(thresholds.get(key, entry["threshold"]))
        common = (key, str(entry["title"]), Measure(entry["measure"]), threshold)
        if key == NULLS:
            found += [_nulls(common, name) for name in sorted(set(columns) - _NOT_ASKED)]
        else:
            found.append(_family(common, columns))
    return found


def is_null_rate(family: Family) -> bool:
    """Whether a family is the null rate of a column."""
    return family.key.startswith(f"{NULLS}.")


def family_keys() -> tuple[str, ...]:
    """The names that a threshold may be given for."""
    return tuple(_document()["families"])


def _family(common: tuple[str, str, Measure, float], columns: Collection[str]) -> Family:
    key = common[0]
    if key in _SPECIAL:
        needs, special = _SPECIAL[key]
        return Family(*common, frozenset(needs.split()), special=special)
    if key in _RATES:
        needs, part, whole, where = _RATES[key]
        return Family(*common, frozenset(needs.split()), part=part, whole=whole, where=where)
    needs, binned, where = _SHAPES[key]
    if key == "hour_of_week":
        at = "local_at" if "local_at" in columns else "at"
        needs = at
        # The weekday is that of the UTC day: a UTC day holds each local hour once, in winter and
        # in summer time, but not the same hours of the local weekdays that it touches.
        binned = f'cast(isodow("at") * 100 + hour("{at}") as varchar)'
        where = f'"{at}" is not null'
    elif key == "response":
        needs = "response_code" if "response_code" in columns else "is_approved"
        binned, where = f"cast({needs} as varchar)", f"{needs} is not null"
    elif key == "label_delay":
        steps = "".join(f" when {_DELAY} < {day} then '{day:02d}'" for day in _DELAY_DAYS)
        binned = f"case{steps} else 'later' end"
    return Family(*common, frozenset(needs.split()), bin=binned, where=where)


def _nulls(common: tuple[str, str, Measure, float], column: str) -> Family:
    key, title, measure, threshold = common
    return Family(
        f"{key}.{column}",
        f"{title} of {column}",
        measure,
        threshold,
        frozenset((column,)),
    )
