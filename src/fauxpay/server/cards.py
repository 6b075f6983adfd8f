"""Cards: those of a run, and what one of them did, as the bank sees it at an instant.

Reads    cards, reissues, accounts, customers, places, merchants, transactions, labels; truth, where
         it is asked for
Writes   shapes Cards, Timeline
Draws    nothing
Sources  nothing

Nothing after `as_of` is shown: no request, no label, no card that was not yet there. Without truth
the table of it is not read at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fauxpay.server.problems import Refused
from fauxpay.server.shapes import (
    Cards,
    CardSummary,
    Label,
    Page,
    Place,
    Replacement,
    Timeline,
    Transaction,
    Truth,
)
from fauxpay.server.shelf import Asking, Part
from fauxpay.server.wording import (
    LAST_US,
    address,
    instant,
    local,
    major,
    place,
    text_or_none,
    told,
)

ID_MAX = 2**63 - 1
# What holds of a card of the catalog, which is in use from the beginning of a UTC day, and of one
# that replaced another. Compared as numbers: the open end is later than instants can be.
_EVERY = """
    SELECT card_id, account_id, customer_id, card_scheme, card_product,
           strftime(opened_day, '%Y-%m-%d') AS opened_on, NULL::BIGINT AS replaces_card_id
    FROM cards WHERE epoch_us(opened_day::TIMESTAMP) <= $until
    UNION ALL
    SELECT card_id, account_id, customer_id, card_scheme, card_product,
           strftime(make_timestamp(epoch_us(reissued_at)), '%Y-%m-%d'), replaces_card_id
    FROM reissues WHERE epoch_us(reissued_at) <= $until"""
_SEEN = "SELECT * FROM transactions WHERE epoch_us(event_time) <= $until"
# The last fact of each transaction that was known by then.
_KNOWN = """
    SELECT transaction_id, unnest(arg_max({'label': label, 'source': source, 'stage': stage,
           'reason_code': reason_code, 'known_us': epoch_us(known_at)}, known_at))
    FROM labels WHERE epoch_us(known_at) <= $until GROUP BY transaction_id"""
_FRAUDS = """
    SELECT card_id, count(*) AS frauds FROM truth JOIN seen USING (transaction_id)
    GROUP BY card_id"""
_NO_FRAUDS = "SELECT NULL::BIGINT AS card_id, NULL::BIGINT AS frauds WHERE false"
_SUMMARY = """
    WITH every AS ({every}), seen AS ({seen}), known AS ({known}), frauds AS ({frauds}),
    used AS (
        SELECT card_id, count(*) AS transactions,
               count(*) FILTER (NOT is_approved) AS declined,
               sum(CASE WHEN transaction_type IN ('purchase', 'withdrawal')
                   THEN billing_amount_minor ELSE -billing_amount_minor END)
                   FILTER (is_approved)::BIGINT AS spent
        FROM seen GROUP BY card_id),
    taken AS (
        SELECT card_id, count(*) AS labelled FROM known JOIN seen USING (transaction_id)
        WHERE label = 'fraud' GROUP BY card_id)
    SELECT every.*, currency, city, country, coalesce(transactions, 0) AS transactions,
           coalesce(declined, 0) AS declined, coalesce(spent, 0) AS spent,
           coalesce(labelled, 0) AS labelled, coalesce(frauds, 0) AS frauds
    FROM every JOIN accounts USING (account_id)
    JOIN customers ON customers.customer_id = every.customer_id
    JOIN (SELECT place_id, city FROM places) AS home USING (place_id)
    LEFT JOIN used USING (card_id) LEFT JOIN taken USING (card_id) LEFT JOIN frauds USING (card_id)
"""
_REQUESTS = """
    SELECT own.*, epoch_us(event_time) AS at_us, merchants.name, label, source, stage, known_us,
           reason_code {truth}
    FROM own JOIN merchants USING (merchant_id) LEFT JOIN known USING (transaction_id) {join}"""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is looked at: everything until an instant, None for all; with or without the truth."""

    as_of_us: int | None = None
    is_truth_shown: bool = False

    @property
    def until(self) -> int:
        """The last microsecond that is seen."""
        return LAST_US if self.as_of_us is None else self.as_of_us


def cards(asking: Asking, sight: Sight, is_fraud_only: bool, part: Part) -> Cards:
    """A page of cards, those with most fraud first.

    is_fraud_only  those with fraud: by truth where that is shown, else as the bank takes it
    """
    fraud = "frauds" if sight.is_truth_shown else "labelled"
    query = _summary(sight) + (f" WHERE coalesce({fraud}, 0) > 0" if is_fraud_only else "")
    order = f"{fraud} DESC, transactions DESC, card_id"
    replaced = "replaces_card_id IS NOT NULL"
    found = asking.page(query, order, part, replaced, until=sight.until)
    return Cards(
        is_truth_shown=sight.is_truth_shown,
        as_of=instant(sight.as_of_us),
        page=Page(limit=part.limit, offset=part.offset, total=found.total),
        replacements=found.some,
        items=[_card(row, sight) for row in found.rows],
    )


def timeline(asking: Asking, card_id: str, sight: Sight, part: Part) -> Timeline:
    """A page of what a card did. Raises Refused for one that is not there by then."""
    card = int(card_id)
    row = None
    if card <= ID_MAX:
        one = f"{_summary(sight, _SEEN + ' AND card_id = $card')} WHERE every.card_id = $card"
        row = asking.one(one, until=sight.until, card=card)
    if row is None:
        expected = "a card_id of this run, " + (
            "issued by as_of" if sight.as_of_us is not None else "as /cards lists them"
        )
        raise Refused(404, f"no card {card_id}", expected)
    query = f"WITH own AS ({_SEEN} AND card_id = $card), known AS ({_KNOWN})" + _REQUESTS.format(
        **_truth_columns(sight)
    )
    found = asking.page(query, "at_us, transaction_id", part, until=sight.until, card=card)
    return Timeline(
        is_truth_shown=sight.is_truth_shown,
        as_of=instant(sight.as_of_us),
        card=_card(row, sight),
        replaced_by=_replacement(asking, card, sight),
        page=Page(limit=part.limit, offset=part.offset, total=found.total),
        items=[_transaction(request, sight) for request in found.rows],
    )


def _summary(sight: Sight, seen: str = _SEEN) -> str:
    frauds = _FRAUDS if sight.is_truth_shown else _NO_FRAUDS
    return _SUMMARY.format(every=_EVERY, seen=seen, known=_KNOWN, frauds=frauds)


def _truth_columns(sight: Sight) -> dict[str, str]:
    if not sight.is_truth_shown:
        return {"truth": "", "join": ""}
    return {"truth": ", typology, campaign_id", "join": "LEFT JOIN truth USING (transaction_id)"}


def _card(row: dict[str, Any], sight: Sight) -> CardSummary:
    return CardSummary(
        card_id=str(row["card_id"]),
        customer_id=str(row["customer_id"]),
        scheme=row["card_scheme"],
        product=row["card_product"],
        city=row["city"],
        country=row["country"],
        currency=row["currency"],
        opened_on=row["opened_on"],
        replaces_card_id=text_or_none(row["replaces_card_id"]),
        transactions=row["transactions"],
        declined=row["declined"],
        spent=major(row["spent"], row["currency"]),
        labelled_fraud=row["labelled"],
        frauds=row["frauds"] if sight.is_truth_shown else None,
    )


def _replacement(asking: Asking, card: int, sight: Sight) -> Replacement | None:
    row = asking.one(
        "SELECT card_id, epoch_us(reissued_at) AS at_us FROM reissues "
        "WHERE replaces_card_id = $card AND epoch_us(reissued_at) <= $until ORDER BY at_us",
        card=card,
        until=sight.until,
    )
    if row is None:
        return None
    return Replacement(card_id=str(row["card_id"]), at_utc=told(row["at_us"]))


def _transaction(row: dict[str, Any], sight: Sight) -> Transaction:
    return Transaction(
        transaction_id=str(row["transaction_id"]),
        at_utc=told(row["at_us"]),
        at_local=local(row["at_us"], row["local_offset_minutes"]),
        amount=major(row["amount_minor"], row["currency"]),
        currency=row["currency"],
        billed=major(row["billing_amount_minor"], row["billing_currency"]),
        billing_currency=row["billing_currency"],
        merchant=Place(**place(row)),
        channel=row["channel"],
        entry_mode=row["entry_mode"],
        authentication=row["authentication"],
        kind=row["transaction_type"],
        outcome="approved" if row["is_approved"] else "declined",
        response_code=row["response_code"],
        device_id=text_or_none(row["device_id"]),
        address=address(row["ip_address"]),
        browser=row["user_agent_family"],
        label=_label(row),
        truth=_truth(row) if sight.is_truth_shown else None,
    )


def _label(row: dict[str, Any]) -> Label | None:
    if row["label"] is None:
        return None
    return Label(
        label=row["label"],
        source=row["source"],
        stage=row["stage"],
        reason_code=row["reason_code"],
        known_at=told(row["known_us"]),
    )


def _truth(row: dict[str, Any]) -> Truth | None:
    if row["typology"] is None:
        return None
    return Truth(typology=row["typology"], campaign_id=str(row["campaign_id"]))
