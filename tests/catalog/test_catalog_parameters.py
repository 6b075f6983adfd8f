"""The facts of the catalog: complete, sourced, and within what they can mean."""

from __future__ import annotations

import pytest

from fauxpay.foundations.parameters import load_citations
from fauxpay.foundations.reference import reference

COUNTRIES = {"US", "GB", "DE", "FR", "ES", "JP", "BR", "IN", "ZA", "AE"}
BY_COUNTRY = (
    "contactless_terminal_share",
    "online_share",
    "scheme_mix",
    "product_mix",
    "cards_per_customer",
    "price_level",
)


@pytest.mark.parametrize("name", BY_COUNTRY)
def test_ten_countries_and_a_default_are_known(facts, name):
    """Each fact by country has the ten countries and a default for all others."""
    assert set(facts["countries"][name]) >= COUNTRIES | {"default"}


def test_shares_sum_to_one(facts):
    """Every share of a whole sums to 1 as written, so that the file can be read as it is."""
    merchants, devices = facts["merchants"], facts["devices"]
    wholes = [
        merchants["outlet_share"],
        merchants["visit_share"],
        merchants["online"]["outlet_share"],
        merchants["online"]["visit_share"],
        facts["customers"]["age"],
        *merchants["mcc"].values(),
        *merchants["opening"].values(),
        *facts["customers"]["profile"].values(),
        *facts["countries"]["scheme_mix"].values(),
        *facts["countries"]["product_mix"].values(),
        *devices["user_agent"].values(),
        *(devices[name] for name in ("kind_of_first", "kind_of_further", "kind_of_pool")),
    ]
    for whole in wholes:
        assert sum(whole.values()) == pytest.approx(1.0, abs=1e-9), whole
    lists = [
        *facts["households"]["adults"].values(),
        *facts["households"]["children"].values(),
        *devices["count"].values(),
    ]
    for whole in lists:
        assert sum(whole) == pytest.approx(1.0, abs=1e-9), whole


def test_every_trade_is_described_everywhere(facts):
    """No fact by trade leaves a trade out, so that none is silently zero."""
    merchants = facts["merchants"]
    shops, webs = set(merchants["outlet_share"]), set(merchants["online"]["outlet_share"])
    assert not shops & webs
    for name in ("visit_share", "opening", "both_share_chain"):
        assert set(merchants[name]) == shops, name
    assert set(merchants["online"]["visit_share"]) == webs
    assert set(merchants["chains"]["factor"]) == shops
    assert set(facts["terminals"]["further_mean"]) == shops
    for name in ("mcc", "price_log_sd"):
        assert set(merchants[name]) == shops | webs, name
    assert set(merchants["names"]["trade"]) == shops | webs
    assert set(facts["terminals"]["unattended_share"]) <= shops
    for factors in merchants["outlet_factor"].values():
        assert set(factors) <= shops


def test_merchant_categories_are_many_and_known(facts):
    """Sixty codes at least, each in the reference table."""
    known = set(reference("merchant_categories")["mcc"].to_pylist())
    mccs = {mcc for shares in facts["merchants"]["mcc"].values() for mcc in shares}
    assert len(mccs) >= 60
    assert mccs <= known


def test_credit_only_schemes_fit_into_credit_cards(facts):
    """In every country the credit-only schemes have no larger share than credit cards have."""
    mixes, products = facts["countries"]["scheme_mix"], facts["countries"]["product_mix"]
    for country, mix in mixes.items():
        special = sum(mix[scheme] for scheme in facts["cards"]["credit_only_schemes"])
        assert special <= products[country]["credit"], country


def test_sources_are_known_or_say_that_they_assume(parameters):
    """A source is a key of the citations or an assumption with its reason."""
    known = load_citations()
    names = [name for name in parameters.names() if name.startswith("catalog.")]
    assert len(names) > 60
    for name in names:
        key = parameters.sourced(name).citation_key
        assert key is None or key in known, name
