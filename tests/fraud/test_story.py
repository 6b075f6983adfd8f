"""Fraud is causal: compromise, use, block, new card, in this order; and it hides in plain sight."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fauxpay.fraud.story import (
    NOT_BLOCKED,
    Attacks,
    Compromises,
    Disputes,
    Story,
    chosen,
    empty,
    no_story,
    only_compromises,
    together,
)
from fauxpay.fraud.typology import OURS
from worlds import DAY, config, maker_of, parameters, tables


def only(**rates: float) -> dict[str, float]:
    """Fraud of some kinds and of no others."""
    return {f"{name}_per_card_year": rates.get(name, 0.0) for name in OURS}


BUSY = {"card_testing_per_card_year": 3.0, "lost_stolen_per_card_year": 3.0}


@pytest.fixture(scope="module")
def maker():
    """A world with much fraud."""
    return maker_of(config(fraud=BUSY))


@pytest.fixture(scope="module")
def told(maker) -> dict[str, pl.DataFrame]:
    """Twelve days of rows, and the oracle's story."""
    days = [tables(maker, day) for day in range(DAY, DAY + 12)]
    joined = {
        name: pl.concat([pl.from_arrow(day[name]) for day in days])
        for name in ("transactions", "truth", "labels")
    }
    return joined | {name: pl.from_arrow(t) for name, t in maker.plan_tables(0).items()}


def test_attacks_come_after_the_theft_and_before_the_block(maker):
    """No card is used before it was exposed, and none after it was blocked."""
    plan = maker.shard(0).plan
    compromise = plan.attacks.compromise
    assert compromise.size > 2000
    assert (plan.attacks.at_ms >= plan.compromises.compromised_ms[compromise]).all()
    blocked = plan.compromises.blocked_ms[compromise]
    assert ((plan.attacks.at_ms < blocked) | (blocked == NOT_BLOCKED)).all()
    assert 0 < (blocked == NOT_BLOCKED).mean() < 0.1
    assert (plan.attacks.card == plan.compromises.card[compromise]).all()


def test_truth_names_rows_of_its_day(told):
    """Every fraud is a row, with the card that was in force when it was stolen."""
    truth = told["truth"].join(told["transactions"], on="transaction_id")
    assert truth.height == told["truth"].height > 200
    assert set(truth["typology"]) <= set(OURS) - {"friendly_fraud"}
    assert truth["is_fraud"].all()
    known = told["compromises"].select("card_id", "campaign_id")
    assert truth.join(known, on=["card_id", "campaign_id"], how="anti").height == 0


def test_campaigns_hold_their_compromises(told):
    """Every compromise belongs to a campaign that ran at that time."""
    joined = told["compromises"].join(told["campaigns"], on="campaign_id")
    assert joined.height == told["compromises"].height
    assert (joined["compromised_at"] >= joined["started_at"]).all()
    assert (joined["blocked_at"] <= joined["ended_at"]).all()


def test_card_testing_is_small_then_large(told):
    """Tests are small and come first; the same card is then used for more."""
    rows = (
        told["truth"]
        .filter(pl.col("typology") == "card_testing")
        .join(told["transactions"].filter(pl.col("billing_currency") == "USD"), on="transaction_id")
    )
    assert set(rows["channel"]) <= {"ecom", "moto"}
    assert (rows["channel"] == "ecom").mean() > 0.85
    small = rows.filter(pl.col("billing_amount_minor") <= 310)
    assert 0.15 < small.height / rows.height < 0.6
    firsts = (
        rows.sort("event_time")
        .group_by("card_id", maintain_order=True)
        .agg(
            pl.col("billing_amount_minor").first().alias("first"),
            pl.col("billing_amount_minor").max().alias("most"),
        )
    )
    tests = rows.filter(pl.col("billing_amount_minor") <= 150)
    assert (tests["channel"] == "ecom").all(), "nobody tests by telephone"
    both = firsts.filter(pl.col("first") <= 310)
    assert (both["most"] > 310).mean() > 0.4


def test_lost_cards_are_used_nearby_and_in_person(told):
    """A finder shops where the card was lost, with the card in hand."""
    rows = (
        told["truth"]
        .filter(pl.col("typology") == "lost_stolen")
        .join(told["transactions"], on="transaction_id")
    )
    assert set(rows["channel"]) <= {"pos", "atm"}
    assert rows["latitude"].is_not_null().all()


def test_replaced_cards_are_never_used_again(told):
    """Genuine spending stops on a blocked card and goes on with the new one."""
    replaced = told["reissues"].select("replaces_card_id", "reissued_at")
    late = (
        told["transactions"]
        .join(replaced, left_on="card_id", right_on="replaces_card_id")
        .filter(pl.col("event_time") >= pl.col("reissued_at"))
    )
    assert late.height == 0
    new = told["transactions"].join(told["reissues"].select("card_id", "reissued_at"), on="card_id")
    assert new.height > 1000
    assert (new["event_time"] >= new["reissued_at"]).all()


def test_cards_of_transactions_are_known(told):
    """Every card id is the catalog's or a replacement's, and replacements form chains."""
    maker = maker_of(config(fraud=BUSY))
    known = set(maker.world.cards.id.tolist()) | set(told["reissues"]["card_id"].to_list())
    assert set(told["transactions"]["card_id"].to_list()) <= known
    assert set(told["reissues"]["replaces_card_id"].to_list()) <= known
    assert told["reissues"]["card_id"].n_unique() == told["reissues"].height


def test_replacements_run_out_at_the_end_of_a_month(told):
    """As printed on every card: the month of the block, so many years later, until its last day."""
    issued, expires = told["reissues"]["reissued_at"], told["reissues"]["expires_on"]
    assert expires.len() > 100
    assert (expires == expires.dt.month_end()).all()
    assert (expires.dt.year() - issued.dt.year() == 3).all()
    assert (expires.dt.month() == issued.dt.month()).all()


def test_frauds_pass_the_same_authorisation(told):
    """Some attacks are declined, none carries a mark of its own."""
    rows = told["transactions"].join(told["truth"], on="transaction_id", how="left")
    fraud = rows.filter(pl.col("is_fraud").is_not_null())
    genuine = rows.filter(pl.col("is_fraud").is_null())
    assert 0.02 < 1 - fraud["is_approved"].mean() < 0.6
    for column in ("channel", "entry_mode", "authentication", "mcc", "merchant_id"):
        only = set(fraud[column].drop_nulls().to_list()) - set(genuine[column].to_list())
        assert len(only) <= 0.25 * fraud[column].n_unique(), column
    devices = set(maker_of(config()).world.devices.id.tolist())
    assert set(fraud["device_id"].drop_nulls().to_list()) <= devices
    ids = fraud["transaction_id"].to_numpy(), genuine["transaction_id"].to_numpy()
    for bit in range(63):
        shares = [float(((values >> bit) & 1).mean()) for values in ids]
        assert abs(shares[0] - shares[1]) < 4.5 / len(ids[0]) ** 0.5, bit


def test_rates_follow_the_config():
    """Twice the rate makes about twice the compromises; none makes none."""
    counts = [
        maker_of(config(fraud=only(card_testing=rate))).shard(0).plan.compromises.card.size
        for rate in (0.0, 0.5, 1.0)
    ]
    assert counts[0] == 0
    assert 1.7 < counts[2] / counts[1] < 2.3


def test_labels_are_late_incomplete_and_sometimes_wrong():
    """The bank learns after the event, misses some frauds and labels some genuine rows."""
    wrong = {"found_share": 0.8, "false_share": 0.002}
    maker = maker_of(config(fraud=BUSY, labels=wrong))
    days = [tables(maker, day) for day in range(DAY, DAY + 20)]
    rows, truth, labels = (
        pl.concat([pl.from_arrow(day[name]) for day in days])
        for name in ("transactions", "truth", "labels")
    )
    joined = labels.join(rows, on="transaction_id")
    assert joined.height == labels.height
    assert (joined["known_at"] > joined["event_time"]).all()
    assert joined["is_approved"].all()
    approved = truth.join(rows.filter("is_approved"), on="transaction_id")
    found = approved.join(labels.unique("transaction_id"), on="transaction_id", how="semi")
    assert 0.72 < found.height / approved.height < 0.88
    mistaken = labels.join(truth, on="transaction_id", how="anti")
    assert mistaken.filter(pl.col("label") == "fraud").height > 15
    undone = mistaken.filter(pl.col("label") == "genuine")
    assert 0 < undone.height < mistaken.filter(pl.col("label") == "fraud").height
    delay = (joined["known_at"] - joined["event_time"]).dt.total_hours()
    assert 2 * 24 < float(np.median(delay)) < 20 * 24
    assert delay.max() <= 250 * 24


def test_control_group_is_fraud_at_random():
    """Realism v1 labels its exact share of rows at random: no column goes with it."""
    maker = maker_of(config(activity={"realism": "v1"}))
    days = [tables(maker, day) for day in range(DAY, DAY + 20)]
    rows = pl.concat([pl.from_arrow(day["transactions"]) for day in days])
    truth = pl.concat([pl.from_arrow(day["truth"]) for day in days])
    share = parameters().value("fraud.control.share")
    assert truth.height / rows.height == pytest.approx(share, rel=0.2)
    assert set(truth["typology"]) == {"random"}
    joined = rows.join(truth, on="transaction_id", how="left")
    by_truth = joined.group_by(pl.col("is_fraud").is_not_null())
    means = by_truth.agg(pl.col("amount_minor").log().mean())
    assert abs(means["amount_minor"][0] - means["amount_minor"][1]) < 0.35
    campaigns = pl.from_arrow(maker.plan_tables(0)["campaigns"])
    assert set(truth["campaign_id"]) == set(campaigns["campaign_id"])


def a_story(cards: list[int], attacked: list[int]) -> Story:
    """A compromise for each card, and attacks on some, by position."""
    compromise, card = np.array(attacked, dtype=np.int64), np.array(cards, dtype=np.int64)
    none = chosen(empty(Attacks), slice(0))
    values = {name: np.zeros(compromise.size, getattr(none, name).dtype) for name in NAMES}
    attacks = Attacks(**{**values, "compromise": compromise, "card": card[compromise]})
    zero = np.zeros_like(card)
    story = Compromises(card.astype(np.uint64), card, zero, zero, zero, zero + NOT_BLOCKED)
    return Story(story, attacks, empty(Disputes))


NAMES = Attacks.__dataclass_fields__


def test_attacks_keep_their_compromise_when_others_go_or_come():
    """Thinned, and put together with others: each attack still points at its own card."""
    first, second = a_story([10, 11, 12, 13], [0, 0, 2, 3]), a_story([20, 21], [1])
    thinned = only_compromises(first, np.array([False, True, True, True]))
    assert thinned.compromises.card.tolist() == [11, 12, 13]
    assert thinned.attacks.compromise.tolist() == [1, 2]
    whole = together([thinned, no_story(), second])
    assert whole.compromises.card.tolist() == [11, 12, 13, 20, 21]
    assert whole.attacks.card.tolist() == [12, 13, 21]
    assert (whole.compromises.card[whole.attacks.compromise] == whole.attacks.card).all()
    assert together([]).attacks.card.size == 0
