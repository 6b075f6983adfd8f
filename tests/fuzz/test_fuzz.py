"""Fuzz: whatever is brought, only errors of ours escape, in time, and nothing else is touched.

The suite tries a few hundred executions of each target; FUZZ_EXECUTIONS asks for more, and
`python -m tests.fuzz` runs for long (docs/fuzzing.md).
"""

from __future__ import annotations

import gc
import json
import os
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fauxpay.contracts.faults import Fault
from fauxpay.contracts.folders import Folder, parsed
from fauxpay.contracts.pack_check import check_documents
from fauxpay.contracts.tables import table
from fauxpay.contracts.validation import validate
from fauxpay.errors import FauxpayError
from fauxpay.foundations.strict_yaml import read_yaml
from fauxpay.receipts.records import read_document

from . import guard
from .campaign import execute, in_children, in_process
from .mutators import KEYS, TEXTS, mutated_bytes, mutated_tree
from .targets import TARGETS, Target

EXECUTIONS = int(os.environ.get("FUZZ_EXECUTIONS", "250"))
# What costs most is tried least.
FEWER = {"readers": 0.1}
KINDS = ("gate", "receipt", "world", "partition")
texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=8))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), texts), inner, max_size=5),
    ),
    max_leaves=25,
)


@pytest.fixture(autouse=True)
def nothing_left_to_clean() -> None:
    """What earlier tests left to the garbage collector is gone: its clean-up would be blamed."""
    gc.collect()


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_own_errors_escape(name, tmp_path):
    """No crash, no hang, no file elsewhere, no network, in so many executions of a target."""
    count = max(1, round(EXECUTIONS * FEWER.get(name, 1)))
    tally = in_process(name, 0, count, tmp_path, None)
    assert tally.crashes == {}, "python -m tests.fuzz --target NAME --seed SEED shows the trace"
    assert tally.executions == count


@settings(max_examples=150, deadline=5000)
@given(st.lists(json_values, min_size=1, max_size=3))
def test_any_documents_can_be_checked_as_packs(documents):
    """Property: whatever JSON can say, the pack check gives a report that can be printed."""
    read = {
        f"{n}.json": parsed(f"{n}.json", json.dumps(one).encode())
        for n, one in enumerate(documents)
    }
    sound = {name: one for name, one in read.items() if not isinstance(one, Fault)}
    report = check_documents(Folder(sound, {}, ()))
    assert all(str(one).isprintable() for one in report.faults)


@settings(max_examples=150, deadline=5000)
@given(st.text(max_size=200), st.booleans())
def test_any_text_is_yaml_or_refused(text, has_aliases):
    """Property: strict YAML reads or refuses any text."""
    from fauxpay.contracts.folders import LIMITS

    with suppress(FauxpayError):
        read_yaml(text, "any", LIMITS) if has_aliases else read_yaml(text, "any")


@settings(max_examples=150, deadline=5000)
@given(st.sampled_from(KINDS), st.one_of(st.binary(max_size=200), json_values.map(json.dumps)))
def test_any_bytes_are_a_document_or_refused(kind, data):
    """Property: documents of runs are read or refused whatever they hold."""
    with suppress(FauxpayError):
        read_document(f"run.yaml#/$defs/{kind}", data if isinstance(data, bytes) else data.encode())


@settings(
    max_examples=80, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300), st.sampled_from(("a.parquet", "a.csv", "a.bin")))
def test_any_bytes_are_a_table_or_refused(tmp_path, data, name):
    """Property: users' files are read or refused whatever their bytes."""
    path = tmp_path / name
    path.write_bytes(data)
    with suppress(FauxpayError):
        validate(table("labels.yaml#/$defs/labels"), [path], {})


def wrong(random: Random, scratch: Path) -> None:
    """A target with every fault that the harness looks for, in turn."""
    kind = random.randrange(4)
    if kind == 0:
        raise KeyError("not ours")
    if kind == 1:
        (scratch.parent.parent / "elsewhere.txt").write_text("x")
    elif kind == 2:
        with open("/etc/hostname") as stream:
            stream.read()
    else:
        while True:
            pass


def test_the_harness_sees_what_it_looks_for(tmp_path, monkeypatch):
    """Negative space: other errors, files elsewhere, read or written, and hangs are crashes."""
    monkeypatch.setitem(TARGETS, "wrong", Target("wrong", 0.0, wrong))
    monkeypatch.setattr(guard, "SECONDS_MAX", 0.2)
    scratch = tmp_path / "base" / "scratch"
    scratch.mkdir(parents=True)
    seen = {execute("wrong", seed, scratch)[1].split(" ")[0] for seed in range(12)}
    assert seen == {"KeyError", "touched", "Hang"}
    touched = {execute("wrong", seed, scratch)[1] for seed in range(12)}
    assert any("elsewhere.txt" in one for one in touched)
    assert any("/etc/hostname" in one for one in touched)


def test_mutations_are_reproducible():
    """The same seed gives the same input, so that a crash can be seen again."""
    for seed in range(30):
        tree = {"a": [1, {"b": "c"}], "$ref": "x"}
        first, second = (mutated_tree(Random(seed), tree) for _ in range(2))
        assert repr(first) == repr(second)
        assert mutated_bytes(Random(seed), b"abc" * 9) == mutated_bytes(Random(seed), b"abc" * 9)
    assert tree == {"a": [1, {"b": "c"}], "$ref": "x"}


@pytest.mark.slow
def test_a_campaign_counts_over_processes(monkeypatch):
    """Executions add up over the processes that make them."""
    monkeypatch.chdir(Path(__file__).parents[2])
    steps = list(in_children("yaml", 100, 50))
    assert [following for following, _ in steps] == [150]
    assert steps[0][1]["executions"] == 50
