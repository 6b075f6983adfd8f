"""A PostgreSQL server of the tests' own, on a free port of the loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

USER = "postgres"
PASSWORD = "not-a-secret"


@dataclass
class Server:
    """A server that can be stopped hard and started again."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its address with the password."""
        return f"postgres://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        self._control("start", "-w", "-o", options, "-l", str(self.folder / "log"))

    def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        self._control("stop", "-m", "immediate")

    def _control(self, *arguments: str) -> None:
        as_user([self.programs / "pg_ctl", "-D", self.folder / "data", *arguments], check=True)


def as_user(command: list[object], check: bool) -> subprocess.CompletedProcess[bytes]:
    """Runs a command as somebody whom PostgreSQL accepts: not as root."""
    before = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    words = [*before, *(str(word) for word in command)]
    return subprocess.run(
        words, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/"
    )


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running server; skips, with the reason, where none is installed."""
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL here: tools/install_debian.sh postgres installs it")
    folder = Path(tempfile.mkdtemp(prefix="fauxpay-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = Server(found[-1].parent, folder, port)
    initdb = [found[-1], "-D", folder / "data", "-U", USER, "-A", "scram-sha-256"]
    made = as_user([*initdb, f"--pwfile={secret}", "--no-sync", "-E", "UTF8"], check=False)
    if made.returncode:
        pytest.skip(f"initdb failed: {made.stderr.decode()[-200:]}")
    own.start()
    try:
        yield own
    finally:
        own.kill()
        shutil.rmtree(folder, ignore_errors=True)
