"""`fauxpay sql` as a command: what goes wrong at work, what it prints, how it is stopped."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fauxpay
from fauxpay.errors import ConfigError
from fauxpay.readers.query import connected

# More rows than any machine counts while a test waits.
HEAVY = (
    "SELECT a.transaction_id, b.merchant_id FROM transactions a JOIN transactions b "
    "ON a.amount_minor <> b.amount_minor + 1, transactions c ORDER BY 1"
)
LARGE = "SELECT a.*, b.card_id FROM transactions a, transactions b ORDER BY a.amount_minor, b.mcc"


def words(root: Path, *arguments: str) -> list[str]:
    """`fauxpay sql` of the latest run."""
    return [sys.executable, "-m", "fauxpay", "sql", "latest", "--out", str(root), *arguments]


def asked(root: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What it says, with settings in the environment."""
    return subprocess.run(
        words(root, *arguments),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **environ},
    )


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_what_fails_at_work_is_said_in_one_line(sealed, form):
    """Exit code 2 without a traceback, where a row cannot be computed."""
    done = asked(sealed, "SELECT 'x'::INT FROM cards", "--format", form)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "SQL: Conversion Error" in done.stderr


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_fails_after_many_rows_is_said_in_one_line(sealed, form):
    """Far behind the first batch Arrow passes the error on, as one of its own."""
    query = "SELECT IF(n > 300000, n || 'x', '1')::INT AS n FROM range(400000) t(n)"
    done = asked(sealed, query, "--format", form)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "SQL: Conversion Error" in done.stderr


def test_a_file_that_is_no_parquet_is_said(sealed, tmp_path):
    """Damaged at its full size: exit code 3, with the command that names the file."""
    root = Path(shutil.copytree(sealed, tmp_path / "out"))
    path = fauxpay.open(root).latest().files("transactions")[0]
    path.write_bytes(b"x" * path.stat().st_size)
    done = asked(root, "SELECT count(*) FROM transactions")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "does not hold what its receipt says" in done.stderr
    assert "`fauxpay verify` names it" in done.stderr


@pytest.mark.parametrize("text", ["SELECT 1", "show tables", "from cards limit 2"])
def test_a_statement_without_a_run_is_told_where_the_run_stands(sealed, text):
    """The natural slip: the message has the command that was meant."""
    done = subprocess.run(
        [sys.executable, "-m", "fauxpay", "sql", text, "--out", str(sealed)],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 2
    assert "is no run; expected RUN first: fauxpay sql latest QUERY" in done.stderr


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_bytes_that_are_no_text_are_refused(sealed, errors):
    """A query in another encoding is told in one line, as an argument and from standard input."""
    environ = {**os.environ, "PYTHONIOENCODING": f"utf-8:{errors}"}
    query = b"SELECT '\xff'"
    for more, given in (([query], b""), ([], query + b";\n")):
        said = subprocess.run(
            [*words(sealed), *more], input=given, capture_output=True, env=environ
        )
        assert said.returncode == 2
        assert said.stderr.startswith(b"fauxpay: SQL: bytes that are no UTF-8 text")


def test_a_list_is_not_put_into_csv(sealed):
    """Exit code 2, and what to do."""
    done = asked(sealed, "SELECT [1, 2] AS a", "--format", "csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--format json takes all" in done.stderr


def test_csv_of_no_rows_is_its_header(sealed):
    """One line."""
    done = asked(sealed, "SELECT mcc, amount_minor FROM transactions WHERE false", "--format=csv")
    assert (done.returncode, done.stdout) == (0, '"mcc","amount_minor"\n')


def test_at_a_prompt_a_row_that_fails_is_not_the_end(sealed):
    """On a terminal the prompt comes back."""
    parent, child = pty.openpty()
    running = subprocess.Popen(
        words(sealed, "--format", "json"),
        stdin=child,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(child)
    os.write(parent, b"SELECT 'x'::INT FROM cards;\nSELECT 3 AS c;\n\x04")
    output, errors = running.communicate(timeout=60)
    os.close(parent)
    assert running.returncode == 0
    assert b"Conversion Error" in errors
    assert b'{"c": 3}' in output


def test_json_is_json(sealed):
    """No number is null, bytes are hexadecimal, and a name that comes twice is refused."""
    query = "SELECT 'nan'::DOUBLE AS a, 'ab'::BLOB AS b, ['inf'::DOUBLE, 1] AS c, 'é' AS d"
    done = asked(sealed, query, "--format", "json", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr

    def refused(text: str) -> None:
        raise AssertionError(text)

    found = json.loads(done.stdout, parse_constant=refused)
    assert found == {"a": None, "b": "6162", "c": [None, 1.0], "d": "é"}
    done = asked(sealed, "SELECT 1 AS a, 2 AS b, 3 AS a", "--format", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "2 columns are called 'a'" in done.stderr


def test_what_a_terminal_cannot_show_is_a_question_mark(sealed):
    """Frames and letters alike, where standard output is ASCII."""
    done = asked(sealed, "SELECT 'é' AS a", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "varchar" in done.stdout
    assert "é" not in done.stdout


def test_a_reader_that_went_is_said(sealed):
    """As `fauxpay stream` does: exit code 6, and why."""
    running = subprocess.Popen(
        words(sealed, "FROM transactions, range(200)", "--format", "csv"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert "transaction_id" in running.stdout.readline()
    running.stdout.close()
    assert running.stderr is not None
    assert running.stderr.read() == (
        "fauxpay: standard output: Broken pipe; expected to be able to write\n"
    )
    assert running.wait(timeout=60) == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_heavy_query(sealed, tmp_path, number):
    """Within seconds, with 128 + the signal, and nothing left of what was spilled."""
    running = subprocess.Popen(
        words(sealed, HEAVY),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    while not any(tmp_path.iterdir()):
        assert running.poll() is None
        time.sleep(0.05)
    time.sleep(1.0)
    begin = time.monotonic()
    running.send_signal(number)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert time.monotonic() - begin < 10  # Machines of tests are busy; it takes half a second.
    assert output == b""
    assert list(tmp_path.iterdir()) == []


def test_too_little_memory_is_said(sealed, tmp_path):
    """Exit code 9, with what to do; nothing is left in the temporary folder."""
    done = asked(sealed, LARGE, "--format=csv", "--memory", "10MB", TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (9, "")
    assert "Give more with --memory" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", ["0", "banana", "-1GB", "1KB"])
def test_a_size_that_is_none_is_refused(sealed, tmp_path, size):
    """By each command that asks for one: exit code 2, and no folder is left."""
    root = str(sealed)
    commands = {
        "sql": ["latest", "SELECT 1"],
        "drift": [root, root],
        "fit": [root, "-o", str(tmp_path / "made.yaml")],
    }
    folder = tmp_path / "temporary"
    folder.mkdir()
    for name, arguments in commands.items():
        done = subprocess.run(
            [sys.executable, "-m", "fauxpay", name, *arguments, "--out", root, f"--memory={size}"],
            capture_output=True,
            text=True,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        assert (name, done.returncode, done.stdout) == (name, 2, "")
        assert f"--memory {size}: expected a size" in done.stderr
    assert list(folder.iterdir()) == []


def test_a_connection_that_cannot_be_made_leaves_no_folder(sealed, tmp_path, monkeypatch):
    """In Python, too, a limit is a size; the message names the argument."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for limit in ("banana", "-1GB"):
        with pytest.raises(ConfigError, match=f"memory_limit {limit}: expected a size"):
            fauxpay.open(sealed).latest().graph(memory_limit=limit)
    with pytest.raises(Exception, match="thread"):
        connected(threads=-5)
    assert list(tmp_path.iterdir()) == []
