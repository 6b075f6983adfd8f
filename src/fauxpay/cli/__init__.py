"""The command line. It only wires; nothing heavy is imported before a command runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of `fauxpay`. What a user can put right is one message and an exit code."""
    from fauxpay.cli.app import app
    from fauxpay.errors import FauxpayError

    try:
        app()
    except FauxpayError as error:
        print(f"fauxpay: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
