"""Signals that strike where Python or a library would lose them: they count all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
import survival_harness as harness

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


QUERYING = """
import os, signal, sys, threading
from fauxpay.readers.query import connected
from fauxpay.cli import exit_code_of
def command():
    connection = connected()
    threading.Timer(0.2, lambda: os.kill(os.getpid(), int(sys.argv[1]))).start()
    while True:
        connection.execute("SELECT sum(hash(range) % 1000) FROM range(3000000)")
sys.exit(exit_code_of(command))
"""
SWALLOWING = """
import os, signal, sys, time
from fauxpay.cli import exit_code_of
def command():
    try:
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(20)
    except BaseException:
        raise RuntimeError("Query interrupted") from None
sys.exit(exit_code_of(command))
"""


@pytest.mark.parametrize("script", [QUERYING, SWALLOWING], ids=["DuckDB", "any library"])
@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_signal_that_a_library_makes_an_error_of_still_counts(number, script):
    """DuckDB raises RuntimeError("Query interrupted") in place of what the handler raised."""
    done = harness.finished([sys.executable, "-c", script, str(int(number))])
    assert done.returncode == CODES[number], done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "interrupted" in done.stderr


GOING_ON = """
import os, signal, sys, time
from fauxpay.cli import exit_code_of
from fauxpay.foundations import stops
def command():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)
print(exit_code_of(command))
try:
    with stops.kept():
        raise ValueError("mine")
except ValueError as error:
    print(error)
"""


def test_a_stop_is_forgotten_with_the_command_that_it_ended():
    """A process that goes on after it, as a notebook may, is not stopped by later errors."""
    done = harness.finished([sys.executable, "-c", GOING_ON])
    assert done.stdout.split() == ["143", "mine"], done.stderr


IN_A_DESTRUCTOR = """
import os, sys, time
from fauxpay.cli import exit_code_of
class Dying:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(0.001)
def command():
    Dying()
    time.sleep(20)
sys.exit(exit_code_of(command))
"""


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_signal_that_strikes_a_destructor_still_counts(number):
    """Python drops exceptions there: it is raised again at once, and said without a traceback."""
    begun = time.monotonic()
    done = harness.finished([sys.executable, "-c", IN_A_DESTRUCTOR, str(int(number))])
    assert done.returncode == CODES[number], done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert time.monotonic() - begun < 15


SLOWLY = """
import threading, time
start = threading.Thread.start
def start_slowly(self):
    start(self)
    time.sleep(0.1)
threading.Thread.start = start_slowly
"""


def test_a_signal_that_strikes_while_it_is_raised_again_still_counts():
    """A busy machine starts the thread that raises it again so late that it strikes meanwhile."""
    done = harness.finished(
        [sys.executable, "-c", SLOWLY + IN_A_DESTRUCTOR, str(int(signal.SIGINT))]
    )
    assert done.returncode == CODES[signal.SIGINT], done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


IMPORTING = """
import os, signal, sys, time
from fauxpay.cli import exit_code_of
sys.path.append(sys.argv[1])
def command():
    import slow_to_import
    print("imported", flush=True)
    time.sleep(20)
sys.exit(exit_code_of(command))
"""
SLOW_TO_IMPORT = """
import os, signal, sys, time
os.kill(os.getpid(), {number})
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    time.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.3, "imported\n"), pytest.param(30, "", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_signal_waits_for_an_import_but_not_for_ever(tmp_path, number, seconds, said):
    """Broken off, an import may hang other threads or make a RuntimeError of the signal."""
    body = SLOW_TO_IMPORT.format(number=int(number), seconds=seconds)
    (tmp_path / "slow_to_import.py").write_text(body)
    begun = time.monotonic()
    done = harness.finished([sys.executable, "-c", IMPORTING, str(tmp_path)])
    assert done.returncode == CODES[number], done.stderr
    assert done.stdout == said
    assert done.stderr.count("\n") == 1, done.stderr
    assert time.monotonic() - begun < 15


BESIDE = """
import os, signal, sys, threading
start, number = threading.Thread.start, int(sys.argv.pop(1))
begun = []
def start_and_signal(self):
    start(self)
    if self._target.__module__ == "concurrent.futures.thread" and not begun:
        begun.append(1)
        os.kill(os.getpid(), number)
threading.Thread.start = start_and_signal
from fauxpay.cli import main
main()
"""


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_signal_while_the_catalogs_thread_starts_leaves_nothing(tmp_path, number):
    """The catalog is staged beside us: a pool broken off while it starts would not wait for it."""
    arguments = harness.command(tmp_path)[3:]
    done = harness.finished([sys.executable, "-c", BESIDE, str(int(number)), *arguments])
    assert done.returncode == CODES[number], done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / ".staging").is_dir()
    assert not harness.staged(tmp_path)


HELD = """
import os, signal, threading, time
from fauxpay.cli.stopping import Stopped, stops_raised

threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
with stops_raised():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        os.kill(os.getpid(), signal.SIGINT)  # The other thread takes it.
        time.sleep(0.2)
        print("held")
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        time.sleep(1)
    except Stopped:
        print("stopped")
"""


def test_a_signal_that_is_held_waits_though_other_threads_run():
    """While workers start, Ctrl-C must not strike: a worker whose words break off says so."""
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["held", "stopped"], done.stderr
