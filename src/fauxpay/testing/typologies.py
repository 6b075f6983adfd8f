"""Typologies: the conformance suite of kinds of fraud, for ours and for those of others.

`check_typology(typology)` plans a small world at a high rate in several ways and raises
TypologyError with every rule that is broken, or returns what it saw. Ours pass it in our tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import day_number
from fauxpay.activity.rows import ATM, CHANNEL_OF_KIND, KIND_COUNT, POS
from fauxpay.activity.setting import activity_of
from fauxpay.catalog.build import build_catalog
from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.errors import TypologyError
from fauxpay.foundations.parameters import Parameters, load_parameters
from fauxpay.fraud.ground import Demand, Ground
from fauxpay.fraud.issuer import answered
from fauxpay.fraud.story import ADDRESS_BITS, NOT_BLOCKED, USES_MAX, Story
from fauxpay.fraud.typology import TYPOLOGIES, Typology
from fauxpay.gates.integrity import ENTRY_FITS
from fauxpay.partitions.compose import derived_tables, world_of

_CARDS, _DAYS, _CUT, _LONGER = 1600, 150, 700, 45
_SECONDS_MAX = 3.0
_WORLD = {"cards": _CARDS, "merchants": 900, "places": 24}
_DEMAND = Demand(per_card_year=1.5)
_CODE = len(TYPOLOGIES)


@dataclass(frozen=True, slots=True)
class Conformance:
    """What the suite saw of a typology that keeps the rules."""

    compromises: int
    attacks: int
    disputes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Stage:
    """A small world, and how a typology is asked on it."""

    config: Config
    parameters: Parameters
    world: World
    tables: Any

    def told(
        self, typology: Typology, cards: tuple[int, int] = (0, _CARDS), days: int = _DAYS
    ) -> Story:
        """The story with the bank's answers."""
        ground = self.ground(typology, cards, days)
        return answered(ground, typology.plan(ground))

    def ground(
        self, typology: Typology, cards: tuple[int, int] = (0, _CARDS), days: int = _DAYS
    ) -> Ground:
        """Some cards of the world, from the epoch on for some days."""
        epoch = self.config.activity.epoch
        window = {"start_day": epoch, "end_day": epoch + timedelta(days=days)}
        asked = self.config.model_copy(update={"run": self.config.run.model_copy(update=window)})
        activity = activity_of(self.world, self.tables, asked, self.parameters, cards)
        common = self.parameters.section("fraud")
        own = typology.facts
        return Ground(
            activity=activity,
            name=typology.name,
            code=_CODE,
            facts=common[typology.name] if own is None else own,
            common=common,
            demand=_DEMAND,
            end_day=activity.epoch_day + days,
        )


@cache
def _stage() -> _Stage:
    parameters = load_parameters()
    config = Config(catalog=_WORLD)
    world = world_of(build_catalog(config, parameters))
    return _Stage(config, parameters, world, derived_tables(world, config, parameters))


def check_typology(typology: Typology) -> Conformance:
    """Holds a typology against every rule. Raises TypologyError that names those it breaks."""
    _require_a_typology(typology)
    stage = _stage()
    began = time.process_time()
    try:
        story = typology.plan(stage.ground(typology))
    except Exception as error:
        raise TypologyError(f"typology {typology.name}: plan raised {error!r}") from error
    seconds = time.process_time() - began
    try:
        faults = _faults(stage, typology, story, seconds)
    except Exception as error:
        raise TypologyError(
            f"typology {typology.name}: its story cannot be judged: {error!r}; expected arrays of "
            f"the kinds that fauxpay.fraud.story names"
        ) from error
    if faults:
        lines = "\n".join(f"* {fault}" for fault in faults)
        raise TypologyError(f"typology {typology.name} breaks {len(faults)} rules:\n{lines}")
    told = story.compromises.card.size, story.attacks.card.size, story.disputes.card.size
    return Conformance(*told, seconds)


def _require_a_typology(told: object) -> None:
    if isinstance(told, type):
        raise TypologyError(f"typology {told.__name__}: a class; expected an object of it")
    lacks = [name for name in ("name", "facts", "plan") if not hasattr(told, name)]
    if lacks:
        raise TypologyError(
            f"typology {told!r}: has no {', '.join(lacks)}; expected name, facts and plan(ground), "
            f"as fauxpay.fraud.typology.Typology says"
        )


def _faults(stage: _Stage, typology: Typology, story: Story, seconds: float) -> list[str]:
    told: object = story
    if not isinstance(told, Story):
        return [f"plan: returned a {type(told).__name__}; expected a fauxpay.fraud.story.Story"]
    faults = [*_shape(stage, story)]
    if faults:
        return faults
    story = answered(stage.ground(typology), story)
    faults += [*_keys(stage, story), *_order(stage, story), *_cost(story, seconds)]
    return [*faults, *_alone(stage, typology, story)]


def _broken(name: str, wrong: Any, expected: str) -> Iterator[str]:
    rows = np.flatnonzero(wrong)
    if rows.size:
        yield f"{name}: {rows.size} of {np.size(wrong)}, first at {rows[0]}; expected {expected}"


def _shape(stage: _Stage, story: Story) -> Iterator[str]:
    """Lengths, kinds of arrays, and positions that point at something."""
    for record in (story.compromises, story.attacks, story.disputes):
        name = type(record).__name__.lower()
        sizes = {getattr(record, field.name).size for field in fields(record)}
        if len(sizes) != 1:
            yield f"{name}: columns of {sorted(sizes)} rows; expected one length"
    if not story.compromises.card.size + story.disputes.card.size:
        yield f"nothing happens at {_DEMAND.per_card_year} a card and year; expected victims"
    count = story.compromises.card.size
    at = story.attacks.compromise
    yield from _broken("attacks.compromise", (at < 0) | (at >= count), f"0..{count - 1}")
    cards = np.concatenate([story.compromises.card, story.attacks.card, story.disputes.card])
    yield from _broken("card", (cards < 0) | (cards >= _CARDS), "a card of the range")
    kinds = story.attacks.kind
    yield from _broken(
        "attacks.kind", (kinds < 0) | (kinds >= KIND_COUNT), "a kind of activity.rows"
    )
    merchants = stage.world.merchants.id.size
    yield from _broken(
        "attacks.merchant",
        (story.attacks.merchant < 0) | (story.attacks.merchant >= merchants),
        "a merchant of the world",
    )


def _keys(stage: _Stage, story: Story) -> Iterator[str]:
    """Names are unique, keys exist, and manners fit their channel."""
    attacks, world = story.attacks, stage.world
    names = story.compromises.address
    yield from _broken("compromises.address", names >= np.uint64(1 << ADDRESS_BITS), "< 2**54")
    if np.unique(names).size != names.size:
        yield "compromises.address: some name stands twice; expected one name for each compromise"
    if np.unique(attacks.address).size != attacks.address.size:
        yield "attacks.address: some name stands twice; expected one name for each use"
    yield from _broken(
        "attacks.card", attacks.card != story.compromises.card[attacks.compromise], "the victim's"
    )
    yield from _broken(
        "compromises.typology", story.compromises.typology != _CODE, "the ground's code"
    )
    nth = attacks.terminal - world.merchants.first_terminal[attacks.merchant]
    wrong = (nth < 0) | (nth >= world.merchants.terminal_count[attacks.merchant])
    yield from _broken("attacks.terminal", wrong, "a terminal of the merchant")
    channel = CHANNEL_OF_KIND[attacks.kind].astype(np.int64)
    entries = ENTRY_FITS.shape[1]
    legal = (attacks.entry_mode >= 0) & (attacks.entry_mode < entries)
    legal &= ENTRY_FITS[channel, np.clip(attacks.entry_mode, 0, entries - 1)]
    yield from _broken("attacks.entry_mode", ~legal, "an entry mode that the channel allows")
    yield from _broken("attacks.amount", attacks.amount < 1, ">= 1 minor unit")
    yield from _broken("attacks.amount", attacks.amount % 1 != 0, "whole minor units")
    present = (channel == POS) | (channel == ATM)
    named = (attacks.device >= 0) | (attacks.ip_address != 0)
    yield from _broken("attacks.device", present & named, "none where the card is present")
    yield from _broken(
        "attacks.device", attacks.device >= world.devices.id.size, "a device of the world"
    )


def _order(stage: _Stage, story: Story) -> Iterator[str]:
    """Compromise, then use; inside the card's life; in order of time within a compromise."""
    attacks, told = story.attacks, story.compromises
    started = told.compromised_ms[attacks.compromise]
    yield from _broken("attacks.at_ms", attacks.at_ms < started, "after the compromise")
    blocked = told.blocked_ms
    yield from _broken(
        "compromises.blocked_ms",
        (blocked != NOT_BLOCKED) & (blocked < told.compromised_ms),
        "after the compromise, or -1",
    )
    opened = stage.world.cards.opened_day
    yield from _broken(
        "compromises.compromised_ms",
        told.compromised_ms < opened[told.card] * DAY_MS,
        "after the card was opened",
    )
    epoch_ms = day_number(stage.config.activity.epoch) * DAY_MS
    yield from _broken(
        "compromises.compromised_ms", told.compromised_ms < epoch_ms, "from the epoch on"
    )
    same = attacks.compromise[1:] == attacks.compromise[:-1]
    yield from _broken(
        "attacks", same & (np.diff(attacks.at_ms) < 0), "uses of one compromise in order of time"
    )
    yield from _broken(
        "attacks", np.diff(attacks.compromise) < 0, "compromises in order, each in one stretch"
    )


def _cost(story: Story, seconds: float) -> Iterator[str]:
    most = np.bincount(story.attacks.compromise, minlength=1).max()
    if most > USES_MAX:
        yield f"attacks: {most} of one compromise; expected at most {USES_MAX}"
    if seconds > _SECONDS_MAX:
        yield f"plan: {seconds:.1f} CPU seconds for {_CARDS} cards; expected under {_SECONDS_MAX:g}"


def _alone(stage: _Stage, typology: Typology, story: Story) -> Iterator[str]:
    """The same again, the same in two halves, and a later end only adds."""
    whole = _entries(story, lambda day: True)
    if _entries(stage.told(typology), lambda day: True) != whole:
        yield "plan: another answer when asked again; expected a pure function of the ground"
    halves = [stage.told(typology, cut) for cut in ((0, _CUT), (_CUT, _CARDS))]
    parts = [entry for half in halves for entry in _entries(half, lambda day: True)]
    if sorted(parts) != whole:
        yield f"plan: another answer in shards cut at card {_CUT}; expected the same"
    last = day_number(stage.config.activity.epoch) + _DAYS

    def before(day: int) -> bool:
        return day < last

    longer = stage.told(typology, days=_DAYS + _LONGER)
    if _entries(longer, before) != _entries(story, before):
        yield "plan: a later end moves earlier attacks or disputes; expected that it only adds"


def _entries(story: Story, wanted: Callable[[int], bool]) -> list[tuple[Any, ...]]:
    """Everything about attacks and disputes that may be seen in rows, sorted."""
    attacks = replace(story.attacks, compromise=story.attacks.card)
    names = story.compromises.address[story.attacks.compromise]
    blocked = story.compromises.blocked_ms[story.attacks.compromise]
    columns = [names, blocked, *(getattr(attacks, field.name) for field in fields(attacks))]
    day = (attacks.at_ms // DAY_MS).tolist()
    rows = [
        row
        for row, at in zip(zip(*(c.tolist() for c in columns), strict=True), day, strict=True)
        if wanted(at)
    ]
    told = story.disputes
    disputed = zip(told.address.tolist(), told.card.tolist(), told.day.tolist(), strict=True)
    return sorted([*rows, *(entry for entry in disputed if wanted(entry[2]))])
