"""A headless Chromium that keeps what it was asked for and complained of, and eyes for pages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Tests in containers run as root, whom the sandbox refuses.
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
# Names but this machine's lead nowhere.
NOBODY_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"

WITHOUT_NAME = """[...document.querySelectorAll('svg,img,figure,nav,section,[role=region]')].filter(
    e => !(e.getAttribute('aria-label') || e.querySelector('h2,h3') ||
           document.getElementById(e.getAttribute('aria-labelledby'))?.textContent)
).map(e => e.outerHTML.slice(0, 80))"""
HEADINGS = "[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.tagName[1])"
TOO_WIDE = """[...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.right > innerWidth + 1 && !e.closest('.scroll, nav, svg, .hidden');
}).map(e => e.outerHTML.slice(0, 80))"""
# WCAG contrast of text against the first background behind it that is not transparent.
PALE = """(() => {
    const light = c => { c /= 255; return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; };
    const level = ([r, g, b]) => .2126 * light(r) + .7152 * light(g) + .0722 * light(b);
    const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const ground = e => {
        for (; e; e = e.parentElement) {
            const c = parts(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] > 0) return c;
        }
        return [255, 255, 255];
    };
    const found = new Set();
    for (const e of document.querySelectorAll('body *')) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || e.closest('title') || !e.getClientRects().length) continue;
        const style = getComputedStyle(e);
        const ink = parts(e.closest('svg') ? style.fill : style.color);
        const [a, b] = [level(ink), level(ground(e))].sort((x, y) => y - x);
        const name = e.tagName + '.' + (e.className.baseVal ?? e.className);
        if ((a + .05) / (b + .05) < 4.5) found.add(name);
    }
    return [...found];
})()"""


class Browser:
    """A page opened at a width, in light or dark; without a network, unless this machine's own."""

    def __init__(self, driver: Any, is_offline: bool) -> None:
        self.driver = driver
        self.command("Network.enable", {})
        if is_offline:
            none = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
            self.command("Network.emulateNetworkConditions", none)

    def command(self, name: str, values: dict[str, Any]) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, values)

    def open(self, place: Path | str, width: int, scheme: str = "light") -> None:
        """Opens a file or an address; what was logged before is forgotten."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", {"features": [feature]})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.command("Emulation.setDeviceMetricsOverride", size)
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(place if isinstance(place, str) else place.as_uri())

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self.driver.execute_script(f"return {expression}")

    def complaints(self) -> list[dict[str, Any]]:
        """What the console says."""
        return list(self.driver.get_log("browser"))

    def requests(self) -> list[str]:
        """Addresses that the page asked for."""
        messages = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def press(self, key: str, code: int) -> None:
        """A key of the keyboard, down and up."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            values = {"type": kind, "key": key, "windowsVirtualKeyCode": code, **text}
            self.command("Input.dispatchKeyEvent", values)


@contextmanager
def chromium(is_offline: bool = True) -> Iterator[Browser]:
    """A browser; the test is skipped, with the reason, where there is none.

    is_offline  whether not even servers of this machine can be reached; others never can
    """
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        pytest.skip(
            "no chromium and chromedriver here; tools/install_debian.sh chromium installs them"
        )
    options = selenium.ChromeOptions()
    options.binary_location = programs[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in (*FLAGS, *(() if is_offline else (NOBODY_ELSE,))):
        options.add_argument(flag)
    driver = selenium.Chrome(options=options, service=Service(programs[1]))
    try:
        yield Browser(driver, is_offline)
    finally:
        driver.quit()
