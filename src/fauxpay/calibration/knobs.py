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
from fauxpay.foundations.parameters import COUNTRIES as PACKS
from fauxpay.foundations.parameters import Parameters, load_parameters, override_faults

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

    def countries(self) -> list[str]:
        """Those of the world so far."""
        return sorted(self.setting("catalog.countries"))

    def of_countries(self, fact: str) -> dict[str, Any]:
        """A fact of the countries' packs, such as payment.atm_share, of each country of the world.

        Empty where the packs have no such fact.
        """
        group, _, name = fact.partition(".")
        parameters = self.parameters()
        facts = {country: parameters.of_country(country) for country in self.countries()}
        return {
            country: one[group][name]
            for country, one in facts.items()
            if name in one.get(group, {})
        }

    def put_of_countries(self, fact: str, values: Mapping[str, Any], note: Note) -> None:
        """Sets a fact of the packs, country by country."""
        for country, value in values.items():
            self.put_parameter(f"{PACKS}.{country}.{fact}", value, note)

    def put_setting(self, key: str, value: Any, note: Note) -> None:
        """Sets a setting of the config."""
        self.values[key] = value
        self.notes[key] = note
        self.left.pop(key, None)

    def put_parameter(self, name: str, value: Any, note: Note) -> bool:
        """Sets a parameter, unless it has another shape than this code knows."""
        faults = override_faults({name: value})
        if faults:
            self.left[name] = f"the estimate does not fit the parameter ({faults[0][2]})"
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
    """Values by country, times their ratios; a country without an entry begins at `default`.

    overall  ratio of all, by which `default` moves
    """
    factor = {**dict.fromkeys(shipped, 1.0), DEFAULT: overall, **ratios}
    values = {name: shipped.get(name, shipped[DEFAULT]) for name in factor}
    return {name: significant(min(values[name] * factor[name], SHARE_MAX)) for name in factor}


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
