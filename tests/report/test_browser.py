"""The page in a real browser: quiet, offline, as wide as the screen, for keyboards and ears."""

from __future__ import annotations

import base64
import re
from itertools import pairwise

import pytest

from browser import HEADINGS, PALE, TOO_WIDE, WITHOUT_NAME, chromium

WIDTHS = (375, 1440)
TAB, ENTER = 9, 13


@pytest.fixture(scope="module")
def page(html, tmp_path_factory):
    """The page as a file on disk."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests."""
    with chromium() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_screen_and_says_nothing(browser, page, width, scheme):
    """No console message, no request but the file, no element wider than the screen."""
    browser.open(page, width, scheme)
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask(TOO_WIDE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser, page, scheme):
    """Contrast of 4.5 to 1 or more for all text, that of the drawings too."""
    browser.open(page, 1440, scheme)
    browser.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert browser.ask(PALE) == []


def test_dark_is_dark(browser, page):
    """The ground of page and drawings follows the system; light and dark differ."""
    grounds = []
    for scheme in ("light", "dark"):
        browser.open(page, 1440, scheme)
        text = browser.ask("getComputedStyle(document.body).backgroundColor")
        grounds.append([int(part) for part in re.findall(r"\d+", text)[:3]])
    light, dark = grounds
    assert min(light) > 200
    assert max(dark) < 60


def test_headings_are_in_order_and_everything_has_a_name(browser, page):
    """One h1, no level left out; every drawing, figure, region and section is named."""
    browser.open(page, 1440)
    levels = browser.ask(HEADINGS)
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert browser.ask(WITHOUT_NAME) == []
    for landmark in ("header", "nav", "main", "footer"):
        assert browser.ask(f"document.querySelectorAll('body > {landmark}').length") == 1
    assert browser.ask("document.documentElement.lang") == "en"


def test_a_keyboard_reaches_content_and_numbers(browser, page):
    """Tab shows the skip link, Enter jumps; Tab comes to a summary, Enter opens its table."""
    browser.open(page, 1440)
    browser.press("Tab", TAB)
    assert browser.ask("document.activeElement.className") == "skip"
    assert browser.ask("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter", ENTER)
    assert browser.ask("document.activeElement.id") == "content"
    for _ in range(200):
        browser.press("Tab", TAB)
        if browser.ask("document.activeElement.closest('figure') && "
                       "document.activeElement.tagName") == "SUMMARY":  # fmt: skip
            break
    assert browser.ask("document.activeElement.parentElement.open") is False
    browser.press("Enter", ENTER)
    assert browser.ask("document.activeElement.parentElement.open") is True
    assert browser.ask("document.activeElement.parentElement.querySelector('td').offsetHeight") > 0


def test_drawings_are_readable_on_a_phone(browser, page):
    """No text of a drawing is smaller than 8 CSS pixels at 375 px."""
    browser.open(page, 375)
    smallest = browser.ask(
        "Math.min(...[...document.querySelectorAll('svg.drawing')].flatMap(s => "
        "[...s.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize) * "
        "s.getBoundingClientRect().width / s.viewBox.baseVal.width)))"
    )
    assert smallest >= 8


def test_no_text_of_a_drawing_is_cut_off(browser, page):
    """Legends and names of ticks lie inside of their drawing, to half a pixel."""
    browser.open(page, 1440)
    cut = browser.ask(
        "[...document.querySelectorAll('svg.drawing')].flatMap(s => {"
        "const o = s.getBoundingClientRect(); return [...s.querySelectorAll('text')].filter(t => {"
        "const b = t.getBoundingClientRect(); return b.left < o.left - .5 || b.top < o.top - .5 "
        "|| b.right > o.right + .5 || b.bottom > o.bottom + .5}).map(t => t.textContent)})"
    )
    assert cut == []


def test_it_prints(browser, page):
    """A PDF of some pages comes out, and the navigation is not on paper."""
    browser.open(page, 1440)
    pdf = base64.b64decode(browser.command("Page.printToPDF", {"printBackground": False})["data"])
    assert pdf.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 40
    browser.command("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.command("Emulation.setEmulatedMedia", {"media": ""})


def test_the_eyes_can_see_faults(browser, tmp_path):
    """Negative space: a page that is loud, wide, pale, nameless and out of order is found out."""
    path = tmp_path / "bad.html"
    path.write_text(
        "<html><body><h1>a</h1><h3>b</h3><svg></svg><p style='width:2000px;color:#eee'>x</p>"
        "<img src='http://fauxpay.example/x.png'><script>console.error('x')</script></body></html>"
    )
    browser.open(path, 375)
    assert browser.complaints()
    assert "http://fauxpay.example/x.png" in browser.requests()
    assert browser.ask(TOO_WIDE)
    assert browser.ask(PALE) == ["P."]
    assert browser.ask(HEADINGS) == [1, 3]
    assert len(browser.ask(WITHOUT_NAME)) == 2
