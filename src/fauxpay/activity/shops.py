"""Shops: which merchant and terminal each purchase goes to.

Reads    rows(card, where_address, place, local_quarter), tables of activity.merchants
Writes   where(kind, merchant, terminal)
Draws    WHERE_*, FAVOURITE
Sources  parameters.yaml [channels, favourites, opening]

Every card has an implicit, endless ranked list for each kind: rank r of card c is a pure function
of (c, kind, r), so favourites recur and exploration never ends, without state. Who finds a shop
out of business goes to its successor, which is as much a function of (c, kind, r).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.addresses import days_of
from fauxpay.activity.commute import FARE_LIST, WORK_LIST, commuting
from fauxpay.activity.merchants import KIND_SLOTS, RANKS, WhereTables
from fauxpay.activity.opening import ALWAYS_OPEN
from fauxpay.activity.rows import LOCAL, LOCAL_QUARTERS, ONLINE, SUBSCRIBED, Rows, Where
from fauxpay.activity.stays import STAY_LIST, staying
from fauxpay.activity.streams import Keys
from fauxpay.activity.terms import ranks_of
from fauxpay.activity.traits import ONLINE_LEVEL, ONLINE_LEVELS, Traits, trait
from fauxpay.foundations.draws import I64, U64, draw


def choose_merchants(tables: WhereTables, traits: Traits, keys: Keys, rows: Rows) -> Where:
    """Kind, merchant and terminal of each row."""
    word = draw(keys["where"], rows.where_address)
    kind = _kind(tables, rows, word)
    position = kind * RANKS
    position += streams.WHERE_RANK.of(word)
    rank = tables.ranks.take(position, mode="clip").astype(np.int64)
    kind[rows.billed] = SUBSCRIBED
    rank[rows.billed] = ranks_of(rows.address[rows.billed])
    is_placed = tables.is_placed.take(kind, mode="clip")
    segment = np.where(is_placed, rows.place, rows.country)
    segment += tables.segment.take(kind, mode="clip")
    listed = _listed(tables, rows, word, (kind, segment, rank))
    merchant = _favourite(tables, keys, (rows.card, segment, listed, rank))
    chance = _open_chance(tables, rows.local_quarter, merchant)
    drawn = streams.WHERE_OPEN.of(word)
    shut = drawn >= chance
    shut &= (kind == LOCAL) | (chance < 0)
    closed = np.flatnonzero(shut)
    told = closed.take(np.flatnonzero(chance.take(closed) < 0))
    chance[told] += np.int16(2 * ALWAYS_OPEN)
    gone = _gone(tables, rows, told, (kind, merchant))
    word_of_gone = _favourite_words(
        keys, (rows.card.take(gone), listed.take(gone), rank.take(gone))
    )
    successor = tables.lasting.pick(segment.take(gone), word_of_gone)
    merchant[gone] = successor
    chance[gone] = _open_chance(tables, rows.local_quarter.take(gone), successor)
    shut[told] = (drawn.take(told) >= chance.take(told)) & (kind.take(told) == LOCAL)
    closed = closed.take(np.flatnonzero(shut.take(closed)))
    _look_elsewhere(tables, keys, rows, (closed, kind, merchant))
    if rows.where_address is not rows.address:
        follower = np.flatnonzero(rows.where_address != rows.address)
        _browse_on(tables, keys, rows, (follower, kind, merchant))
        _mind_midnight(tables, rows, word, (follower, kind, merchant))
    is_remote = ~tables.is_placed.take(kind, mode="clip")
    terminal = terminals_of(traits, merchant, is_remote, streams.WHERE_TERMINAL.of(word))
    return Where(kind, merchant, terminal, traits.merchant.take(merchant, mode="clip"))


def _listed(tables: WhereTables, rows: Rows, word: U64, choice: tuple[I64, I64, I64]) -> I64:
    """The list that each row asks; choice is (kind, segment, rank), the last two are changed."""
    kind, segment, rank = choice
    work, near, fare, there = commuting(tables.commute, tables.home, rows, (kind, word))
    stay, city = staying(tables.stays, rows, (kind, word))
    if not work.size and not fare.size and not stay.size:
        return kind
    listed = kind.copy()
    listed[work], segment[work] = WORK_LIST, near + tables.segment[LOCAL]
    # Nearly always the same few places at noon, and one company for all fares.
    rank[work] >>= 1
    listed[fare], segment[fare], rank[fare] = FARE_LIST, there + tables.segment[FARE_LIST], 0
    listed[stay], segment[stay], rank[stay] = STAY_LIST, city + tables.segment[STAY_LIST], 0
    return listed


def terminals_of(traits: Traits, merchant: I64, is_remote: NDArray[np.bool_], drawn: I64) -> I64:
    """A terminal of each merchant from 8 drawn bits."""
    stands = traits.terminals.take(merchant, mode="clip")
    stands >>= is_remote.view(np.int8) * np.int64(32)
    drawn = drawn * (stands & np.int64(0xFF))
    drawn >>= np.int64(8)
    stands >>= np.int64(8)
    stands &= np.int64(0xFFFFFF)
    stands += drawn
    return stands


def _kind(tables: WhereTables, rows: Rows, word: U64) -> I64:
    row = rows.country * ONLINE_LEVELS
    row += trait(rows.traits, ONLINE_LEVEL)
    block = rows.local_quarter // LOCAL_QUARTERS
    block *= 2
    block += rows.in_transit
    block *= tables.block_rows
    row += block
    row *= KIND_SLOTS
    row += streams.WHERE_KIND.of(word)
    return tables.kinds.take(row, mode="clip").astype(np.int64)


def _favourite(tables: WhereTables, keys: Keys, wanted: tuple[I64, I64, I64 | int, I64]) -> I64:
    """The merchant at a rank of the list of (card, segment, kind, rank)."""
    card, segment, kind, rank = wanted
    return tables.pool.pick(segment, _favourite_words(keys, (card, kind, rank)))


def _favourite_words(keys: Keys, wanted: tuple[I64, I64 | int, I64]) -> U64:
    card, kind, rank = wanted
    address = card << np.int64(19)
    address |= np.asarray(kind, dtype=np.int64) << np.int64(16)
    address |= rank
    return draw(keys["favourite"], address.view(np.uint64))


def _in_business(
    tables: WhereTables, keys: Keys, wanted: tuple[I64, I64, int, I64], day: I64
) -> I64:
    """The merchant at a rank of the list of (card, segment, kind, rank), or its successor."""
    card, segment, kind, rank = wanted
    word = _favourite_words(keys, (card, kind, rank))
    return standing(tables, tables.pool.pick(segment, word), (segment, word), day)


def _found_open(
    tables: WhereTables, keys: Keys, wanted: tuple[I64, I64, int, I64], at: tuple[I64, I64]
) -> tuple[I64, NDArray[np.int16]]:
    """(merchant as of `_in_business`, chance of 256 that it is open) at (day, local quarter).

    The hours tell who may be out of business at all, so nobody else is asked.
    """
    card, segment, kind, rank = wanted
    day, quarter = at
    word = _favourite_words(keys, (card, kind, rank))
    found = tables.pool.pick(segment, word)
    chance = _open_chance(tables, quarter, found)
    told = np.flatnonzero(chance < 0)
    asked = (segment.take(told), word.take(told))
    standing_there = standing(tables, found.take(told), asked, day.take(told))
    chance_there = _open_chance(tables, quarter.take(told), standing_there)
    chance_there += (chance_there < 0) * np.int16(2 * ALWAYS_OPEN)
    found[told], chance[told] = standing_there, chance_there
    return found, chance


def _open_chance(tables: WhereTables, local_quarter: I64, merchant: I64) -> NDArray[np.int16]:
    position = tables.hours.take(merchant, mode="clip")
    position += local_quarter
    return tables.open.take(position, mode="clip")


def standing(tables: WhereTables, merchant: I64, chosen: tuple[I64, U64], day: I64) -> I64:
    """Merchants, with those out of business on the day replaced by lasting ones.

    chosen  (segment, word) that the pool was asked with; the same word finds the same successor
    """
    row = np.flatnonzero(_is_gone(tables, merchant, day))
    if row.size:
        segment, word = chosen
        merchant = merchant.copy()
        merchant[row] = tables.lasting.pick(segment[row], word[row])
    return merchant


def _is_gone(tables: WhereTables, merchant: I64, day: I64) -> NDArray[np.bool_]:
    gone = day < tables.opened_day.take(merchant, mode="clip")
    gone |= day >= tables.closed_day.take(merchant, mode="clip")
    return gone


def finds_open(
    tables: WhereTables, merchant: I64, at: tuple[I64, I64], drawn: I64
) -> NDArray[np.bool_]:
    """Whether who comes to shops at (day, local quarter), with 8 drawn bits, finds them open."""
    day, quarter = at
    chance = _open_chance(tables, quarter, merchant)
    chance += (chance < 0) * np.int16(2 * ALWAYS_OPEN)
    return np.asarray((drawn < chance) & ~_is_gone(tables, merchant, day))


def _days(rows: Rows, row: I64, kind: I64) -> I64:
    """The day by which some rows' merchants are asked; a subscription's address has none."""
    asked = rows.where_address.take(row)
    if rows.billed.size:
        billed = np.flatnonzero(kind == SUBSCRIBED)
        asked[billed] = rows.own_address.take(row.take(billed))
    return days_of(asked)


def _gone(tables: WhereTables, rows: Rows, row: I64, choice: tuple[I64, I64]) -> I64:
    """Those of some rows whose merchant is out of business; choice is (kind, merchant) of all."""
    day = _days(rows, row, choice[0].take(row))
    merchant = choice[1].take(row)
    return row.take(np.flatnonzero(_is_gone(tables, merchant, day)))


def _browse_on(tables: WhereTables, keys: Keys, rows: Rows, choice: tuple[I64, I64, I64]) -> None:
    """Followers online look at their own list: a till is far from the next, a page is not.

    Kept at the shop of their leader, two shops within minutes would be a thief's alone.

    choice  (followers, kind and merchant of all rows); merchant is changed in place
    """
    follower, kind, merchant = choice
    row = follower.take(np.flatnonzero(kind.take(follower) == ONLINE))
    address = rows.address.take(row)
    rank = streams.WHERE_RANK.of(draw(keys["where"], address)) + ONLINE * RANKS
    rank = tables.ranks.take(rank).astype(np.int64)
    wanted = (rows.card.take(row), rows.country.take(row) + tables.segment[ONLINE], ONLINE, rank)
    merchant[row] = _in_business(tables, keys, wanted, days_of(address))


def _mind_midnight(
    tables: WhereTables, rows: Rows, word: U64, choice: tuple[I64, I64, I64]
) -> None:
    """A follower whose till closed for good at midnight buys online: any other shop may be far.

    choice  (followers, kind and merchant of all rows, which are changed in place)
    """
    row, kind, merchant = choice
    day, chosen = days_of(rows.address.take(row)), merchant.take(row)
    row = row.take(np.flatnonzero(_is_gone(tables, chosen, day)))
    kind[row] = ONLINE
    segment = rows.country.take(row) + tables.segment[ONLINE]
    merchant[row] = tables.lasting.pick(segment, word.take(row))


def _look_elsewhere(
    tables: WhereTables,
    keys: Keys,
    rows: Rows,
    choice: tuple[I64, I64, I64],
) -> None:
    """Rows that stood before a closed door try others of their list, then buy online.

    choice  (rows still looking, kind, merchant); kind and merchant are changed in place.
    """
    closed, kind, merchant = choice
    card, address = rows.card.take(closed), rows.where_address.take(closed)
    place, quarter = rows.place.take(closed), rows.local_quarter.take(closed)
    day = _days(rows, closed, kind.take(closed))
    for attempt in range(streams.WHERE_RETRIES):
        word = draw(keys[f"where/retry/{attempt}"], address)
        rank = tables.ranks.take(streams.WHERE_RANK.of(word)).astype(np.int64)
        wanted = (card, place + tables.segment[LOCAL], LOCAL, rank)
        found, chance = _found_open(tables, keys, wanted, (day, quarter))
        is_open = streams.WHERE_OPEN.of(word) < chance
        inside, left = np.flatnonzero(is_open), np.flatnonzero(~is_open)
        merchant[closed.take(inside)] = found.take(inside)
        closed, card, address = closed.take(left), card.take(left), address.take(left)
        place, quarter, day = place.take(left), quarter.take(left), day.take(left)
    rank = streams.WHERE_RETRY.of(draw(keys["where"], address)) & np.int64(RANKS - 1)
    rank = tables.ranks.take(rank + ONLINE * RANKS).astype(np.int64)
    segment = rows.country[closed] + tables.segment[ONLINE]
    kind[closed] = ONLINE
    merchant[closed] = _in_business(tables, keys, (card, segment, ONLINE, rank), day)
