"""Tables of retries: who tries again after which answer, how soon, and what is answered then.

Reads    tables of outcomes, parameters
Writes   RetryTables
Draws    nothing
Sources  parameters.yaml [retries]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import streams
from fauxpay.activity.outcomes import CODE_SLOTS, OutcomeTables
from fauxpay.activity.rows import CASH, KIND_COUNT, LOCAL, SUBSCRIBED
from fauxpay.activity.tickets import TAIL_OCTAVES
from fauxpay.catalog.world import Bool
from fauxpay.foundations.alias import slots
from fauxpay.foundations.draws import F64, I64, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.quantiles import lognormal_table

_REMOTE, _PRESENT = range(2)
_GROUPS = ("remote", "present")
ANSWER_SLOTS = 1 << streams.RETRY_ANSWER.width
WISH_BITS = streams.RETRY_WISH.width
EAGER_BITS = streams.RETRY_EAGER.width


@dataclass(frozen=True, slots=True)
class RetryTables:
    """What is tried again, and how it is answered; remote comes first, then card-present.

    wish       i64[2 * codes]    chance of 65,536 that a request so answered is made again
    least      i64[9 * 64]       least slot of 4,096 of an answer that refuses, by coarse bits of
                                 who may try again: of any ticket, then by tail octave
    answer     u8[2 * codes * 1024]  answer by the code before; then of those who ask for less
    can_less   i64[codes]        whether who was answered so may ask for less
    other      i64[2]            chance of 64 to go to another page, to ask for less
    gap        f64[2, quantiles] milliseconds until the next try
    has_pin    i64[codes]        whether a code speaks of a PIN
    code_count number of codes
    """

    wish: I64
    least: I64
    answer: NDArray[np.uint8]
    can_less: I64
    other: I64
    gap: F64
    has_pin: I64
    code_count: int


def retry_tables(
    tables: OutcomeTables, codes: tuple[str, ...], parameters: Parameters
) -> RetryTables:
    """Tables of a world; codes are the contract's response codes."""
    law = parameters.section("activity.retries")
    wish = np.zeros((2, len(codes)), dtype=np.int64)
    for group, name in enumerate(_GROUPS):
        for code, share in law["share"][name].items():
            wish[group, codes.index(code)] = threshold(share, WISH_BITS + EAGER_BITS)
    answer = [_answers(codes, law["answers"]), _answers(codes, law["answers_to_less"])]
    gaps = [law["gap_seconds"][name] for name in _GROUPS]
    return RetryTables(
        wish=wish.reshape(-1),
        least=_least(tables, wish.max(axis=1)),
        answer=np.concatenate(answer).reshape(-1),
        can_less=np.array([code in law["answers_to_less"] for code in codes], dtype=np.int64),
        other=np.array([threshold(law["other_share"][name], 6) for name in _GROUPS]),
        gap=np.concatenate([_gap_table(gap) for gap in gaps]),
        has_pin=(tables.without_pin != np.arange(len(codes))).astype(np.int64),
        code_count=len(codes),
    )


def no_retries(tables: RetryTables) -> RetryTables:
    """The same where nobody tries anything again."""
    none = np.full_like(tables.least, CODE_SLOTS)
    return replace(tables, wish=np.zeros_like(tables.wish), least=none)


def _least(tables: OutcomeTables, wish: I64) -> I64:
    """`RetryTables.least`, where so many of 65,536 at most try again, of each group."""
    kinds = tables.approved.reshape(-1, KIND_COUNT, 2, TAIL_OCTAVES)[:, :SUBSCRIBED]
    groups = is_present(np.arange(SUBSCRIBED)).astype(np.int64)
    least = np.full((TAIL_OCTAVES, 1 << EAGER_BITS), CODE_SLOTS)
    for group in (_REMOTE, _PRESENT):
        eager = -(-int(wish[group]) >> WISH_BITS)
        # Who stands before a closed door goes online: any visit may be a remote one.
        may_be = groups == _PRESENT if group == _PRESENT else groups >= 0
        own = kinds[:, may_be].min(axis=(0, 1, 2))
        least[:, :eager] = np.minimum(least[:, :eager], own[:, None])
    return np.concatenate([least.min(axis=0), least.reshape(-1)])


def _gap_table(law: Mapping[str, float]) -> F64:
    ms = {name: law[name] * 1e3 for name in ("median", "min", "max")}
    return lognormal_table(ms["median"], law["log_sd"], ms["min"], ms["max"])


def _answers(codes: tuple[str, ...], law: Mapping[str, Mapping[str, float]]) -> NDArray[np.uint8]:
    """Answers by the code before, u8[codes, 1024]; a code that is not named is told once more."""
    rows = np.eye(len(codes))
    for before, shares in law.items():
        rows[codes.index(before)] = 0.0
        for code, share in shares.items():
            rows[codes.index(before), codes.index(code)] = share
    return slots(np.round(rows, 9), ANSWER_SLOTS)


def is_present(kind: I64) -> Bool:
    """Whether the card is there, at a till or at a cash machine."""
    return np.asarray((kind == LOCAL) | (kind == CASH))
