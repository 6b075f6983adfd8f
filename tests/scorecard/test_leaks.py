"""The leakage gate: every check passes a plain table, and fails one with its leak planted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fauxpay.cli import _app, _code_of
from fauxpay.contracts.documents import check_document
from fauxpay.errors import ConfigError
from fauxpay.gates.verdicts import Verdict
from fauxpay.scorecard.card_table import open_card_table
from fauxpay.scorecard.leak_checks import Measured
from fauxpay.scorecard.leaks import _judged, leaks, rules
from fauxpay.scorecard.single_columns import auc, auc_error
from scorecard_tables import DAY_US, START_US, plain, write


def judged(path, columns, *checks):
    """The gate's checks of a table, by name; all where none is named."""
    found = leaks(open_card_table(write(path, columns)), threads=1, checks=checks or None)
    return {each.check: each for each in found.checks}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Checks of the plain table."""
    return judged(tmp_path_factory.mktemp("plain") / "plain.parquet", plain())


def test_a_plain_table_passes(clean):
    """Fraud that only behaves a little differently is given away by nothing."""
    assert list(clean) == list(rules()["checks"])
    said = {name: (each.verdict.name, each.value, each.about) for name, each in clean.items()}
    assert {each.verdict for each in clean.values()} == {Verdict.PASS}, said
    assert 0.75 < clean["boosting"].value < 0.985


def _of_frauds(columns, name, values):
    """A column with other values on fraudulent rows."""
    is_fraud = columns["label"] == 1
    made = columns[name].copy()
    made[is_fraud] = values(made[is_fraud])
    return {**columns, name: made}


def _appended(columns):
    """Fraud behind everything else."""
    order = np.argsort(columns["label"], kind="stable")
    return {name: values[order] for name, values in columns.items()}


def _high_ids(columns):
    """Devices that thieves use have numbers of their own range, and are used by others, too."""
    rng = np.random.default_rng(1)
    high = rng.integers(72_000, 74_000, columns["device"].size)
    is_high = (columns["label"] == 1) | (rng.random(high.size) < 0.05)
    return {**columns, "device": np.where(is_high, high, columns["device"])}


def _whole_days(columns):
    """The owner's rows of the days with fraud are left out."""
    day = (columns["at"] - START_US) // DAY_US
    key = columns["card"] * 1000 + day
    hit = np.unique(key[columns["label"] == 1])
    kept = (columns["label"] == 1) | ~np.isin(key, hit)
    return {name: values[kept] for name, values in columns.items()}


PLANTED = {
    "ids": _high_ids,
    "order": _appended,
    "clock": lambda t: _of_frauds(t, "at", lambda at: at // 60_000_000 * 60_000_000),
    "fraud_only_entities": lambda t: _of_frauds(t, "merchant", lambda own: 9_000 + own % 20),
    "fraud_card_days": _whole_days,
    "column": lambda t: _of_frauds(t, "amount", lambda own: own * 6),
    "column_on_channel": lambda t: _of_frauds(t, "mcc", lambda own: 9_999 + own * 0),
    "small_tree": lambda t: _of_frauds(t, "amount", lambda own: 700 + own),
    "raw_boosting": lambda t: _of_frauds(t, "amount", lambda own: 700 + own),
    "boosting_precision": lambda t: _of_frauds(t, "amount", lambda own: 2_000 + own),
}


@pytest.mark.parametrize("check", PLANTED)
def test_a_planted_leak_fails_its_check(check, clean, tmp_path):
    """Negative space: the check of a leak was seen to fail on it, and the gate with it."""
    found = judged(tmp_path / "leak.parquet", PLANTED[check](plain()), check)
    assert list(found) == [check]
    assert found[check].verdict == Verdict.FAIL, found[check]
    assert clean[check].verdict == Verdict.PASS


def test_fraud_at_random_cannot_be_learnt(tmp_path):
    """Labels that a coin tossed fail: boosting stays below .75."""
    columns = plain()
    rng = np.random.default_rng(8)
    columns["label"] = rng.permutation(columns["label"])
    found = judged(tmp_path / "random.parquet", columns, "boosting", "column")
    assert found["boosting"].verdict == Verdict.FAIL
    assert 0.35 < found["boosting"].value < 0.65
    assert found["column"].verdict == Verdict.PASS


@pytest.mark.parametrize(
    ("value", "frauds", "verdict"),
    [(0.73, 150, "PASS"), (0.73, 10_000, "FAIL"), (0.78, 150, "FAIL"), (0.73, None, "FAIL")],
)
def test_what_chance_makes_of_few_frauds_is_no_leak(value, frauds, verdict):
    """A column just above its corridor fails where there is fraud enough to know it."""
    made = _judged("x", (1000, 200), {"column": Measured(value, "card", frauds=frauds)})
    (found,) = made.checks
    assert found.verdict.name == verdict
    assert ("150 frauds make 0.03" in found.about) == (verdict == "PASS")


def test_the_error_of_an_auc_is_that_of_draws():
    """Property: over many small samples an AUC spreads as its stated error says."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        scores = np.concatenate([rng.normal(0.8, 1, 100), rng.normal(0, 1, 3000)])
        found.append(auc(scores, np.arange(3100) < 100, np.ones(3100)))
    assert np.std(found) == pytest.approx(auc_error(np.mean(found), 100), rel=0.2)


def test_too_little_fraud_is_unknown(tmp_path):
    """A gate with nothing to go by has proved nothing, and says what is lacking."""
    found = judged(tmp_path / "few.parquet", plain(cards=100, frauds=30))
    assert {each.verdict for each in found.values()} == {Verdict.UNKNOWN}
    assert found["ids"].reason == "28 frauds; 100 are needed"


def test_labels_are_needed(tmp_path):
    """Without a column that says what is fraud there is nothing to check, and --map is named."""
    columns = plain(cards=50, frauds=30)
    del columns["label"]
    with pytest.raises(ConfigError, match="--map label=THEIR_NAME"):
        leaks(open_card_table(write(tmp_path / "x.parquet", columns)))


def test_the_command_fails_with_ten_and_prints_its_contract(tmp_path, capsys, monkeypatch):
    """Exit code 10 for a leak, under the names of the user; --json is in contract either way."""
    columns = PLANTED["column_on_channel"](plain(cards=600, frauds=300))
    path = write(tmp_path / "theirs.parquet", columns, card="cc_num", label="is_fraud")
    asked = ["leaks", str(path), "--map", "card=cc_num,label=is_fraud", "--threads", "1"]
    monkeypatch.setattr("sys.argv", ["fauxpay", *asked, "--json"])
    assert _code_of(_app) == 10
    out, err = capsys.readouterr()
    document = json.loads(out)
    check_document("run.yaml#/$defs/leaks", document)
    assert document["verdict"] == "FAIL"
    assert document["frauds"] == 300
    assert "checks did not pass" in err
    monkeypatch.setattr("sys.argv", ["fauxpay", *asked, "--no-fail"])
    assert _code_of(_app) == 0
    assert "one raw column on one channel (mcc)" in capsys.readouterr().out
