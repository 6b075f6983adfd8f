"""The page in a real browser: every view, by pointer and keyboard, quiet, readable, offline."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from looking import ENTER, INSTANT, SPACE, TAB, count, shown, wait
from served import serving

from browser import HEADINGS, PALE, TOO_WIDE

WITHOUT_LABEL = """[...document.querySelectorAll('input,svg.drawing')].filter(
    e => !e.labels?.length && !e.ariaLabel).length"""
SET_INSTANT = f"""(() => {{
    {INSTANT}.focus();
    {INSTANT}.value = '2026-03-05T12:00';
    {INSTANT}.blur();
}})()"""
PHONE = pytest.param(390, "dark", marks=pytest.mark.slow)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), PHONE])
@pytest.mark.parametrize("name", ["runs", "run", "cards", "truth", "campaigns", "campaign"])
def test_every_view_is_quiet_whole_and_readable(browser, url, views, name, width, scheme):
    """No complaint, no stranger asked, headings in order, contrast, no overflow on a phone."""
    shown(browser, url + views[name], width, scheme)
    assert browser.complaints() == []
    others = [one for one in browser.requests() if not one.startswith((url, "data:", "about:"))]
    assert others == []
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask(TOO_WIDE) == []
    assert browser.ask(PALE) == []
    levels = browser.ask(HEADINGS)
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert browser.ask(WITHOUT_LABEL) == 0


def test_it_begins_with_the_run_that_was_opened(browser, url, client):
    """Without a # one sees the run, its figures and its gates, with checks behind them."""
    shown(browser, url)
    wait(browser, "location.hash.length > 10 && document.querySelectorAll('.gates li').length > 0")
    assert client.run.run_id in browser.ask("document.querySelector('h1').textContent")
    assert f"{client.run.rows['transactions']:,}" in browser.ask("document.body.innerText")
    assert count(browser, ".gates > li") == 4
    browser.ask("document.querySelector('.gates summary').click()")
    assert browser.ask("document.querySelector('.gates td').offsetHeight") > 0


def test_a_timeline_hides_the_truth_until_it_is_asked_for(browser, url, views, client):
    """Every request in its row; the switch shows what was fraud, and the address keeps it."""
    shown(browser, url + views["card"])
    card = re.search(r"card/(\d+)", views["card"])[1]
    told = client.get(f"cards/{card}", truth=True)
    total = min(told["page"]["total"], 100)
    assert count(browser, "section[aria-label=Timeline] tbody tr:not(.day)") == total
    assert count(browser, "tr.fraud") == 0
    assert "mule ring" not in browser.ask("document.body.innerText")
    browser.ask("document.querySelector('input[type=checkbox]').focus()")
    browser.press(" ", SPACE)
    wait(browser, "document.querySelectorAll('tr.fraud').length > 0")
    frauds = sum(item["truth"] is not None for item in told["items"])
    assert count(browser, "tr.fraud") == frauds
    assert "truth=true" in browser.ask("location.hash")


def test_a_graph_has_its_nodes_and_a_keyboard_reaches_them(browser, url, views, client):
    """Every node and edge is drawn, focus tells what a node met, Enter goes to a card."""
    shown(browser, url + views["campaign"])
    campaign = re.search(r"campaign/(\d+)", views["campaign"])[1]
    graph = client.get(f"campaigns/{campaign}/graph", limit=120)
    assert count(browser, ".ring .node") == len(graph["nodes"])
    assert count(browser, ".ring .edge") == len(graph["edges"])
    assert count(browser, ".stages li") >= 4
    browser.ask("document.querySelector('.ring .node.card').parentNode.focus()")
    said = browser.ask("document.querySelector('.said').textContent")
    assert re.fullmatch(r"card \d+: \d+ transactions?, met \d+ others", said)
    assert count(browser, ".ring.chosen .node.near") > 1
    browser.press("Enter", ENTER)
    wait(browser, "document.querySelector('h1').textContent.startsWith('Card')")


@pytest.mark.slow
def test_a_graph_looks_the_same_twice(browser, url, views):
    """No chance takes part in where nodes stand, and none stands outside."""
    places = []
    for _ in range(2):
        shown(browser, url + views["campaign"])
        places.append(
            browser.ask(
                "[...document.querySelectorAll('.ring g')].map(g => g.getAttribute('transform'))"
            )
        )
    assert places[0] == places[1]
    numbers = [float(part) for text in places[0] for part in re.findall(r"-?[\d.]+", text)]
    assert 0 < min(numbers) <= max(numbers) < 1000


def test_parts_filters_and_ways_back(browser, url, views):
    """After and Before turn pages; the path leads up; an instant is kept in the address."""
    shown(browser, url + views["cards"].partition("?")[0])
    first = browser.ask("document.querySelector('tbody th').textContent")
    browser.ask("[...document.querySelectorAll('.pager button')][1].click()")
    wait(browser, "document.querySelector('.pager span').textContent.startsWith('51 ')")
    assert browser.ask("document.querySelector('tbody th').textContent") != first
    browser.ask(SET_INSTANT)
    wait(browser, "location.hash.includes('as_of=2026-03-05T12%3A00%3A00Z')")
    browser.ask("document.querySelectorAll('#path a')[0].click()")
    wait(browser, "document.querySelector('h1').textContent === 'Runs'")


def test_what_goes_wrong_is_told(browser, url, views):
    """A card that is not there, and an address that is none: words, and a way on."""
    shown(browser, url + views["run"] + "/card/12")
    assert "no card 12" in browser.ask("document.querySelector('[role=alert]').innerText")
    shown(browser, url + "#/nowhere")
    assert "There is no view" in browser.ask("document.querySelector('[role=alert]').innerText")
    assert browser.ask("document.querySelector('.brand a').href").endswith("#/")


def test_a_keyboard_can_skip_to_the_content(browser, url, views):
    """The first Tab shows the skip link, Enter moves on, and the view stays."""
    shown(browser, url + views["run"])
    browser.press("Tab", TAB)
    assert browser.ask("document.activeElement.className") == "skip"
    browser.press("Enter", ENTER)
    assert browser.ask("document.activeElement.id") == "content"
    assert count(browser, ".gates > li") == 4


@pytest.mark.slow
def test_a_server_without_truth_offers_none(browser, run, views):
    """Neither switch nor campaigns nor report are on the page."""
    with serving(run.root, "--no-truth") as (address, _):
        shown(browser, address + views["card"])
        assert "Show the truth" not in browser.ask("document.body.innerText")
        shown(browser, address + views["run"])
        assert "Campaigns of fraud" not in browser.ask("document.body.innerText")
