"""Arrow is kept from looking for pandas; whoever wants it has it all the same."""

import shlex
import subprocess
import sys

import pytest

SCRIPT = """
import sys
from fauxpay.foundations.without_pandas import leave_pandas_out

print(leave_pandas_out(), [one for one in sys.meta_path if "fauxpay" in type(one).__module__])
import numpy as np
import pyarrow as pa

table = pa.table({"cents": pa.array(np.arange(3)), "city": pa.array(["Oslo", None, "Bern"])})
print("pandas" in sys.modules)
import pandas as pd

frame = table.to_pandas()
print(type(frame).__module__.split(".")[0], frame.cents.sum(), pa.table(frame).num_rows)
print(leave_pandas_out())
"""


def test_arrow_finds_no_pandas_until_somebody_asks():
    """Arrays bring none, a frame is to be had afterwards, and what is loaded is left alone."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["True []", "False", "pandas 3 3", "False"]


PROCESS = """
import sys
from importlib.metadata import EntryPoint
from fauxpay.config import offered, typologies
from fauxpay.config.model import Config
from fauxpay.delivery.workers import own_process
import pyarrow as pa

point = EntryPoint("their_own", "their:Own", typologies.GROUP)
offered.entry_points = lambda group: [point]
own_process(Config(fraud={"more": dict.fromkeys(sys.argv[1:], 1.0)}))
pa.array([0])
print("pandas" in sys.modules)
"""


def test_typologies_of_others_may_hand_arrow_data_frames():
    """Pandas is left out of a process of ours, but not where code of others works in it."""
    for others, is_there in (([], "False"), (["their_own"], "True")):
        command = [sys.executable, "-c", PROCESS, *others]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stdout.strip() == is_there, others


COMMAND = """
import sys
from fauxpay.cli import main

try:
    main()
except SystemExit as ended:
    print(ended.code, "pandas" in sys.modules, file=sys.stderr)
"""


COMMANDS = (
    "score latest --no-fail",
    "leaks latest --no-fail",
    "report latest -o page.html",
    "export flat.parquet",
    "sql latest 'select 1'",
)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_do_without_it(sealed, tmp_path, command):
    """No command that reads tables spends time on a library that it has no use for."""
    asked = [sys.executable, "-c", COMMAND, *shlex.split(command), "--out", str(sealed)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "0 False", done.stderr
