"""Side tables: truth and labels of a day, and the oracle's story of a shard, as Arrow tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fauxpay.activity.addresses import cards_of
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity
from fauxpay.activity.rows import ECOM, MOTO, REFUND_TYPE, REVERSAL_TYPE
from fauxpay.catalog.world import Bool, World
from fauxpay.config.model import Config
from fauxpay.contracts.tables import table
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, U64
from fauxpay.fraud.plan import Plan
from fauxpay.fraud.story import NOT_BLOCKED
from fauxpay.fraud.typology import RANDOM, typology_names
from fauxpay.labels.bank import LABELS, SOURCES, STAGES, Bank, disputed
from fauxpay.labels.log import Cases, label


def _nothing() -> tuple[I64, I64]:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the rows of consecutive days, in time order.

    days      of the rows
    bounds    i64[days + 1]  where each day's rows begin
    ids, address, at_us, approved, channel, kind  of n rows, kind as codes of transaction_type
    undone    u64[k]  addresses of the purchases that are taken back on their own day
    fraud     i64[m]  fraudulent rows, ascending; typology, campaign i64[m]
    disputes  (rows i64[k], law i64[k] of labels.bank.LAWS)  genuine rows that the plan says their
              own customer disputes
    """

    days: range
    bounds: I64
    ids: I64
    address: U64
    at_us: I64
    approved: Bool
    channel: NDArray[Any]
    kind: NDArray[Any]
    undone: U64
    fraud: I64
    typology: I64
    campaign: I64
    disputes: tuple[I64, I64] = dataclasses.field(default_factory=_nothing)


def truth_tables(config: Config, told: Told) -> list[pa.Table]:
    """truth of each day: one row for each fraudulent transaction, in event-time order."""
    schema = table("fraud.yaml#/$defs/truth").arrow_schema()
    row = told.fraud
    whole = _table(
        schema,
        {
            "transaction_id": told.ids[row],
            "is_fraud": np.ones(row.size, dtype=np.bool_),
            "typology": _named(config, told.typology),
            "campaign_id": campaign_ids(config, told.typology, told.campaign),
        },
    )
    return _by_day(whole, np.searchsorted(row, told.bounds))


def label_tables(
    bank: Bank, scheme: NDArray[np.int8], told: Told, posted_days: Callable[[I64], I64]
) -> list[pa.Table]:
    """labels of each day's transactions, in the order in which they became known.

    scheme       code of each card of the world
    posted_days  UTC day on which some rows are posted, -1 for never
    """
    schema = table("labels.yaml#/$defs/labels").arrow_schema()
    rows, law = told.disputes
    wrong = np.setdiff1d(disputed(bank, told.address), np.concatenate([told.fraud, rows]))
    # What was cancelled within the day stands on no statement, nor does its cancellation.
    cancelled = told.kind[wrong] == REVERSAL_TYPE
    wrong = wrong[~(cancelled | np.isin(told.address[wrong], told.undone))]
    labels = label(
        bank,
        frauds=_cases(told, scheme, (told.fraud, told.typology), posted_days),
        mistakes=_cases(told, scheme, (wrong, np.zeros(wrong.size, dtype=np.int64)), posted_days),
        disputes=_cases(told, scheme, (rows, law), posted_days),
    )
    whole = _table(
        schema,
        {
            "transaction_id": labels.transaction_id,
            "label": _coded(schema, "label", LABELS, labels.label),
            "source": _coded(schema, "source", SOURCES, labels.source),
            "stage": _coded(schema, "stage", STAGES, labels.stage),
            "reason_code": _coded(schema, "reason_code", bank.reasons, labels.reason),
            "known_at": labels.known_at_us,
        },
    )
    starts = np.arange(told.days.start, told.days.stop + 1)
    return _by_day(whole, np.searchsorted(labels.event_day, starts))


def _cases(
    told: Told,
    scheme: NDArray[np.int8],
    some: tuple[I64, I64],
    posted_days: Callable[[I64], I64],
) -> Cases:
    """The approved ones of some rows; some is (rows, kind of each)."""
    good = told.approved[some[0]]
    row, kind = some[0][good], some[1][good]
    channel, address = told.channel[row], told.address[row]
    return Cases(
        address=address,
        transaction_id=told.ids[row],
        at_us=told.at_us[row],
        posted_us=np.maximum(posted_days(row) * DAY_MS * 1000, told.at_us[row]),
        kind=kind,
        scheme=scheme[cards_of(address)].astype(np.int64),
        is_remote=(channel == ECOM) | (channel == MOTO),
        is_return=np.isin(told.kind[row], (REFUND_TYPE, REVERSAL_TYPE)),
    )


def _by_day(whole: pa.Table, bounds: I64) -> list[pa.Table]:
    return [whole.slice(first, last - first) for first, last in pairwise(bounds.tolist())]


def campaign_ids(config: Config, typology: I64, campaign: I64) -> I64:
    """Ids of campaigns; a lost card is a campaign of its own."""
    address = campaign.view(np.uint64) | (typology.astype(np.uint64) << np.uint64(58))
    return IdLaw.of(config.run.seed, "campaigns").ids(address)


def compromise_ids(config: Config, address: U64, typology: I64) -> I64:
    """Ids of compromises."""
    return IdLaw.of(config.run.seed, "compromises").ids(
        address | (typology.astype(np.uint64) << np.uint64(58))
    )


def plan_tables(
    world: World, config: Config, activity: Activity, plan: Plan, years: int
) -> dict[str, pa.Table]:
    """campaigns, compromises and reissues of a shard from the epoch to the end of the window.

    years  that a replacement card is valid
    """
    return {
        "campaigns": _campaigns(config, activity, plan),
        "compromises": _compromises(world, config, plan),
        "reissues": _reissues(world, config, plan, years),
    }


def _campaigns(config: Config, activity: Activity, plan: Plan) -> pa.Table:
    schema = table("fraud.yaml#/$defs/campaigns").arrow_schema()
    told = plan.compromises
    typology, campaign = told.typology, told.campaign
    start = told.compromised_ms
    end = np.where(told.blocked_ms == NOT_BLOCKED, start, told.blocked_ms)
    np.maximum.at(end, plan.attacks.compromise, plan.attacks.at_ms)
    if config.activity.realism == "v1" and config.fraud.enabled:
        typology, campaign = np.array([RANDOM]), np.zeros(1, dtype=np.int64)
        first = activity.epoch_day * DAY_MS
        start, end = np.array([first]), np.array([first + activity.calendar.days * DAY_MS])
    ids = campaign_ids(config, typology, campaign)
    unique, first_row, member = np.unique(ids, return_index=True, return_inverse=True)
    started = np.full(unique.size, np.iinfo(np.int64).max)
    ended = np.zeros(unique.size, dtype=np.int64)
    np.minimum.at(started, member, start)
    np.maximum.at(ended, member, end)
    order = np.lexsort((unique, started))
    return _table(
        schema,
        {
            "campaign_id": unique[order],
            "typology": _named(config, typology[first_row][order]),
            "started_at": started[order] * 1000,
            "ended_at": ended[order] * 1000,
        },
    )


def _compromises(world: World, config: Config, plan: Plan) -> pa.Table:
    schema = table("fraud.yaml#/$defs/compromises").arrow_schema()
    told = plan.compromises
    order = np.lexsort((told.card, told.compromised_ms))
    card, when = told.card[order], told.compromised_ms[order]
    blocked = told.blocked_ms[order]
    return _table(
        schema,
        {
            "compromise_id": compromise_ids(config, told.address, told.typology)[order],
            "campaign_id": campaign_ids(config, told.typology, told.campaign)[order],
            "card_id": plan.card_ids(world.cards.id[card], card, when)[0],
            "typology": _named(config, told.typology[order]),
            "compromised_at": when * 1000,
            "blocked_at": pa.array(blocked * 1000, mask=blocked == NOT_BLOCKED),
        },
    )


def _reissues(world: World, config: Config, plan: Plan, years: int) -> pa.Table:
    schema = table("fraud.yaml#/$defs/reissues").arrow_schema()
    told, cards = plan.reissues, world.cards
    order = np.lexsort((told.card, told.reissued_ms))
    card, compromise = told.card[order], told.compromise[order]
    ids = compromise_ids(config, plan.compromises.address, plan.compromises.typology)
    # Until the end of a month, as every card is.
    month = (told.reissued_ms[order] // DAY_MS).astype("datetime64[D]").astype("datetime64[M]")
    after = (month.astype(np.int64) + (12 * years + 1)).astype("datetime64[M]")
    expires = after.astype("datetime64[D]").astype(np.int64) - 1
    return _table(
        schema,
        {
            "card_id": told.id[order],
            "replaces_card_id": told.replaces_id[order],
            "root_card_id": cards.id[card],
            "account_id": cards.account_id[card],
            "customer_id": cards.customer_id[card],
            "card_scheme": _coded(schema, "card_scheme", world.schemes, cards.scheme[card]),
            "card_product": _coded(schema, "card_product", world.products, cards.product[card]),
            "bin": pa.array([world.bins[c] for c in cards.bin[card].tolist()], pa.string()),
            "expires_on": expires,
            "reissued_at": told.reissued_ms[order] * 1000,
            "compromise_id": ids[compromise],
        },
    )


def _named(config: Config, typology: I64) -> pa.Array:
    """Names of typologies; texts, for the names of others stand in no contract."""
    return pa.array(typology_names(config), pa.string()).take(pa.array(typology))


def _coded(schema: pa.Schema, name: str, names: Sequence[str], codes: NDArray[Any]) -> pa.Array:
    """Codes as a dictionary column; -1 is null."""
    kind = schema.field(name).type
    assert pa.types.is_dictionary(kind)
    lacking = codes < 0
    index = pa.array(codes, kind.index_type, mask=lacking if lacking.any() else None, safe=False)
    return pa.DictionaryArray.from_arrays(index, pa.array(names, pa.string()))


def _table(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.Table:
    arrays = []
    for field in schema:
        column = columns[field.name]
        if isinstance(column, np.ndarray):
            whole = pa.array(column)
            if pa.types.is_date32(field.type):
                whole = whole.cast(pa.int32())
            column = whole
        if not pa.types.is_dictionary(field.type):
            column = column.cast(field.type)
        arrays.append(column)
    return pa.Table.from_arrays(arrays, schema=schema)
