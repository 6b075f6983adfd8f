"""Knobs: what is fitted, where it stands, and what is said of it.

Reads    config and parameters as they are
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fauxpay.calibration.statistics import Cell
from fauxpay.config.model import Config
from fauxpay.foundations.overrides import fault
from fauxpay.foundations.parameters import Parameters, load_parameters

SHARE_MAX = 0.95
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Note:
    """How a knob was estimated, and from how much."""

    how: str
    rows: int
    cards: int


@dataclass(slots=True)
class Knobs:
    """Values so far.

    values     dotted key of the config -> value
    overrides  dotted name of a parameter -> value
    notes      of each that was fitted, by name
    left       why others were not, by name
    """

    values: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Knobs:
        """The same, to be changed for itself."""
        return Knobs(dict(self.values), dict(self.overrides), dict(self.notes), dict(self.left))

    def setting(self, key: str) -> Any:
        """Value of a setting: as fitted so far, or the default."""
        if key in self.values:
            return self.values[key]
        section, _, name = key.partition(".")
        return getattr(getattr(Config(), section), name)

    def parameter(self, name: str) -> Any:
        """Value of a parameter: as fitted so far, or as shipped; None where there is none."""
        parameters = self.parameters()
        return parameters.value(name) if name in parameters.names() else None

    def parameters(self) -> Parameters:
        """All of them."""
        return load_parameters(self.overrides)

    def put_setting(self, key: str, value: Any, note: Note) -> None:
        """Sets a setting of the config."""
        self.values[key] = value
        self.notes[key] = note
        self.left.pop(key, None)

    def put_parameter(self, name: str, value: Any, note: Note) -> bool:
        """Sets a parameter, unless it has another shape than this code knows."""
        shipped = {name: (one.value, one.unit) for name, one in load_parameters().leaves.items()}
        said = fault(name, value, shipped)
        if said is not None:
            self.left[name] = f"the estimate does not fit the parameter ({said})"
            return False
        self.overrides[name] = value
        self.notes[name] = note
        self.left.pop(name, None)
        return True

    def leave(self, name: str, why: str) -> None:
        """Says why a knob stays as it is, unless it was fitted."""
        if name not in self.notes:
            self.left[name] = why


def behind(cells: Mapping[str, Cell], how: str) -> Note:
    """A note of several cells: all rows, and the cards of the largest."""
    rows = sum(cell.rows for cell in cells.values())
    return Note(how, rows, max((cell.cards for cell in cells.values()), default=0))


def significant(value: float, digits: int = 4) -> float:
    """So many digits: more would claim what no table can tell."""
    return float(f"{value:.{digits}g}")


def scaled_by_country(
    shipped: Mapping[str, float], ratios: Mapping[str, float], overall: float
) -> dict[str, float]:
    """Values by country, times their ratios; countries not listed share the entry `default`.

    overall  ratio of all: for `default` where countries without entry are in the data
    """
    unlisted = [ratio for name, ratio in ratios.items() if name not in shipped]
    mean = sum(unlisted) / len(unlisted) if unlisted else overall
    factor = {name: ratios.get(name, 1.0) for name in shipped} | {DEFAULT: mean}
    return {
        name: significant(min(value * factor[name], SHARE_MAX)) for name, value in shipped.items()
    }


def ratios_of(
    seen: Mapping[str, Cell], made: Mapping[str, Cell], bounds: tuple[float, float] = (0.05, 20.0)
) -> dict[str, float]:
    """Seen over made, of cells that both have, within bounds: one round need not do it all."""
    low, high = bounds
    return {
        name: min(max(cell.value / made[name].value, low), high)
        for name, cell in seen.items()
        if name in made and made[name].value > 0
    }
