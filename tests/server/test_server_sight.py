"""Truth is hidden unless asked for, and nothing is known before its time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from served import Client

from fauxpay.labels.knowledge import as_of

MIDDLE = "2026-03-08T00:00:00Z"
LATER = "2026-06-01T00:00:00Z"


def all_cards(client, **query):
    """Every card of the list."""
    found, offset = [], 0
    while part := client.get("cards", limit=500, offset=offset, **query)["items"]:
        found += part
        offset += 500
    return found


@pytest.fixture(scope="module")
def frauds(run) -> pl.DataFrame:
    """Fraudulent requests with their columns."""
    truth = run.scan("truth").join(run.scan("transactions"), on="transaction_id")
    return truth.collect()


@pytest.fixture(scope="module")
def victim(frauds) -> int:
    """The card with most fraud."""
    return frauds["card_id"].value_counts().sort("count", "card_id", descending=True)["card_id"][0]


def test_truth_is_shown_on_demand(client, frauds, victim):
    """Each fraud of a card with its kind and campaign, and no other row."""
    told = client.get(f"cards/{victim}", truth=True, limit=500)
    found = {
        int(item["transaction_id"]): (item["truth"]["typology"], int(item["truth"]["campaign_id"]))
        for item in told["items"]
        if item["truth"]
    }
    own = frauds.filter(pl.col("card_id") == victim)
    expected = own.select("transaction_id", "typology", "campaign_id").rows()
    assert found == {key: (kind, campaign) for key, kind, campaign in expected}
    assert told["card"]["frauds"] == len(found)


def test_cards_with_fraud_are_those_of_the_truth(client, frauds):
    """With truth the filter goes by it, with the same counts."""
    found = {
        int(card["card_id"]): card["frauds"] for card in all_cards(client, truth=True, fraud=True)
    }
    assert found == dict(frauds["card_id"].value_counts().iter_rows())


def test_without_truth_nothing_tells_of_it(client, frauds, victim):
    """No typology, no campaign, no count; the same rows as with it."""
    plain = client.get(f"cards/{victim}", limit=500)
    shown = client.get(f"cards/{victim}", truth=True, limit=500)
    text = json.dumps(plain) + json.dumps(client.get("cards", fraud=True, limit=500))
    for kind in frauds["typology"].unique():
        assert kind not in text
    for campaign in frauds["campaign_id"].unique():
        assert str(campaign) not in text
    assert plain["card"]["frauds"] is None
    assert not plain["is_truth_shown"]
    for item in shown["items"]:
        item["truth"] = None
    assert plain["items"] == shown["items"]


def test_without_truth_the_table_of_it_is_not_read(client, victim, monkeypatch):
    """Queries do not even name the tables of truth."""
    from fauxpay.server.shelf import Asking

    asked = []
    before = Asking.rows

    def rows(self, query, **values):
        asked.append(query)
        return before(self, query, **values)

    monkeypatch.setattr(Asking, "rows", rows)
    for path in ("cards", f"cards/{victim}", f"cards/{victim}/graph"):
        client.get(path)
    assert len(asked) > 4
    assert not [query for query in asked if "truth" in query or "compromises" in query]


def test_a_server_without_truth_keeps_it(run, victim, frauds):
    """--no-truth: 403 for truth, campaigns and report; rates and counts of fraud are not told."""
    client = Client(run, is_truth_allowed=False)
    campaign = frauds["campaign_id"][0]
    report = f"/runs/{run.run_id}/report"
    told = [client.get("cards", 403, truth=True), client.get(f"cards/{victim}", 403, truth=True)]
    paths = ("campaigns", f"campaigns/{campaign}", f"campaigns/{campaign}/graph", report)
    told += [client.get(path, 403) for path in paths]
    assert {one["expected"] for one in told} == {"truth=false; it was started with --no-truth"}
    facts = client.get("")
    summary = facts["summary"]
    assert summary["fraud_rate"] is None
    checks = {
        check["name"].partition(":")[0] for gate in facts["gates"] for check in gate["checks"]
    }
    assert not {"truth", "campaigns", "compromises"} & checks
    assert not {"truth", "campaigns", "compromises"} & set(summary["rows"])
    assert not client.get("/api/runs")["is_truth_allowed"]
    assert client.get(f"cards/{victim}")["items"]


@pytest.mark.parametrize("instant", [MIDDLE, "2026-03-10T06:30:00+09:00", LATER])
def test_labels_are_those_known_by_then(client, run, instant):
    """Of every card: the last fact of each request that was known, as `labels.as_of` has it."""
    known = {row["transaction_id"]: row for row in as_of(run, instant).to_pylist()}
    ids = run.scan("transactions").select("transaction_id", "card_id").collect()
    card_of = dict(ids.iter_rows())
    cards = set(sorted({card_of[key] for key in known})[:8])
    found = {}
    for card in cards:
        for item in client.get(f"cards/{card}", as_of=instant, limit=500)["items"]:
            if item["label"]:
                found[int(item["transaction_id"])] = item["label"]
    expected = {key: row for key, row in known.items() if card_of[key] in cards}
    assert set(found) == set(expected)
    for key, told in found.items():
        row = expected[key]
        names = ("label", "source", "stage", "reason_code")
        assert [told[name] for name in names] == [row[name] for name in names]
        assert abs(datetime.fromisoformat(told["known_at"]) - row["known_at"]) < timedelta(
            seconds=1
        )


def test_suspicion_grows(client, run):
    """Cards that the bank takes for victims are counted by what it knew."""
    for instant in (MIDDLE, LATER):
        known = as_of(run, instant).to_pylist()
        fraud = sum(row["label"] == "fraud" for row in known)
        listed = all_cards(client, fraud=True, as_of=instant)
        assert sum(card["labelled_fraud"] for card in listed) == fraud
        assert all(card["labelled_fraud"] for card in listed)


def test_nothing_after_the_instant_is_shown(client, run, victim):
    """No request, figure, replacement or neighbour of later."""
    end = datetime(2026, 3, 8, tzinfo=UTC)
    told = client.get(f"cards/{victim}", as_of=MIDDLE, limit=500, truth=True)
    own = run.scan("transactions").filter(pl.col("card_id") == victim).collect()
    before = own.filter(pl.col("event_time") <= end)
    assert 0 < before.height < own.height
    assert told["page"]["total"] == told["card"]["transactions"] == before.height
    assert told["as_of"] == "2026-03-08T00:00:00.000Z"
    assert told["card"]["frauds"] == sum(item["truth"] is not None for item in told["items"])
    graph = client.get(f"cards/{victim}/graph", as_of=MIDDLE, limit=400)
    (node,) = (node for node in graph["nodes"] if node["node"] == f"card/{victim}")
    assert node["transactions"] == before.height


def test_a_replacement_is_known_once_it_is_there(client, run):
    """A new card is listed, found and named by the old one from the moment it was issued."""
    first, end = (datetime(2026, 3, day, tzinfo=UTC) for day in (2, 12))
    within = run.scan("reissues").filter(pl.col("reissued_at").is_between(first, end))
    row = within.sort("card_id").collect().row(0, named=True)
    at = row["reissued_at"]
    old, new = row["replaces_card_id"], row["card_id"]
    before, after = ((at + timedelta(minutes=minutes)).isoformat() for minutes in (-1, 1))
    assert client.get(f"cards/{old}", as_of=before)["replaced_by"] is None
    assert client.get(f"cards/{old}", as_of=after)["replaced_by"]["card_id"] == str(new)
    assert client.get(f"cards/{new}", as_of=after)["card"]["replaces_card_id"] == str(old)
    assert "issued by as_of" in client.get(f"cards/{new}", 404, as_of=before)["expected"]


def test_a_card_is_there_from_its_first_day(client, run):
    """One of the catalog is listed and found from the first instant of the day it was opened."""
    cards = run.scan("cards").filter(pl.col("opened_day") > datetime(2026, 3, 8)).collect()
    row = cards.sort("opened_day", "card_id").row(0, named=True)
    card, day = row["card_id"], row["opened_day"]
    eve = f"{day - timedelta(days=1)}T23:59:59.999Z"
    for query in ({"as_of": f"{day}T00:00:00Z"}, {"as_of": "9999-12-31T23:59:59Z"}, {}):
        assert client.get(f"cards/{card}", **query)["card"]["opened_on"] == str(day)
        assert str(card) in {one["card_id"] for one in all_cards(client, **query)}
    assert "issued by as_of" in client.get(f"cards/{card}", 404, as_of=eve)["expected"]
    listed = all_cards(client, as_of=eve)
    assert str(card) not in {one["card_id"] for one in listed}
    assert all(one["opened_on"] < str(day) for one in listed)
    assert client.get("cards", as_of=eve)["page"]["total"] == len(listed)


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_time_are_instants_too(client, instant):
    """The first and the last that can be written."""
    count = sum(card["transactions"] for card in client.get("cards", as_of=instant)["items"])
    assert (count > 0) == instant.startswith("9")
