"""Claims: a short cut that never changes an answer, however wrong it is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.contracts.checks import check_batch
from fauxpay.contracts.members import Claim, Members, candidates
from fauxpay.contracts.tables import table
from fauxpay.gates.integrity import Integrity, Keys
from worlds import DAY, config, maker_of

words = st.integers(-(2**63), 2**63 - 1)


@given(
    st.lists(words, min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 60), words, st.integers(0, 60), st.booleans()), max_size=40),
    st.lists(words, max_size=3),
)
def test_a_claim_changes_no_answer(ids, rows, strangers):
    """Property: members, strangers and nulls are told apart alike with right and wrong claims."""
    members = Members.of(np.array(ids))
    sought = np.array([ids[i % len(ids)] if i < 50 else word for i, word, _, _ in rows], np.int64)
    valid = np.array([is_valid for *_, is_valid in rows], np.bool_)
    position = np.array([at for _, _, at, _ in rows], np.int64)
    for known in (ids, [*ids, *strangers], strangers or ids):
        claim = Claim(np.array(known, np.int64), position)
        assert members.missing(sought, valid, claim).tolist() == (
            members.missing(sought, valid).tolist()
        )


@given(
    st.lists(words, max_size=40),
    st.lists(st.tuples(st.integers(0, 60), words, st.integers(0, 3)), max_size=20),
)
def test_candidates_answer_for_all_ids(ids, rows):
    """Property: a set of the candidates lacks just what the set of all ids lacks."""
    known = np.array(ids, np.int64)
    # Some sought values are members, some share the low bits of one, some are strangers.
    sought = np.array(
        [
            ids[at % len(ids)] ^ (kind << 20) if ids and at < 50 and kind < 2 else word
            for at, word, kind in rows
        ],
        np.int64,
    )
    near = candidates(known, sought)
    assert near.tolist() == sorted(near.tolist())
    missing = Members.of(known).missing(sought)
    assert Members.of(known[near]).missing(sought).tolist() == missing.tolist()


def test_claims_of_the_engine_are_right():
    """What the maker claims holds for every row, so that nothing is left to search for."""
    maker = maker_of(config(fraud={"enabled": False}))
    window = next(iter(maker.make(range(DAY, DAY + 2), 0).windows()))
    for column, claim in window.claims.items():
        values = window.batch.column(column).to_numpy(zero_copy_only=False)
        present = np.flatnonzero(~np.isnan(values)) if column == "device_id" else slice(None)
        exact = window.batch.column(column).fill_null(0).to_numpy()
        assert (claim.ids[claim.position[present]] == exact[present]).all(), column
    assert set(window.claims) == {
        key.column for key in table("activity.yaml#/$defs/transactions").foreign_keys
    }


def test_wrong_claims_hide_no_damage():
    """Negative: a row that points nowhere is found under claims that say otherwise."""
    maker = maker_of(config())
    contract = table("activity.yaml#/$defs/transactions")
    window = next(iter(maker.make(range(DAY, DAY + 1), 0).windows()))
    world = maker.world
    members = {
        "catalog.yaml#/$defs/customers": Members.of(world.cards.customer_id),
        "catalog.yaml#/$defs/accounts": Members.of(world.cards.account_id),
        "catalog.yaml#/$defs/cards": Members.of(world.cards.id),
        "fraud.yaml#/$defs/reissues": Members.of(maker.shard(0).plan.reissues.id),
        "catalog.yaml#/$defs/merchants": Members.of(world.merchants.id),
        "catalog.yaml#/$defs/terminals": Members.of(world.terminals.id),
        "catalog.yaml#/$defs/devices": Members.of(world.devices.id),
    }
    rules = Integrity(Keys.of(world), dict.fromkeys(maker.shard(0).plan.reissues.id.tolist(), 0))
    assert check_batch(contract, window.batch, members, window.claims) == []
    agreed = {finding.check for finding in rules.check(window.batch, window.claims)}
    assert agreed <= {"card_agrees", "card_is_open"}, "only replaced cards, which are not told here"
    maker.buffers.values["merchant_id"][7] = 1
    maker.buffers.values["terminal_id"][9] = world.terminals.id[0]
    found = check_batch(contract, window.batch, members, window.claims)
    assert [(one.column, one.offenders, one.first_row) for one in found] == [("merchant_id", 1, 7)]
    broken = {one.check: one.first_row for one in rules.check(window.batch, window.claims)}
    assert broken["merchant_agrees"] == 7
    assert broken["terminal_agrees"] in (7, 9)
