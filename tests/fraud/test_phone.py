"""Stolen details are read out over the telephone too, to those who take orders that way."""

from __future__ import annotations

import numpy as np
import pytest

from fauxpay.activity.rows import MANUAL, ONLINE, TELEPHONE
from fauxpay.foundations.parameters import load_parameters
from fauxpay.fraud.typology import TYPOLOGIES
from fauxpay.partitions.compose import PartitionMaker
from worlds import DAY, config, maker_of, parameters, tables

BY_PHONE = ("card_testing", "data_breach", "card_not_received")
NAMES = (*BY_PHONE, "phishing", "bin_attack", "account_takeover", "mule_ring")
SETTINGS = config(fraud={f"{name}_per_card_year": 4.0 for name in NAMES})


@pytest.fixture(scope="module")
def maker():
    """A small world with much remote fraud."""
    return maker_of(SETTINGS)


def silent_maker(maker):
    """The same world where no thief telephones."""
    told = {f"fraud.{name}.phone_share": 0.0 for name in BY_PHONE}
    return PartitionMaker(maker.world, SETTINGS, load_parameters(told))


def attacks_by_name(maker):
    """(attacks, name of each one's typology)."""
    plan = maker.shard(0).plan
    names = np.array(TYPOLOGIES)[plan.compromises.typology[plan.attacks.compromise]]
    return plan.attacks, names


def test_some_kinds_of_thieves_order_by_phone(maker):
    """About the share that the parameters say, of remote uses; scripts and codes are online."""
    attacks, names = attacks_by_name(maker)
    is_phone = attacks.kind == TELEPHONE
    assert set(names[is_phone]) == set(BY_PHONE)
    is_cheap = attacks.amount < 500  # Tests are sent by scripts.
    for name in BY_PHONE:
        remote = (names == name) & ((attacks.kind == ONLINE) | is_phone) & ~is_cheap
        share = parameters().value(f"fraud.{name}.phone_share")
        assert remote.sum() > 300
        assert 0.25 * share < is_phone[remote].mean() < 3 * share


def test_they_call_who_takes_orders_and_leave_no_machine(maker):
    """Merchants of the trades that take orders by telephone, keyed by hand, from no device."""
    attacks, _ = attacks_by_name(maker)
    row = np.flatnonzero(attacks.kind == TELEPHONE)
    mccs = np.array(maker.world.mccs)[maker.world.merchants.mcc[attacks.merchant[row]]]
    assert row.size > 50
    assert set(mccs) <= set(parameters().value("activity.channels.moto_categories"))
    assert (attacks.entry_mode[row] == MANUAL).all()
    assert (attacks.device[row] == -1).all()
    assert (attacks.ip_address[row] == 0).all()
    assert np.unique(attacks.merchant[row]).size > 5


def test_they_stand_among_the_orders_of_customers(maker):
    """In the tables both have the same channel, and neither has a machine or a place in a shop."""
    found, is_fraud = [], []
    for day in range(DAY, DAY + 4):
        made = tables(maker, day)
        rows, truth = made["transactions"].to_pylist(), made["truth"].to_pylist()
        fraud = {one["transaction_id"] for one in truth}
        moto = [one for one in rows if one["channel"] == "moto"]
        found += moto
        is_fraud += [one["transaction_id"] in fraud for one in moto]
    assert any(is_fraud)
    assert not all(is_fraud)
    for column in ("entry_mode", "device_id", "ip_address", "transaction_type"):
        theirs = {one[column] for one, told in zip(found, is_fraud, strict=True) if told}
        assert theirs <= {
            one[column] for one, told in zip(found, is_fraud, strict=True) if not told
        }


def test_without_calls_the_other_uses_are_the_same(maker):
    """What is ordered online does not hang on what is ordered by telephone."""
    told, _ = attacks_by_name(maker)
    plain, _ = attacks_by_name(silent_maker(maker))
    assert not (plain.kind == TELEPHONE).any()
    online = {
        int(address): (int(merchant), int(at_ms), int(device))
        for kind, address, merchant, at_ms, device in zip(
            plain.kind, plain.address, plain.merchant, plain.at_ms, plain.device, strict=True
        )
        if kind == ONLINE
    }
    row = np.flatnonzero(told.kind == ONLINE)
    same = [
        online.get(int(told.address[at]))
        == (int(told.merchant[at]), int(told.at_ms[at]), int(told.device[at]))
        for at in row
    ]
    # Patience and alarms may end another way; all others are where they were.
    assert np.mean(same) > 0.97


def test_nobody_hangs_up_to_go_to_a_page(maker):
    """Who telephones goes on telephoning, and each call takes its minutes."""
    attacks, names = attacks_by_name(maker)
    order = np.lexsort((attacks.at_ms, attacks.compromise))
    of, at_ms, kind = attacks.compromise[order], attacks.at_ms[order], attacks.kind[order]
    same = np.diff(of) == 0
    gap_minutes = np.diff(at_ms) / 60_000
    second = (kind[1:] == TELEPHONE) & same
    calls = second & (kind[:-1] == TELEPHONE)
    assert calls.sum() > 100
    bought = np.isin(names[order], ["card_testing", "data_breach"])[1:]
    assert gap_minutes[calls & bought].min() >= parameters().value("fraud.telephone.minutes")
    back = same & bought & (kind[:-1] == TELEPHONE) & (kind[1:] == ONLINE)
    assert not back.any()
