"""Shapes: what the API answers, from which OpenAPI is made.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing

Identifiers are texts: 63 bits are more than a number of JavaScript holds. Amounts are texts in
major units, exact. Instants are RFC 3339.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

CARD_DIGITS = r"^[0-9]{1,19}$"
RUN_DIGITS = r"^[0-9a-f]{20}$"
Id = Annotated[str, Field(pattern=CARD_DIGITS)]
Count = Annotated[int, Field(ge=0)]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Major = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="Major units.")]
Verdict = Literal["PASS", "UNKNOWN", "FAIL"]
StageName = Literal[
    "compromised",
    "first_attempt",
    "first_success",
    "bank_learns",
    "blocked",
    "replaced",
    "last_attempt",
]


class Shape(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class Problem(Shape):
    """What went wrong, as RFC 9457 has it, with what was expected."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    expected: str


class Page(Shape):
    """Which part of a list this is."""

    limit: int
    offset: int
    total: Count


class Window(Shape):
    """UTC days, the last not included."""

    first: Day
    end: Day


class RunSummary(Shape):
    """A run in a list."""

    run_id: Annotated[str, Field(pattern=RUN_DIGITS)]
    world_id: str
    seed: Count
    window: Window
    created_utc: Instant
    verdict: Verdict
    is_verified: bool
    rows: dict[str, int]
    fraud_rate: float | None = Field(description="Share, 0..1; null where no truth is shown.")
    has_report: bool


class Runs(Shape):
    """Runs, the newest first."""

    opened: str = Field(description="The run that the server was started with.")
    is_truth_allowed: bool
    page: Page
    items: list[RunSummary]


class Check(Shape):
    """One rule that was checked."""

    name: str
    verdict: Verdict
    rows: Count
    offenders: Count
    evidence: str


class Gate(Shape):
    """Checks that belong together."""

    name: str
    verdict: Verdict
    checks: list[Check]


class RunFacts(Shape):
    """What a receipt says of a run, and its gates."""

    summary: RunSummary
    parameter_hash: str
    model_version: int
    packages: dict[str, str]
    receipt_digest: str
    days: Count
    gates: list[Gate]


class CardSummary(Shape):
    """A card in a list; figures up to `as_of`."""

    card_id: Id
    customer_id: Id
    scheme: str
    product: str
    city: str
    country: str
    currency: str
    opened_on: Day
    replaces_card_id: Id | None
    transactions: Count
    declined: Count
    spent: Major
    labelled_fraud: Count = Field(description="Transactions that the bank takes for fraud.")
    frauds: Count | None = Field(description="That are fraud; null where truth was not asked for.")


class Cards(Shape):
    """Cards: those with most fraud first, then those with most transactions."""

    is_truth_shown: bool
    as_of: Instant | None
    page: Page
    replacements: Count = Field(description="Of page.total: cards issued in place of another.")
    items: list[CardSummary]


class Place(Shape):
    """The merchant of a transaction."""

    merchant_id: Id
    name: str
    mcc: str
    trade: str
    city: str
    country: str


class Label(Shape):
    """The last fact that the bank had written down."""

    label: Literal["fraud", "genuine"]
    source: str
    stage: str
    reason_code: str | None
    known_at: Instant


class Truth(Shape):
    """What really happened."""

    typology: str
    campaign_id: Id


class Transaction(Shape):
    """A request of a card, as an investigator sees it."""

    transaction_id: Id
    at_utc: Instant
    at_local: Instant = Field(description="The wall clock where one pays, with its offset.")
    amount: Major
    currency: str
    billed: Major
    billing_currency: str
    merchant: Place
    channel: str
    entry_mode: str
    authentication: str
    kind: str
    outcome: Literal["approved", "declined"]
    response_code: str
    device_id: Id | None
    address: str | None
    browser: str | None
    label: Label | None = Field(description="Null: it counted as genuine at `as_of`.")
    truth: Truth | None = Field(description="Null: genuine, or truth was not asked for.")


class Replacement(Shape):
    """The card that came in the place of another."""

    card_id: Id
    at_utc: Instant


class Timeline(Shape):
    """A card's requests in order of time, up to `as_of`."""

    is_truth_shown: bool
    as_of: Instant | None
    card: CardSummary
    replaced_by: Replacement | None
    page: Page
    items: list[Transaction]


class CampaignSummary(Shape):
    """A campaign with transactions in the run."""

    campaign_id: Id
    typology: str
    started_at: Instant
    ended_at: Instant
    cards: Count
    merchants: Count
    transactions: Count
    approved: Count


class Campaigns(Shape):
    """Campaigns: those with most transactions first."""

    page: Page
    items: list[CampaignSummary]


class Stage(Shape):
    """A step of a story."""

    at_utc: Instant
    stage: StageName
    detail: str


class StolenCard(Shape):
    """A card of a campaign."""

    card_id: Id
    compromised_at: Instant
    blocked_at: Instant | None
    replaced_by: Id | None
    transactions: Count
    approved: Count


class Shop(Shape):
    """A merchant of a campaign."""

    merchant: Place
    transactions: Count
    approved: Count


class Amount(Shape):
    """What was tried and taken in one currency."""

    currency: str
    tried: Major
    taken: Major
    transactions: Count


class DayOfFraud(Shape):
    """Requests of a UTC day."""

    day: Day
    approved: Count
    declined: Count


class Source(Shape):
    """Who told the bank first, of how many transactions."""

    source: str
    transactions: Count


class Learnt(Shape):
    """What the bank came to know of a campaign, ever."""

    first_known_at: Instant | None
    known: Count
    unknown: Count
    median_delay_days: float | None
    sources: list[Source]


class Story(Shape):
    """A campaign told: stages in order of time, and who and what took part."""

    summary: CampaignSummary
    stages: list[Stage]
    learnt: Learnt
    amounts: list[Amount]
    days: list[DayOfFraud]
    cards: list[StolenCard]
    cards_total: Count
    shops: list[Shop]
    shops_total: Count


class Node(Shape):
    """What transactions met in."""

    node: str
    kind: Literal["card", "device", "address", "merchant"]
    name: str
    transactions: Count


class Edge(Shape):
    """Two nodes that met."""

    source: str
    target: str
    transactions: Count
    declined: Count


class Graph(Shape):
    """Nodes with most transactions first, and the edges between those that are shown."""

    nodes: list[Node]
    edges: list[Edge]
    nodes_total: Count
    edges_total: Count
    is_cut: bool
