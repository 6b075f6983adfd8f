"""Estimate: a config fitted to a card table, by mirrors that are made and compared.

Reads    a card table
Writes   nothing
Draws    those of the engine
Sources  nothing

A mirror as things stand, one with the structure turned (for slopes), then rounds with all that was
learnt. Each round corrects every knob.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fauxpay.calibration.knobs import Knobs, Note
from fauxpay.calibration.measuring import measure
from fauxpay.calibration.mirror import epoch_of, mirrored, place_window
from fauxpay.calibration.rates import DRIFT, correct_rates, mirror_fraud, put_fraud, put_labels
from fauxpay.calibration.shapes import COUNTRIES, correct_shapes, put_countries
from fauxpay.calibration.statistics import Statistics, open_source
from fauxpay.calibration.structure import correct_structure, slopes, turned
from fauxpay.config.combinations import MERCHANTS_PER_PLACE_MIN
from fauxpay.config.merchants import floors, least_merchants
from fauxpay.config.model import CARD_INDEX_MAX, Config
from fauxpay.drift.sides import connect, whole_window
from fauxpay.drift.windows import Window
from fauxpay.errors import ContractError
from fauxpay.foundations.parameters import load_parameters
from fauxpay.foundations.reference import reference
from fauxpay.scorecard.events import readable

if TYPE_CHECKING:
    from fauxpay.scorecard.card_table import CardTable

K_DEFAULT = 20
MIRROR_CARDS = 4000
MIRROR_MERCHANTS_MAX = 30_000
DAYS_MIN = 7
ROUNDS = 3
# Nothing can be said of a distribution over fewer.
CARDS_MIN_FACTOR = 5

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was estimated, and from what.

    placed  the window in years that the engine knows: that of `seen`, or one alike
    """

    knobs: Knobs
    seen: Statistics
    placed: Window
    columns: tuple[str, ...]
    rows: int
    cards_seen: int
    mirror_cards: int
    k: int
    said: tuple[str, ...]

    def values(self) -> dict[str, Any]:
        """The config as nested as a file has it."""
        nested: dict[str, Any] = {}
        for key, value in self.knobs.values.items():
            section, _, name = key.partition(".")
            nested.setdefault(section, {})[name] = value
        if self.knobs.overrides:
            nested["parameters"] = dict(self.knobs.overrides)
        return nested


@readable()
def fit(
    table: CardTable,
    k: int = K_DEFAULT,
    mirror_cards: int = MIRROR_CARDS,
    window: Window | None = None,
    report: Report = lambda said: None,
    limits: dict[str, Any] | None = None,
) -> Fitted:
    """Fits the engine's knobs to a table.

    k             cells of fewer distinct cards are not used
    mirror_cards  cards of a mirror at most; more are slower and steadier
    report        is told what is being done
    Raises ContractError for a table of too few days or cards, or values that cannot be read.
    """
    connection = connect(table, limits or {})
    report("measuring the table")
    own, said = (window, []) if window else whole_window(table, connection)
    source = open_source(table, connection, own, load_parameters(), (k, mirror_cards))
    seen = measure(source)
    rows, cards = source.ask(f"select count(*), count(distinct card) from {source.rows(())}")[0]
    if ("rate",) not in seen.cells or cards < k * CARDS_MIN_FACTOR or len(own.days()) < DAYS_MIN:
        raise ContractError(
            f"{table.subject}: {cards} cards over {len(own.days())} days; expected at least "
            f"{k * CARDS_MIN_FACTOR} cards and {DAYS_MIN} days. A smaller --k needs fewer cards, "
            f"and hides less."
        )
    knobs = _start(seen)
    size = min(round(seen.cells["cards",].value), mirror_cards)
    frauds = [mirror_fraud(), mirror_fraud()]
    first = _mirror((knobs, frauds[0]), own, (size, 0), report, "as things stand")
    other = turned(knobs)
    mirrors = [first, _mirror((other, frauds[1]), own, (size, 0), report, "structure turned")]
    slope = slopes(first, mirrors[1], (knobs, other))
    before = (knobs.copy(), first)
    _correct(knobs, seen, first, slope)
    for nth in range(1, ROUNDS + 1):
        put_fraud(knobs, seen, mirrors, frauds)
        # With the table's own fraud, because a card that is replaced has a new number: only so
        # are there as many numbers to a card on both sides.
        frauds.append({key: knobs.setting(key) for key in frauds[0]})
        made = _mirror((knobs, frauds[-1]), own, (size, nth), report, f"round {nth}")
        mirrors.append(made)
        made_with = knobs.copy()
        _correct(knobs, seen, made, slope, before)
        before = (made_with, made)
        numbers = made.cells["cards",].value / size
        if size * numbers >= 0.9 * seen.cells["cards",].value:
            _correct_merchants(knobs, seen, made)
        size = min(round(seen.cells["cards",].value / numbers), mirror_cards)
    put_fraud(knobs, seen, mirrors, frauds)
    put_labels(knobs, seen)
    placed = place_window(own)
    _put_request(knobs, seen, placed, numbers)
    used = tuple(sorted(source.has))
    return Fitted(knobs, seen, placed, used, rows, cards, size, k, tuple(said))


def _start(seen: Statistics) -> Knobs:
    """What can be said before any mirror: sizes and countries."""
    knobs = Knobs()
    cell = seen.cells.get(("merchants",))
    if cell is None:
        knobs.leave("catalog.merchants", "the table names no merchants, or too few cards")
    else:
        how = "merchants seen, and Chao's estimate of those that were not"
        knobs.put_setting("catalog.merchants", round(cell.value), Note(how, cell.rows, cell.cards))
    own = seen.below("country")
    known = set(reference("countries")["country"].to_pylist())
    weights = {name: one.value for name, one in own.items() if name in known}
    if weights:
        rows = sum(one.rows for one in own.values())
        cards = max(one.cards for one in own.values())
        put_countries(knobs, weights, Note("cards of each country", rows, cards))
    else:
        knobs.leave(COUNTRIES, "no country of card or merchant of enough cards")
    _fit_places(knobs)
    return knobs


def _fit_places(knobs: Knobs) -> None:
    """No more places than the merchants can fill and the countries have cities for."""
    shops = knobs.setting("catalog.merchants") * (
        1 - knobs.setting("catalog.online_merchant_share")
    )
    countries = knobs.setting(COUNTRIES)
    cities = sum(1 for c in reference("places")["country"].to_pylist() if c in countries)
    most = max(min(int(shops // (2 * MERCHANTS_PER_PLACE_MIN)), cities), len(countries))
    places = min(Config().catalog.places, most)
    knobs.values["catalog.places"] = places
    share = float(knobs.setting("catalog.online_merchant_share"))
    least = least_merchants(*floors(places, len(countries), knobs.overrides), share) or 0
    need = max(-(-places * MERCHANTS_PER_PLACE_MIN // 0.8), least)
    knobs.values["catalog.merchants"] = max(int(knobs.setting("catalog.merchants")), int(need))
    knobs.leave("catalog.places", "a table does not say where a city ends")


def _mirror(
    asked: tuple[Knobs, dict[str, float]],
    own: Window,
    sized: tuple[int, int],
    report: Report,
    why: str,
) -> Statistics:
    """A mirror of (knobs, rates of fraud), sized (cards, number of the mirror)."""
    cards, nth = sized
    report(f"making and measuring a mirror of {cards:,} cards, {why}")
    knobs, fraud = asked
    values = {**knobs.values, **fraud, DRIFT: False}
    values["catalog.merchants"] = min(knobs.setting("catalog.merchants"), MIRROR_MERCHANTS_MAX)
    return mirrored(values, knobs.overrides, own, cards, nth)


def _correct(
    knobs: Knobs,
    seen: Statistics,
    made: Statistics,
    slope: dict[str, float],
    before: tuple[Knobs, Statistics] | None = None,
) -> None:
    correct_rates(knobs, seen, made)
    correct_shapes(knobs, seen, made)
    correct_structure(knobs, seen, made, slope, before)


def _correct_merchants(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    """Only where the mirror has all cards: fewer cards see fewer merchants."""
    key, mirror = "catalog.merchants", made.value("merchants")
    if key in knobs.notes and mirror and knobs.setting(key) <= MIRROR_MERCHANTS_MAX:
        value = round(knobs.setting(key) * seen.cells["merchants",].value / mirror)
        knobs.put_setting(key, value, knobs.notes[key])
        _fit_places(knobs)


def _put_request(knobs: Knobs, seen: Statistics, placed: Window, numbers: float) -> None:
    """Sizes and days of the world that is asked for; numbers are those of one card."""
    cell = seen.cells["cards",]
    how = "cards seen, and those that did nothing by the law of the rates; replaced ones are one"
    cards = min(round(cell.value / numbers), CARD_INDEX_MAX)
    knobs.put_setting("catalog.cards", cards, Note(how, cell.rows, cell.cards))
    knobs.values["activity.epoch"] = epoch_of(placed)
    knobs.values["run.from"], knobs.values["run.to"] = placed.start, placed.end
