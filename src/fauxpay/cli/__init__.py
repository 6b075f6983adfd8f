"""The command line. It only wires; nothing heavy is imported before a command runs."""

from __future__ import annotations

import sys
from collections.abc import Callable

FAULT = 1
USAGE = 2
INTERRUPTED = 130


def main() -> None:
    """Entry point of `fauxpay`. What a user can put right is one message and an exit code."""
    sys.exit(exit_code_of(_app))


def exit_code_of(command: Callable[[], object]) -> int:
    """Runs a command to its exit code; what ended it is one message on standard error.

    docs/exit-codes.md lists the codes. Where JSON logs are asked for, errors are JSON lines too.
    """
    from fauxpay.cli.standard_streams import streams_kept
    from fauxpay.cli.stopping import Stopped, stops_raised

    with streams_kept():
        try:
            with stops_raised():
                return _code_of(command)
        except Stopped as stopped:
            return _told(KeyboardInterrupt(), stopped.exit_code)


def _app() -> object:
    from fauxpay.cli.app import app_for

    # Not standalone: typer would print errors itself, and as text only.
    return app_for(sys.argv[1:])(standalone_mode=False)


def _code_of(command: Callable[[], object]) -> int:
    import typer

    # What tells of errors is there before they happen: without a free handle nothing is imported.
    from fauxpay.cli import logs  # noqa: F401
    from fauxpay.errors import FauxpayError
    from fauxpay.foundations import machine, stops  # noqa: F401

    try:
        code = command()
    except (KeyboardInterrupt, typer.Abort):
        return _told(KeyboardInterrupt(), INTERRUPTED)
    except typer.Exit as stop:
        return stop.exit_code
    except Exception as error:
        asked = stops.asked()
        if asked is not None:
            raise asked from error
        if isinstance(error, FauxpayError):
            return _told(error, error.exit_code)
        return _told_other(error)
    return code if isinstance(code, int) else 0


def _told(error: BaseException, code: int) -> int:
    """Says an error in the log format that the command line asks for; returns the code."""
    import os

    from fauxpay.cli import logs

    logs.tell_error(error, code, logs.chosen(sys.argv[1:], os.environ))
    return code


def _told_other(error: Exception) -> int:
    """The machine's refusals are errors of ours; a wrong flag is told as typer tells it."""
    from fauxpay.foundations.machine import refused

    told = refused(error)
    if told is not None:
        return _told(told, told.exit_code)
    # Typer raises click's errors, of click or of its own copy of it: known by what they can do.
    is_usage = hasattr(error, "format_message") and hasattr(error, "show")
    return _told(error, USAGE if is_usage else FAULT)
