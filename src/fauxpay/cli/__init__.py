"""The command line. It only wires; nothing heavy is imported before a command runs."""

from __future__ import annotations

import sys
from typing import Any

FAULT = 1
USAGE = 2
INTERRUPTED = 130


def main() -> None:
    """Entry point of `fauxpay`. What a user can put right is one message and an exit code.

    docs/exit-codes.md lists the codes. Where JSON logs are asked for, errors are JSON lines too.
    """
    from fauxpay.cli.stopping import Stopped, stops_raised

    try:
        with stops_raised():
            code = _run()
    except Stopped as stopped:
        _end(KeyboardInterrupt(), stopped.exit_code)
    sys.exit(code)


def _run() -> int:
    import typer

    from fauxpay.errors import FauxpayError

    code: Any = 0
    try:
        from fauxpay.cli.app import app

        code = app(standalone_mode=False)
    except FauxpayError as error:
        _end(error, error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _end(KeyboardInterrupt(), INTERRUPTED)
    except Exception as error:
        _end_of_other(error)
    return code if isinstance(code, int) else 0


def _end_of_other(error: Exception) -> None:
    """A wrong flag is told as typer tells it; a fault of our own keeps its traceback."""
    from fauxpay.cli import logs
    from fauxpay.foundations.machine import refused

    told = refused(error)
    if told is not None:
        _end(told, told.exit_code)
    # Typer raises click's errors, of click or of its own copy of it: known by what they can do.
    is_usage = hasattr(error, "format_message") and hasattr(error, "show")
    if logs.chosen(sys.argv[1:], _environ()) == "text":
        if not is_usage:
            raise error
        error.show()  # type: ignore[attr-defined]
        sys.exit(USAGE)
    _end(error, USAGE if is_usage else FAULT)


def _end(error: BaseException, code: int) -> None:
    from fauxpay.cli import logs

    logs.tell_error(error, code, logs.chosen(sys.argv[1:], _environ()))
    sys.exit(code)


def _environ() -> Any:
    import os

    return os.environ
