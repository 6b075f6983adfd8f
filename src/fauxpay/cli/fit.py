"""`fauxpay fit`: a config estimated from a table of one's own."""

from __future__ import annotations


def fit() -> None:
    """placeholder"""
