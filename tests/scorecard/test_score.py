"""The whole scorecard: the command, its JSON, and worlds that fail for the right reasons."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import fauxpay
from card_tables import found, instants, poisson_world, write
from fauxpay.cli import exit_code_of
from fauxpay.cli.score import BAR_WIDTH, bar, number
from fauxpay.contracts.documents import check_document
from fauxpay.errors import ConfigError, ContractError
from fauxpay.readers.query import memory_limit_of
from fauxpay.scorecard.documents import document_of
from fauxpay.scorecard.facts import shipped_rules
from fauxpay.scorecard.findings import Finding, Standing

CONTRACT = "run.yaml#/$defs/scorecard"
FACTS = {law.fact.key: law.fact for law in shipped_rules().laws}


def command(*arguments):
    """Exit code of `fauxpay score ...`."""
    from fauxpay.cli.app import app

    return exit_code_of(lambda: app(["score", *map(str, arguments)], standalone_mode=False))


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """A table of 300 cards on which chance alone works."""
    return poisson_world(tmp_path_factory.mktemp("flat") / "flat.parquet")


def test_a_scorecard_keeps_its_contract(sealed, flat):
    """Of a run and of a table of others; a standing that is none is refused."""
    for source in (sealed, flat):
        document = document_of(fauxpay.score(source))
        check_document(CONTRACT, document)
        document["findings"][0]["standing"] = "lovely"
        with pytest.raises(ContractError, match="findings/0/standing"):
            check_document(CONTRACT, document)


def test_a_flat_world_fails_and_says_where(flat, capsys):
    """Exit code 10, the table on standard output, the facts that are outside on standard error."""
    assert command(flat) == 10
    out, err = capsys.readouterr()
    assert "withdrawals in whole notes" in out
    assert "--map kind=THEIRS" in out.replace("\n", "")
    assert "trough_share" in err


def test_a_look_without_a_verdict(flat, capsys):
    """--no-fail ends with 0; two tables stand side by side, each with its total."""
    assert command(flat, flat, "--no-fail") == 0
    out = capsys.readouterr().out
    assert out.count("FAIL") == 2


def test_json_of_one_and_of_two(flat, capsys):
    """One document, or a list of two, and nothing else on standard output."""
    assert command(flat, "--json") == 10
    one = json.loads(capsys.readouterr().out)
    assert (one["schema"], one["verdict"]) == ("fauxpay.scorecard/1", "FAIL")
    assert command(flat, flat, "--json", "--no-fail") == 0
    two = json.loads(capsys.readouterr().out)
    assert two == [one, one]


def test_nothing_judged_is_unknown_and_no_pass(tmp_path, capsys):
    """A table of two cards and two days proves nothing: UNKNOWN, exit code 10."""
    path = write(tmp_path / "t.parquet", {"card": [1, 2], "at": instants([0.5, 1.5])})
    assert command(path) == 10
    out, err = capsys.readouterr()
    assert "UNKNOWN, nothing counted" in out
    assert "no fact could be judged" in err


def test_bad_requests_have_the_code_of_bad_requests(flat, capsys):
    """Three tables, a column that is none, a memory that is none: 2, with nothing printed."""
    assert command(flat, flat, flat) == 2
    assert command(flat, "--map", "label=frod") == 2
    assert command(flat, "--memory", "much") == 2
    assert capsys.readouterr().out == ""


def test_a_mapping_beside_a_run_is_for_the_other_table(sealed, tmp_path, capsys):
    """A run and a CSV of others, side by side."""
    path = tmp_path / "theirs.csv"
    path.write_text("cc,ts\n" + "\n".join(f"{n},2026-03-0{n % 9 + 1} 10:00:00" for n in range(90)))
    assert command(sealed, path, "--map", "card=cc,at=ts", "--no-fail", "--json") == 0
    run, theirs = json.loads(capsys.readouterr().out)
    assert run["evidence"]["rows"] > 90 == theirs["evidence"]["rows"]


def test_memory_limits_are_sizes():
    """Negative and known answers."""
    assert memory_limit_of(" 800 MB") == "800MB"
    assert memory_limit_of("1.5gib", "memory_limit") == "1.5giB"
    for text in ("", "0GB", "4", "-1GB", "1KB", "nan", "0.9 MB", "1GB; DROP TABLE x"):
        with pytest.raises(ConfigError, match="expected a size, such as 512MB"):
            memory_limit_of(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.525, "·[━●"), (0.40, "●━━"), (0.01, "◀"), (0.99, "▶")],
)
def test_bars_show_the_corridor_and_the_value(value, shown):
    """The value lies in the corridor, on its end, or beyond what is drawn."""
    text = bar(Finding(FACTS["gini"], value, None, Standing.INSIDE))
    assert len(text) == BAR_WIDTH
    assert ("●" in text) == (shown[-1] == "●" or "●" in shown)
    assert text.startswith("◀") == (shown == "◀")
    assert text.endswith("▶") == (shown == "▶")
    for fact in FACTS.values():
        assert len(bar(Finding(fact, value, None, Standing.INSIDE))) == BAR_WIDTH


def test_numbers_are_read_in_four_figures():
    """Known answers."""
    assert [number(v) for v in (None, 0.00023456, 12345.6, 1)] == ["", "0.0002346", "12,346", "1"]


def test_scaling_amounts_moves_no_ratio(tmp_path):
    """Metamorphic: a table in cents has the laws of the table in units, but for prices."""
    rng = np.random.default_rng(7)
    rows = 4000
    amount = np.round(np.exp(rng.normal(3, 1, rows)), 2)
    table = {"card": rng.integers(0, 50, rows), "at": instants(np.sort(rng.uniform(0, 40, rows)))}
    cards = [
        fauxpay.score(write(tmp_path / f"{scale}.parquet", {**table, "amount": amount * scale}))
        for scale in (1, 100)
    ]
    for key in ("mean_over_median", "amount_log_sd", "friday", "gini", "fano"):
        one, other = (found(card, key).value for card in cards)
        assert one == pytest.approx(other, rel=0.01), key


def test_order_and_cutting_of_rows_change_nothing(tmp_path):
    """Metamorphic: rows shuffled and in several files are the same table."""
    rng = np.random.default_rng(8)
    rows = 3000
    table = {
        "card": rng.integers(0, 40, rows),
        "merchant": rng.integers(0, 300, rows),
        "at": rng.uniform(0, 50, rows),
    }
    order = rng.permutation(rows)
    (tmp_path / "parts").mkdir()
    for nth, part in enumerate(np.array_split(order, 3)):
        columns = {name: values[part] for name, values in table.items()}
        path = tmp_path / "parts" / f"{nth}.parquet"
        write(path, {**columns, "at": instants(columns["at"])})
    whole = fauxpay.score(write(tmp_path / "whole.parquet", {**table, "at": instants(table["at"])}))
    parts = fauxpay.score(tmp_path / "parts")
    for one, other in zip(whole.findings, parts.findings, strict=True):
        assert (one.value is None) == (other.value is None)
        if one.value is not None:
            assert one.value == pytest.approx(other.value), one.fact.key


def v1(root, cards, end):
    """A run of the control group without a model behind it."""
    return fauxpay.generate(
        {
            "catalog": {"cards": cards, "merchants": max(700, cards // 2), "places": 60},
            "activity": {"realism": "v1"},
            "run": {"from": "2026-03-01", "to": end, "out": str(root), "executor": "serial"},
        }
    )


def outside_share(card):
    """Share of the judged facts that are outside."""
    judged = [e for e in card.findings if e.standing in (Standing.INSIDE, Standing.OUTSIDE)]
    assert judged
    return sum(each.standing is Standing.OUTSIDE for each in judged) / len(judged)


def test_the_control_group_fails_at_least_half_of_what_is_judged(tmp_path):
    """A small world without structure: amounts, hours, channels and home are judged, and fail."""
    card = fauxpay.score(v1(tmp_path, 900, "2026-04-06"))
    assert outside_share(card) >= 0.5
    assert card.extra["verdict"] == "FAIL"


@pytest.mark.slow
def test_the_control_group_fails_at_least_half_of_all_rows(tmp_path):
    """At full size, with the laws of cards and merchants judged too."""
    card = fauxpay.score(v1(tmp_path, 24_000, "2026-05-30"))
    assert outside_share(card) >= 0.5
    rows = [standing for number, standing in card.extra["rows"].items() if number <= 22]
    assert rows.count("outside") >= len([r for r in rows if r in ("inside", "outside")]) / 2
    for key in ("fano", "gini", "merchant_zipf", "top_1_share", "payday", "peak_share"):
        assert found(card, key).standing is Standing.OUTSIDE, key


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_terminal_of_any_width_shows_every_fact_with_its_bar(flat, columns):
    """In 80 columns intervals and sources give way, facts, values, bars and standings stay."""
    script = (
        "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode("
        "pty.spawn([sys.executable, '-m', 'fauxpay', 'score', '--no-fail', sys.argv[1]])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(flat)],
        env={**os.environ, "COLUMNS": columns, "TERM": "xterm", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    lines = [line for line in text.splitlines() if re.match(r" +\d+ ", line)]
    assert len(lines) >= len(FACTS)
    assert max(map(len, text.splitlines())) <= int(columns)
    assert sum("[" in line and "]" in line for line in lines) >= 10
    assert ("birmingham" in text) == (columns == "200")


def test_too_little_memory_is_an_error_with_a_remedy(flat, capsys):
    """Two megabytes are not enough for anything: exit code 9, and what to do."""
    assert command(flat, "--memory", "2MB") == 9
    out, err = capsys.readouterr()
    assert out == ""
    assert "--memory" in err


def test_more_threads_than_any_machine_has_are_refused(flat, capsys):
    """The engine would start them one by one, for minutes: exit code 2 at once."""
    assert command(flat, "--threads", "9999999") == 2
    assert "1024" in capsys.readouterr().err
