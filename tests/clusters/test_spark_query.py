"""The example of `examples/queries` for Spark gives the answer that fauxpay itself gives."""

from __future__ import annotations

import os
import subprocess

import pytest

import fauxpay
from queries.test_query_examples import DAYS, EXAMPLES, answer, folder_of, printed

pytestmark = [pytest.mark.slow, pytest.mark.clusters]


@pytest.mark.parametrize("day", DAYS)
def test_spark_gives_the_answer(python, java, sealed, day):
    """Printed as CSV, row by row, to the last digit, whatever the machine's time zone."""
    run = fauxpay.open(sealed).latest()
    script = [str(python), str(EXAMPLES / "fraud_by_mcc_spark.py"), str(folder_of(run)), day]
    environ = {**os.environ, "TZ": "Asia/Tokyo"}
    done = subprocess.run(script, capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stderr
    assert printed(done.stdout) == answer(run, day)
