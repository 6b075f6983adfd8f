"""Sessions: the device and network address behind each online purchase.

Reads    rows(card, own_address, place), where(kind), devices
Writes   session(row, device, ip_address)
Draws    OUTCOME_DEVICE, OUTCOME_STRAY, OUTCOME_ADDRESS, OUTCOME_HOST, OUTCOME_AGENT, HOST_LINE,
         STRAY_DEVICE
Sources  parameters.yaml [online]

Addresses lie in 240.0.0.0/4, which is reserved: nobody's real address can occur.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.addresses import is_return, tried_first
from fauxpay.activity.rows import ONLINE, Rows, Session, Where
from fauxpay.activity.streams import Keys
from fauxpay.catalog.world import World
from fauxpay.foundations.draws import I64, draw, threshold
from fauxpay.foundations.parameters import Parameters

NETWORK_BASE = 0xFC000000
NETWORK_HOST_BITS = 18


@dataclass(frozen=True, slots=True)
class SessionTables:
    """own_device i64[cards] (-1: the household has none), and chances of 256.

    later_home  i64[cards]  where a card's owner lives after moving house, if ever
    guest  chance that an address is drawn below that of a host; those below `home` are one's own
    borrowed  the same for a device of no known household, which no own line has
    hosts_bits  households that a card's owner is a guest of, as a power of two; no chance
    """

    own_device: I64
    later_home: I64
    own: int
    stray: int
    home: int
    foreign: int
    guest: int
    borrowed: int
    passing: int
    hosts_bits: int


def session_tables(world: World, later_home: I64, parameters: Parameters) -> SessionTables:
    """Tables of a world; later_home as there."""
    online = parameters.section("activity.online")
    cards, devices = world.cards, world.devices
    count = devices.count[cards.household]
    own = devices.first[cards.household] + cards.customer % np.maximum(count, 1)
    return SessionTables(
        own_device=np.where(count > 0, own, -1),
        later_home=later_home,
        own=threshold(online["own_device_share"], 8),
        stray=threshold(online["stray_device_share"], 8),
        home=threshold(online["home_address_share"], 8),
        foreign=threshold(online["foreign_address_share"], 8),
        guest=threshold(min(online["home_address_share"] + online["guest_line_share"], 1.0), 8),
        borrowed=threshold(online["stray_line_share"], 8),
        passing=threshold(online["passing_device_share"], 8),
        hosts_bits=int(online["guest_hosts_bits"]),
    )


def open_sessions(
    world: World, tables: SessionTables, keys: Keys, rows: Rows, where: Where
) -> Session:
    """Device and address of the online rows among n rows.

    Returns have none: a shop pays back without the cardholder's machine. Who tries again sits where
    the first try was made.
    """
    row = np.flatnonzero(where.kind == ONLINE)
    row = row[~is_return(rows.own_address.take(row))]
    card = rows.card.take(row, mode="clip")
    address = tried_first(rows.own_address.take(row, mode="clip"))
    word = draw(keys["outcome"], address)
    own = tables.own_device.take(card, mode="clip")
    household = world.cards.household.take(card, mode="clip")
    shared = streams.OUTCOME_AGENT.of(word) * world.devices.count.take(household, mode="clip")
    shared = (shared >> 8) + world.devices.first.take(household, mode="clip")
    device = np.where((streams.OUTCOME_DEVICE.of(word) < tables.own) | (own < 0), own, shared)
    is_stray = streams.OUTCOME_STRAY.of(word) < tables.stray
    if world.devices.pool_count:
        is_stray |= own < 0
        near = world.devices.near.take(household, mode="clip")
        passing = np.flatnonzero(is_stray & (streams.OUTCOME_DEVICE.of(word) < tables.passing))
        any_one = streams.STRAY_DEVICE.of(draw(keys["stray"], address[passing]))
        near[passing] = _within_reach(any_one, near[passing])
        device = np.where(is_stray, near + world.devices.pool_first, device)
    drawn = streams.OUTCOME_ADDRESS.of(word)
    at_home = (drawn < tables.home) & ~is_stray & (own >= 0)
    # Nobody who travels is on the line at home meanwhile.
    place = rows.place.take(row, mode="clip")
    at_home &= (place == world.cards.place.take(card, mode="clip")) | (
        place == tables.later_home.take(card, mode="clip")
    )
    ip_address = np.where(
        at_home,
        world.devices.ip_address.take(np.maximum(own, 0), mode="clip"),
        _network_address(world, tables, word, rows.country.take(row, mode="clip")),
    )
    # Whoever borrows a machine is on its owner's line, most times.
    guest = np.flatnonzero(
        np.where(is_stray, drawn < tables.borrowed, (drawn >= tables.home) & (drawn < tables.guest))
    )
    visited = card[guest] << tables.hosts_bits
    visited |= streams.OUTCOME_HOST.of(word[guest]) & ((1 << tables.hosts_bits) - 1)
    line = _hosts_lines(world, keys, visited, household[guest])
    ip_address[guest] = np.where(line > 0, line, ip_address[guest])
    return Session(row, device, ip_address.astype(np.uint32))


def reach_bits(limit: I64) -> I64:
    """Binary logarithm of the greatest power of two that is not above limit, nor below 1.

    What is drawn among so many stays as it is when more are listed later.
    """
    return np.frexp(np.maximum(limit, 1).astype(np.float64))[1].astype(np.int64) - 1


def _within_reach(drawn: I64, limit: I64) -> I64:
    """Numbers below the greatest power of two that is not above limit, from drawn ones."""
    return drawn & ((np.int64(1) << reach_bits(limit)) - 1)


def _hosts_lines(world: World, keys: Keys, visited: I64, household: I64) -> I64:
    """Addresses of the households that guests of households are at, by card and host; 0: none."""
    drawn = streams.HOST_LINE.of(draw(keys["host"], visited.view(np.uint64)))
    host = _within_reach(drawn, household)
    line = world.devices.ip_address.take(world.devices.first[host], mode="clip")
    return np.where(world.devices.count[host] > 0, line, 0).astype(np.int64)


def _network_address(
    world: World, tables: SessionTables, word: NDArray[np.uint64], country: I64
) -> I64:
    """An address of a mobile network of the card's country or, at times, of another one."""
    count = len(world.countries)
    is_foreign = streams.OUTCOME_ADDRESS.of(word) >= 256 - tables.foreign
    elsewhere = (country + 1 + streams.OUTCOME_AGENT.of(word)) % count
    country = np.where(is_foreign, elsewhere, country)
    host = streams.OUTCOME_HOST.of(word) >> (20 - NETWORK_HOST_BITS)
    return NETWORK_BASE + (country << NETWORK_HOST_BITS) + host
