"""Shipped: parsed YAML files are those of today, and an edited one is parsed again."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from fauxpay.contracts.folders import LIMITS
from fauxpay.contracts.registry import _parsed, pack_texts
from fauxpay.errors import ContractError
from fauxpay.foundations import shipped
from fauxpay.foundations.parameters import parameters_of
from fauxpay.foundations.strict_yaml import read_yaml

PACKAGE = Path(str(resources.files("fauxpay")))
FILES = sorted(PACKAGE.rglob("*.yaml"))


def typed(value: object) -> object:
    """The value with the type of every part, so that 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return [(key, typed(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [typed(item) for item in value]
    return (type(value).__name__, repr(value))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_yaml_file_is_known_as_the_strict_reader_reads_it(path):
    """Value, types and order are those of the file: else run `python tools/build_shipped.py`."""
    content = path.read_bytes()
    known = shipped.shipped_value(content)
    assert known is not None, "run `python tools/build_shipped.py`"
    assert typed(known) == typed(read_yaml(content.decode(), path.name, LIMITS).value)


def test_nothing_else_is_kept():
    """As many values as files: what was edited left no old value behind."""
    assert len(shipped._known()) == len(FILES)


def test_an_edited_text_is_parsed():
    """A text of no file is unknown, and what it says counts."""
    text = b"share: {value: 0.25, unit: share, source: 'assumption: a test'}\n"
    assert shipped.shipped_value(text) is None
    assert parameters_of({"fraud": text.decode()})["fraud.share"].value == 0.25


def test_an_edited_pack_is_parsed():
    """A built-in pack's text with a changed $id is refused, so it was read and not looked up."""
    text = pack_texts()["common.yaml"].replace(b"/common.yaml", b"/uncommon.yaml")
    with pytest.raises(ContractError, match=r"uncommon\.yaml"):
        _parsed("common.yaml", text)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff"])
def test_a_damaged_file_costs_time_only(content, tmp_path, monkeypatch):
    """Whatever stands in shipped.json, nothing is known and everything is parsed."""
    (tmp_path / "foundations").mkdir()
    (tmp_path / "foundations" / shipped.FILE_NAME).write_bytes(content)
    monkeypatch.setattr(shipped.resources, "files", lambda name: tmp_path)
    shipped._known.cache_clear()
    try:
        assert shipped.shipped_value(FILES[0].read_bytes()) is None
    finally:
        shipped._known.cache_clear()
