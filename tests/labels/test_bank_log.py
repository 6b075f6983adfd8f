"""The bank's log: late, incomplete, sometimes wrong, and every fact in its order."""

from __future__ import annotations

import datetime
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.activity.rows import PURCHASE, REFUND_TYPE, REVERSAL_TYPE
from fauxpay.errors import ConfigError
from fauxpay.foundations.parameters import load_parameters
from fauxpay.labels import as_of
from fauxpay.labels.bank import (
    FAMILIES,
    FRAUD,
    GENUINE,
    LABELS,
    SOURCES,
    STAGES,
    VERDICT,
    open_bank,
)
from fauxpay.labels.knowledge import instant_us, last_known, turned_to_fraud
from fauxpay.labels.log import Cases, label
from fauxpay.partitions.compose import PartitionMaker
from fauxpay.partitions.side_tables import Told, label_tables
from worlds import DAY, config, maker_of, parameters, tables

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US
SCHEMES = ("visa", "mastercard", "amex", "discover", "jcb")
TYPOLOGIES = ("card_testing", "lost_stolen", "random", "of_a_third_party", "skimming")


def bank(**labels):
    """A bank that knows the schemes and typologies above."""
    return open_bank(config(labels=labels), parameters(), SCHEMES, TYPOLOGIES)


def cases(
    count: int,
    kind: int = 0,
    scheme: int = 0,
    is_remote: bool = True,
    first: int = 0,
    is_return: bool = False,
    posts_after_us: int = 0,
):
    """So many cases, one after the other in time."""
    nth = np.arange(first, first + count)
    return Cases(
        address=(nth * 7919 + 13).astype(np.uint64),
        transaction_id=nth + 1_000_000,
        at_us=START_US + nth * 1_000_003,
        posted_us=START_US + nth * 1_000_003 + posts_after_us,
        kind=np.full(count, kind),
        scheme=np.full(count, scheme),
        is_remote=np.full(count, is_remote),
        is_return=np.full(count, is_return),
    )


def unposted(row):
    """Books that nothing comes into."""
    return np.full(row.size, -1)


def log(labels) -> pl.DataFrame:
    """Labels with names, beside when their transactions happened."""
    reasons = np.array([*bank().reasons, None], dtype=object)
    return pl.DataFrame(
        {
            "transaction_id": labels.transaction_id,
            "label": np.array(LABELS)[labels.label],
            "source": np.array(SOURCES)[labels.source],
            "stage": np.array(STAGES)[labels.stage],
            "reason": pl.Series(reasons[labels.reason].tolist(), dtype=pl.String),
            "known_us": labels.known_at_us,
            "at_us": START_US + (labels.transaction_id - 1_000_000) * 1_000_003,
        }
    )


@pytest.fixture(scope="module")
def frauds() -> pl.DataFrame:
    """The log of 20,000 remote frauds."""
    return log(label(bank(), cases(20_000), Cases.none(), Cases.none()))


def test_some_fraud_is_never_found(frauds):
    """The share that is ever found is the config's, relative to the typology."""
    share = 0.88 * parameters().value("labels.found")["card_testing"]
    assert frauds["transaction_id"].n_unique() / 20_000 == pytest.approx(share, abs=0.01)


def test_first_words_come_as_late_as_in_life(frauds):
    """Median 3-15 days, P90 30-60 days, 120 days at most, never before the transaction."""
    first = frauds.group_by("transaction_id").agg(
        delay=(pl.col("known_us").min() - pl.col("at_us").first()) / DAY_US
    )["delay"]
    assert first.min() > 0
    assert 3 <= first.median() <= 15
    assert 30 <= first.quantile(0.9) <= 60
    assert first.max() <= 120


def test_nothing_is_charged_back_before_it_is_posted(frauds):
    """Disputes wait for the books, no two till the same moment; reports and alerts don't."""
    slow = cases(20_000, posts_after_us=9 * DAY_US)
    told = log(label(bank(), slow, Cases.none(), Cases.none()))
    days = told.with_columns(days=(pl.col("known_us") - pl.col("at_us")) / DAY_US)
    disputes = days.filter(pl.col("stage").is_in(["retrieval", "chargeback"]))
    assert disputes.height > 8_000
    assert disputes["days"].min() > 9
    assert disputes["known_us"].n_unique() == disputes.height
    words = ["report", "alert"]
    same = told.filter(pl.col("stage").is_in(words))
    assert same.equals(frauds.filter(pl.col("stage").is_in(words)))
    assert (days.filter(pl.col("stage").is_in(words))["days"] < 9).mean() > 0.5


def test_the_books_of_the_rows_are_asked():
    """In the tables no chargeback is known before the day on which its purchase is posted."""
    law = parameters().value("labels.delay_days") | {
        "chargeback": {"median": 1.5, "log_sd": 0.7, "min": 0.1, "max": 120}
    }
    rates = {"data_breach_per_card_year": 4.0, "phishing_per_card_year": 4.0}
    facts = {"labels.delay_days": law}
    settings = config(fraud=rates, parameters=facts)
    own = PartitionMaker(maker_of(settings).world, settings, load_parameters(facts))
    made = [tables(own, day) for day in range(DAY, DAY + 20)]
    labels, postings = (
        pl.concat([pl.from_arrow(day[name]) for day in made]) for name in ("labels", "postings")
    )
    disputes = labels.filter(pl.col("stage").is_in(["retrieval", "chargeback"]))
    both = disputes.join(postings, on="transaction_id")
    assert both.height == disputes.height > 150
    assert (both["known_at"].dt.date() >= both["posted_on"]).all()


def test_stages_follow_each_other(frauds):
    """Retrieval, chargeback, answer, arbitration: each after the one before, none without it."""
    ordered = ("retrieval", "chargeback", "representment", "arbitration")
    wide = frauds.pivot(on="stage", index="transaction_id", values="known_us")
    for before, after in pairwise(ordered):
        both = wide.filter(pl.col(after).is_not_null())
        if before != "retrieval":
            assert both[before].is_not_null().all()
        assert both.height > 20
        later = both.filter(pl.col(before).is_not_null())
        assert (later[after] > later[before]).all()
    assert frauds.group_by("transaction_id", "stage").len()["len"].max() == 1


def test_every_fact_has_a_moment_of_its_own(frauds):
    """The contract's key: no two facts of a transaction become known at once."""
    assert frauds.select(pl.struct("transaction_id", "known_us").n_unique()).item() == frauds.height


def test_some_frauds_are_cleared_by_mistake(frauds):
    """Few true frauds end as genuine: cleared by an analyst, or given back to the merchant."""
    last = frauds.sort("known_us").group_by("transaction_id").last()
    share = (last["label"] == "genuine").mean()
    assert 0.01 < share < 0.08
    cleared = last.filter(pl.col("label") == "genuine")
    assert {"verdict", "representment"} <= set(cleared["stage"])


def test_only_alerts_and_reports_are_cleared_by_an_analyst(frauds):
    """What was charged back at first is the scheme's to decide, an analyst's word his own."""
    first = frauds.sort("known_us").group_by("transaction_id").first()
    cleared = frauds.filter(pl.col("stage") == "verdict", pl.col("label") == "genuine")
    spoken = first.join(cleared.select("transaction_id"), on="transaction_id")["source"]
    assert spoken.len() > 50
    assert set(spoken) == {"issuer_alert", "customer_report"}


@pytest.mark.parametrize(("is_remote", "name"), [(True, "remote"), (False, "present")])
def test_the_bank_charges_back_what_the_merchant_is_liable_for(is_remote, name):
    """Of frauds first heard of otherwise: the parameters' share, by whether the card was there."""
    own = cases(20_000, is_remote=is_remote)
    told = log(label(bank(), own, Cases.none(), Cases.none()))
    first = told.sort("known_us").group_by("transaction_id").first()
    other = first.filter(pl.col("source") != "chargeback")["transaction_id"]
    filed = told.filter(
        pl.col("stage") == "chargeback", pl.col("transaction_id").is_in(other.implode())
    )
    share = parameters().value("labels.chargebacks.filed_share")[name]
    # Some are cleared before, and for some the limit has passed.
    assert 0.8 * share < filed.height / other.len() < 1.1 * share


def test_mistakes_are_taken_back_in_part():
    """Half of the wrong labels are taken back by an analyst, and then no dispute goes on."""
    told = log(label(bank(), Cases.none(), cases(4_000), Cases.none()))
    undone = told.filter(pl.col("stage") == "verdict", pl.col("label") == "genuine")
    assert undone.height / 4_000 == pytest.approx(0.5, abs=0.03)
    later = told.join(undone.select("transaction_id", undone="known_us"), on="transaction_id")
    assert (later["known_us"] <= later["undone"]).all()


def test_friendly_fraud_is_fraud_to_the_bank():
    """A disputed genuine purchase: the bank says fraud first, and merchants fight it more."""
    told = log(label(bank(), Cases.none(), Cases.none(), cases(4_000)))
    first = told.sort("known_us").group_by("transaction_id").first()
    assert first.height == 4_000
    assert (first["label"] == "fraud").all()
    answered = (told["stage"] == "representment").sum() / (told["stage"] == "chargeback").sum()
    assert answered == pytest.approx(0.45, abs=0.04)
    frauds = log(label(bank(), cases(4_000), Cases.none(), Cases.none()))
    theirs = (frauds["stage"] == "representment").sum() / (frauds["stage"] == "chargeback").sum()
    assert theirs < answered / 2


@pytest.mark.parametrize(
    ("scheme", "kind", "is_remote", "code"),
    [
        ("visa", "card_testing", True, "10.4"),
        ("visa", "lost_stolen", False, "10.2"),
        ("visa", "skimming", False, "10.1"),
        ("visa", "skimming", True, "10.4"),
        ("visa", "of_a_third_party", False, "10.3"),
        ("mastercard", "card_testing", True, "4837"),
        ("mastercard", "skimming", False, "4870"),
        ("amex", "card_testing", True, "F29"),
        ("discover", "lost_stolen", False, "UA06"),
        ("jcb", "card_testing", True, None),
    ],
)
def test_reason_codes_are_those_of_the_scheme(scheme, kind, is_remote, code):
    """Stages of a dispute carry the scheme's code for its kind of fraud; nothing else has one."""
    own = cases(3_000, TYPOLOGIES.index(kind), SCHEMES.index(scheme), is_remote)
    told = log(label(bank(), own, Cases.none(), Cases.none()))
    is_stage = pl.col("stage").is_in(["retrieval", "chargeback", "representment", "arbitration"])
    assert set(told.filter(is_stage)["reason"]) == {code}
    assert told.filter(~is_stage)["reason"].is_null().all()


def test_typologies_of_third_parties_take_the_default_row():
    """A typology that the parameters do not name is told of by the sources of `default`."""
    told = log(label(bank(), cases(8_000, 3), Cases.none(), Cases.none()))
    first = told.sort("known_us").group_by("transaction_id").first()
    for name, share in zip(SOURCES, parameters().value("labels.sources")["default"], strict=True):
        assert (first["source"] == name).mean() == pytest.approx(share, abs=0.02)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_facts_of_a_row_do_not_depend_on_others(cut, more):
    """Metamorphic: cases told in two goes have the facts that they have in one."""
    count = 200 + more
    whole = log(label(bank(), cases(count), Cases.none(), Cases.none()))
    parts = [
        log(label(bank(), cases(size, first=first), Cases.none(), Cases.none()))
        for first, size in ((0, cut), (cut, count - cut))
    ]
    columns = ["transaction_id", "known_us"]
    assert pl.concat(parts).sort(columns).equals(whole.sort(columns))


def test_nobody_disputes_money_that_came_back():
    """Refunds, abused or taken for it, are found by alert or analyst and never charged back."""
    own = cases(8_000, is_return=True)
    for told in (
        log(label(bank(), own, Cases.none(), Cases.none())),
        log(label(bank(), Cases.none(), own, Cases.none())),
    ):
        assert set(told["source"]) == {"issuer_alert", "analyst"}
        assert set(told["stage"]) == {"alert", "verdict"}
        first = told.sort("known_us").group_by("transaction_id").first()
        alerts, _ = parameters().value("labels.returns")
        assert (first["source"] == "issuer_alert").mean() == pytest.approx(alerts, abs=0.02)


def test_nothing_is_charged_back_after_the_limit():
    """However late the first word and however long the bank takes: 120 days, or not at all."""
    days = parameters().value("labels.claim_days")
    assert days == 120
    told = log(label(bank(), cases(200_000), Cases.none(), Cases.none()))
    delay = (pl.col("known_us") - pl.col("at_us")) / DAY_US
    filed = told.filter(pl.col("stage") == "chargeback").select(delay).to_series()
    assert 115 < filed.max() <= days
    answered = told.filter(pl.col("stage") == "representment")["transaction_id"]
    charged = told.filter(pl.col("stage") == "chargeback")["transaction_id"]
    assert set(answered) <= set(charged)


def test_a_closed_bank_knows_nothing():
    """Labels switched off: no facts, whatever happened."""
    closed = bank(enabled=False)
    assert label(closed, cases(500), cases(500), cases(500)).label.size == 0
    assert label(bank(found_share=0), cases(500), Cases.none(), Cases.none()).label.size == 0


def days_told(rows: int, **columns) -> Told:
    """Genuine purchases of two days, every other one approved, with some columns changed."""
    nth = np.arange(rows)
    plain = Told(
        days=range(20_000, 20_002),
        bounds=np.array([0, rows // 2, rows]),
        ids=nth + 1,
        address=(nth * 31 + 5).astype(np.uint64),
        at_us=START_US + nth * (2 * DAY_US // rows),
        approved=nth % 2 == 0,
        channel=np.full(rows, 1, dtype=np.int8),
        kind=np.full(rows, PURCHASE, dtype=np.int8),
        undone=np.zeros(0, dtype=np.uint64),
        fraud=np.zeros(0, dtype=np.int64),
        typology=np.zeros(0, dtype=np.int64),
        campaign=np.zeros(0, dtype=np.int64),
    )
    return replace(plain, **columns)


def test_disputes_of_a_plan_reach_the_table():
    """Rows that a plan says are disputed are labelled in their day's table, approved ones alone."""
    told = days_told(600, disputes=(np.arange(100, 500), np.zeros(400, dtype=np.int64)))
    first, second = label_tables(bank(false_share=0), np.zeros(1, dtype=np.int8), told, unposted)
    ids = [set(part.column("transaction_id").to_pylist()) for part in (first, second)]
    assert ids[0] == set(range(101, 301, 2))
    assert ids[1] == set(range(301, 501, 2))
    assert "10.4" in first.column("reason_code").to_pylist()


def test_mistakes_leave_out_what_was_cancelled():
    """Purchases reversed on their own day, and their reversals, stand on no statement."""
    kind = np.resize(np.array([PURCHASE, PURCHASE, REVERSAL_TYPE], dtype=np.int8), 600)
    plain = days_told(600, kind=kind)
    told = replace(plain, undone=plain.address[:200:4])
    labels = label_tables(bank(false_share=1), np.zeros(1, dtype=np.int8), told, unposted)
    ids = {one for part in labels for one in part.column("transaction_id").to_pylist()}
    cancelled = (kind == REVERSAL_TYPE) | np.isin(told.address, told.undone)
    assert 0 < cancelled[told.approved].sum() < 300
    assert ids == set(told.ids[told.approved & ~cancelled].tolist())


def test_refunds_that_are_taken_for_fraud_have_no_dispute():
    """What the table says of refunds comes from alerts and analysts alone."""
    told = days_told(600, kind=np.full(600, REFUND_TYPE, dtype=np.int8))
    labels = label_tables(bank(false_share=1), np.zeros(1, dtype=np.int8), told, unposted)
    stages = {one for part in labels for one in part.column("stage").to_pylist()}
    assert stages == {"alert", "verdict"}


class _Run:
    """A run with the table labels alone."""

    def __init__(self, facts):
        self.facts = facts

    def table(self, name):
        """Its dataset."""
        import pyarrow.dataset

        assert name == "labels"
        return pyarrow.dataset.dataset(self.facts)


@pytest.fixture(scope="module")
def facts(frauds):
    """The log as the table `labels`."""
    at = pl.from_epoch("known_us", time_unit="us").dt.replace_time_zone("UTC").alias("known_at")
    return frauds.select("transaction_id", "label", "source", at).to_arrow()


@pytest.mark.parametrize("days", [1, 5, 17.25, 90, 400])
def test_as_of_is_what_was_known_by_then(facts, days):
    """For each transaction the last fact by an instant, and none that came later."""
    until = datetime.datetime.fromtimestamp((START_US + days * DAY_US) / 1e6, datetime.UTC)
    known: dict[int, tuple] = {}
    for row in facts.to_pylist():
        if row["known_at"] <= until:
            last = known.get(row["transaction_id"])
            if last is None or row["known_at"] > last[0]:
                known[row["transaction_id"]] = (row["known_at"], row["label"])
    found = as_of(_Run(facts), until)
    ids = found.column("transaction_id").to_pylist()
    assert ids == sorted(known)
    assert found.column("label").to_pylist() == [known[one][1] for one in ids]


def test_a_later_day_only_adds_transactions(facts):
    """Metamorphic: what has a label once has one ever after."""
    seen: set[int] = set()
    for days in (2, 10, 60, 300):
        day = datetime.datetime.fromtimestamp(START_US / 1e6 + days * 86_400, datetime.UTC)
        ids = set(as_of(_Run(facts), day).column("transaction_id").to_pylist())
        assert seen < ids
        seen = ids


def test_instants_are_read_as_utc_where_they_name_no_zone():
    """A day is its midnight; a text may have a zone."""
    day = datetime.date(2026, 3, 1)
    assert instant_us(day) == instant_us("2026-03-01") == instant_us("2026-03-01T01:00:00+01:00")
    with pytest.raises(ConfigError, match="'soon' is no instant"):
        instant_us("soon")


def test_turns_are_first_words_and_returns():
    """A transaction turns to fraud when it was not before: once, or again after a clearing."""
    import pyarrow as pa

    told = pa.table(
        {
            "transaction_id": [1, 1, 1, 1, 2, 2],
            "label": ["fraud", "fraud", "genuine", "fraud", "genuine", "genuine"],
            "known_at": pa.array([1, 2, 3, 4, 1, 5], pa.timestamp("us", "UTC")),
        }
    )
    assert turned_to_fraud(told).column("known_at").cast(pa.int64()).to_pylist() == [1, 4]
    assert last_known(told).column("label").to_pylist() == ["fraud", "genuine"]
    assert last_known(told.slice(0, 0)).num_rows == 0


def test_every_code_has_its_name():
    """Codes of the log are positions in the contract's words."""
    assert STAGES[VERDICT] == "verdict"
    assert (LABELS[FRAUD], LABELS[GENUINE]) == ("fraud", "genuine")
    known = bank()
    assert known.codes.shape == (len(SCHEMES) + 1, len(FAMILIES))
    assert (known.codes[-1] == -1).all()


def test_labels_of_a_day_are_at_hand_from_the_package():
    """`fauxpay.labels.as_of` needs no other import; what is not there is said."""
    import fauxpay
    import fauxpay.labels

    assert fauxpay.labels.as_of is as_of
    assert fauxpay.__getattr__("labels") is fauxpay.labels
    with pytest.raises(AttributeError, match="no attribute 'as_if'"):
        fauxpay.labels.__getattr__("as_if")
