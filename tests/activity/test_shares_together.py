"""Shares of one whole that are told apart: they leave room for the rest, or are refused."""

from __future__ import annotations

import polars as pl
import pytest

import fauxpay
from fauxpay.errors import ConfigError
from worlds import parameters

HERE = "activity.countries.US.payment"


def made(root, **shares: float) -> fauxpay.Run:
    """A day of a small American world with shares of its own."""
    return fauxpay.generate(
        {
            "catalog": {"cards": 400, "merchants": 300, "places": 12, "countries": {"US": 1.0}},
            "parameters": {f"{HERE}.{name}": share for name, share in shares.items()},
            "run": {"from": "2026-03-01", "to": "2026-03-03", "out": str(root), "report": False}
            | {"executor": "serial"},
        }
    )


@pytest.mark.parametrize(
    ("share", "told"),
    [
        ("contactless_share", "contactless_share 1.0 and .*magstripe_share .* expected at most 1"),
        ("magstripe_share", "contactless_share .* and .*magstripe_share 1.0 .* expected at most 1"),
        ("atm_share", "atm_share 1.0 and activity.channels.moto_share .* expected at most 1"),
    ],
)
def test_more_than_all_is_refused_before_anything_is_written(tmp_path, share, told):
    """All of one beside what is shipped of the other: both names, the bound, no world."""
    with pytest.raises(ConfigError, match=told):
        made(tmp_path, **{share: 1.0})
    assert not list(tmp_path.glob("worlds/**/*.*"))


def test_no_shops_but_machines_and_the_telephone(tmp_path):
    """The bound itself is allowed: what remains of 1 is nothing, not less by a rounding."""
    moto = parameters().value("activity.channels.moto_share")
    run = made(tmp_path, atm_share=1 - moto)
    rows = pl.from_arrow(run.table("transactions").to_table())
    bought = rows.filter(~pl.col("channel").is_in(["atm", "moto", "recurring"]))
    assert rows.height > 500
    assert bought.height < rows.height / 10, "travellers on their way and who finds no machine"


def test_all_that_can_is_tapped(tmp_path):
    """The bound itself is allowed: a card that can tap does so wherever the shop can."""
    run = made(tmp_path, contactless_share=1.0, magstripe_share=0.0)
    rows = pl.from_arrow(run.table("transactions").to_table())
    cards = pl.from_arrow(run.table("cards").to_table())
    shops = pl.from_arrow(run.table("terminals").to_table())
    both = (
        rows.filter(pl.col("channel") == "pos", pl.col("merchant_country") == "US")
        .join(cards.filter("is_contactless"), on="card_id", how="semi")
        .join(shops.filter("is_contactless"), on="terminal_id", how="semi")
    )
    assert both.height > 100
    small = both.filter(pl.col("billing_amount_minor") < 2_000)
    assert set(small["entry_mode"]) == {"contactless"}
