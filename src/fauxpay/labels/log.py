"""Log: the facts that a bank writes down of the day's transactions, each with when it knew.

Reads    frauds, mistakes and disputes among approved rows
Writes   labels(transaction_id, label, source, stage, reason_code, known_at)
Draws    labels/*
Sources  parameters.yaml

A case begins with a first word: a chargeback, a report, an alert or an analyst. Some cases are
charged back, some of these are answered by the merchant, some of those go to the scheme; analysts
take back mistakes and now and then clear a fraud. Late, incomplete and sometimes wrong: some frauds
are never found. Declined attempts cost nobody anything and have no label.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fauxpay.foundations.draws import I64, U64
from fauxpay.labels.bank import (
    ANALYST,
    ARBITRATION,
    CHARGEBACK,
    FAMILIES,
    FIRST_CHARGEBACK,
    FRAUD,
    GENUINE,
    REPRESENTMENT,
    RETRIEVAL,
    STAGE_OF_SOURCE,
    STEPS,
    VERDICT,
    Bank,
)

Bool = NDArray[np.bool_]
_DAY_US = 86_400_000_000
_FILING, _RETRIEVED, _REPRESENTMENT, _ARBITRATION, _VERDICT = range(len(STEPS))
_REMOTE = FAMILIES.index("remote")


@dataclass(frozen=True, slots=True)
class Cases:
    """Approved rows of consecutive days that the bank may hear of; arrays of one length.

    posted_us  when the row comes into the books, at_us at least: nothing is charged back before
    kind       typology of a fraud, law of a dispute, 0 for a mistake
    scheme     code of the card's scheme
    is_remote  whether the card was not present
    is_return  whether money went back: no customer disputes that, and nobody charges it back
    """

    address: U64
    transaction_id: I64
    at_us: I64
    posted_us: I64
    kind: I64
    scheme: I64
    is_remote: Bool
    is_return: Bool

    def only(self, which: I64) -> Cases:
        """Some of the cases."""
        return Cases(*(getattr(self, field.name)[which] for field in fields(self)))

    @staticmethod
    def none() -> Cases:
        """No case."""
        whole, word = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
        no = np.zeros(0, dtype=np.bool_)
        return Cases(word, whole, whole, whole, whole, whole, no, no)


@dataclass(frozen=True, slots=True)
class Labels:
    """Facts by the UTC day of their transactions (event_day), then in the order they became known.

    label, source, stage codes of the contract; reason a position in Bank.reasons, -1 for none;
    times microseconds UTC
    """

    event_day: I64
    transaction_id: I64
    label: I64
    source: I64
    stage: I64
    reason: I64
    known_at_us: I64


@dataclass(frozen=True, slots=True)
class _Facts:
    """Some facts: the case each is about, and what it says."""

    case: I64
    label: I64
    source: I64
    stage: I64
    known_us: I64


def label(bank: Bank, frauds: Cases, mistakes: Cases, disputes: Cases) -> Labels:
    """The log of consecutive days.

    frauds    approved frauds
    mistakes  genuine rows that are taken for fraud by mistake
    disputes  genuine rows that their own customer disputes (friendly fraud)
    """
    if not bank.is_open:
        frauds = mistakes = disputes = Cases.none()
    found = bank.chances.found[frauds.kind]
    frauds = frauds.only(np.flatnonzero(bank.top("found", frauds.address) < found))
    told = [
        _told(bank, frauds, "fraud", bank.chances.cleared),
        _told(bank, mistakes, "mistake", bank.chances.reversed),
        # What a customer says in bad faith stands, unless the merchant proves otherwise.
        _told(bank, disputes, "dispute", 0),
    ]
    family = np.where(frauds.is_remote, _REMOTE, bank.family[frauds.kind])
    genuine = FAMILIES.index("present")
    families = [family, *(np.where(c.is_remote, _REMOTE, genuine) for c in (mistakes, disputes))]
    ids, days, reasons = [], [], []
    for cases, facts, own in zip((frauds, mistakes, disputes), told, families, strict=True):
        ids.append(cases.transaction_id[facts.case])
        days.append(cases.at_us[facts.case] // _DAY_US)
        code = bank.codes[cases.scheme[facts.case], own[facts.case]]
        reasons.append(np.where(facts.stage <= ARBITRATION, code, -1))
    whole, event_day, id_ = _joined(told), np.concatenate(days), np.concatenate(ids)
    order = np.lexsort((id_, whole.known_us, event_day))
    return Labels(
        event_day=event_day[order],
        transaction_id=id_[order],
        label=whole.label[order],
        source=whole.source[order],
        stage=whole.stage[order],
        reason=np.concatenate(reasons)[order],
        known_at_us=whole.known_us[order],
    )


def _first_words(bank: Bank, cases: Cases, kind: str) -> tuple[I64, I64]:
    """(source, known us) of the first word of each case."""
    edges = bank.edges[kind][cases.kind]
    edges = np.where(cases.is_return[:, None], bank.edges["return"], edges)
    source = (bank.top("source", cases.address)[:, None] >= edges).sum(axis=1)
    row, table = (cases.kind, "dispute") if kind == "dispute" else (source, "source")
    first_us = cases.at_us + bank.delay_us(table, "delay", cases.address, row)
    return source, np.where(source == CHARGEBACK, _once_posted(cases, first_us), first_us)


def _once_posted(cases: Cases, known_us: I64) -> I64:
    """Moments of disputes; what is not in the books yet is disputed as long after it is.

    Not at the posting itself, where many would share a moment.
    """
    wait = cases.posted_us - cases.at_us
    return np.where(known_us < cases.posted_us, known_us + wait, known_us)


def _told(bank: Bank, cases: Cases, kind: str, undone: int) -> _Facts:
    """All facts of cases of a kind; `undone` is the chance that an analyst takes one back."""
    really = FRAUD if kind == "fraud" else GENUINE
    source, first_us = _first_words(bank, cases, kind)
    every = np.arange(source.size)
    is_retrieved = source == CHARGEBACK
    is_retrieved &= bank.top("retrieved", cases.address) < bank.chances.retrieved
    stage = np.where(is_retrieved, RETRIEVAL, STAGE_OF_SOURCE[source])
    told = [_facts(every, FRAUD, source, stage, first_us)]
    taken_back = _verdicts(bank, cases, (source, first_us), (really, undone))
    told.append(taken_back)
    # What an analyst took back is not charged back any more.
    open_ = np.ones(source.size, dtype=np.bool_)
    open_[taken_back.case] = False
    filed = bank.chances.filed[np.where(cases.is_remote, 0, 1)]
    is_filed = open_ & (bank.top("filed", cases.address) < filed) & (source != CHARGEBACK)
    is_filed &= ~cases.is_return
    later = np.flatnonzero(is_filed | (is_retrieved & open_))
    row = np.where(is_retrieved[later], _RETRIEVED, _FILING)
    filed_us = first_us.copy()
    filed_us[later] += bank.delay_us("step", "filing", cases.address[later], row)
    filed_us = np.where(source == CHARGEBACK, filed_us, _once_posted(cases, filed_us))
    # Whom the limit has overtaken bears the loss. Filed at the limit instead, many would share
    # one moment, some of them with their own first word.
    late = filed_us[later] > cases.at_us[later] + bank.claim_us
    open_[later[late]] = False
    later = later[~late]
    told.append(_facts(later, FRAUD, CHARGEBACK, FIRST_CHARGEBACK, filed_us[later]))
    charged = np.flatnonzero(open_ & (is_filed | (source == CHARGEBACK)))
    told += _answers(bank, cases.only(charged), (charged, filed_us[charged]), really)
    return _joined(told)


def _verdicts(bank: Bank, cases: Cases, first: tuple[I64, I64], law: tuple[int, int]) -> _Facts:
    """Mistakes taken back, and frauds cleared wrongly after an alert or a report."""
    source, first_us = first
    really, chance = law
    undone = bank.top("undone", cases.address) < chance
    if really == FRAUD:
        undone &= (source != CHARGEBACK) & (source != ANALYST)
    case = np.flatnonzero(undone)
    row = np.full(case.size, _VERDICT)
    known = first_us[case] + bank.delay_us("step", "undo_delay", cases.address[case], row)
    return _facts(case, GENUINE, ANALYST, VERDICT, known)


def _answers(bank: Bank, cases: Cases, filed: tuple[I64, I64], really: int) -> list[_Facts]:
    """The merchant's answers to chargebacks, and what the scheme says of those not accepted."""
    case, filed_us = filed
    side = 0 if really == FRAUD else 1
    address, chances = cases.address, bank.chances
    at = np.flatnonzero(bank.top("represented", address) < chances.represented[side])
    row = np.full(at.size, _REPRESENTMENT)
    answered_us = filed_us[at] + bank.delay_us("step", "representment", address[at], row)
    is_accepted = bank.top("accepted", address[at]) < chances.accepted[side]
    believed = np.where(is_accepted, GENUINE, FRAUD)
    answers = _facts(case[at], believed, CHARGEBACK, REPRESENTMENT, answered_us)
    goes_on = ~is_accepted & (bank.top("arbitrated", address[at]) < chances.arbitrated)
    nth = np.flatnonzero(goes_on)
    row = np.full(nth.size, _ARBITRATION)
    decided_us = answered_us[nth] + bank.delay_us("step", "arbitration", address[at[nth]], row)
    is_lost = bank.top("lost", address[at[nth]]) < chances.lost[side]
    decided = np.where(is_lost, GENUINE, FRAUD)
    return [answers, _facts(case[at[nth]], decided, CHARGEBACK, ARBITRATION, decided_us)]


def _facts(case: I64, said: I64 | int, source: I64 | int, stage: I64 | int, at_us: I64) -> _Facts:
    said, source, stage = (
        np.broadcast_to(np.asarray(one), case.shape) for one in (said, source, stage)
    )
    return _Facts(case, said, source, stage, at_us)


def _joined(told: list[_Facts]) -> _Facts:
    parts = ([getattr(one, field.name) for one in told] for field in fields(_Facts))
    return _Facts(*(np.concatenate(part) for part in parts))
