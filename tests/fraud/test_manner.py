"""Manner: what thieves pay is worth their while, and bounded; whose machine they work at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fauxpay.activity.rows import CASH, MAGSTRIPE, ONLINE, Where
from fauxpay.activity.sessions import NETWORK_BASE
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.manner import (
    attacks_of,
    own_sessions,
    scaled,
    small_tickets,
    swiped,
    workplaces,
    worthwhile,
)
from fauxpay.fraud.plan import grounds_of
from fauxpay.fraud.story import Attacks, chosen
from fauxpay.fraud.uses import Uses
from worlds import DAY, config, maker_of


@pytest.fixture(scope="module")
def scene() -> tuple[Ground, Attacks]:
    """What a typology stands on, and attacks of all kinds in a small world."""
    rates = {f"{name}_per_card_year": 3.0 for name in ("phishing", "lost_stolen")}
    maker = maker_of(config(fraud=rates))
    shard = maker.shard(0)
    _, ground = next(grounds_of(shard.activity, maker.config, maker.parameters, DAY + 1))
    attacks = shard.plan.attacks
    return ground, chosen(attacks, np.arange(0, attacks.card.size, 3))


def bought(ground: Ground, attacks: Attacks, dearer: float) -> Attacks:
    """The same uses of the same cards in the same shops."""
    uses = Uses(
        *(getattr(attacks, n) for n in ("compromise", "card", "address", "at_ms")), attacks.card
    )
    where = Where(
        attacks.kind,
        attacks.merchant,
        attacks.terminal,
        ground.activity.tables.traits.merchant[attacks.merchant],
    )
    return attacks_of(ground, uses, where, dearer)


def test_of_two_baskets_the_dearer_is_taken(scene):
    """Never the cheaper, with its own octave; where nobody looks for the dearer, the first."""
    ground, attacks = scene
    plain, dear = bought(ground, attacks, 0.0), bought(ground, attacks, 1.0)
    assert (dear.amount >= plain.amount).all()
    changed = dear.amount > plain.amount
    assert 0.3 < changed.mean() < 0.7
    assert (dear.tail_octave[~changed] == plain.tail_octave[~changed]).all()
    # By a list of prices, and in round sums of cash, a smaller draw may cost more.
    tables = ground.activity.tables.tickets
    free = (tables.is_listed[tables.class_of[plain.merchant]] == 0) & (plain.kind != CASH)
    assert (dear.tail_octave >= plain.tail_octave)[free].all()
    assert free.mean() > 0.8
    assert (dear.device == -1).all()


def test_small_tickets_are_whole_and_something(scene):
    """However little is tried, a minor unit is left; others keep their amounts."""
    ground, attacks = scene
    which = np.arange(attacks.card.size) % 2 == 0
    law = {"median": 0.2, "log_sd": 1.0, "min": 0.01, "max": 0.4}
    tried = small_tickets(ground, attacks, which, law)
    assert tried.amount[which].min() == 1.0
    assert (tried.amount == np.rint(tried.amount)).all()
    assert (tried.tail_octave[which] == 0).all()
    assert (tried.amount[~which] == attacks.amount[~which]).all()
    assert (scaled(attacks, 1e-9).amount == 1.0).all()
    assert (scaled(attacks, 2.0).amount == 2 * attacks.amount).all()


def test_what_is_too_cheap_is_bought_several_times(scene):
    """Whole multiples up to a limit; what is dear enough is bought once."""
    ground, attacks = scene
    law: Any = {
        "cents": {"median": 9000.0, "log_sd": 0.0, "min": 1.0, "max": 10**6},
        "pieces_max": 4,
    }
    own = replace(ground, common={**ground.common, "worth": law})
    pieces = worthwhile(own, attacks).amount / attacks.amount
    assert set(np.unique(pieces)) == {1.0, 2.0, 3.0, 4.0}
    merchants, tables = ground.activity.world.merchants, ground.activity.tables.tickets
    cents = (
        attacks.amount / tables.scale[attacks.merchant] * merchants.price_level[attacks.merchant]
    )
    assert (pieces == np.clip(np.ceil(np.round(9000.0 / cents, 9)), 1, 4)).all()


def test_a_copy_is_read_by_its_stripe_where_it_is_there(scene):
    """On a page nothing is read."""
    _, attacks = scene
    entry = swiped(attacks).entry_mode
    online = attacks.kind == ONLINE
    assert (entry[~online] == MAGSTRIPE).all()
    assert (entry[online] == attacks.entry_mode[online]).all()
    assert min(online.sum(), (~online).sum()) > 100


def test_sessions_of_ones_own_are_from_home(scene):
    """The card's own device and its line; who has none is on a network; in a shop neither."""
    ground, attacks = scene
    world, own = ground.activity.world, ground.activity.tables.sessions.own_device
    none = np.where(np.arange(own.size) % 2 == 0, -1, own)
    sessions = replace(ground.activity.tables.sessions, own_device=none)
    tables = replace(ground.activity.tables, sessions=sessions)
    ground = replace(ground, activity=replace(ground.activity, tables=tables))
    made, online = own_sessions(ground, attacks), attacks.kind == ONLINE
    has = online & (none[attacks.card] >= 0)
    assert (made.device[has] == none[attacks.card[has]]).all()
    assert (made.ip_address[has] == world.devices.ip_address[made.device[has]]).all()
    without = online & ~has
    assert min(has.sum(), without.sum()) > 100
    assert (made.device[without] == -1).all()
    assert (made.ip_address[without] >= NETWORK_BASE).all()
    assert (made.device[~online] == -1).all()
    assert (made.ip_address[~online] == 0).all()


@pytest.mark.parametrize("owner", [False, True])
def test_nobody_poses_as_a_machine_that_is_not_there(owner, scene):
    """Who poses has the customer's machine, and its line at times; who cannot, a stray one."""
    ground, attacks = scene
    sessions = ground.activity.tables.sessions
    own = sessions.own_device if owner else np.full_like(sessions.own_device, -1)
    tables = replace(ground.activity.tables, sessions=replace(sessions, own_device=own))
    law = {**ground.common["workplace"], "own_line_share": 1.0}
    posed = replace(
        ground,
        activity=replace(ground.activity, tables=tables),
        facts={**ground.facts, "posed_share": 1.0},
        common={**ground.common, "workplace": law},
    )
    device, address = workplaces(posed, attacks, np.zeros(attacks.card.size, dtype=np.int64))
    devices, theirs = ground.activity.world.devices, own[attacks.card]
    is_own = theirs >= 0
    assert is_own.mean() > 0.5 if owner else not is_own.any()
    assert (device[is_own] == theirs[is_own]).all()
    assert (address[is_own] == devices.ip_address[theirs[is_own]]).all()
    assert (device[~is_own] >= devices.pool_first).all()
    assert (address > 0).all()
    honest = replace(posed, facts={**posed.facts, "posed_share": 0.0})
    _, elsewhere = workplaces(honest, attacks, np.zeros(attacks.card.size, dtype=np.int64))
    assert (elsewhere[is_own] == devices.ip_address[theirs[is_own]]).sum() < 0.1 * is_own.sum() + 1
    lost = replace(devices, pool_count=0)
    world = replace(ground.activity.world, devices=lost)
    bare = replace(posed, activity=replace(posed.activity, world=world))
    device, _ = workplaces(bare, attacks, np.zeros(attacks.card.size, dtype=np.int64))
    assert (device[~is_own] == -1).all()
    assert (device[is_own] == theirs[is_own]).all()
