"""Campaigns: what one hand did, told in order of time, and when the bank learnt of it.

Reads    campaigns, compromises, reissues, truth, transactions, merchants, labels
Writes   shapes Campaigns, Story, Graph
Draws    nothing
Sources  nothing

All of it is truth: nobody at the bank had it at the time.
"""

from __future__ import annotations

from typing import Any

from fauxpay.scorecard.run_columns import first_known
from fauxpay.server.cards import ID_MAX
from fauxpay.server.problems import Refused
from fauxpay.server.rings import met
from fauxpay.server.shapes import (
    Amount,
    Campaigns,
    CampaignSummary,
    DayOfFraud,
    Graph,
    Learnt,
    Page,
    Place,
    Shop,
    Source,
    Stage,
    StageName,
    StolenCard,
    Story,
)
from fauxpay.server.shelf import Asking, Part
from fauxpay.server.wording import instant, major, place, text_or_none, told

SHOWN_MAX = 200
DAYS_MAX = 400
_US_PER_DAY = 86_400_000_000
_COUNTED = """
    SELECT campaign_id, campaigns.typology, epoch_us(started_at) AS started_us,
           epoch_us(ended_at) AS ended_us, count(DISTINCT card_id) AS cards,
           count(DISTINCT merchant_id) AS merchants, count(card_id) AS transactions,
           count(*) FILTER (is_approved) AS approved
    FROM campaigns LEFT JOIN (
        SELECT truth.campaign_id, card_id, merchant_id, is_approved
        FROM truth JOIN transactions USING (transaction_id)) AS done USING (campaign_id)
    WHERE {where} GROUP BY ALL HAVING count(card_id) >= $least"""
_MET = """
    CREATE TEMP TABLE met AS
    SELECT transaction_id, card_id, device_id, ip_address, merchant_id, is_approved, event_time,
           billing_amount_minor, billing_currency, epoch_us(event_time) AS at_us
    FROM transactions JOIN truth USING (transaction_id) WHERE campaign_id = $campaign"""
# A card may fall into the same hands twice.
_STOLEN = """
    WITH used AS (
        SELECT card_id, count(*) AS transactions, count(*) FILTER (is_approved) AS approved
        FROM met GROUP BY card_id)
    SELECT compromises.card_id, min(epoch_us(compromised_at)) AS compromised_us,
           min(epoch_us(blocked_at)) AS blocked_us,
           arg_min(reissues.card_id, reissued_at) AS replaced_by,
           min(epoch_us(reissued_at)) AS reissued_us,
           coalesce(any_value(used.transactions), 0) AS transactions,
           coalesce(any_value(used.approved), 0) AS approved
    FROM compromises LEFT JOIN reissues USING (compromise_id)
    LEFT JOIN used ON used.card_id = compromises.card_id
    WHERE campaign_id = $campaign GROUP BY compromises.card_id"""
_SHOPS = """
    SELECT merchant_id, merchants.name, merchants.mcc, merchants.merchant_city,
           merchants.merchant_country, count(*) AS transactions,
           count(*) FILTER (is_approved) AS approved
    FROM met JOIN merchants USING (merchant_id) GROUP BY ALL"""
_AMOUNTS = """
    SELECT billing_currency AS currency, sum(billing_amount_minor)::BIGINT AS tried,
           coalesce(sum(billing_amount_minor) FILTER (is_approved), 0)::BIGINT AS taken,
           count(*) AS transactions
    FROM met GROUP BY ALL ORDER BY transactions DESC, currency"""
_DAYS = """
    SELECT strftime(make_timestamp(at_us), '%Y-%m-%d') AS day,
           count(*) FILTER (is_approved) AS approved,
           count(*) FILTER (NOT is_approved) AS declined
    FROM met GROUP BY ALL ORDER BY day LIMIT $limit"""
_FIRST_WORDS = f"""
    SELECT source, epoch_us(known_at) AS known_us, epoch_us(known_at) - at_us AS delay_us
    FROM ({first_known("labels")}) JOIN met USING (transaction_id)"""
_LEARNT = f"""
    SELECT min(known_us) AS known_us, count(*) AS known, median(delay_us) AS delay_us
    FROM ({_FIRST_WORDS})"""
_SOURCES = f"""
    SELECT source, count(*) AS transactions FROM ({_FIRST_WORDS})
    GROUP BY source ORDER BY transactions DESC, source"""
_TIMES = """
    SELECT min(at_us) AS first, min(at_us) FILTER (is_approved) AS success, max(at_us) AS last,
           count(*) AS transactions FROM met"""


def campaigns(asking: Asking, typology: str | None, part: Part) -> Campaigns:
    """A page of the campaigns with transactions in the run, those with most first."""
    where = "true" if typology is None else "campaigns.typology = $typology"
    values: dict[str, Any] = {} if typology is None else {"typology": typology}
    query = _COUNTED.format(where=where)
    found = asking.page(query, "transactions DESC, campaign_id", part, **values, least=1)
    return Campaigns(
        page=Page(limit=part.limit, offset=part.offset, total=found.total),
        items=[_summary(row) for row in found.rows],
    )


def story(asking: Asking, campaign_id: str) -> Story:
    """A campaign told. Raises Refused for one that is not there."""
    row = _gathered(asking, campaign_id)
    campaign = row["campaign_id"]
    most = Part(SHOWN_MAX)
    stolen = asking.page(_STOLEN, "transactions DESC, card_id", most, campaign=campaign)
    shops = asking.page(_SHOPS, "transactions DESC, merchant_id", most)
    learnt = _learnt(asking, row["transactions"])
    return Story(
        summary=_summary(row),
        stages=_stages(asking, campaign, learnt),
        learnt=learnt,
        amounts=[_amount(one) for one in asking.rows(_AMOUNTS)],
        days=[DayOfFraud(**one) for one in asking.rows(_DAYS, limit=DAYS_MAX)],
        cards=[_stolen(one) for one in stolen.rows],
        cards_total=stolen.total,
        shops=[_shop(one) for one in shops.rows],
        shops_total=shops.total,
    )


def graph(asking: Asking, campaign_id: str, limit: int) -> Graph:
    """Cards, devices, addresses and merchants of a campaign. Raises Refused: no such campaign."""
    _gathered(asking, campaign_id)
    return met(asking, limit)


def _gathered(asking: Asking, campaign_id: str) -> dict[str, Any]:
    """The campaign's row; its transactions are the cursor's table `met` from then on."""
    campaign = int(campaign_id)
    row = None
    if campaign <= ID_MAX:
        query = _COUNTED.format(where="campaign_id = $campaign")
        row = asking.one(query, campaign=campaign, least=0)
    if row is None:
        raise Refused(404, f"no campaign {campaign_id}", "a campaign_id as /campaigns lists them")
    asking.cursor.execute(_MET, {"campaign": campaign})
    return row


def _learnt(asking: Asking, transactions: int) -> Learnt:
    row = asking.one(_LEARNT)
    assert row is not None, "an aggregate has one row"
    delay = row["delay_us"]
    return Learnt(
        first_known_at=instant(row["known_us"]),
        known=row["known"],
        unknown=transactions - row["known"],
        median_delay_days=None if delay is None else round(delay / _US_PER_DAY, 1),
        sources=[Source(**one) for one in asking.rows(_SOURCES)],
    )


def _stages(asking: Asking, campaign: int, learnt: Learnt) -> list[Stage]:
    """What came about, in order of time."""
    query = (
        "SELECT min(compromised_us) AS stolen, count(DISTINCT card_id) AS cards, "
        "min(blocked_us) AS blocked, count(DISTINCT card_id) FILTER (blocked_us IS NOT NULL) AS "
        "blocks, min(reissued_us) AS replaced, count(DISTINCT replaced_by) AS replacements "
        f"FROM ({_STOLEN})"
    )
    cards, times = asking.one(query, campaign=campaign), asking.one(_TIMES)
    assert cards is not None, "an aggregate has one row"
    assert times is not None, "an aggregate has one row"
    told_of: dict[StageName, tuple[int | None, str]] = {
        "compromised": (
            cards["stolen"],
            f"the first of {_many(cards['cards'], 'card')} falls into wrong hands",
        ),
        "first_attempt": (
            times["first"],
            f"the first of {_many(times['transactions'], 'request')} in this run",
        ),
        "first_success": (times["success"], "the first one that is approved"),
        "blocked": (
            cards["blocked"],
            f"the bank blocks the first of {_many(cards['blocks'], 'card')}",
        ),
        "replaced": (
            cards["replaced"],
            f"the first of {_many(cards['replacements'], 'new card')} is issued",
        ),
        "last_attempt": (times["last"], "the last request in this run"),
    }
    stages = [
        Stage(at_utc=told(us), stage=stage, detail=detail)
        for stage, (us, detail) in told_of.items()
        if us is not None
    ]
    if learnt.first_known_at is not None:
        sources = ", ".join(_words(one.source) for one in learnt.sources)
        detail = f"the first word on {_many(learnt.known, 'transaction')}: by {sources}"
        stages.append(Stage(at_utc=learnt.first_known_at, stage="bank_learns", detail=detail))
    return sorted(stages, key=lambda stage: stage.at_utc)


def _summary(row: dict[str, Any]) -> CampaignSummary:
    return CampaignSummary(
        campaign_id=str(row["campaign_id"]),
        typology=row["typology"],
        started_at=told(row["started_us"]),
        ended_at=told(row["ended_us"]),
        **{name: row[name] for name in ("cards", "merchants", "transactions", "approved")},
    )


def _stolen(row: dict[str, Any]) -> StolenCard:
    return StolenCard(
        card_id=str(row["card_id"]),
        compromised_at=told(row["compromised_us"]),
        blocked_at=instant(row["blocked_us"]),
        replaced_by=text_or_none(row["replaced_by"]),
        transactions=row["transactions"],
        approved=row["approved"],
    )


def _shop(row: dict[str, Any]) -> Shop:
    merchant = Place(**place(row))
    return Shop(merchant=merchant, transactions=row["transactions"], approved=row["approved"])


def _amount(row: dict[str, Any]) -> Amount:
    currency = row["currency"]
    return Amount(
        currency=currency,
        tried=major(row["tried"], currency),
        taken=major(row["taken"], currency),
        transactions=row["transactions"],
    )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _words(name: str) -> str:
    return name.replace("_", " ")
