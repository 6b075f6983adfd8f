"""A server of the Azure protocol on the loopback (Azurite), started for a test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from email.utils import formatdate
from pathlib import Path

import pytest

SERVER = "azurite@3"
ACCOUNT = "fauxpay"
KEY = base64.b64encode(b"a key of no worth, for tests").decode()
CONTAINER = "lake"
_VERSION = "2021-08-06"


def installed(folder: Path) -> Path:
    """The server's program, installed by npm where it is not; skips with a reason."""
    place = Path(os.environ.get("TEST_AZURITE_FOLDER") or folder / "azurite")
    program = place / "node_modules/.bin/azurite-blob"
    if not program.exists():
        if shutil.which("npm") is None:
            pytest.skip(f"{SERVER} cannot be installed here: there is no npm")
        place.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", SERVER],
            cwd=place,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"{SERVER} cannot be installed here: {done.stderr.strip()[-200:]}")
    return program


class AzureServer:
    """Running from its making on, with an empty container."""

    def __init__(self, program: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self._endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        self._running = subprocess.Popen(
            [
                *(program, "--blobHost", "127.0.0.1", "--blobPort", str(port)),
                *("--location", folder, "--silent", "--skipApiVersionCheck"),
                "--disableTelemetry",
            ],
            env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends = time.monotonic() + 30
        while not self._made_container():
            assert self._running.poll() is None, "the Azure server ended"
            assert time.monotonic() < ends, "the Azure server does not answer"
            time.sleep(0.1)

    @property
    def environ(self) -> dict[str, str]:
        """What a client needs to know."""
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
            "AZURE_STORAGE_ENDPOINT": self._endpoint,
        }

    def stop(self) -> None:
        """For good."""
        self._running.terminate()
        self._running.wait(timeout=10)

    def _made_container(self) -> bool:
        date = formatdate(usegmt=True)
        lines = ["PUT", *[""] * 11, f"x-ms-date:{date}", f"x-ms-version:{_VERSION}"]
        text = "\n".join([*lines, f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}", "restype:container"])
        signed = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        request = urllib.request.Request(
            f"{self._endpoint}/{CONTAINER}?restype=container",
            method="PUT",
            headers={
                "x-ms-date": date,
                "x-ms-version": _VERSION,
                "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(signed).decode()}",
                "Content-Length": "0",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 201)
        except OSError:
            return False
