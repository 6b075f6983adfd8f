"""Overrides: whether a user's value may stand in for a shipped parameter.

A value must have the shape of the shipped one: the same type, list length and mapping keys. A
mapping by country, currency, category or typology (it has a `default`) may name some and may name
more. Shares and chances stay within 0..1, and those that sum to 1 as shipped must do so afterwards.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

SUM_TOLERANCE = 1e-6
DEFAULT = "default"
_COUNTRY, _CURRENCY = re.compile(r"[A-Z]{2}"), re.compile(r"[A-Z]{3}")
_CATEGORY = re.compile(r"[0-9]{4}")
TYPOLOGY = re.compile(r"[a-z][a-z0-9_]{1,39}")
_WHOLE_END = 2**63
"""Whole numbers of the engine have 64 bits."""
_SHARE = re.compile(r"(shares?|chances?|probability|as endings)\b")


def fault(name: str, value: object, shipped: Mapping[str, tuple[Any, str]]) -> str | None:
    """What is wrong with overriding `name` by `value`, or None.

    shipped  name -> (value, unit) of every parameter
    """
    if name not in shipped:
        members = [other for other in shipped if other.startswith(f"{name}.")]
        if members:
            return f"this is a group; its parameters are {_listed(members)}"
        near = difflib.get_close_matches(name, shipped, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "`fauxpay cite` lists the names"
        return f"no parameter has this name; {hint}"
    expected, unit = shipped[name]
    is_share = _SHARE.match(unit) is not None
    text = _shape_fault("", expected, value, is_fractional=is_share)
    if text is None and is_share:
        text = _share_fault("", expected, value)
    return None if text is None else f"{text}; unit: {unit}"


def _shape_fault(where: str, expected: Any, value: Any, is_fractional: bool) -> str | None:
    """A whole number may become a fraction where it is a share or stands among fractions."""
    at = f"at {where}: " if where else ""
    if isinstance(expected, dict) and DEFAULT in expected:
        text = _key_fault(expected, value)
        if text is not None:
            return f"{at}{text}"
        expected = {key: expected.get(key, expected[DEFAULT]) for key in value}
        keys: list[Any] = list(value)
    elif isinstance(expected, dict):
        if not isinstance(value, dict) or set(value) != set(expected):
            return f"{at}allowed is a mapping with exactly the keys {_listed(expected)}"
        keys = list(expected)
    elif isinstance(expected, list):
        if not isinstance(value, list) or len(value) != len(expected):
            return f"{at}allowed is a list of {len(expected)} values"
        keys = list(range(len(expected)))
    elif _is_number(expected):
        is_fractional = is_fractional or isinstance(expected, float)
        if isinstance(value, float) and is_fractional and math.isfinite(value):
            return None
        if isinstance(value, int) and _is_number(value) and abs(value) < _WHOLE_END:
            return None
        return f"{at}allowed is a {'' if is_fractional else 'whole '}number"
    else:
        return None if type(value) is type(expected) else f"{at}allowed is {_kind(expected)}"
    is_fractional = is_fractional or any(isinstance(expected[key], float) for key in keys)
    return _first(
        _shape_fault(f"{where}[{key}]", expected[key], value[key], is_fractional) for key in keys
    )


def _share_fault(where: str, expected: Any, value: Any) -> str | None:
    """Shapes agree already: bounds of each number, then the sum of each group of numbers."""
    at = f"at {where}: " if where else ""
    if not isinstance(expected, (dict, list)):
        is_share = not _is_number(expected) or 0 <= value <= 1 or not 0 <= expected <= 1
        return None if is_share else f"{at}allowed is a share from 0 to 1"
    if isinstance(expected, dict) and DEFAULT in expected:
        expected = {key: expected.get(key, expected[DEFAULT]) for key in value}
    keys = list(expected) if isinstance(expected, dict) else list(range(len(expected)))
    inner = _first(_share_fault(f"{where}[{key}]", expected[key], value[key]) for key in keys)
    if inner is not None or len(keys) < 2 or not all(_is_number(expected[key]) for key in keys):
        return inner
    before = math.fsum(expected[key] for key in keys)
    after = math.fsum(value[key] for key in keys)
    if abs(before - 1) > SUM_TOLERANCE or abs(after - 1) <= SUM_TOLERANCE:
        return None
    return f"{at}allowed are shares that sum to 1, these sum to {after:.6g}"


def _key_fault(expected: Mapping[Any, Any], value: Any) -> str | None:
    """What is wrong with the keys of a mapping that may name more than the shipped one.

    What they are is seen from those that are shipped. Whether a typology is offered by anybody is
    for the config to say.
    """
    own = [str(key) for key in expected if key != DEFAULT]
    pattern, known, text = TYPOLOGY, None, "typologies such as phishing"
    if any(_CATEGORY.fullmatch(key) for key in own):
        pattern, known = _CATEGORY, ("merchant_categories", "mcc")
        text = "merchant category codes such as 5411"
    elif any(_COUNTRY.fullmatch(key) for key in own):
        pattern, known, text = _COUNTRY, ("countries", "country"), "codes such as US or USD"
    elif any(_CURRENCY.fullmatch(key) for key in own):
        pattern, known, text = _CURRENCY, ("currencies", "currency"), "codes such as US or USD"
    allowed = f"allowed is a mapping with the keys {DEFAULT} and {text}"
    if not isinstance(value, dict):
        return allowed
    more = [key for key in value if key not in expected]
    if known is not None and more:
        from fauxpay.foundations.reference import reference  # only for those who bring more

        table, column = known
        codes = set(reference(table)[column].to_pylist())
        more = [key for key in more if key not in codes]
        return f"{allowed}; {more[0]} is not known" if more else None
    if all(isinstance(key, str) and pattern.fullmatch(key) for key in more):
        return None
    return allowed


def _first(texts: Iterable[str | None]) -> str | None:
    return next((text for text in texts if text is not None), None)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(expected: object) -> str:
    kinds = {bool: "true or false", str: "a text", date: "a day such as 2026-03-01"}
    return kinds.get(type(expected), type(expected).__name__)


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)
