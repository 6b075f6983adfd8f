"""Every kind of fraud keeps the rules, whoever wrote it; what breaks one is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import day_number
from fauxpay.config import offered
from fauxpay.config import typologies as names
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError, TypologyError
from fauxpay.fraud.story import chosen
from fauxpay.fraud.typology import OURS, TYPOLOGIES, found, typologies_of, typology_names
from fauxpay.testing import check_typology
from worlds import config, maker_of, parameters, tables

EXAMPLE = Path(__file__).parents[2] / "examples" / "typology"


@pytest.mark.parametrize("name", OURS)
def test_ours_keep_the_rules(name):
    """Each of the thirteen passes the public suite, and something happens in it."""
    seen = check_typology(found(name))
    assert seen.attacks + seen.disputes > 200
    assert (seen.disputes > 0) == (name == "friendly_fraud")


@dataclass(frozen=True)
class Broken:
    """One of ours with a fault put into its story."""

    fault: Any
    of: str = "card_testing"
    name: str = "card_testing"
    facts: Any = None

    def plan(self, ground):
        """The honest story, spoilt."""
        story = found(self.of).plan(ground)
        return self.fault(ground, story)


def attacks(**columns):
    """A fault in columns of attacks; a callable is given the attacks."""

    def fault(ground, story):
        told = story.attacks
        made = {name: value(told) for name, value in columns.items()}
        return replace(story, attacks=replace(told, **made))

    return fault


def compromises(**columns):
    """The same in columns of compromises."""

    def fault(ground, story):
        told = story.compromises
        made = {name: value(told) for name, value in columns.items()}
        return replace(story, compromises=replace(told, **made))

    return fault


def by_shard(ground, story):
    """Amounts that hang on where the shard begins."""
    more = story.attacks.amount + ground.activity.first_card
    return replace(story, attacks=replace(story.attacks, amount=more))


def by_window(ground, story):
    """Amounts that hang on the end of the window."""
    more = story.attacks.amount + ground.end_day
    return replace(story, attacks=replace(story.attacks, amount=more))


class _Restless:
    """Counts how often it was asked."""

    asked = 0

    def __call__(self, ground, story):
        self.asked += 1
        more = story.attacks.amount + self.asked
        return replace(story, attacks=replace(story.attacks, amount=more))


def nothing(ground, story):
    """No story at all, whatever the rate."""
    none = np.zeros(0, dtype=np.int64)
    return replace(
        story, compromises=chosen(story.compromises, none), attacks=chosen(story.attacks, none)
    )


FAULTS = {
    "after the compromise": attacks(at_ms=lambda a: a.at_ms - 60 * 86_400_000),
    ">= 1 minor unit": attacks(amount=lambda a: a.amount * 0),
    "whole minor units": attacks(amount=lambda a: a.amount + 0.5),
    "a terminal of the merchant": attacks(terminal=lambda a: a.terminal * 0),
    "a merchant of the world": attacks(merchant=lambda a: a.merchant - 10**6),
    "an entry mode that the channel allows": attacks(entry_mode=lambda a: a.entry_mode * 0),
    "a device of the world": attacks(device=lambda a: a.device + 10**9),
    "the victim's": attacks(card=lambda a: np.roll(a.card, 40)),
    "one name for each use": attacks(address=lambda a: a.address * np.uint64(0)),
    "one name for each compromise": compromises(address=lambda c: c.address * np.uint64(0)),
    "< 2**54": compromises(address=lambda c: c.address | np.uint64(1 << 60)),
    "the ground's code": compromises(typology=lambda c: c.typology * 0),
    "a card of the range": compromises(card=lambda c: c.card + 10**6),
    "after the card was opened": compromises(compromised_ms=lambda c: c.compromised_ms * 0),
    "a pure function of the ground": _Restless(),
    "expected the same": by_shard,
    "expected that it only adds": by_window,
    "expected victims": nothing,
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_broken_rule_is_named(rule):
    """Negative space: each rule is seen to fail, and says what was expected."""
    with pytest.raises(TypologyError, match=r"breaks \d+ rules") as caught:
        check_typology(Broken(FAULTS[rule]))
    assert rule in str(caught.value)


def test_a_plan_that_raises_is_reported():
    """An error of a plug-in names the plug-in."""

    def fault(ground, story):
        raise ValueError("no such shop")

    with pytest.raises(TypologyError, match="card_testing: plan raised ValueError"):
        check_typology(Broken(fault))


@dataclass(frozen=True)
class Theirs:
    """What another package offers: one of ours under a name of theirs."""

    name: str
    facts: Any

    def plan(self, ground):
        """The story of the one that it is like."""
        return found("phishing").plan(ground)


ALPHA, ZETA = (Theirs(n, parameters().section("fraud")["phishing"]) for n in ("alpha", "zeta"))


@pytest.fixture
def installed(monkeypatch):
    """Pretends that a package offers `alpha`, `zeta`, and names that are not its own to give."""
    points = [
        EntryPoint(name, f"{__name__}:{value}", names.GROUP)
        for name, value in {"alpha": "ALPHA", "zeta": "ZETA", "random": "ZETA"}.items()
    ]
    points.append(EntryPoint("phishing", "json:dumps", names.GROUP))
    monkeypatch.setattr(offered, "entry_points", lambda group: points)
    found.cache_clear()
    yield
    found.cache_clear()


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (lambda ground, story: None, "plan: returned a NoneType; expected a fauxpay.fraud.story"),
        (lambda ground, story: [story], "plan: returned a list; expected"),
        (
            lambda ground, story: replace(story, attacks=replace(story.attacks, card=[1, 2])),
            "its story cannot be judged: .* expected arrays",
        ),
    ],
)
def test_an_answer_that_is_no_story_is_named(plan, said):
    """Whoever begins a typology forgets to return it, or returns lists."""
    with pytest.raises(TypologyError, match=said):
        check_typology(Broken(plan))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "has no name, facts, plan; expected name, facts and plan"),
        (OURS, "has no name, facts, plan"),
        (dict, "typology dict: a class; expected an object of it"),
    ],
)
def test_what_is_no_typology_is_named(given, said):
    """The suite says what is missing; nothing else does."""
    with pytest.raises(TypologyError, match=said):
        check_typology(given)


@pytest.mark.usefixtures("installed")
def test_codes_are_fixed_and_others_follow():
    """Ours keep their codes; those of others come after, by name, whoever asks for them."""
    settings = Config(fraud={"more": {"zeta": 0.1, "alpha": 0.2}})
    assert typology_names(settings) == (*TYPOLOGIES, "alpha", "zeta")
    scheduled = Config(
        fraud={"more": {"zeta": 0.1}, "campaigns": [{"typology": "alpha"}, {"typology": "alpha"}]}
    )
    assert typology_names(scheduled) == (*TYPOLOGIES, "alpha", "zeta")
    planned = {named.typology.name: named for named in typologies_of(scheduled)}
    assert (planned["alpha"].code, planned["alpha"].per_card_year) == (len(TYPOLOGIES), 0.0)
    assert TYPOLOGIES[:3] == ("card_testing", "lost_stolen", "random")
    assert {named.code for named in typologies_of(Config())} == set(range(14)) - {2}


def test_the_config_knows_ours():
    """Each of ours has a rate in the config, and each rate there is of one of ours."""
    assert names.OURS == OURS


@pytest.mark.usefixtures("installed")
def test_a_package_cannot_take_one_of_our_names():
    """Whatever is installed, `phishing` is ours and `random` is no typology."""
    assert names.typologies_of_others().keys() == {"alpha", "zeta"}
    assert type(found("phishing")).__module__ == "fauxpay.fraud.phishing"
    with pytest.raises(ConfigError, match=r"campaigns\.0\.typology = 'random': .*skimming, alpha,"):
        Config(fraud={"campaigns": [{"typology": "random"}]})


CAMPAIGN = {"typology": "alpha", "from": "2026-03-05", "to": "2026-03-12", "per_card_year": 20.0}


@pytest.mark.usefixtures("installed")
def test_a_campaign_of_another_package_is_planned():
    """It needs no rate, and comes on top of a share as one of ours does."""
    fraud = {"rate": 0.01, "more": {"zeta": 0.01}}
    plain = maker_of(config(fraud=fraud)).shard(0).plan
    own = maker_of(config(fraud={**fraud, "campaigns": [CAMPAIGN]}))
    made = pl.from_arrow(tables(own, day_number(date(2026, 3, 8)))["truth"])
    assert (made["typology"] == "alpha").sum() > 10
    told = own.shard(0).plan.compromises
    alpha, zeta = len(TYPOLOGIES), len(TYPOLOGIES) + 1
    day = told.compromised_ms[told.typology == alpha] // DAY_MS
    assert day.size > 200
    assert (day >= day_number(date(2026, 3, 5))).all()
    assert (day < day_number(date(2026, 3, 12))).all()
    # The thresholds of zeta are found without the campaign, and under its own code.
    assert 0 < (told.typology == zeta).sum() == (plain.compromises.typology == alpha).sum()


def test_an_unknown_typology_is_refused():
    """What no package offers is an error of the config, by key, with what was probably meant."""
    with pytest.raises(ConfigError, match=r"fraud\.more\.alpha = 0\.2: allowed is one of card_tes"):
        Config(fraud={"more": {"alpha": 0.2}})
    with pytest.raises(ConfigError, match=r"campaigns\.0\.typology = 'phising'.* mean phishing\?"):
        Config(fraud={"campaigns": [{"typology": "phising"}]})
    with pytest.raises(ConfigError, match="no typology 'alpha' here: allowed is one of card_test"):
        found("alpha")
    with pytest.raises(ConfigError, match="a name that is not ours"):
        Config(fraud={"more": {"phishing": 0.2}})
    with pytest.raises(ConfigError, match=r"fraud\.campaigns\.0\.to"):
        Config(fraud={"campaigns": [{"from": "2026-03-05", "to": "2026-03-05"}]})


SCRIPT = """
import json, sys
import fauxpay
from fauxpay.testing import check_typology
from fauxpay.fraud.typology import found
seen = check_typology(found("gift_card_drain"))
run = fauxpay.generate({
    "catalog": {"cards": 400, "merchants": 400, "places": 12},
    "fraud": {"more": {"gift_card_drain": 4.0}},
    "run": {"from": "2026-03-01", "to": "2026-03-11", "out": sys.argv[1], "executor": "serial"},
})
names = run.table("truth").to_table()["typology"].to_pylist()
campaigns = run.table("campaigns").to_table()["typology"].to_pylist()
print(json.dumps([seen.attacks, names.count("gift_card_drain"), "gift_card_drain" in campaigns]))
"""


@pytest.mark.slow
def test_a_package_of_others_is_installed_and_used(tmp_path):
    """The example is installed by pip, found by its entry point, conforms, and makes rows."""
    target = tmp_path / "site"
    copy = tmp_path / "source"
    subprocess.run([sys.executable, "-c", _COPY, str(EXAMPLE), str(copy)], check=True)
    pip = ("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run(
        [sys.executable, "-m", *pip, "--target", str(target), str(copy)],
        check=True,
        capture_output=True,
    )
    environ = {**os.environ, "PYTHONPATH": str(target)}
    made = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "out")],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    attack_count, rows, has_campaign = json.loads(made.stdout.splitlines()[-1])
    assert attack_count > 200
    assert rows > 20
    assert has_campaign


_COPY = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2])"
