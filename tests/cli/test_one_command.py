"""A command line is read by the one command that it names, as the whole application reads it."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from fauxpay.cli.app import app, app_for

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_alone_says_what_it_says_among_all(name: str) -> None:
    """Each command is found by its name, alone, and its help is the same."""
    alone = app_for([name, "--help"])
    assert len(alone.registered_commands) + len(alone.registered_groups) == 1
    one, whole = (CliRunner().invoke(each, [name, "--help"]) for each in (alone, app))
    assert (one.exit_code, one.output) == (0, whole.output)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["generat"], ["", "sql"]])
def test_whatever_names_no_command_is_read_by_the_whole(arguments: list[str]) -> None:
    """Help lists all commands, and a name that is nearly right is told of those like it."""
    assert app_for(arguments) is app
