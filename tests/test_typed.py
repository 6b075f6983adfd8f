"""What users type-check: the package says that it is typed, and its names are known."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import fauxpay

SCRIPT = """
from pathlib import Path

import fauxpay
from fauxpay.errors import FauxpayError
from fauxpay.readers.views import connect_run


def main() -> None:
    config = fauxpay.Config.load("world.yaml").with_values({"run.seed": 2})
    run: fauxpay.Run = fauxpay.generate({"catalog": {"cards": 5000}})
    store: fauxpay.Store = fauxpay.open(Path("fauxpay-out"))
    rows: int = run.write_training_set("set.parquet", "2026-03-20", train_days=60)
    known = fauxpay.labels.as_of(store.latest(), "2026-03-20")
    print(fauxpay.generate(config).run_id, rows, known, run.training_set("2026-03-20"))
    print(run.table("cards"), run.scan("cards"), run.graph().nodes, fauxpay.score(run).total)
    with connect_run(run) as connection:
        print(connection)
    try:
        fauxpay.lables
    except FauxpayError as error:
        print(error.exit_code, fauxpay.labels.asof)
"""


def test_the_package_says_that_it_is_typed():
    """Without the mark type checkers take every name of an installed package for Any."""
    assert (resources.files("fauxpay") / "py.typed").is_file()


def test_names_are_found_before_they_are_used():
    """Whoever completes names sees all of them, and no more than there are."""
    assert set(fauxpay.__all__) <= set(dir(fauxpay))
    assert all(hasattr(fauxpay, name) for name in dir(fauxpay))
    with pytest.raises(AttributeError, match="lables"):
        fauxpay.lables  # noqa: B018


@pytest.mark.slow
def test_a_strict_script_of_a_user_is_checked(tmp_path):
    """What exists passes, what is misspelt is named; nothing is Any by accident."""
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\nfollow_imports = silent\n")
    source = Path(fauxpay.__file__).parent.parent
    # Where it is installed it is found, and may not be named once more.
    path = {} if source.name == "site-packages" else {"MYPYPATH": str(source)}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "script.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**path, "PATH": ""},
    )
    told = [line for line in done.stdout.splitlines() if "error:" in line]
    assert [line.partition("error: ")[2].partition(";")[0] for line in told] == [
        'Module has no attribute "lables"',
        'Module has no attribute "asof"',
    ], done.stdout + done.stderr
