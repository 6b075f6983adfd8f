"""The real command: an address that answers, an end that is clean, refusals in one line."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from served import serving, told_in

from fauxpay.errors import ConfigError
from fauxpay.server.guard import is_loopback
from fauxpay.server.serving import listening, url_of

UNREACHABLE = "192.0.2.7"  # TEST-NET-1: no machine has it.


def serve(*words: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """`fauxpay serve` that should end by itself."""
    command = [sys.executable, "-m", "fauxpay", "serve", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **environ}
    )


def asked(url: str, path: str, **headers: str) -> tuple[int, str]:
    """Status and text of an answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_it_answers_until_it_is_stopped(run, number):
    """A free port on this machine, the page and the API; a signal ends it with 0 and one line."""
    with serving(run.root) as (url, process):
        assert url.startswith("http://127.0.0.1:")
        assert asked(url, "/")[0] == 200
        status, text = asked(url, "/api/runs")
        assert (status, told_in(text)["opened"]) == (200, run.run_id)
        assert asked(url, "/api/runs", Host="fauxpay.example")[0] == 421
        process.send_signal(number)
        rest, told = process.communicate(timeout=20)
        assert (process.returncode, rest, told) == (0, "", "stopped\n")


def test_elsewhere_wants_to_be_said_and_is_warned_of(run):
    """--host 0.0.0.0 answers to any name, and says that nothing protects it."""
    with serving(run.root, "--host", "0.0.0.0", "--no-truth") as (url, process):
        local = url.replace("0.0.0.0", "127.0.0.1")
        status, text = asked(local, "/api/runs", Host="fauxpay.example")
        assert status == 200
        assert told_in(text)["is_truth_allowed"] is False
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
        assert "warning: whoever reaches 0.0.0.0 can read these runs: there is no password" in told


def test_a_port_that_is_taken_is_said(run):
    """Exit code 2, the port, and the way out; nothing on standard output."""
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        done = serve("--out", run.root, "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--port {port}: something listens there already on 127.0.0.1" in done.stderr
    assert "or 0 for one that is free" in done.stderr


def test_what_is_not_there_is_said_before_it_listens(run, tmp_path):
    """No root, no run, no such run: the codes of every other command."""
    assert serve("--out", tmp_path / "nothing").returncode == 6
    assert serve("--out", tmp_path).returncode == 4
    done = serve("0000", "--out", run.root, "--port", 0)
    assert done.returncode == 6
    assert "no run '0000'" in done.stderr
    done = serve("--out", run.root, "--port", 0, "--memory", "much")
    assert done.returncode == 2
    assert "--memory much: expected a size, such as 512MB" in done.stderr


def test_without_the_extra_it_names_it(run, tmp_path):
    """Exit code 7 with the command that installs it."""
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError('no', name='uvicorn')")
    done = serve("--out", run.root, PYTHONPATH=str(tmp_path))
    assert done.returncode == 7
    assert "pip install 'fauxpay[serve]'" in done.stderr


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("127.0.0.1", 65_536, "expected 0 to 65535"),
        ("127.0.0.1", -1, "expected 0 to 65535"),
        (UNREACHABLE, 0, "expected an address of this machine"),
        ("no such name", 0, "no address of this machine"),
        ("a" * 300, 0, "no address of this machine"),
    ],
)
def test_places_that_cannot_be_listened_at(host, port, expected):
    """Each is a ConfigError that says what was expected."""
    with pytest.raises(ConfigError, match=expected):
        listening(host, port)


def test_an_address_of_six():
    """IPv6 stands in brackets."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = listening("::1", 0)
    except ConfigError:
        pytest.skip("no IPv6 here")
    with listener:
        assert url_of(listener).startswith("http://[::1]:")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8", "localhost", "localhost.", "::1", "[::1]"]
)
def test_names_of_this_machine(host):
    """Loopback in all its forms."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.7", "fauxpay.example", "", "127.0.0.1.x"]
)
def test_names_of_others(host):
    """All that others may reach."""
    assert not is_loopback(host)


def test_help_names_what_it_does():
    """--help says that it is read only and where it listens."""
    told = serve("--help").stdout
    assert "read-only" in told
    assert "127.0.0.1" in told
