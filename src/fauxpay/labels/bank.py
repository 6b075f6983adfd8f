"""Bank: what decides how a bank learns of fraud, as thresholds and tables built once.

Reads    config, parameters
Writes   thresholds of 2**32, delay tables, reason codes by scheme and family
Draws    labels/wrong
Sources  parameters.yaml

A typology or law that the parameters don't name takes their row `default`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.config.model import Config
from fauxpay.foundations.draws import F64, I64, U64, draw, stream_key, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.quantiles import lognormal_table, look_up, tail_index
from fauxpay.fraud.typology import TYPOLOGIES

SOURCES = ("chargeback", "customer_report", "issuer_alert", "analyst")
CHARGEBACK, CUSTOMER, ALERT, ANALYST = range(4)
STAGES = (
    *("retrieval", "chargeback", "representment", "arbitration"),
    *("report", "alert", "verdict"),
)
RETRIEVAL, FIRST_CHARGEBACK, REPRESENTMENT, ARBITRATION, REPORT, ALERTED, VERDICT = range(7)
# What a first word is, by who speaks it.
STAGE_OF_SOURCE = np.array([FIRST_CHARGEBACK, REPORT, ALERTED, VERDICT])
LABELS = ("fraud", "genuine")
FRAUD, GENUINE = 0, 1
LAWS = ("friendly_fraud",)
STEPS = ("filing", "retrieved", "representment", "arbitration", "verdict")
FAMILIES = ("counterfeit", "lost", "present", "remote")
DEFAULT = "default"
_DAY_US = 86_400_000_000.0


@dataclass(frozen=True, slots=True)
class Chances:
    """Chances of 2**32; pairs are those of a fraud and of a genuine row, or of remote and present.

    found  i64[typologies]
    """

    found: I64
    wrong: int
    reversed: int
    cleared: int
    filed: I64
    retrieved: int
    represented: I64
    accepted: I64
    arbitrated: int
    lost: I64


@dataclass(frozen=True, slots=True)
class Bank:
    """What the bank's knowledge is drawn from.

    edges   by kind of case: i64[rows, 3], where the shares of the sources end
    delays  by kind of delay: f64[rows, points], microseconds
    family  i64[typologies]  family of rows where the card was present
    codes   i64[schemes + 1, families]  position in `reasons`, -1 for none
    claim_us  from a transaction to the last moment at which it can be charged back
    """

    seed: int
    is_open: bool
    chances: Chances
    edges: Mapping[str, I64]
    delays: Mapping[str, F64]
    family: I64
    codes: I64
    reasons: tuple[str, ...]
    claim_us: int

    def top(self, name: str, address: U64) -> I64:
        """The upper 32 bits of a decision, to be held against a chance."""
        word = draw(stream_key(self.seed, f"labels/{name}"), address)
        return (word >> np.uint64(32)).view(np.int64)

    def delay_us(self, table: str, name: str, address: U64, row: I64) -> I64:
        """Microseconds by a law of a table of delays."""
        index, fraction = tail_index(self.top(name, address).view(np.uint64))
        return np.rint(look_up(self.delays[table], row, index, fraction)).astype(np.int64)


def open_bank(
    config: Config,
    parameters: Parameters,
    schemes: Sequence[str] = (),
    typologies: Sequence[str] = TYPOLOGIES,
) -> Bank:
    """The bank of one world under a run's seed.

    schemes     of the world's cards, in the order of their codes
    typologies  in the order of their codes; third parties' too
    """
    facts = parameters.section("labels")
    codes, reasons = _reason_codes(facts["reason_codes"], schemes)
    families = [facts["families"].get(name, "present") for name in typologies]
    return Bank(
        seed=config.run.seed,
        is_open=config.labels.enabled,
        chances=_chances(config, facts, typologies),
        edges={
            "fraud": _edges([_of(facts["sources"], name) for name in typologies]),
            "mistake": _edges([facts["mistakes"]]),
            "dispute": _edges([_of(facts["disputes"], name) for name in LAWS]),
            "return": _edges([[0.0, 0.0, *facts["returns"]]]),
        },
        delays={
            "source": _delay_tables([facts["delay_days"][name] for name in SOURCES]),
            "step": _delay_tables([facts["stage_days"][name] for name in STEPS]),
            "dispute": _delay_tables([_of(facts["dispute_days"], name) for name in LAWS]),
        },
        family=np.array([FAMILIES.index(name) for name in families]),
        codes=codes,
        reasons=reasons,
        claim_us=int(facts["claim_days"] * _DAY_US),
    )


def disputed(bank: Bank, address: U64) -> I64:
    """Rows that would be taken for fraud by mistake if they were genuine and approved."""
    if not bank.is_open or not bank.chances.wrong:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(bank.top("wrong", address) < bank.chances.wrong)


def _of(table: Mapping[str, Any], name: str) -> Any:
    return table.get(name, table[DEFAULT])


def _chances(config: Config, facts: dict[str, Any], typologies: Sequence[str]) -> Chances:
    stages = facts["chargebacks"]
    found = [config.labels.found_share * _of(facts["found"], name) for name in typologies]

    def pair(name: str, first: str, second: str) -> I64:
        return np.array([_chance(stages[name][first]), _chance(stages[name][second])])

    return Chances(
        found=np.array([_chance(share) for share in found]),
        wrong=_chance(config.labels.false_share),
        reversed=_chance(facts["reversed_share"]),
        cleared=_chance(facts["cleared_share"]),
        filed=pair("filed_share", "remote", "present"),
        retrieved=_chance(stages["retrieved_share"]),
        represented=pair("represented_share", "fraud", "genuine"),
        accepted=pair("accepted_share", "fraud", "genuine"),
        arbitrated=_chance(stages["arbitrated_share"]),
        lost=pair("lost_share", "fraud", "genuine"),
    )


def _chance(share: float) -> int:
    return threshold(min(1.0, float(share)), 32)


def _edges(shares: Sequence[Sequence[float]]) -> I64:
    cumulative = [np.cumsum(row)[:-1] / np.sum(row) for row in shares]
    return np.array([[threshold(float(edge), 32) for edge in row] for row in cumulative])


def _delay_tables(laws: Sequence[Mapping[str, float]]) -> F64:
    day = _DAY_US
    return np.concatenate(
        [
            lognormal_table(law["median"] * day, law["log_sd"], law["min"] * day, law["max"] * day)
            for law in laws
        ]
    )


def _reason_codes(known: Mapping[str, Any], schemes: Sequence[str]) -> tuple[I64, tuple[str, ...]]:
    reasons = tuple(sorted({str(code) for codes in known.values() for code in codes.values()}))
    codes = np.full((len(schemes) + 1, len(FAMILIES)), -1)
    for row, scheme in enumerate(schemes):
        for column, family in enumerate(FAMILIES):
            if scheme in known:
                codes[row, column] = reasons.index(str(known[scheme][family]))
    return codes, reasons
