"""Ids reveal nothing: no function of their bits that we could think of tells fraud, kind or order.

Each question is an AUC: how well a number made of ids ranks what should be hidden. 0.5 is no better
than chance; 0.02 beside it is the most that is allowed, where the sample is large enough to tell.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import fauxpay

AUC_MARGIN = 0.02
SIGMAS = 4.5
"""Of a hundred thousand questions that chance alone answers, less than one is further off."""

PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)
RAISED = {"card_testing_per_card_year": 3.0, "lost_stolen_per_card_year": 3.0}


def auc(score: np.ndarray, target: np.ndarray) -> float:
    """The share of (hit, miss) pairs that the score ranks rightly; ties count half."""
    # Small whole numbers are their own ranks.
    rank = (
        score if score.dtype in (np.uint8, np.bool_) else np.unique(score, return_inverse=True)[1]
    )
    rank = rank.astype(np.int64)
    hits = np.bincount(rank[target], minlength=int(rank.max()) + 1).astype(np.float64)
    misses = np.bincount(rank[~target], minlength=hits.size).astype(np.float64)
    below = np.cumsum(misses) - misses
    return float((hits * (below + misses / 2)).sum() / (hits.sum() * misses.sum()))


def margin(target: np.ndarray) -> float:
    """What is allowed beside 0.5: the promise, or what the sample cannot tell from it."""
    hits = int(target.sum())
    misses = target.size - hits
    assert min(hits, misses) > 100, "too few of one kind to tell anything"
    sigma = np.sqrt((hits + misses + 1) / (12 * hits * misses))
    return max(AUC_MARGIN, SIGMAS * sigma)


def bits(ids: np.ndarray) -> np.ndarray:
    """The 63 bits of each id, u8[n, 63], the lowest first."""
    own = ids.astype(np.uint64)
    return ((own[:, None] >> np.arange(63, dtype=np.uint64)) & np.uint64(1)).astype(np.uint8)


def questions(ids: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Name and value of everything that is asked of ids, in the order of their file."""
    own = ids.astype(np.uint64)
    by_bit = bits(ids)
    before = np.concatenate([own[:1], own[:-1]])
    after = np.concatenate([own[1:], own[-1:]])
    yield "value", own
    yield "bits set", by_bit.sum(axis=1, dtype=np.uint8)
    yield "parity", by_bit.sum(axis=1, dtype=np.uint8) & 1
    for number in range(63):
        yield f"bit {number}", by_bit[:, number]
    for number in range(62):
        yield f"bits {number} and {number + 1} differ", by_bit[:, number] ^ by_bit[:, number + 1]
    for number in range(8):
        yield f"byte {number}", (own >> np.uint64(8 * number)).astype(np.uint8)
    for prime in PRIMES:
        rest = (own % np.uint64(prime)).astype(np.uint8)
        yield f"modulo {prime}", rest
        for number in range(prime if prime < 10 else 0):
            yield f"modulo {prime} is {number}", rest == number
    for name, near in (("before", before), ("after", after)):
        yield f"greater than the one {name}", own > near
        yield f"distance to the one {name}", np.where(own > near, own - near, near - own)
        yield f"bits shared with the one {name}", bits(own ^ near).sum(axis=1, dtype=np.uint8)


def learned(ids: np.ndarray, target: np.ndarray, *, width: int) -> tuple[float, np.ndarray]:
    """(AUC, targets) on rows that a model has not seen, of all 63 bits and those of the neighbour.

    width  random rectified mixtures of the bits on top of the bits themselves; a ridge regression
           of the target on all of them is what is learnt
    """
    random = np.random.default_rng(7)
    before = np.concatenate([ids[:1], ids[:-1]])
    seen = np.hstack([bits(ids), bits(ids ^ before)]).astype(np.float64) * 2 - 1
    mixing = random.normal(size=(seen.shape[1], width)) / np.sqrt(seen.shape[1])
    seen = np.hstack([seen, np.maximum(0, seen @ mixing), np.ones((ids.size, 1))])
    is_lesson = random.random(ids.size) < 0.5
    lesson, wanted = seen[is_lesson], target[is_lesson].astype(np.float64)
    gram = lesson.T @ lesson + 10.0 * np.eye(seen.shape[1])
    weights = np.linalg.solve(gram, lesson.T @ (wanted - wanted.mean()))
    return auc(seen[~is_lesson] @ weights, target[~is_lesson]), target[~is_lesson]


def require_hidden(ids: np.ndarray, target: np.ndarray) -> tuple[str, float]:
    """No question and no model ranks the target; the one that comes nearest."""
    allowed = margin(target)
    nearest = ("", 0.5)
    for name, value in questions(ids):
        found = auc(value, target)
        assert abs(found - 0.5) <= allowed, f"{name}: AUC {found:.4f}"
        nearest = max(nearest, (name, found), key=lambda one: abs(one[1] - 0.5))
    for width in (0, 64):
        found, unseen = learned(ids, target, width=width)
        assert abs(found - 0.5) <= margin(unseen), f"model of width {width}: AUC {found:.4f}"
    return nearest


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with many frauds."""
    config = {
        "catalog": {"cards": 6000, "merchants": 1500, "places": 40},
        "fraud": RAISED,
        "run": {"out": str(tmp_path_factory.mktemp("ids")), "executor": "serial", "report": False},
    }
    return fauxpay.generate(config)


@pytest.fixture(scope="module")
def rows(run):
    """(transaction ids, whether each is a fraud, instants in microseconds), in file order."""
    table = run.table("transactions").to_table(["transaction_id", "event_time"])
    ids = table["transaction_id"].to_numpy()
    frauds = run.table("truth").to_table()["transaction_id"].to_numpy()
    at_us = table["event_time"].cast("int64").to_numpy()
    assert ids.size >= 200_000
    assert frauds.size >= 5_000, "enough that 4.5 sigmas are within the margin"
    return ids, np.isin(ids, frauds), at_us


@pytest.mark.slow
def test_transaction_ids_do_not_reveal_fraud(rows):
    """Some 250 functions of an id and its neighbours, and two models of all bits: AUC 0.5."""
    ids, is_fraud, _ = rows
    assert margin(is_fraud) == AUC_MARGIN
    name, found = require_hidden(ids, is_fraud)
    print(f"{is_fraud.sum()} frauds of {ids.size}; nearest: {name}, AUC {found:.4f}")


@pytest.mark.slow
def test_transaction_ids_do_not_reveal_order(rows):
    """The same against time: the later half of all rows, and the later half of each day."""
    ids, _, at_us = rows
    assert np.all(np.diff(at_us) >= 0)
    for target in (at_us > np.median(at_us), at_us % 86_400_000_000 > 43_200_000_000 * 1.2):
        name, found = require_hidden(ids, target)
        print(f"nearest: {name}, AUC {found:.4f}")
    rising = np.mean(ids[1:] > ids[:-1])
    assert abs(rising - 0.5) < SIGMAS / np.sqrt(12 * ids.size) * 2
    ranks = np.argsort(np.argsort(ids)).astype(np.float64)
    assert abs(np.corrcoef(ranks, np.arange(ids.size))[0, 1]) < SIGMAS / np.sqrt(ids.size)


def test_card_ids_do_not_reveal_replacement(run):
    """Ids of replacement cards look like those of the catalog, and keep no order of time."""
    reissues = run.table("reissues").to_table(["card_id", "reissued_at"])
    new = reissues["card_id"].to_numpy()
    old = run.table("cards").to_table(["card_id"])["card_id"].to_numpy()
    ids = np.concatenate([old, new])
    # In the order of their values, so that a neighbour tells nothing by its own kind.
    order = np.argsort(ids)
    target = (np.arange(ids.size) >= old.size)[order]
    name, found = require_hidden(ids[order], target)
    print(f"{new.size} of {ids.size} are new; nearest: {name}, AUC {found:.4f}")
    at = reissues["reissued_at"].cast("int64").to_numpy()
    by_time = np.argsort(at, kind="stable")
    require_hidden(new[by_time], np.arange(new.size) >= new.size // 2)


@pytest.mark.parametrize("table", ["campaigns", "compromises"])
def test_ids_of_the_oracle_do_not_reveal_kind_or_order(run, table):
    """Campaign and compromise ids tell neither the typology nor the time."""
    when = {"campaigns": "started_at", "compromises": "compromised_at"}[table]
    key = {"campaigns": "campaign_id", "compromises": "compromise_id"}[table]
    told = run.table(table).to_table([key, "typology", when])
    ids, at = told[key].to_numpy(), told[when].cast("int64").to_numpy()
    order = np.argsort(at, kind="stable")
    require_hidden(ids[order], np.arange(ids.size) >= ids.size // 2)
    is_testing = np.array(told["typology"].to_pylist()) == "card_testing"
    if min(is_testing.sum(), (~is_testing).sum()) > 100:
        by_value = np.argsort(ids)
        require_hidden(ids[by_value], is_testing[by_value])
    else:
        assert table == "campaigns", "card testing is a few campaigns with many cards"


def test_a_leak_would_be_found(rows):
    """Negative space: a single bit, a parity, a remainder or a counter in ids is seen at once."""
    ids, is_fraud, _ = rows
    rare = is_fraud & (np.arange(ids.size) % 10 == 0)
    is_odd = (bits(ids).sum(axis=1) & 1).astype(np.bool_)
    leaky = {
        "parity": np.where(rare & ~is_odd, ids ^ 1, ids),
        "bit 17": np.where(rare, ids | 1 << 17, ids),
        "modulo 7": np.where(rare, ids - ids % 7, ids),
        "value": np.sort(ids),
    }
    order = np.arange(ids.size) > ids.size // 2
    for name, made in leaky.items():
        target = order if name == "value" else is_fraud
        with pytest.raises(AssertionError, match="AUC"):
            require_hidden(made, target)
