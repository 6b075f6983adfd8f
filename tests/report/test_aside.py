"""Aside: the process that learns answers as ours would, and nothing hangs on it but time."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace

import pytest

from fauxpay.report import aside
from fauxpay.report.difficulty import detectors


@pytest.fixture(scope="module")
def wanted(reported):
    """What detectors find, learnt in this process."""
    found = detectors(reported)
    assert found.curves
    return found


@pytest.fixture
def started(monkeypatch):
    """Processes that were started, on a machine with two cores."""
    found: list[subprocess.Popen] = []
    real = subprocess.Popen

    def popen(*arguments, **more):
        found.append(real(*arguments, **more))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    return found


def never(run):
    """In place of our own detectors, which must not be asked."""
    raise AssertionError("learnt here")


def test_the_process_says_what_we_would(reported, wanted, started, monkeypatch):
    """Same curves, digit by digit, and nothing was learnt here."""
    monkeypatch.setattr(aside, "detectors", never)
    with aside.learning(reported) as learnt:
        assert learnt() == wanted
    assert [one.returncode for one in started] == [0]


def test_modules_of_the_folder_one_stands_in_are_not_taken(
    reported, wanted, started, monkeypatch, tmp_path
):
    """A stray sklearn.py or json.py below one's feet is no library."""
    for name in ("sklearn", "json", "fauxpay"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(aside, "detectors", never)
    with aside.learning(reported) as learnt:
        assert learnt() == wanted


@pytest.mark.parametrize("python", ["/bin/false", "/bin/true", "/no/such/python"])
def test_a_process_that_does_not_answer_costs_time_only(
    reported, wanted, started, monkeypatch, python
):
    """It fails, or there is none: then we learn here, and say the same."""
    monkeypatch.setattr(sys, "executable", python)
    with aside.learning(reported) as learnt:
        assert learnt() == wanted


@pytest.mark.parametrize("text", ["print('hello')", "import os; os.write(1, b'hello')"])
def test_a_python_that_greets_is_no_fault(reported, wanted, started, monkeypatch, tmp_path, text):
    """What a sitecustomize prints stands before the answer: then we learn here."""
    (tmp_path / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with aside.learning(reported) as learnt:
        assert learnt() == wanted


def test_what_libraries_print_is_no_answer(reported, monkeypatch):
    """The answer alone stands on standard output, before and after it nothing."""

    def loud(run):
        print("a warning")
        os.write(1, b"another")
        return "nothing found"

    monkeypatch.setattr(aside, "detectors", loud)
    asked = json.dumps([str(reported.root), str(reported.folder), True])
    monkeypatch.setattr(sys, "stdin", io.StringIO(asked))
    kept = os.dup(1)
    try:
        with tempfile.TemporaryFile() as held:
            os.dup2(held.fileno(), 1)
            aside.answer()
            sys.stdout.flush()
            held.seek(0)
            assert json.loads(held.read()) == "nothing found"
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_nobody_is_left_behind(reported, started):
    """A drawing that falls down takes the process with it."""
    with pytest.raises(RuntimeError, match="down"), aside.learning(reported):
        raise RuntimeError("a drawing fell down")
    assert len(started) == 1
    assert started[0].returncode is not None


def test_little_fraud_one_core_or_no_library_start_nothing(reported, started, monkeypatch):
    """Whoever has nothing to gain learns here."""
    few = replace(reported, receipt={**reported.receipt, "rows": {"truth": 39}})
    with aside.learning(few):
        pass
    for name, value in (("os.cpu_count", lambda: 1), ("sys.executable", "")):
        with monkeypatch.context() as patch:
            patch.setattr(name, value)
            with aside.learning(reported):
                pass
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with aside.learning(reported) as learnt:
        assert "fauxpay[difficulty]" in learnt()
    assert started == []
