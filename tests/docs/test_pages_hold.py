"""What pages tell a reader to type is there, and runs to its end: README, docs, examples."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from reading import PAGES, ROOT, blocks, code, commands, name_of, typed_lines, words_of

COMMANDS = [
    (name_of(page), command)
    for page in PAGES
    for line in typed_lines(page)
    for command in commands(line)
]
SCRIPTS = "python examples/"
TELLING = [
    page
    for page in PAGES
    if code(page) or any(commands(line) or line.startswith(SCRIPTS) for line in typed_lines(page))
]
# What is not run here, and where it is.
ELSEWHERE = {
    r"--executor (ray|spark|dask)": "tests/clusters",
    r"s3://": "tests/objects",
    r"postgres://": "tests/databases/test_postgres.py",
    r"kafka://": "tests/streams/test_kafka.py",
    r"http://": "tests/streams/test_play.py",
    r"fauxpay serve": "tests/server/test_serve_command.py",
    r"gift_card_drain": "tests/fraud/test_typologies.py",
    r"quarantine (show|drop)": "tests/audit/test_housekeeping.py",
}
PYTHON_ELSEWHERE = {
    "docs/object-stores.md": "tests/objects",
    "examples/executor_dask/README.md": "tests/clusters/test_dask.py",
    "examples/typology/README.md": "tests/fraud/test_typologies.py",
}
# What stands for something of the reader's own, and sizes for a machine that has more time.
READER = {
    r"\bRUN\b": "{run}",
    r"\bDATA\b": "mine.parquet",
    r"\bA B\b": "mine.parquet yours.csv",
    r"\bFILE\b": "own.parquet",
    r"\bTXN_ID\b": "{transaction}",
    r"\bDIR\b": str(ROOT / "src/fauxpay/contracts/packs"),
    r"--map …": "--map card=cc_num,at=trans_ts,amount=amt",
    r",…": "",
    r"(cards=|--rows )\d+": r"\g<1>3000",
    r"--speed \d+": "--speed 360000000",
    r"/var/lib/(node_exporter/)?": "",
    r"/data/lake": "{folder}/lake",
    r"\bWORLD_ID\b": "{world}",
}
SIZES = {"CARDS": "2000", "MERCHANTS": "300", "PLACES": "40"}
# Findings are no failures: a small world differs from a large one, and days from one another.
CODES = {"score": {0, 10}, "drift": {0, 10}, "leaks": {0, 10}}


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=lambda text: text.split("  ")[0][:60])
def test_commands_and_flags_are_there(page, command):
    """Each command of a page names a command of ours and none but its flags."""
    from typer.main import get_command

    from fauxpay.cli.app import app

    if command.startswith("python"):
        return  # The old entry maps flags by itself: it is run below.
    own = get_command(app)
    for word in words_of(command):
        if hasattr(own, "commands") and not word.startswith("-"):
            assert word in own.commands, f"{page}: {command}: no command {word}"
            own = own.commands[word]
        elif re.match(r"--?[a-z]", word):
            flags = {flag for one in own.params for flag in (*one.opts, *one.secondary_opts)}
            flag = word.partition("=")[0]
            assert flag in flags | {"--help"}, f"{page}: {command}: no flag {flag}"
    assert not hasattr(own, "commands"), f"{page}: {command}: names no command"


def test_pages_tell_something():
    """Negative space: a reader of pages that finds nothing would hold everything."""
    assert len(COMMANDS) > 60
    assert len({page for page, _ in COMMANDS}) > 10
    for place in {*ELSEWHERE.values(), *PYTHON_ELSEWHERE.values()}:
        assert (ROOT / place).exists(), place
    for pattern in ELSEWHERE:
        assert any(re.search(pattern, command) for _, command in COMMANDS), pattern


@pytest.fixture(scope="session")
def reader(tmp_path_factory) -> Path:
    """A folder as a reader has it: a month of a small world, tables of one's own, the examples."""
    folder = tmp_path_factory.mktemp("reader")
    typed(folder, "fauxpay generate --quiet && fauxpay export own.parquet")
    shutil.copytree(ROOT / "examples", folder / "examples")
    faults = next(text for language, text in blocks(ROOT / "docs/stream.md") if language == "yaml")
    (folder / "faults.yaml").write_text(faults)
    cards = next(folder.glob("fauxpay-out/worlds/*/catalog/cards.parquet"))
    columns = (
        "card_id AS card, event_time AS at, amount_minor / 100 AS amount, merchant_id AS merchant,"
        "card_id AS cc_num, event_time AS trans_ts, event_time AS trans_date_trans_time,"
        "amount_minor / 100 AS amt, is_fraud"
    )
    with duckdb.connect() as connection:
        for name in ("mine.parquet", "yours.csv", "theirs.csv", "fraudTrain.csv"):
            question = f"SELECT {columns} FROM '{folder}/own.parquet'"
            connection.execute(f"COPY ({question}) TO '{folder}/{name}'")
        for name, part in (("cards.parquet", "LIMIT 1000"), ("more.csv", "OFFSET 1000")):
            connection.execute(f"COPY (FROM '{cards}' {part}) TO '{folder}/{name}'")
    return folder


def typed(folder: Path, line: str, code: set[int] | None = None) -> None:
    """Runs a line in a folder as one types it, with the interpreter of the tests."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, words in (("fauxpay", "-m fauxpay "), ("python", "")):
        path = programs / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        path.chmod(0o755)
    sizes = {f"FAUXPAY_CATALOG__{key}": value for key, value in SIZES.items()}
    environ = {**os.environ, **sizes, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environ, capture_output=True, text=True
    )
    assert done.returncode in (code or {0}), f"{line}: {done.returncode}\n{done.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("page", TELLING, ids=name_of)
def test_a_page_runs_to_its_end(page, reader, tmp_path):
    """All that a page tells a reader to type and to run, in its order, in one folder."""
    folder = Path(shutil.copytree(reader, tmp_path / "reader"))
    own = words_of_the_reader(folder)
    variable = ":"
    for line in typed_lines(page):
        for command in commands(line):
            if not any(re.search(pattern, command) for pattern in ELSEWHERE):
                typed(folder, as_told(command, own), CODES.get(command.split()[1]))
        if re.match(r"[A-Z]=", line):
            variable = line
        elif line.startswith(SCRIPTS) and "spark" not in line:
            typed(folder, as_told(f"{variable}; {line}", own))
    if page_code := "" if name_of(page) in PYTHON_ELSEWHERE else code(page):
        (folder / "page.py").write_text(as_told(page_code, own))
        typed(folder, "python page.py")


def words_of_the_reader(folder: Path) -> dict[str, str]:
    """What stands for what in a page, where a reader has such a folder."""
    first = next(folder.glob("fauxpay-out/worlds/*/seed=1/transactions/*/*.parquet"))
    own = {
        "{folder}": str(folder),
        "{run}": next(folder.glob("fauxpay-out/runs/utc_day=*/*")).name,
        "{world}": first.parts[-5],
        "{transaction}": str(pq.read_table(first, columns=["transaction_id"])[0][0]),
    }
    return {
        pattern: re.sub(r"\{\w+\}", lambda found: own[found[0]], told)
        for pattern, told in READER.items()
    }


def as_told(text: str, own: dict[str, str]) -> str:
    """A text with the reader's own words in the place of those that stand for them."""
    for pattern, told in own.items():
        text = re.sub(pattern, told, text)
    return text
