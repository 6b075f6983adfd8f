"""Shared by the tests of the server: one run, and a client of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.importorskip("fastapi", reason="fauxpay[serve] is not installed")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run with much fraud. Not to be changed."""
    from served import made

    return made(tmp_path_factory.mktemp("server") / "out")


@pytest.fixture(scope="session")
def client(run):
    """Asks a server of it."""
    from served import Client

    return Client(run)


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests, which reaches this machine only."""
    from browser import chromium

    with chromium(is_offline=False) as found:
        yield found


@pytest.fixture(scope="module")
def url(run, browser):
    """Where the real command answers."""
    from served import serving

    with serving(run.root) as (found, _):
        yield found


@pytest.fixture(scope="module")
def views(client) -> dict[str, str]:
    """The address of each view behind the #, with a card and a campaign that have much to show."""
    base = f"#/run/{client.run.run_id}"
    card = client.get("cards", truth=True, fraud=True)["items"][0]["card_id"]
    campaign = client.get("campaigns", typology="mule_ring")["items"][0]["campaign_id"]
    return {
        "runs": "#/runs",
        "run": base,
        "cards": f"{base}/cards?fraud=true",
        "card": f"{base}/card/{card}",
        "truth": f"{base}/card/{card}?truth=true",
        "campaigns": f"{base}/campaigns",
        "campaign": f"{base}/campaign/{campaign}",
    }
