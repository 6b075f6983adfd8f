"""Kinds: what the numbers of a parameter keep because of the kind of thing that they are.

The kind is read off the shipped value and the words of its unit: a law of a lognormal, a span of
time, an exponent, weights of which one is drawn, a least and a greatest. Beyond it the engine
overflows, asks for memory without end, divides by nothing or draws from an empty table. What one
parameter alone must keep stands in `bounds`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LARGEST = 1e9
"""Of any number that is of no other kind, unless a larger one is shipped."""
_LOG_SD_MAX, _EXPONENT_MAX = 5.0, 10.0
_CENTURY_DAYS, _MILLISECOND_DAYS = 36_525.0, 1 / 86_400_000
_DAYS = {
    "seconds": 1 / 86_400,
    "minutes": 1 / 1_440,
    "hours": 1 / 24,
    "days": 1.0,
    "months": 30.4375,
    "years": 365.25,
}
_SPAN = re.compile(r"(?:median and log_sd of )?(?P<of>seconds|minutes|hours|days|months|years)\b")
_EXPONENT = re.compile(r"(exponent of|power of|change of log|binary logarithm|lead in)\b")
_LOG_SD = re.compile(r"(standard deviation|sd) of the log\b")
_WEIGHTS = re.compile(r"(weight of|relative (weight|number) of)\b")
_PAIR = re.compile(r"\b(least and (greatest|most)|first and last)\b")
_LAW = frozenset(("median", "log_sd"))


def kind_fault(expected: Any, value: Any, unit: str) -> str | None:
    """What is wrong with a value of the right shape, or None.

    expected  the shipped value, whose keys a mapping with a `default` need not have
    """
    kind = _kind(expected, unit)
    return next(
        (text for where, node in _nodes(value) for text in _faults(kind, where, node)), None
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """low, high of each number and why; the same of the spans of a law, in the unit."""

    low: float
    high: float
    why: str
    span: tuple[float, float]
    is_weights: bool
    is_pair: bool


def _kind(expected: Any, unit: str) -> _Kind:
    shipped = [abs(number) for _, number in _numbers(expected)]
    is_signed = any(number < 0 for _, number in _numbers(expected))
    span = _SPAN.match(unit)
    day = _DAYS[span["of"]] if span else 0.0
    low, high = 0.0, max([LARGEST, *shipped])
    why = "no fact of the world is beyond it"
    if _EXPONENT.match(unit):
        low, high, why = -_EXPONENT_MAX, _EXPONENT_MAX, "steeper laws have one winner"
    elif _LOG_SD.match(unit):
        high, why = _LOG_SD_MAX, "wider laws are at either end of their range"
    elif span:
        high, why = _CENTURY_DAYS / day, "a century is most"
    ends = (_MILLISECOND_DAYS / day, _CENTURY_DAYS / day) if span else (1e-6, high)
    return _Kind(
        low=-high if is_signed else low,
        high=high,
        why=why,
        span=ends,
        is_weights=_WEIGHTS.match(unit) is not None,
        is_pair=_PAIR.search(unit) is not None,
    )


def _faults(kind: _Kind, where: str, node: Any) -> Iterator[str]:
    """What is wrong at one place: a law, a group of weights, a pair, or a number."""
    at = f"at {where}: " if where else ""
    if isinstance(node, Mapping) and node.keys() >= _LAW:
        yield from _law_faults(kind, where, node)
        return
    numbers = _plain(node)
    if kind.is_weights and len(numbers) > 1 and not sum(numbers) > 0:
        yield f"{at}allowed are weights of which one at least is above 0"
    if kind.is_pair and isinstance(node, Sequence) and len(numbers) == 2:
        low, high = numbers
        if low > high:
            yield f"{at}allowed are a least and a greatest, {low:g} is above {high:g}"
    if _is_number(node) and not kind.low <= node <= kind.high:
        yield f"{at}allowed is {kind.low:g} to {kind.high:g}: {kind.why}"


def _law_faults(kind: _Kind, where: str, law: Mapping[str, Any]) -> Iterator[str]:
    """A lognormal law: median, log_sd, and perhaps min and max that it lies between."""
    low, high = kind.span
    for key, number in law.items():
        if key == "log_sd" and not 0 <= number <= _LOG_SD_MAX:
            yield f"at {where}[log_sd]: allowed is 0 to {_LOG_SD_MAX:g}"
        elif key in ("median", "min", "max") and not low <= number <= high:
            yield f"at {where}[{key}]: allowed is {low:g} to {high:g}"
    if law.get("min", 0) > law.get("max", math.inf):
        yield f"at {where}[min]: allowed is at most its max, {law['max']:g}"


def _nodes(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every place in a value, from the outside in; the members of a law are its own."""
    yield where, value
    if isinstance(value, Mapping) and not value.keys() >= _LAW:
        for key, item in value.items():
            yield from _nodes(item, f"{where}[{key}]")
    elif isinstance(value, list):
        for nth, item in enumerate(value):
            yield from _nodes(item, f"{where}[{nth}]")


def _numbers(value: Any) -> Iterator[tuple[str, float]]:
    return ((where, node) for where, node in _nodes(value) if _is_number(node))


def _plain(node: Any) -> list[float]:
    """The numbers of a list or mapping of nothing but numbers; none of anything else."""
    members: Iterable[Any] = ()
    if isinstance(node, Mapping):
        members = node.values()
    elif isinstance(node, list):
        members = node
    found = list(members)
    return found if all(_is_number(one) for one in found) else []


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
