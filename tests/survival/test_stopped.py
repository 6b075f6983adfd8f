"""Asked to stop, by Ctrl-C or SIGTERM: one line, code 130 or 143, nobody and nothing left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import survival_harness as harness

MONTHS = ("--from", "2026-01-15", "--to", "2026-03-04")
YEARS = ("--from", "2025-01-01", "--to", "2026-12-31")
"""More than can be made before a signal comes."""

SLOW = pytest.mark.slow
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
WORLD, DAYS = "worlds/*/world.json", "worlds/*/seed=1/truth/event_day=*/part-*"


def stopped(root, number: signal.Signals, *, workers: int = 2, at: str = DAYS, times: int = 1):
    """Sends a signal to the whole group of a run of two months; what it said."""
    run = harness.started(harness.command(root, *MONTHS, workers=workers))
    harness.wait_for(root, at, run)
    processes = harness.family(run)
    for _ in range(times):
        os.killpg(run.pid, number)
        time.sleep(0.02)
    _, told = run.communicate(timeout=60)
    assert run.returncode == CODES[number], told
    harness.require_gone(processes)
    assert not harness.staged(root)
    assert not list(root.glob("runs/utc_day=*"))
    return told


def require_resumed(root) -> None:
    """Days that were made stay, and the tiny run, which shares some, ends as ever."""
    harness.make(root)
    assert harness.expected().items() <= harness.digests(root).items()


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        (signal.SIGINT, 1),
        (signal.SIGTERM, 2),
        pytest.param(signal.SIGINT, 2, marks=SLOW),
        pytest.param(signal.SIGTERM, 1, marks=SLOW),
    ],
)
def test_a_signal_to_the_group_is_clean(tmp_path, number, workers):
    """Ctrl-C or SIGTERM while days are made: one line that says how to go on."""
    told = stopped(tmp_path, number, workers=workers)
    assert told.count("\n") == 1, told
    assert "the same command resumes" in told
    require_resumed(tmp_path)


def test_ctrl_c_twice_is_as_clean_as_once(tmp_path):
    """The second one comes while the first is tidied up after: it spoils nothing."""
    told = stopped(tmp_path, signal.SIGINT, times=3)
    assert told.count("\n") == 1, told
    require_resumed(tmp_path)


@pytest.mark.slow
def test_ctrl_c_while_workers_start_is_not_lost(tmp_path):
    """As soon as anything is written the workers are about to start; the signal still counts."""
    stopped(tmp_path, signal.SIGINT, at=".staging")
    require_resumed(tmp_path)


def test_sigterm_to_the_command_alone_ends_its_workers(tmp_path):
    """As Kubernetes and systemd do it: only the parent is told, and takes its workers along."""
    run = harness.started(harness.command(tmp_path, *MONTHS, workers=2))
    harness.wait_for(tmp_path, DAYS, run)
    processes = harness.family(run)
    assert len(processes) >= 2
    os.kill(run.pid, signal.SIGTERM)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 143
    assert "resumes" in told
    harness.require_gone(processes)
    assert not harness.staged(tmp_path)


DRAWING = """
import os, signal
from fauxpay.report import page
page.report_html = lambda run: os.kill(os.getpid(), signal.SIGTERM)
from fauxpay.cli import main
main()
"""


def test_sigterm_while_the_report_is_drawn_says_what_draws_it(tmp_path):
    """The run is sealed, so the same command would find it and draw nothing: the message knows."""
    words = [*harness.command(tmp_path)[3:], "--set=run.report=true"]
    done = harness.finished([sys.executable, "-c", DRAWING, *words])
    assert done.returncode == 143
    (receipt,) = tmp_path.glob("runs/utc_day=*/*/receipt.json")
    assert f"run {receipt.parent.name} is sealed" in done.stderr
    assert f"`fauxpay report {receipt.parent.name} --out {tmp_path}`" in done.stderr
    assert "same command resumes" not in done.stderr
    assert not harness.staged(tmp_path)


SWALLOWED_BY_THE_REPORT = """
import os, signal, time
from fauxpay.report import page
def report_html(run):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)
    except BaseException:
        raise RuntimeError("Query interrupted") from None
page.report_html = report_html
from fauxpay.cli import main
main()
"""


def test_sigterm_while_the_report_is_asked_for_ends_the_command(tmp_path):
    """What stands in the way of a report is a warning; a signal is none."""
    words = [*harness.command(tmp_path)[3:], "--set=run.report=true"]
    done = harness.finished([sys.executable, "-c", SWALLOWED_BY_THE_REPORT, *words])
    assert done.returncode == 143, done.stderr
    assert "is sealed" in done.stderr
    assert "no report" not in done.stderr


SEALING = """
import os, signal, sys
from fauxpay.delivery.sinks import LocalSink
publish, number = LocalSink.publish, int(sys.argv.pop(1))
sent = []
def publish_and_signal(self, staged):
    if any(file.name.startswith("runs/") for file in staged):
        sent.append(1)
        if len(sent) == number:
            os.kill(os.getpid(), signal.SIGINT)
    return publish(self, staged)
LocalSink.publish = publish_and_signal
from fauxpay.cli import main
main()
"""


@pytest.mark.parametrize("document", [1, 2, 3], ids=["gate", "receipt", "mark"])
def test_ctrl_c_while_sealing_leaves_no_half_sealed_run(tmp_path, document):
    """A signal just before gate, receipt or mark is published: no run yet, then the same run."""
    arguments = harness.command(tmp_path)[3:]
    done = harness.finished([sys.executable, "-c", SEALING, str(document), *arguments])
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert harness.require_nothing_torn(tmp_path) == 0
    assert not harness.staged(tmp_path)
    harness.make(tmp_path)
    harness.require_whole(tmp_path)


def test_a_signal_before_anything_is_loaded_is_clean(tmp_path):
    """Ctrl-C while Python still imports: code 130 or 143 without a traceback, nothing written."""
    for number, code in CODES.items():
        # Says when it has begun, for before that it is Python that ends itself.
        own = "import fauxpay.cli.stopping as s; print('on', flush=True)\n"
        own += "from fauxpay.cli import main; main()"
        arguments = [sys.executable, "-c", own, *harness.command(tmp_path / "out")[3:]]
        run = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=harness.mind_signals,
        )
        assert run.stdout is not None
        run.stdout.readline()
        time.sleep(0.15)
        run.send_signal(number)
        _, told = run.communicate(timeout=60)
        assert run.returncode == code, told
        assert "Traceback" not in told


@pytest.mark.slow
def test_a_run_that_must_not_be_interrupted_is_not(tmp_path):
    """Started with SIGINT ignored, as by nohup or a shell's &: Ctrl-C is not for it."""
    run = harness.started(
        harness.command(tmp_path),
        lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    harness.wait_for(tmp_path, ".staging", run)
    os.killpg(run.pid, signal.SIGINT)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 0, told
    harness.require_whole(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_signals_at_random_moments_are_clean(tmp_path, number):
    """Thirty seeded moments from the first file on: always the code, no process, no staged file."""
    moments = random.Random(20260302)
    for round_number in range(30):
        root = tmp_path / str(round_number)
        run = harness.started(harness.command(root, *YEARS, workers=1 + round_number % 2))
        harness.wait_for(root, ".staging", run)
        time.sleep(moments.random() * 1.2)
        processes = harness.family(run)
        os.killpg(run.pid, number)
        _, told = run.communicate(timeout=60)
        assert run.returncode == CODES[number], (round_number, told)
        assert "Traceback" not in told
        harness.require_gone(processes)
        assert not harness.staged(root)
