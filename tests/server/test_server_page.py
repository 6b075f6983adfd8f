"""What the page says of what it shows, and where the keyboard stands in it."""

from __future__ import annotations

import re
import time

import pytest
from looking import ENTER, INSTANT, SPACE, TAB, UP, shown, wait

ACTIVE = "document.activeElement"
AXIS = "[...document.querySelectorAll('.strip text')].map(e => e.textContent).slice(-5)"
TWO_NODES = """import('/page/ring.js').then(({ ring }) => {
    const node = kind => ({ node: kind, kind, name: kind, transactions: 1 });
    const edges = [{ source: 'card', target: 'merchant', transactions: 1, declined: 0 }];
    const drawn = ring({ nodes: [node('card'), node('merchant')], edges }, () => null);
    document.querySelector('main').replaceChildren(...drawn.filter(Boolean));
})"""


@pytest.fixture(scope="module")
def busiest(client) -> dict:
    """The card with most requests: more than one part of them, fewer than three."""
    card = max(client.get("cards", limit=500)["items"], key=lambda card: card["transactions"])
    assert 100 < card["transactions"] < 200
    return card


def test_who_skipped_to_the_content_can_come_back(browser, url, views):
    """The address stays that of the view, so a reload draws it; an old bookmark begins anew."""
    shown(browser, url + views["run"] + "/cards")
    browser.press("Tab", TAB)
    browser.press("Enter", ENTER)
    assert browser.ask(f"{ACTIVE}.id") == "content"
    assert browser.ask("location.hash") == views["run"] + "/cards"
    shown(browser, url + "#content")
    wait(browser, "document.querySelectorAll('.gates > li').length === 4")


def test_a_part_of_a_timeline_says_that_it_is_one(browser, url, views, busiest):
    """Chart, caption and a pager above and below tell which requests; the rest is a part, too."""
    base, total = f"{url}{views['run']}/card/{busiest['card_id']}", busiest["transactions"]
    for query, part in (
        ("", f"1 to 100 of {total}"),
        ("?offset=100", f"101 to {total} of {total}"),
    ):
        shown(browser, base + query)
        told = browser.ask("document.querySelector('caption').textContent")
        assert told == f"{part} requests, in order"
        spans = "[...document.querySelectorAll('.pager span')].map(e => e.textContent)"
        assert browser.ask(spans) == [part] * 2
        assert f"{part} requests" in browser.ask("document.querySelector('.strip').ariaLabel")
        assert f"{part} requests" in browser.ask("document.querySelector('.legend').innerText")


def test_an_axis_tells_its_marks_apart(browser, url, views, client, busiest):
    """Minutes where the days shown are few, else days; no two marks say the same."""
    shown(browser, f"{url}{views['run']}/card/{busiest['card_id']}?as_of=2026-03-03T00:00:00Z")
    few = browser.ask(AXIS)
    assert len(set(few)) == 5
    assert all(re.fullmatch(r"2026-03-0[12] \d\d:\d\d", text) for text in few)
    listed = client.get("cards", limit=500)["items"]
    long = next(card for card in listed if 60 < card["transactions"] < 100)
    shown(browser, f"{url}{views['run']}/card/{long['card_id']}")
    many = browser.ask(AXIS)
    assert len(set(many)) == 5
    assert all(re.fullmatch(r"2026-03-\d\d", text) for text in many)


def test_a_graph_of_two_nodes_stands_in_the_middle(browser, url, views):
    """They differ in height by a rounding error, which is not drawn."""
    shown(browser, url + views["runs"])
    browser.ask(TWO_NODES)
    wait(browser, "document.querySelectorAll('.ring g').length === 2")
    places = browser.ask(
        "[...document.querySelectorAll('.ring g')].map(g => g.getAttribute('transform'))"
    )
    assert sorted(places) == ["translate(40.0 310.0)", "translate(960.0 310.0)"]
    assert "1 edge" in browser.ask("document.querySelector('caption').textContent")


def test_an_instant_is_edited_by_keyboard(browser, url, views):
    """Keys change the field alone; Enter takes it, and so does Tab; the focus is not lost."""
    shown(browser, url + views["cards"] + "&as_of=2026-03-10T00:00:00%2B02:00")
    before = browser.ask("location.hash")
    assert browser.ask(f"{INSTANT}.value") == "2026-03-09T22:00"
    browser.ask(f"{INSTANT}.focus()")
    for key, code in (("Enter", ENTER), ("ArrowUp", UP)):
        browser.press(key, code)
        assert browser.ask("location.hash") == before
    value = browser.ask(f"{INSTANT}.value")
    assert value != "2026-03-09T22:00"
    browser.press("Enter", ENTER)
    wait(browser, f"{INSTANT}.defaultValue === '{value}'")
    assert browser.ask(f"{ACTIVE} === {INSTANT}")
    browser.press("ArrowUp", UP)
    value = browser.ask(f"{INSTANT}.value")
    browser.ask(f"{INSTANT}.blur()")
    wait(browser, f"{INSTANT}.defaultValue === '{value}'")


def test_an_instant_that_was_not_taken_goes_with_its_view(browser, url, views):
    """Who edits the field and then goes back is back."""
    shown(browser, url + views["run"])
    browser.ask(f"void (location.hash = '{views['cards']}')")
    wait(browser, f"{INSTANT} !== null")
    browser.ask(f"({INSTANT}.focus(), {INSTANT}.value = '2026-03-05T12:00', history.back())")
    wait(browser, "document.querySelector('h1').textContent.startsWith('Run')")
    time.sleep(0.2)
    assert browser.ask("location.hash") == views["run"]


def test_controls_keep_the_focus(browser, url, views, busiest):
    """A switch and each of two pagers; one that can go no further leaves it to the view."""
    shown(browser, url + views["card"])
    browser.ask("document.querySelector('input[type=checkbox]').focus()")
    browser.press(" ", SPACE)
    wait(browser, "document.querySelectorAll('tr.fraud').length > 0")
    assert browser.ask(f"{ACTIVE} === document.querySelector('input[type=checkbox]')")
    shown(browser, f"{url}{views['run']}/card/{busiest['card_id']}?offset=120")
    button = "document.querySelectorAll('.pager button')[2]"
    browser.ask(f"{button}.focus()")
    browser.press("Enter", ENTER)
    wait(browser, "document.querySelector('.pager span').textContent.startsWith('21 ')")
    assert browser.ask(f"{ACTIVE} === {button}")
    browser.press("Enter", ENTER)
    wait(browser, "document.querySelector('.pager span').textContent.startsWith('1 ')")
    assert browser.ask(f"{ACTIVE}.id") == "content"


def test_a_card_that_is_no_number_is_refused_in_words(browser, url, views):
    """The field says what it takes, until one goes on typing."""
    shown(browser, url + views["cards"])
    field = "document.querySelector('input[inputmode=numeric]')"
    browser.ask(f"{field}.focus()")
    for text in "zz":
        browser.command("Input.dispatchKeyEvent", {"type": "char", "text": text})
    browser.press("Enter", ENTER)
    assert "at most 19 digits" in browser.ask(f"{field}.validationMessage")
    assert browser.ask("location.hash") == views["cards"]
    browser.command("Input.dispatchKeyEvent", {"type": "char", "text": "1"})
    assert "at most" not in browser.ask(f"{field}.validationMessage")


def test_a_broken_address_is_told(browser, url):
    """Escapes that are none: a view that there is not, no complaint."""
    shown(browser, url + "#/run/%E0%A4%A")
    assert "There is no view" in browser.ask("document.querySelector('[role=alert]').innerText")
    assert browser.complaints() == []


def test_counts_are_worded_as_they_are(browser, url, views, client):
    """Cards and replacements apart, one of a thing, and nothing within the run or by then."""
    shown(browser, url + views["run"] + "/cards")
    rows = client.run.rows
    apart = f"{rows['cards']:,} cards and {rows['reissues']:,} replacements"
    assert browser.ask("document.querySelector('caption').textContent") == apart
    listed = client.get("cards", limit=500)["items"]
    once = next(card for card in listed if card["transactions"] == 1)["card_id"]
    end = rows["cards"] + rows["reissues"] - 1
    never = client.get("cards", limit=1, offset=end)["items"][0]["card_id"]
    early = "?as_of=2026-03-01T00:00:00Z"
    cases = {
        once: "1 request, in order",
        never: "No request in this run",
        views["card"].rpartition("/")[2] + early: "No request by then",
    }
    for card, told in cases.items():
        shown(browser, f"{url}{views['run']}/card/{card}")
        assert browser.ask("document.querySelector('caption').textContent") == told
    for one in client.get("campaigns", limit=500)["items"]:
        if client.get(f"campaigns/{one['campaign_id']}")["learnt"]["known"] == 1:
            shown(browser, f"{url}{views['run']}/campaign/{one['campaign_id']}")
            assert re.search(r"after [\d.]+ days?\n", browser.ask("document.body.innerText"))
            break
    else:
        pytest.fail("no campaign of which the bank learns one request")
