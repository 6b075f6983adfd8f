"""Draws, ids and order: known answers, uniformity, and what a bijection promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import below, bits, draw, stream_key, threshold, uniform
from fauxpay.foundations.radix import stable_order

addresses = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=60, unique=True)
COUNT = 200_000


def test_known_answers():
    """Golden: the words of a stream; new values need a raised MODEL_VERSION."""
    word = draw(stream_key(7, "amount"), np.arange(3, dtype=np.uint64))
    assert word.tolist() == GOLDEN_WORDS
    assert IdLaw.of(7, "cards").ids(np.arange(3, dtype=np.uint64)).tolist() == GOLDEN_IDS


def test_buffers_change_nothing():
    """Metamorphic: with or without buffers of the caller's, the same words."""
    address, key = np.arange(999, dtype=np.uint64), stream_key(1, "x")
    out, scratch = np.empty_like(address), np.empty_like(address)
    assert draw(key, address, out, scratch) is out
    assert np.array_equal(out, draw(key, address))


@given(addresses, st.integers(1, 9))
def test_sharding_changes_nothing(values, parts):
    """Metamorphic: cut anywhere, the words are the same."""
    address, key = np.array(values, np.uint64), stream_key(3, "cell")
    pieces = [draw(key, part) for part in np.array_split(address, parts)]
    assert np.array_equal(np.concatenate(pieces), draw(key, address))


@pytest.mark.parametrize("spread", [1, 1 << 12, 1 << 30, (1 << 30) + (1 << 12)])
def test_structured_addresses_give_uniform_bits(spread):
    """Distribution: every bit is fair and bytes pass chi-squared, whatever field counts up."""
    word = draw(stream_key(5, "visit"), np.arange(COUNT, dtype=np.uint64) * np.uint64(spread))
    for bit in range(64):
        share = float(bits(word, bit, 1).mean())
        assert abs(share - 0.5) < 5 * 0.5 / COUNT**0.5, bit
    for shift in range(0, 64, 8):
        seen = np.bincount(bits(word, shift, 8), minlength=256)
        chi_squared = float(((seen - COUNT / 256) ** 2 / (COUNT / 256)).sum())
        assert 140 < chi_squared < 400, shift


def test_streams_are_independent():
    """Distribution: two streams at the same addresses do not correlate, nor do neighbours."""
    address = np.arange(COUNT, dtype=np.uint64)
    first = uniform(draw(stream_key(5, "a"), address))
    second = uniform(draw(stream_key(5, "b"), address))
    limit = 5 / COUNT**0.5
    assert abs(float(np.corrcoef(first, second)[0, 1])) < limit
    assert abs(float(np.corrcoef(first[1:], first[:-1])[0, 1])) < limit


def test_one_bit_of_the_address_moves_half_of_the_word():
    """Avalanche: on average 32 bits flip, never fewer than 28 for any address bit."""
    address, key = np.arange(4096, dtype=np.uint64), stream_key(9, "where")
    base = draw(key, address)
    for bit in range(63):
        flipped = draw(key, address ^ np.uint64(1 << bit))
        assert 28 < float(np.bitwise_count(base ^ flipped).mean()) < 36, bit


@given(addresses)
def test_ids_are_a_bijection(values):
    """Property: ids are non-negative, distinct, and lead back to their addresses."""
    address, law = np.array(values, np.uint64), IdLaw.of(11, "cards")
    ids = law.ids(address)
    assert ids.min() >= 0
    assert np.unique(ids).size == address.size
    assert np.array_equal(law.addresses(ids), address)


def test_ids_tell_nothing_of_their_address():
    """Every bit of an id is as good as independent of every bit of its address."""
    address = draw(stream_key(2, "any"), np.arange(20_000, dtype=np.uint64)) >> np.uint64(1)
    ids = IdLaw.of(3, "transactions").ids(address).view(np.uint64)
    for bit in (0, 9, 10, 11, 12, 29, 30, 45):
        of_address = bits(address, bit, 1)
        shares = [float(bits(ids, b, 1)[of_address == 1].mean()) for b in range(63)]
        assert max(abs(share - 0.5) for share in shares) < 0.025


def test_thresholds_and_limits():
    """bits < threshold(p) happens with probability p; below() stays below."""
    word = draw(stream_key(1, "t"), np.arange(COUNT, dtype=np.uint64))
    assert abs(float((bits(word, 7, 16) < threshold(0.3, 16)).mean()) - 0.3) < 0.006
    assert below(word, 7).max() == 6
    assert threshold(0.0, 8) == 0
    with pytest.raises(AssertionError):
        threshold(1.5, 8)


@given(st.lists(st.integers(0, 2**27 - 1), max_size=200))
def test_radix_order_is_a_stable_sort(values):
    """Property: the same order as a stable sort by value."""
    key = np.array(values, dtype=np.int64)
    assert np.array_equal(stable_order(key, 1 << 27), np.argsort(key, kind="stable"))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 70_000)), max_size=100))
def test_radix_order_refines_an_order(pairs):
    """Property: sorting by the second key first and by the first key then sorts by both."""
    first = np.array([a for a, _ in pairs], dtype=np.int64)
    second = np.array([b for _, b in pairs], dtype=np.int64)
    order = stable_order(first, 4, stable_order(second, 70_001))
    assert np.array_equal(order, np.lexsort((second, first)))


GOLDEN_WORDS = [1825028100782665675, 12158569859289095081, 6692981934243193857]
GOLDEN_IDS = [4064248321335742169, 3717439178327707872, 4025342230884733381]
