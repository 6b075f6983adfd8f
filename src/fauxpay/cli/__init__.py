"""The command line. It only wires; nothing heavy is imported before a command runs."""

from __future__ import annotations

import sys
from collections.abc import Callable


def main() -> None:
    """Entry point of `fauxpay`. What a user can put right is one message and an exit code."""
    sys.exit(exit_code_of(_run))


def exit_code_of(command: Callable[[], object]) -> int:
    """Runs a command to its exit code; what stopped it is one message on standard error."""
    from fauxpay.cli.stopping import Stopped, stops_raised
    from fauxpay.errors import FauxpayError

    try:
        with stops_raised():
            _with_refusals_told(command)
    except FauxpayError as error:
        print(f"fauxpay: {error}", file=sys.stderr)
        return error.exit_code
    except Stopped as stopped:
        print("fauxpay: interrupted; the same command may be given again", file=sys.stderr)
        return stopped.exit_code
    return 0


def _with_refusals_told(command: Callable[[], object]) -> None:
    """What the machine refuses becomes an error of ours; anything else stays what it is."""
    try:
        command()
    except (MemoryError, OSError) as error:
        from fauxpay.foundations.machine import refused

        told = refused(error)
        if told is None:
            raise
        raise told from error


def _run() -> None:
    from fauxpay.cli.app import app

    app()
