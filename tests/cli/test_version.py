"""Which version this is: by the option that people try first, and by the command."""

from __future__ import annotations

import pytest

import fauxpay
from fauxpay.cli import exit_code_of
from fauxpay.cli.app import app


@pytest.mark.parametrize("asked", [["--version"], ["version"], ["--version", "generate"]])
def test_the_version_alone_is_printed(capsys, asked):
    """And nothing else is done: no run is made."""
    assert exit_code_of(lambda: app(asked, standalone_mode=False)) == 0
    told = capsys.readouterr()
    assert told.out == f"{fauxpay.__version__}\n"
    assert told.err == ""
