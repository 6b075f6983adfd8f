"""Serve: how long each address of `fauxpay serve` takes on a run, over real HTTP.

    python -m benches.serve --out fauxpay-out

Prints the median and the slowest of some requests, alone and with eight at a time.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

ROUNDS = 7
TOGETHER = 8


def main() -> None:
    """Starts the server, asks it, prints one line for each kind of address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="fauxpay-out")
    asked = parser.parse_args()
    command = [sys.executable, "-m", "fauxpay", "serve", "--out", asked.out, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+/", server.stdout.readline())
            assert found, "the server says where it is"
            measure(found.group())
        finally:
            server.terminate()


def measure(url: str) -> None:
    """Prints how long each address takes."""
    opened = document(url, "api/runs")["opened"]
    base = f"api/runs/{opened}"
    rows = document(url, base)["summary"]["rows"]
    print(f"{rows['cards']:,} cards, {rows['transactions']:,} transactions")
    started = time.perf_counter()
    card = document(url, f"{base}/cards?fraud=true&truth=true")["items"][0]["card_id"]
    print(f"first list, which opens the run: {1000 * (time.perf_counter() - started):.0f} ms")
    campaign = document(url, f"{base}/campaigns")["items"][0]["campaign_id"]
    for path in (
        "api/runs",
        base,
        f"{base}/cards",
        f"{base}/cards?fraud=true&truth=true&as_of=2026-03-20T00:00:00Z",
        f"{base}/cards/{card}?truth=true",
        f"{base}/cards/{card}/graph",
        f"{base}/campaigns",
        f"{base}/campaigns/{campaign}",
        f"{base}/campaigns/{campaign}/graph",
    ):
        alone = sorted(seconds(url, path) for _ in range(ROUNDS))
        with ThreadPoolExecutor(TOGETHER) as pool:
            crowd = sorted(pool.map(lambda _, path=path: seconds(url, path), range(TOGETHER)))
        name = re.sub(r"[0-9a-f]{17,20}", "…", path)
        median, slowest = 1000 * statistics.median(alone), 1000 * alone[-1]
        print(f"{name:62} {median:5.0f} ms, slowest {slowest:5.0f}; "
              f"{TOGETHER} at once: slowest {1000 * crowd[-1]:5.0f}")  # fmt: skip


def seconds(url: str, path: str) -> float:
    """How long an answer takes."""
    started = time.perf_counter()
    document(url, path)
    return time.perf_counter() - started


def document(url: str, path: str) -> dict:
    """An answer."""
    return json.loads(urlopen(url + path).read())


if __name__ == "__main__":
    main()
