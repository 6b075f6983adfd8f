"""Every number of every parameter at 0, at 1 and at the largest there is: refused, or it works.

`tests/config/test_bounds.py` holds the bounds that are known; this looks for those that are wanted.
"""

from __future__ import annotations

import copy
import datetime
import warnings
from collections.abc import Iterator

import pytest

from fauxpay.catalog.build import build_catalog
from fauxpay.catalog.integrity import check_catalog
from fauxpay.config.typologies import OURS as TYPOLOGIES
from fauxpay.errors import ConfigError
from fauxpay.foundations.kinds import LARGEST
from fauxpay.foundations.parameters import COUNTRIES, DEFAULT, load_parameters
from fauxpay.partitions.compose import PartitionMaker, world_of
from worlds import DAY, config, maker_of, parameters, tables

SMALL = {"cards": 150, "merchants": 300, "places": 12}
SHORT = {"epoch": datetime.date(2026, 2, 1)}
OWN = f"{COUNTRIES}.{DEFAULT}."
NAMES = [
    name
    for name in parameters().names()
    # Facts of a country are bounded as those of the default pack are.
    if name.startswith(OWN) or not name.startswith(f"{COUNTRIES}.")
]


def ends(value: object) -> Iterator[object]:
    """The value with a number of it at one end; of lists and mappings the first member's."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (type(value)(end) for end in (0, 1, LARGEST))
    elif isinstance(value, (list, dict)) and value:
        key = next(iter(value)) if isinstance(value, dict) else 0
        for end in ends(value[key]):
            changed = copy.deepcopy(value)
            changed[key] = end
            yield changed


def make(override: dict[str, object]) -> None:
    """Tables of all stages, a plan of fraud and a day, under an override; ConfigError stops it."""
    (segment,) = {name.split(".")[0] for name in override}
    # Without a rate there is nothing to count first, which takes ten times as long as the rest.
    much = {f"{name}_per_card_year": 0.4 for name in TYPOLOGIES}
    fraud = much if segment in ("fraud", "labels") else {"enabled": False}
    settings = config(catalog=SMALL, parameters=override, fraud=fraud, activity=SHORT)
    known = load_parameters(override)
    world = maker_of(config(catalog=SMALL, activity=SHORT)).world
    if segment == "catalog":
        catalog = build_catalog(settings, known)
        assert not check_catalog(catalog)
        world = world_of(catalog)
    maker = PartitionMaker(world, settings, known)
    maker.plan_tables(0)
    tables(maker, DAY)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_number_at_its_end_is_refused_or_works(name):
    """No traceback, no division by nothing: whoever turns a knob is told how far it goes."""
    for value in ends(parameters().value(name)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                make({name: value})
            except ConfigError as error:
                assert name.rsplit(".", 1)[-1] in str(error)
