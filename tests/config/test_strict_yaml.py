"""Strict YAML: what is read, and what is refused with its line."""

from __future__ import annotations

import contextlib
import json
import math
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.errors import ConfigError
from fauxpay.foundations.strict_yaml import DEPTH_MAX, read_value, read_yaml

SCALARS = {
    "5": 5,
    "-7": -7,
    "+7": 7,
    "012": 12,
    "0x1F": 31,
    "0o17": 15,
    "0.5": 0.5,
    ".5": 0.5,
    "1e-05": 1e-05,
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "2026-03-01": date(2026, 3, 1),
    "NO": "NO",
    "no": "no",
    "off": "off",
    "y": "y",
    "1:30": "1:30",
    "1_000": "1_000",
    "2026-02-30": "2026-02-30",
    "2026-03-01T00:00:00Z": "2026-03-01T00:00:00Z",
    "'true'": "true",
    '"5"': "5",
    "9" * 101: "9" * 101,
}

REFUSED = {
    "a: 1\nb: 2\na: 3": "f.yaml:3: the key 'a' stands here twice, first on line 1",
    "a:\n- c: 1\n  c: 2": "f.yaml:3: the key 'c' stands here twice, first on line 2",
    "a: !!python/object/apply:os.system [ls]": "f.yaml:1: the tag tag:yaml.org,2002:python",
    "a: !!str 5": "f.yaml:1: the tag tag:yaml.org,2002:str is not read",
    "!own {a: 1}": "f.yaml:1: the tag !own is not read",
    "a: &x 1\nb: *x": "f.yaml:1: anchors and aliases (& and *) are not read; repeat the value",
    "a: 1\nb: *x": "f.yaml:2: anchors and aliases",
    "a: 1\n---\nb: 2": "f.yaml:2: a second document starts here; one is allowed",
    "a: [": "f.yaml:1: this is not YAML: expected the node content",
    "a: b: c": "f.yaml:1: this is not YAML: mapping values are not allowed here",
    'a: "\\ud800"': "f.yaml:1: half of a surrogate pair",
    "\ta: 1": "f.yaml:1: this is not YAML: found character '\\t'",
    "a: \x00": "f.yaml: this is not YAML: unacceptable character #x0000",
    "? [a]\n: 1": "f.yaml:1: a key must be a text, not a list or mapping",
    "? {a: 1}\n: 1": "f.yaml:1: a key must be a text, not a list or mapping",
    "[" * (DEPTH_MAX + 1): f"f.yaml:1: nested more than {DEPTH_MAX} levels deep",
    "{a: " * 5000: f"f.yaml:1: nested more than {DEPTH_MAX} levels deep",
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_a_scalar_has_its_yaml_1_2_value(text: str, value: object) -> None:
    """Plain scalars follow the YAML 1.2 core schema; days are days, and NO is Norway."""
    read = read_value(text, "f.yaml")
    assert (type(read), read) == (type(value), value)


def test_special_floats_are_read() -> None:
    """Infinity and NaN reach the model, which refuses them by name."""
    assert read_value("[.inf, -.inf]", "f.yaml") == [math.inf, -math.inf]
    assert math.isnan(read_value(".nan", "f.yaml"))


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_what_is_not_plain_data_is_refused(text: str, message: str) -> None:
    """Each refusal names file, line and reason."""
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, "f.yaml")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_text_is_none(text: str) -> None:
    """A file without content says nothing and is no error."""
    assert read_yaml(text, "f.yaml").value is None


def test_keys_are_texts_and_have_lines() -> None:
    """Numbers and booleans as keys stay the texts that were written."""
    document = read_yaml("5411: {true: 1}\n\nb:\n- x\n- c: 2\n'': {d: 1}\n", "f.yaml")
    assert document.value == {"5411": {"true": 1}, "b": ["x", {"c": 2}], "": {"d": 1}}
    assert document.lines[("5411", "true")] == 1
    assert document.lines[("b", "1", "c")] == 5
    assert document.lines[("", "d")] == 6


def test_a_version_directive_changes_nothing() -> None:
    """NO stays a text under %YAML 1.1 too."""
    assert read_yaml("%YAML 1.1\n---\na: NO\n", "f.yaml").value == {"a": "NO"}


def test_the_deepest_allowed_nesting_is_read() -> None:
    """The bound itself is allowed."""
    read = read_value("[" * DEPTH_MAX + "]" * DEPTH_MAX, "f.yaml")
    assert json.dumps(read) == "[" * DEPTH_MAX + "]" * DEPTH_MAX


letters = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=5)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | letters,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_json_reads_as_itself(value: object) -> None:
    """Property: what JSON writes, strict YAML reads, up to the depth bound."""
    text = re.sub(r"\bInfinity\b", ".inf", json.dumps(value, ensure_ascii=False))
    assert read_value(text, "f.yaml") == value


@given(st.from_regex(r"[0-9A-Za-z][-+._0-9A-Za-z]*", fullmatch=True))
def test_a_word_is_the_same_with_and_without_a_parser(text: str) -> None:
    """Property: the short cut for one word says what the parser says of it."""
    short, whole = read_value(text, "f.yaml"), read_yaml(text, "f.yaml").value
    assert (type(short), repr(short)) == (type(whole), repr(whole))


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_a_config_error(text: str) -> None:
    """Property: no text breaks the reader in another way."""
    with contextlib.suppress(ConfigError):
        read_yaml(text, "f.yaml")
