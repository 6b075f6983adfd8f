"""Laws: from uniform words to values, for world building only.

Reads    nothing
Writes   nothing
Draws    words(seed, decision, address): stream "catalog/<decision>"
Sources  nothing; callers pass what parameters.yaml says

exp, log and cos may differ in the last bit between machines. What is made of them is rounded and
sealed, so they are allowed here and nowhere on the per-row path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fauxpay.errors import ConfigError
from fauxpay.foundations.draws import F64, I64, U64, draw, stream_key, uniform

_LOWEST_POWER, _HIGHEST_POWER = -12, 15
_POWERS = np.array([float(f"1e{power}") for power in range(_LOWEST_POWER, _HIGHEST_POWER + 1)])
_UNIT_32 = 2.0**-32


def words(seed: int, decision: str, address: U64) -> U64:
    """64 uniform bits for each address; decision is "<table>/<what>"."""
    return draw(stream_key(seed, f"catalog/{decision}"), address)


def addresses(count: int) -> U64:
    """Row indexes as addresses: u64[count]."""
    return np.arange(count, dtype=np.uint64)


def normal(word: U64) -> F64:
    """A standard normal from each word by Box and Muller's transform."""
    radius = ((word >> np.uint64(32)).astype(np.float64) + 1.0) * _UNIT_32
    angle = (word & np.uint64(0xFFFFFFFF)).astype(np.float64) * (2.0 * math.pi * _UNIT_32)
    return np.asarray(np.sqrt(-2.0 * np.log(radius)) * np.cos(angle))


def pick(word: U64, weights: F64) -> I64:
    """A choice for each word in proportion to weights f64[choices]."""
    inner = np.cumsum(weights)[:-1] / weights.sum()
    return np.searchsorted(inner, uniform(word), side="right").astype(np.int64)


def pick_row(word: U64, row: I64, weights: F64) -> I64:
    """A choice for each word in proportion to weights[row], f64[rows, choices]."""
    inner = np.cumsum(weights, axis=1)[:, :-1] / weights.sum(axis=1, keepdims=True)
    u = uniform(word)
    choice = np.zeros(u.size, dtype=np.int64)
    for column in np.ascontiguousarray(inner.T):
        choice += u >= column.take(row)
    return choice


def repeated(count: I64) -> tuple[I64, I64]:
    """(owner, nth) of rows that count[i] times belong to owner i."""
    owner = np.repeat(np.arange(count.size), count)
    first = np.cumsum(count) - count
    return owner, np.arange(owner.size) - first[owner]


def significant(values: F64, digits: int) -> F64:
    """Rounded to significant digits, so that a difference in the last bit cannot be sealed."""
    decade = np.searchsorted(_POWERS, np.abs(values), side="right") - 1 + _LOWEST_POWER
    shift = digits - 1 - decade
    up = _POWERS[np.clip(shift, 0, _HIGHEST_POWER) - _LOWEST_POWER]
    down = _POWERS[np.clip(-shift, 0, _HIGHEST_POWER) - _LOWEST_POWER]
    return np.asarray(np.round(values * up / down) * down / up)


def zipf(rank: Any, exponent: float) -> F64:
    """Weight of ranks 1, 2, ...: rank ** -exponent."""
    return np.asarray(np.asarray(rank, dtype=np.float64) ** -exponent)


def allot(weights: F64, total: int, low: I64, high: I64) -> I64:
    """Whole numbers that sum to total, as close to proportional as low and high permit.

    weights  f64[n] >= 0;  low <= high, both i64[n];  low.sum() <= total <= high.sum()
    """
    assert low.sum() <= total <= high.sum()
    exact = _water_fill(weights, total, low, high)
    # Rounded before comparing: shares must tie the same way on every machine.
    exact = np.round(exact, 6)
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(-np.round(exact - whole, 6), kind="stable")
    left_over = total - int(whole.sum())
    for change in (1, -1):
        room = high - whole if change > 0 else whole - low
        chosen = order[room[order] > 0][: max(0, left_over * change)]
        whole[chosen] += change
        left_over -= change * chosen.size
    assert whole.sum() == total
    return whole


def _water_fill(weights: F64, total: int, low: I64, high: I64) -> F64:
    """Fixes whoever would leave the bounds, and shares the rest among the others."""
    exact = low.astype(np.float64)
    free = np.ones(weights.size, dtype=np.bool_)
    left = float(total)
    while free.any():
        share = weights[free]
        fill = left * (share / share.sum() if share.sum() > 0 else 1.0 / share.size)
        under, over = fill < low[free], fill > high[free]
        if not (under.any() or over.any()):
            exact[free] = fill
            break
        lack = (low[free] - fill)[under].sum()
        excess = (fill - high[free])[over].sum()
        bound = low if lack >= excess else high
        fixed = np.flatnonzero(free)[under if lack >= excess else over]
        exact[fixed] = bound[fixed]
        left -= float(bound[fixed].sum())
        free[fixed] = False
    return exact


def weights_of(name: str, values: Mapping[str, float], choices: Sequence[str]) -> F64:
    """Shares of the choices, summing to 1; a choice that is not listed has none.

    Raises ConfigError when a share is negative or all are zero.
    """
    return _shares(name, [float(values.get(choice, 0.0)) for choice in choices])


def weights_by(
    name: str,
    values: Mapping[str, Mapping[str, float]],
    rows: Sequence[str],
    choices: Sequence[str],
) -> F64:
    """Shares of the choices for each row: f64[rows, choices]; a row not listed is `default`."""
    return np.stack([weights_of(name, _row(values, row), choices) for row in rows])


def numbers_by(name: str, values: Mapping[str, Any], rows: Sequence[str]) -> F64:
    """A number for each row; a row not listed is `default`, or 0 where there is none.

    Raises ConfigError when a number is negative.
    """
    numbers = np.array([float(values.get(row, values.get("default", 0.0))) for row in rows])
    if (numbers < 0).any():
        worst = rows[int(np.argmin(numbers))]
        raise ConfigError(
            f"parameters.catalog.{name}: {worst} is {numbers.min():g}, but expected 0 or more"
        )
    return numbers


def lists_by(name: str, values: Mapping[str, Sequence[float]], rows: Sequence[str]) -> F64:
    """Shares given as lists, one list for each row: f64[rows, choices]."""
    return np.stack([_shares(name, list(values[row])) for row in rows])


def list_of(name: str, values: Sequence[float]) -> F64:
    """Shares given as one list, summing to 1."""
    return _shares(name, list(values))


def _row(values: Mapping[str, Any], row: str) -> Any:
    return values[row] if row in values else values["default"]


def _shares(name: str, numbers: list[float]) -> F64:
    shares = np.array(numbers, dtype=np.float64)
    if (shares < 0).any() or shares.sum() <= 0:
        raise ConfigError(
            f"parameters.catalog.{name}: the shares are {numbers}, but expected none below 0 "
            "and a sum above 0"
        )
    return np.asarray(shares / shares.sum())
