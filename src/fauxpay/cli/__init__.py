"""The command line. It only wires; nothing heavy is imported before a command runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of `fauxpay`. What a user can put right is one message and an exit code."""
    from fauxpay.cli.stopping import Stopped, stops_raised
    from fauxpay.errors import FauxpayError

    try:
        with stops_raised():
            _run()
    except FauxpayError as error:
        print(f"fauxpay: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Stopped as stopped:
        print("fauxpay: interrupted; the same command may be given again", file=sys.stderr)
        sys.exit(stopped.exit_code)


def _run() -> None:
    try:
        from fauxpay.cli.app import app

        app()
    except (MemoryError, OSError) as error:
        from fauxpay.foundations.machine import refused

        told = refused(error)
        if told is None:
            raise
        raise told from error
