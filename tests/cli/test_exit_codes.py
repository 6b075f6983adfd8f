"""Exit codes: each provoked through the real command line, and the table that documents them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest
from commands import SMALL, environ_with, fauxpay, flip_a_bit, generate, only

from fauxpay import errors

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "exit-codes.md"
ROW = re.compile(r"^\| (\d+) \| (?:`(\w+)`)? *\|", re.MULTILINE)
# `verify` fails with 8, a machine that has no memory left with 9, SIGTERM with 143: each has its
# tests beside its code.
ELSEWHERE = {8, 9, 10, 11, 12, 143}

Words = Sequence[str | Path]


def wrong_key(root: Path) -> Words:
    """A key with a typing error."""
    return ["generate", "--out", root, "--set", "catalog.crads=5"]


def wrong_flag(root: Path) -> Words:
    """A flag with a typing error."""
    return ["generate", "--out", root, "--sead", "5"]


def day_and_window(root: Path) -> Words:
    """A logical date beside a window."""
    return ["generate", "--out", root, "--logical-date", "2026-03-01", "--to", "2026-03-02"]


def no_day(root: Path) -> Words:
    """A logical date that is none."""
    return ["generate", "--out", root, "--logical-date", "2026-02-30"]


def changed_world(root: Path) -> Words:
    """A sealed catalog table that someone changed."""
    flip_a_bit(only(root, "worlds/*/catalog/cards.parquet"))
    return ["generate", "--out", root, *SMALL, "--logical-date", "2026-03-02"]


def no_mark(root: Path) -> Words:
    """A run without its mark of having passed."""
    mark = only(root, "runs/utc_day=*/*/_PASSED")
    mark.unlink()
    return ["export", root / "flat.parquet", "--out", root, "--run", mark.parent.name]


def other_bytes(root: Path) -> Words:
    """A published file that says something else than what is made now."""
    flip_a_bit(only(root, "worlds/*/seed=1/transactions/event_day=2026-03-01/*"))
    only(root, "worlds/*/seed=1/partitions/event_day=2026-03-01/*").unlink()
    return ["generate", "--out", root, *SMALL, "--from", "2026-03-01", "--to", "2026-03-03"]


def file_for_folder(root: Path) -> Words:
    """A file where the output folder should be."""
    return ["generate", "--out", only(root, "worlds/*/world.json"), *SMALL]


def no_folder_for_metrics(root: Path) -> Words:
    """A metrics file in a folder that is not there."""
    return ["generate", "--out", root, *SMALL, "--metrics", root / "none" / "fauxpay.prom"]


# Code, what provokes it, and what standard error must say: what and where, expected, remedy.
CASES: list[tuple[int, Callable[[Path], Words], tuple[str, str, str]]] = [
    (2, wrong_key, ("no such key", "known in catalog: mode,", "did you mean catalog.cards?")),
    # In words that releases of click change: the flag, the nearest one, the remedy.
    (2, wrong_flag, ("--sead", "--seed", "--help")),
    (
        2,
        day_and_window,
        ("--logical-date and --from or", "for one day", "give --logical"),
    ),
    (2, no_day, ("--logical-date = '2026-02-30'", "allowed is one such", "as 2026-03-01")),
    (3, changed_world, ("cards.parquet: not the file", "expected sha256", "Restore it")),
    (4, no_mark, ("no _PASSED mark", "expected", "`fauxpay generate` seals it")),
    (
        5,
        other_bytes,
        (
            "part-0000.parquet: other bytes",
            "expected the same",
            "remove it and run the same command again",
        ),
    ),
    (6, file_for_folder, ("world.json: this is a file", "expected a folder", "--out")),
    (6, no_folder_for_metrics, ("there is no folder", "expected a file", "Make the folder")),
]
NAMES = [f"{code}-{words_of.__name__}" for code, words_of, _ in CASES]


@pytest.mark.parametrize(("code", "words_of", "said"), CASES, ids=NAMES)
def test_a_code_is_provoked_and_explained(own_root, code, words_of, said):
    """The code; nothing on standard output; what, where, expected and remedy on standard error."""
    done = fauxpay(*words_of(own_root))
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for text in said:
        assert text in done.stderr


@pytest.mark.parametrize(("code", "words_of", "said"), CASES[1::4], ids=NAMES[1::4])
def test_the_same_error_as_a_json_line(own_root, code, words_of, said):
    """With JSON logs the last line is an object with class, code and the same message."""
    done = fauxpay(*words_of(own_root), FAUXPAY_LOG_FORMAT="json")
    assert done.returncode == code
    assert done.stdout == ""
    line = json.loads(done.stderr.splitlines()[-1])
    assert line["level"] == "error"
    assert line["code"] == code
    known = getattr(errors, line["class"], None)
    assert line["class"] == "UsageError" or known.exit_code == code
    assert said[0] in line["message"]


def test_code_0_for_what_is_made_and_what_is_found(own_root):
    """A run that is there already is no error."""
    made = generate(own_root, "--logical-date", "2026-03-02", "--quiet")
    found = generate(own_root, "--logical-date", "2026-03-02")
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    assert (found.returncode, found.stderr) == (0, "")
    assert "nothing to do" in found.stdout


def test_code_7_names_the_install_command(own_root, tmp_path):
    """Without prometheus-client nothing is made, and the message says what to install."""
    (tmp_path / "prometheus_client.py").write_text("raise ModuleNotFoundError('not installed')\n")
    words = ("--logical-date", "2026-03-02", "--metrics", tmp_path / "fauxpay.prom")
    done = generate(own_root, *words, PYTHONPATH=str(tmp_path))
    assert done.returncode == 7
    assert done.stdout == ""
    assert "pip install 'fauxpay[metrics]'" in done.stderr
    assert not list(own_root.glob("worlds/*/seed=1/*/event_day=2026-03-02"))


def at_work(root: Path) -> subprocess.Popen[str]:
    """Three months with two workers, once it has published a few days."""
    window = ["--from", "2026-01-01", "--to", "2026-04-01", "--workers", "2"]
    command = [sys.executable, "-m", "fauxpay", "generate", "--out", str(root), *SMALL, *window]
    run = subprocess.Popen(
        [*command, "--log-format", "json", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environ_with(),
    )
    until = time.monotonic() + 60
    while len(list(root.glob("worlds/*/seed=1/truth/event_day=*/part-*"))) < 4:
        assert run.poll() is None, "the run ended before it could be stopped"
        assert time.monotonic() < until
        time.sleep(0.01)
    return run


@pytest.mark.slow
def test_a_killed_worker_is_said_as_json(tmp_path):
    """SIGKILL of a worker, as by the OOM killer: one line with code, run and what to do."""
    run = at_work(tmp_path)
    children = psutil.Process(run.pid).children(recursive=True)
    next(child for child in children if "spawn_main" in " ".join(child.cmdline())).kill()
    out, log = run.communicate(timeout=60)
    assert out == ""
    line = json.loads(log.splitlines()[-1])
    assert line["code"] == run.returncode == getattr(errors, line["class"]).exit_code
    assert "was killed by SIGKILL" in line["message"]
    assert "same command resumes" in line["message"]
    assert line["run_id"]


@pytest.mark.slow  # tests/delivery has a quick one without JSON
def test_code_130_for_ctrl_c(tmp_path):
    """SIGINT: one warning that says how to go on, and no summary."""
    run = at_work(tmp_path)
    os.killpg(run.pid, signal.SIGINT)
    out, log = run.communicate(timeout=60)
    assert run.returncode == 130
    assert out == ""
    line = json.loads(log.splitlines()[-1])
    assert line["event"] == "run interrupted"
    assert f"the same command resumes below {tmp_path}" in line["message"]


def test_code_1_for_a_fault_of_our_own(tmp_path):
    """What is no error of the user ends with 1: a traceback as text, or within the JSON line."""
    broken = (
        "import sys, fauxpay.config.sources as s\n"
        "def resolve(*a, **k): raise RuntimeError('a bug')\n"
        "s.resolve = resolve\n"
        "from fauxpay.cli import main; sys.argv[0] = 'fauxpay'; main()\n"
    )
    command = [sys.executable, "-c", broken, "generate", "--out", str(tmp_path)]
    text = subprocess.run(command, capture_output=True, text=True, env=environ_with(), check=False)
    assert text.returncode == 1
    assert "Traceback" in text.stderr
    command += ["--log-format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ_with(), check=False)
    assert done.returncode == 1
    (line,) = (json.loads(one) for one in done.stderr.splitlines())
    assert (line["class"], line["code"], line["message"]) == ("RuntimeError", 1, "a bug")
    assert "in resolve" in line["trace"]


def test_the_table_lists_every_code_of_the_classes():
    """docs/exit-codes.md and errors.py agree, and every code of the table is provoked somewhere."""
    documented = {int(code): name for code, name in ROW.findall(DOCUMENT.read_text())}
    classes: dict[int, str] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.FauxpayError):
            classes.setdefault(kind.exit_code, kind.__name__)  # one that shares a code adds no row
    assert classes.items() <= documented.items()
    assert set(documented) - set(classes) - ELSEWHERE == {0, 130}
    assert {code for code, _, _ in CASES} | {0, 1, 7, 130} | ELSEWHERE == set(documented)


def test_the_readme_links_the_table():
    """A reader finds the codes from the README."""
    assert "docs/exit-codes.md" in (DOCUMENT.parents[1] / "README.md").read_text()
