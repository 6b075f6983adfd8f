"""Streams of clearing: every random decision about a posting, by name. Append only."""

from __future__ import annotations

from fauxpay.activity.streams import Field

# One word per posted transaction.
POSTING_LAG = Field("posting", 0, 8)
POSTING_COMPLETES = Field("posting", 8, 16)
POSTING_FACTOR = Field("posting", 24, 12)
# One word per account, under the seed of the world.
ACCOUNT_BOOKS = Field("books", 0, 32)
