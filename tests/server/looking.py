"""Eyes and keys of the tests that look at the page."""

from __future__ import annotations

import time

SECONDS_MAX = 20
TAB, ENTER, SPACE, UP = 9, 13, 32, 38
INSTANT = "document.querySelector('input[type=datetime-local]')"


def shown(browser, address: str, width: int = 1280, scheme: str = "light") -> None:
    """Opens a view anew and waits until it stands."""
    browser.open("about:blank", width, scheme)
    browser.open(address, width, scheme)
    wait(browser, "document.querySelector('main')?.getAttribute('aria-busy') === 'false'")


def wait(browser, condition: str) -> None:
    """Until a condition holds in the page."""
    end = time.monotonic() + SECONDS_MAX
    while not browser.ask(condition):
        assert time.monotonic() < end, f"{condition}: {browser.ask('document.body.innerText')}"
        time.sleep(0.05)


def count(browser, selector: str) -> int:
    """Elements in the page."""
    return browser.ask(f'document.querySelectorAll("{selector}").length')
