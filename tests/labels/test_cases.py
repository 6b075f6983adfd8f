"""Cases: the log is what a walk over the cases, one after the other, says; the bank is as told."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from fauxpay.errors import ConfigError
from fauxpay.labels import as_of
from fauxpay.labels.bank import (
    ANALYST,
    ARBITRATION,
    CHARGEBACK,
    FAMILIES,
    FIRST_CHARGEBACK,
    FRAUD,
    GENUINE,
    LAWS,
    REPRESENTMENT,
    RETRIEVAL,
    SOURCES,
    STAGE_OF_SOURCE,
    STEPS,
    VERDICT,
    Bank,
    disputed,
    open_bank,
)
from fauxpay.labels.knowledge import instant_us, turned_to_fraud
from fauxpay.labels.log import Cases, label
from worlds import config, parameters

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US
SCHEMES = ("visa", "mastercard", "jcb")
TYPOLOGIES = ("card_testing", "lost_stolen", "skimming")
Fact = tuple[int, int, int, int, int, int, int]


def bank(**labels: object) -> Bank:
    """A bank that knows the schemes and typologies above."""
    return open_bank(config(labels=labels), parameters(), SCHEMES, TYPOLOGIES)


def some_cases(count: int, seed: int, kinds: int) -> Cases:
    """Cases of all sorts within a few days, some posted late, some returns."""
    random = np.random.default_rng(seed)
    at_us = START_US + random.integers(0, 5 * DAY_US, count)
    is_return = random.random(count) < 0.1
    return Cases(
        address=random.integers(1, 2**63, count).astype(np.uint64),
        transaction_id=random.permutation(count) + seed * 1_000_000,
        at_us=at_us,
        posted_us=at_us + random.choice([0, 3, 40], count) * DAY_US,
        kind=random.integers(0, kinds, count),
        scheme=random.integers(0, len(SCHEMES) + 1, count),
        is_remote=random.random(count) < 0.5,
        is_return=is_return,
    )


def walked(own: Bank, cases: Cases, kind: str) -> list[Fact]:
    """Facts of cases one by one: day, id, label, source, stage, reason, when known."""
    facts = []
    really = FRAUD if kind == "fraud" else GENUINE
    side = 0 if really == FRAUD else 1
    undone = {"fraud": own.chances.cleared, "mistake": own.chances.reversed, "dispute": 0}[kind]
    for nth in range(cases.address.size):
        one = cases.only(np.array([nth]))
        law, at, posted = int(one.kind[0]), int(one.at_us[0]), int(one.posted_us[0])
        remote, back = bool(one.is_remote[0]), bool(one.is_return[0])

        def happens(name: str, chance: int, one: Cases = one) -> bool:
            return bool(own.top(name, one.address)[0] < chance)

        def wait(table: str, name: str, row: int, one: Cases = one) -> int:
            return int(own.delay_us(table, name, one.address, np.array([row]))[0])

        def in_books(known: int, at: int = at, posted: int = posted) -> int:
            return known + posted - at if known < posted else known

        if kind == "fraud" and not happens("found", int(own.chances.found[law])):
            continue
        edges = own.edges["return"][0] if back else own.edges[kind][law]
        source = int((own.top("source", one.address)[0] >= edges).sum())
        table = ("dispute", law) if kind == "dispute" else ("source", source)
        first = at + wait(table[0], "delay", table[1])
        first = in_books(first) if source == CHARGEBACK else first
        asks = source == CHARGEBACK and happens("retrieved", own.chances.retrieved)
        stage = RETRIEVAL if asks else int(STAGE_OF_SOURCE[source])
        told = [(FRAUD, source, stage, first)]
        is_undone = happens("undone", undone)
        if really == FRAUD:
            is_undone &= source not in (CHARGEBACK, ANALYST)
        if is_undone:
            when = first + wait("step", "undo_delay", STEPS.index("verdict"))
            told.append((GENUINE, ANALYST, VERDICT, when))
        files = source != CHARGEBACK and not back
        files = files and happens("filed", int(own.chances.filed[0 if remote else 1]))
        filed = first if source == CHARGEBACK and not asks else None
        if (files or asks) and not is_undone:
            filed = first + wait("step", "filing", STEPS.index("retrieved" if asks else "filing"))
            filed = filed if asks else in_books(filed)
            if filed > at + own.claim_us:
                filed = None
            else:
                told.append((FRAUD, CHARGEBACK, FIRST_CHARGEBACK, filed))
        if filed is not None and not is_undone:
            told += answered(own, one, filed, side)
        family = FAMILIES.index("remote") if remote else FAMILIES.index("present")
        if kind == "fraud" and not remote:
            family = int(own.family[law])
        code = int(own.codes[int(one.scheme[0]), family])
        facts += [
            (at // DAY_US, int(one.transaction_id[0]), said, by, step, reason, when)
            for said, by, step, when in told
            for reason in (code if step <= ARBITRATION else -1,)
        ]
    return facts


def answered(own: Bank, one: Cases, filed: int, side: int) -> list[tuple[int, int, int, int]]:
    """The merchant's answer to a chargeback, and what the scheme says where it goes on."""

    def happens(name: str, chance: int) -> bool:
        return bool(own.top(name, one.address)[0] < chance)

    def wait(name: str) -> int:
        row = np.array([STEPS.index(name)])
        return int(own.delay_us("step", name, one.address, row)[0])

    if not happens("represented", int(own.chances.represented[side])):
        return []
    when = filed + wait("representment")
    is_accepted = happens("accepted", int(own.chances.accepted[side]))
    told = [(GENUINE if is_accepted else FRAUD, CHARGEBACK, REPRESENTMENT, when)]
    if not is_accepted and happens("arbitrated", own.chances.arbitrated):
        lost = happens("lost", int(own.chances.lost[side]))
        when += wait("arbitration")
        told.append((GENUINE if lost else FRAUD, CHARGEBACK, ARBITRATION, when))
    return told


@pytest.fixture(scope="module")
def known() -> Bank:
    """The bank as shipped."""
    return bank()


def test_the_log_is_a_walk_over_the_cases(known):
    """Frauds, mistakes and disputes of several days: every fact, in the order it became known."""
    frauds, mistakes = some_cases(900, 1, len(TYPOLOGIES)), some_cases(500, 2, 1)
    disputes = some_cases(500, 3, len(LAWS))
    told = label(known, frauds, mistakes, disputes)
    found = list(
        zip(
            *(told.event_day.tolist(), told.transaction_id.tolist(), told.label.tolist()),
            *(told.source.tolist(), told.stage.tolist(), told.reason.tolist()),
            told.known_at_us.tolist(),
            strict=True,
        )
    )
    walks = walked(known, frauds, "fraud") + walked(known, mistakes, "mistake")
    walks += walked(known, disputes, "dispute")
    assert found == sorted(walks, key=lambda fact: (fact[0], fact[6], fact[1]))
    stages = {(fact[3], fact[4], fact[2]) for fact in found}
    assert {(CHARGEBACK, ARBITRATION, FRAUD), (CHARGEBACK, ARBITRATION, GENUINE)} <= stages


def test_every_law_stands_where_its_name_is(known):
    """Each delay has its own median, each chance its own share, of a fraud first."""
    facts, address = parameters().section("labels"), np.arange(1, 4001).astype(np.uint64)
    tables = {
        "source": [facts["delay_days"][name] for name in SOURCES],
        "step": [facts["stage_days"][name] for name in STEPS],
        "dispute": [facts["dispute_days"][name] for name in LAWS],
    }
    for table, laws in tables.items():
        for row, law in enumerate(laws):
            days = known.delay_us(table, "test", address, np.full(4000, row)) / DAY_US
            # What lies beyond the bounds is spread between them, which moves the middle a little.
            assert np.median(days) == pytest.approx(law["median"], rel=0.2), (table, row)
            assert law["min"] <= days.min()
            assert law["max"] * 0.3 < days.max() <= law["max"] * (1 + 1e-9), (table, row)
    shares = facts["chargebacks"]
    for chance, share in (
        (known.chances.retrieved, shares["retrieved_share"]),
        (known.chances.arbitrated, shares["arbitrated_share"]),
        *zip(known.chances.filed, shares["filed_share"].values(), strict=True),
        *zip(known.chances.represented, shares["represented_share"].values(), strict=True),
        *zip(known.chances.accepted, shares["accepted_share"].values(), strict=True),
        *zip(known.chances.lost, shares["lost_share"].values(), strict=True),
    ):
        assert int(chance) / 2**32 == pytest.approx(share, abs=1e-9)
    for kind, rows in (
        ("mistake", [facts["mistakes"]]),
        ("return", [[0.0, 0.0, *facts["returns"]]]),
        ("dispute", [facts["disputes"][name] for name in LAWS]),
    ):
        assert known.edges[kind] / 2**32 == pytest.approx(np.cumsum(rows, axis=1)[:, :-1])
    found = disputed(bank(false_share=0.25), np.arange(8000).astype(np.uint64))
    assert found.size / 8000 == pytest.approx(0.25, abs=0.02)


class _Run:
    """A run with the table labels alone."""

    def __init__(self, facts: pa.Table) -> None:
        self.facts = facts

    def table(self, name: str) -> ds.Dataset:
        """Its dataset."""
        assert name == "labels"
        return ds.dataset(self.facts)


def facts_of(*rows: tuple[int, str, int]) -> pa.Table:
    """Labels of (transaction, label, microsecond)."""
    ids, labels, at = zip(*rows, strict=True)
    known = pa.array(at, pa.timestamp("us", "UTC"))
    return pa.table({"transaction_id": ids, "label": labels, "known_at": known})


def test_what_is_known_in_the_instant_is_known():
    """To the microsecond, in whatever an instant is given as."""
    run = _Run(facts_of((1, "fraud", 1_500_000), (2, "fraud", 1_500_001)))
    plain = datetime.datetime(1970, 1, 1, 0, 0, 1, 500_000)
    eastern = datetime.timezone(datetime.timedelta(hours=-5))
    there = plain.replace(tzinfo=datetime.UTC).astimezone(eastern)
    for instant in (plain, there, np.datetime64(1_500_000, "us"), there.isoformat()):
        assert instant_us(instant) == 1_500_000
        assert as_of(run, instant).column("transaction_id").to_pylist() == [1]
    assert as_of(run, np.datetime64(1_500_001, "us")).num_rows == 2


def test_no_instant_is_refused():
    """What stands for a missing time is none, of NumPy or of pandas."""
    pandas = pytest.importorskip("pandas")
    for missing in (np.datetime64("NaT"), pandas.NaT, float("nan"), 5):
        with pytest.raises(ConfigError, match="is no instant"):
            instant_us(missing)


def test_a_turn_is_of_one_transaction():
    """Two that were fraud from the first word on turned once each, whatever stands between."""
    told = turned_to_fraud(facts_of((2, "fraud", 3), (1, "fraud", 5), (1, "fraud", 1)))
    assert told.column("transaction_id").to_pylist() == [1, 2]
    assert told.column("known_at").cast(pa.int64()).to_pylist() == [1, 3]
