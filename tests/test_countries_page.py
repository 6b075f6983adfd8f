"""docs/countries.md: written from the packs, and current."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from fauxpay.config.model import Config
from fauxpay.foundations.parameters import load_parameters
from fauxpay.foundations.strict_yaml import read_yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "countries.md"


@pytest.fixture(scope="module")
def tool():
    """tools/countries_page.py as a module."""
    spec = importlib.util.spec_from_file_location("page", ROOT / "tools" / "countries_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_packs_say(tool):
    """Whoever changes a pack runs tools/countries_page.py."""
    assert PAGE.read_text(encoding="utf-8") == tool.page()


def test_another_pack_would_change_the_page(tool, monkeypatch):
    """Negative space: the page is no copy of itself."""
    name = "activity.countries.JP.payment.contactless_share"
    changed = load_parameters({name: 0.11})
    monkeypatch.setattr(tool, "load_parameters", lambda: changed)
    assert "| 11 % | 8.0 % |" in tool.page()
    assert tool.page() != PAGE.read_text(encoding="utf-8")


def test_what_the_page_says_of_one_s_own_country_works():
    """The YAML of the page is a config that loads, and a country with its facts."""
    text = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    given = read_yaml(text, "page").value["parameters"]
    knots = given.pop("activity.countries.IT.seasons.christmas")
    config = Config(catalog={"countries": {"IT": 1.0}}, parameters=given)
    facts = load_parameters(config.parameters).of_country("IT")
    assert facts["payment"]["contactless_share"] == 0.8
    assert facts["paydays"]["work"] == "0.6 day 27 before"
    assert knots.keys() == facts["seasons"]["christmas"].keys()
    load_parameters({"activity.countries.IT.seasons.christmas": knots})
