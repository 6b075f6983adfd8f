"""About so many rows: as many cards as make them, whatever the window, the rate, the realism."""

from __future__ import annotations

import pytest

import fauxpay
from fauxpay.cli import exit_code_of
from fauxpay.cli.app import app
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError
from fauxpay.fraud.rates import PILOT_CARDS
from fauxpay.partitions.sizing import cards_for
from worlds import parameters

SMALL = {"merchants": 900, "places": 24}
SELDOM = {"purchases_per_card_day": 0.2}
SLOW = pytest.mark.slow
CASES = [
    ({"run": {"to": "2026-03-06"}}, 12_000),
    ({"run": {"from": "2026-12-14", "to": "2026-12-21"}}, 20_000),
    ({"run": {"to": "2026-03-04"}, "activity": {"realism": "v1"}}, 9_000),
    pytest.param({"run": {"to": "2026-03-06"}, "fraud": {"rate": 0.05}}, 12_000, marks=SLOW),
    pytest.param({"run": {"to": "2026-04-20"}, "activity": SELDOM}, 15_000, marks=SLOW),
]


def config_of(told: dict[str, dict[str, object]]) -> Config:
    """A config of a small world."""
    return Config(**{**told, "catalog": SMALL})


@pytest.mark.parametrize(("told", "rows"), CASES)
def test_about_so_many_rows_are_made(tmp_path, told, rows):
    """Within what the luck of so few cards allows."""
    run = {**told["run"], "out": str(tmp_path), "executor": "serial", "report": False}
    made = fauxpay.generate({**told, "catalog": SMALL, "run": run}, rows=rows)
    assert made.rows["transactions"] == pytest.approx(rows, rel=0.06)


def test_more_rows_want_more_cards_in_proportion_beyond_the_pilot():
    """The pilot is counted for itself; a larger world is as many times as large."""
    config = config_of({"run": {"to": "2026-03-04"}})
    found = [cards_for(rows, config, parameters()) for rows in (1, 3_000, 300_000, 600_000)]
    assert found == sorted(set(found))
    assert found[0] < 10
    assert found[1] < PILOT_CARDS < found[2]
    assert found[3] == pytest.approx(2 * found[2], abs=2)


def test_neither_seed_nor_cards_of_the_config_have_a_say():
    """Another seed is another activity of the same world."""
    config = config_of({"run": {"to": "2026-03-04"}})
    others = ({"run.seed": 7}, {"catalog.cards": 77}, {"run.workers": 2})
    found = {cards_for(9_000, config.with_values(other), parameters()) for other in ({}, *others)}
    assert len(found) == 1


@pytest.mark.parametrize("rows", [0, -5, True, 2.5, "many"])
def test_no_number_of_rows_is_refused(tmp_path, rows):
    """Before anything is made."""
    with pytest.raises(ConfigError, match=r"rows = .*: allowed is a whole number from 1"):
        fauxpay.generate({"run": {"out": str(tmp_path / "root")}}, rows=rows)
    assert list(tmp_path.iterdir()) == []


REFUSED = [
    (["--set", "catalog.cards=5"], "--rows 900 and --set catalog.cards say the same twice"),
    (["--logical-date", "2026-03-01"], "--rows 900: each day would have its own number of cards"),
    (["--set", "catalog.path=."], "one's own catalog says how many cards there are"),
]


@pytest.mark.parametrize(("more", "message"), REFUSED)
def test_what_does_not_go_together_is_refused(tmp_path, capsys, more, message):
    """With what to do instead, and nothing is made."""
    asked = ["generate", "--rows", "900", "--out", str(tmp_path / "root"), *more]
    code = exit_code_of(lambda: app(asked, standalone_mode=False))
    assert code == ConfigError.exit_code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "root").exists()


def test_the_command_makes_them(tmp_path, capsys):
    """It says that it counts, and the summary says how many cards there are."""
    small = [f"catalog.{key}={value}" for key, value in SMALL.items()]
    asked = ["generate", "--rows", "4000", "--to", "2026-03-04", "--no-report", "--workers", "1"]
    asked += ["--out", str(tmp_path), *(word for one in small for word in ("--set", one))]
    assert exit_code_of(lambda: app(asked, standalone_mode=False)) == 0
    told = capsys.readouterr()
    assert "counting how many cards make 4,000 transactions" in told.err
    run = fauxpay.open(tmp_path).latest()
    assert run.rows["transactions"] == pytest.approx(4000, rel=0.12)
    cards = cards_for(4000, config_of({"run": {"to": "2026-03-04"}}), parameters())
    assert run.receipt["config"]["catalog"]["cards"] == cards
    assert f"cards         {cards:,}" in told.out
