"""`python -m fauxpay` is the `fauxpay` command."""

from __future__ import annotations

from fauxpay.cli import main

if __name__ == "__main__":
    main()
