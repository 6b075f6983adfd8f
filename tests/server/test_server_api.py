"""Every address answers what the tables hold, in parts, and refuses the rest in words."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from importlib.resources import files

import polars as pl
import pytest
from served import Client

import fauxpay
from fauxpay.receipts import layout
from fauxpay.report.writing import report_path
from fauxpay.server import shelf
from fauxpay.server.app import PAGE_FILES
from fauxpay.server.wording import address, local, major


def rows(run, name: str) -> pl.DataFrame:
    """A table of the run."""
    return run.scan(name).collect()


def first_campaign(client) -> str:
    """The largest campaign."""
    return client.get("campaigns", limit=1)["items"][0]["campaign_id"]


def test_runs_are_listed(client):
    """A run has what its receipt says, and is the one that was opened."""
    told = client.get("/api/runs")
    (item,) = told["items"]
    run = client.run
    assert told["opened"] == item["run_id"] == run.run_id
    assert item["rows"] == run.rows
    assert item["verdict"] == "PASS"
    assert item["fraud_rate"] == run.fraud_rate
    assert item["window"] == {"first": "2026-03-01", "end": "2026-03-15"}
    assert client.get("/api/runs", offset=1)["items"] == []


def test_a_run_has_its_gates(client):
    """Facts of the receipt, and every check of gate.json."""
    told = client.get("")
    assert told["receipt_digest"] == client.run.receipt["receipt_digest"]
    assert told["days"] == 14
    assert {gate["verdict"] for gate in told["gates"]} == {"PASS"}
    assert sum(len(gate["checks"]) for gate in told["gates"]) > 100


def test_cards_come_in_parts(client):
    """Parts add up to all cards, old and replaced ones, each once, in one order."""
    run, whole, offset = client.run, [], 0
    while part := client.get("cards", limit=500, offset=offset)["items"]:
        whole += part
        offset += 500
    ids = [card["card_id"] for card in whole]
    expected = {*rows(run, "cards")["card_id"], *rows(run, "reissues")["card_id"]}
    assert sorted(map(int, ids)) == sorted(expected)
    assert client.get("cards", limit=3, offset=2)["items"] == whole[2:5]
    assert client.get("cards", limit=3, offset=10_000)["page"]["total"] == len(ids)
    assert sum(card["transactions"] for card in whole) == run.rows["transactions"]
    keys = [(-one["labelled_fraud"], -one["transactions"], int(one["card_id"])) for one in whole]
    assert keys == sorted(keys)


def test_replacements_are_counted_apart(client):
    """Cards issued in place of another: of all, of those with fraud, and beyond the end."""
    replaced, whole = client.run.rows["reissues"], client.run.rows["cards"]
    for query in ({"limit": 1}, {"offset": 10_000}):
        told = client.get("cards", **query)
        assert (told["page"]["total"], told["replacements"]) == (whole + replaced, replaced)
    told = client.get("cards", limit=500, fraud=True, truth=True)
    expected = sum(card["replaces_card_id"] is not None for card in told["items"])
    assert 0 < told["replacements"] == expected < told["page"]["total"] <= 500


def test_a_timeline_is_the_card_s_rows(client):
    """Every request of a card once, in order of time, with exact amounts and the local clock."""
    card = client.get("cards", fraud=True)["items"][0]
    told = client.get(f"cards/{card['card_id']}", limit=500)
    own = rows(client.run, "transactions").filter(pl.col("card_id") == int(card["card_id"]))
    assert told["card"] == card
    assert [int(item["transaction_id"]) for item in told["items"]] == own.sort(
        "event_time", "transaction_id"
    )["transaction_id"].to_list()
    merchants = {row["merchant_id"]: row for row in rows(client.run, "merchants").to_dicts()}
    by_id = {row["transaction_id"]: row for row in own.to_dicts()}
    for item in told["items"]:
        row = by_id[int(item["transaction_id"])]
        here, there = (datetime.fromisoformat(item[key]) for key in ("at_utc", "at_local"))
        assert here == there
        assert abs((row["event_time"] - here).total_seconds()) < 0.001
        assert there.utcoffset().total_seconds() == row["local_offset_minutes"] * 60
        digits = 0 if row["currency"] == "JPY" else 2
        assert Decimal(item["amount"]) == Decimal(row["amount_minor"]).scaleb(-digits)
        assert item["merchant"]["name"] == merchants[row["merchant_id"]]["name"]
        assert item["merchant"]["trade"]
        assert (item["outcome"] == "approved") == row["is_approved"]


def test_campaigns_are_those_of_the_truth(client):
    """Each campaign with requests in the run once, with its counts; one kind on demand."""
    truth = rows(client.run, "truth").join(rows(client.run, "transactions"), on="transaction_id")
    expected = {
        str(campaign): (count, cards, approved)
        for campaign, count, cards, approved in truth.group_by("campaign_id")
        .agg(pl.len(), pl.col("card_id").n_unique(), pl.col("is_approved").sum())
        .iter_rows()
    }
    found, offset = {}, 0
    while part := client.get("campaigns", limit=500, offset=offset)["items"]:
        found |= {
            item["campaign_id"]: (item["transactions"], item["cards"], item["approved"])
            for item in part
        }
        offset += 500
    assert found == expected
    rings = client.get("campaigns", typology="mule_ring")["items"]
    assert {item["typology"] for item in rings} == {"mule_ring"}
    assert client.get("campaigns", typology="no_such_kind")["page"]["total"] == 0


def test_a_story_adds_up(client):
    """Amounts, days, cards and merchants have as many requests as the campaign; stages in order."""
    campaign = first_campaign(client)
    told = client.get(f"campaigns/{campaign}")
    count = told["summary"]["transactions"]
    assert count > 5
    for name in ("amounts", "cards", "shops"):
        assert sum(item["transactions"] for item in told[name]) == count, name
    assert sum(item["approved"] + item["declined"] for item in told["days"]) == count
    assert told["learnt"]["known"] + told["learnt"]["unknown"] == count
    assert sum(one["transactions"] for one in told["learnt"]["sources"]) == told["learnt"]["known"]
    times = [stage["at_utc"] for stage in told["stages"]]
    assert times == sorted(times)
    names = [stage["stage"] for stage in told["stages"]]
    assert names.index("compromised") < names.index("first_attempt") < len(names) - 1


def test_a_campaign_without_requests_has_a_story(client):
    """One of before the window is told without stages in the run, and has an empty graph."""
    used = rows(client.run, "truth")["campaign_id"].unique()
    other = rows(client.run, "campaigns").filter(~pl.col("campaign_id").is_in(used.implode()))
    campaign = other["campaign_id"][0]
    told = client.get(f"campaigns/{campaign}")
    assert told["summary"]["transactions"] == 0
    assert told["learnt"]["first_known_at"] is None
    assert told["amounts"] == told["days"] == told["shops"] == []
    assert client.get(f"campaigns/{campaign}/graph")["nodes"] == []


def test_a_graph_is_that_of_the_run(client):
    """Nodes and edges of a campaign are what its requests met in."""
    campaign = first_campaign(client)
    told = client.get(f"campaigns/{campaign}/graph", limit=400)
    truth = rows(client.run, "truth").filter(pl.col("campaign_id") == int(campaign))
    own = truth.join(rows(client.run, "transactions"), on="transaction_id")
    assert not told["is_cut"]
    cards = {node["node"] for node in told["nodes"] if node["kind"] == "card"}
    assert cards == {f"card/{card}" for card in own["card_id"].unique()}
    met = own.group_by("card_id", "merchant_id").len().height
    assert sum("merchant/" in edge["target"] for edge in told["edges"]) == met
    names = {node["name"] for node in told["nodes"] if node["kind"] == "address"}
    assert all(re.fullmatch(r"2[45]\d\.\d+\.\d+\.\d+", name) for name in names)


def test_a_large_graph_is_cut_and_says_so(client):
    """The nodes with most transactions stay, and edges only between them."""
    campaign = first_campaign(client)
    whole = client.get(f"campaigns/{campaign}/graph", limit=400)
    told = client.get(f"campaigns/{campaign}/graph", limit=5)
    assert told["is_cut"]
    assert told["nodes"] == whole["nodes"][:5]
    assert told["nodes_total"] == len(whole["nodes"])
    assert told["edges_total"] == len(whole["edges"])
    kept = {node["node"] for node in told["nodes"]}
    assert all({edge["source"], edge["target"]} <= kept for edge in told["edges"])


def test_a_card_s_graph_shows_who_shares(client):
    """Others that used the card's devices or addresses are in it, and nobody else."""
    table = rows(client.run, "transactions").filter(pl.col("device_id").is_not_null())
    shared = table.group_by("device_id").agg(pl.col("card_id").unique())
    group = shared.sort(pl.col("card_id").list.len(), "device_id", descending=True)["card_id"][0]
    assert len(group) > 1
    told = client.get(f"cards/{group[0]}/graph", limit=400)
    cards = {int(node["node"][5:]) for node in told["nodes"] if node["kind"] == "card"}
    own = table.filter(pl.col("card_id") == group[0])
    either = pl.col("device_id").is_in(own["device_id"].implode()) | pl.col("ip_address").is_in(
        own["ip_address"].implode()
    )
    assert set(group) <= cards == set(table.filter(either)["card_id"])


REFUSED = {
    "limit=0": ("cards", {"limit": 0}, "greater than or equal to 1"),
    "limit=501": ("cards", {"limit": 501}, "less than or equal to 500"),
    "limit=ten": ("cards", {"limit": "ten"}, "expected a whole number"),
    "offset=-1": ("cards", {"offset": -1}, "greater than or equal to 0"),
    "truth=yes": ("cards", {"truth": "yes"}, "expected true or false"),
    "as_of=noon": ("cards", {"as_of": "noon"}, "expected RFC 3339 with a zone"),
    "as_of=no day": ("cards", {"as_of": "2026-02-31T00:00:00Z"}, "day"),
    "as_of without zone": ("cards", {"as_of": "2026-03-01T00:00:00"}, "expected RFC 3339"),
    "unknown name": ("cards", {"trut": "true"}, "is no parameter of this address"),
    "sql": ("campaigns", {"typology": "x' OR '1'='1"}, "pattern"),
    "card that is none": ("cards/1 OR 1=1", {}, "pattern"),
    "campaign that is none": ("campaigns/x", {}, "pattern"),
    "run that is none": ("/api/runs/latest", {}, "pattern"),
    "too many nodes": ("campaigns/1/graph", {"limit": 401}, "less than or equal to 400"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_understood_is_refused(client, case):
    """422 with a problem document that says what was expected."""
    path, query, expected = REFUSED[case]
    told = client.get(path, 422, **query)
    assert told["detail"].startswith("not understood: ")
    assert expected in told["expected"]


SLOW = "SELECT sum(a.range * b.range) FROM range(100000) a, range(100000) b"
UNKNOWN = {
    "run": ("/api/runs/" + "0" * 20, "a run_id of /api/runs"),
    "card": ("cards/12", "as /cards lists them"),
    "card beyond 63 bits": ("cards/9999999999999999999", "as /cards lists them"),
    "graph of a card": ("cards/12/graph", "a card_id with transactions"),
    "campaign": ("campaigns/12", "as /campaigns lists them"),
    "campaign beyond 63 bits": ("campaigns/9999999999999999999/graph", "as /campaigns lists them"),
    "file": ("/page/nothing.js", "app.js"),
    "address": ("/nothing", "/api/openapi.json"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_there_is_said(client, case):
    """404 with a problem document that says where to look, and no place on this machine."""
    path, expected = UNKNOWN[case]
    told = client.get(path, 404)
    assert expected in told["expected"]
    assert str(client.run.root) not in str(told)


def test_a_report_is_served_where_there_is_one(run, tmp_path):
    """404 that names the command without; the very file, under a policy without scripts, with."""
    client = Client(fauxpay.open(shutil.copytree(run.root, tmp_path / "out")).latest())
    path = f"/runs/{run.run_id}/report"
    assert f"`fauxpay report {run.run_id}` makes it" in client.get(path, 404)["expected"]
    assert not client.get("")["summary"]["has_report"]
    report_path(client.run).write_text("<!doctype html><p>the report")
    assert client.get(path) == "<!doctype html><p>the report"
    assert client.get("")["summary"]["has_report"]
    assert "script" not in client.http.get(path).headers["content-security-policy"]


def test_nothing_but_get(client):
    """405 with a problem document, whatever the method."""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = client.http.request(method, "/api/runs")
        assert answer.status_code == 405
        assert answer.json()["expected"] == "GET"
        assert answer.headers["allow"] == "GET"


def test_a_run_that_did_not_pass_is_not_shown(run, tmp_path):
    """409 without --allow-unverified; with it the run is there, and said to be not verified."""
    own = fauxpay.open(shutil.copytree(run.root, tmp_path / "out")).latest()
    (own.folder / layout.PASSED).unlink()
    told = Client(own).get("cards", 409)
    assert "--allow-unverified" in told["expected"]
    assert Client(own).get("/api/runs")["items"] == []
    bold = Client(own, allow_unverified=True)
    assert [item["is_verified"] for item in bold.get("/api/runs")["items"]] == [False]
    assert bold.get("cards", limit=1)["items"]


@pytest.mark.parametrize("how", ["missing", "cut", "garbage"])
def test_files_that_are_gone_or_changed_are_said(run, tmp_path, how):
    """503 that names `fauxpay verify`, and no place on this machine."""
    own = fauxpay.open(shutil.copytree(run.root, tmp_path / "out")).latest()
    path = own.files("transactions")[0]
    data = path.read_bytes()
    path.unlink()
    if how != "missing":
        path.write_bytes(data[:-1] if how == "cut" else b"x" * len(data))
    told = Client(own).get("cards", 503)
    assert f"`fauxpay verify {run.run_id}`" in told["expected"]
    assert str(tmp_path) not in str(told)


def test_a_run_that_was_made_again_is_opened_again(run, tmp_path):
    """A shelf that held a run notices another receipt in its place."""
    own = fauxpay.open(shutil.copytree(run.root, tmp_path / "out")).latest()
    client = Client(own)
    assert client.get("cards", limit=1)["items"]
    (own.folder / layout.RECEIPT).unlink()
    client.get("cards", 404)


def test_many_ask_at_once(client):
    """Threads that ask for different things get what each gets alone."""
    cards = [card["card_id"] for card in client.get("cards", limit=4)["items"]]
    paths = [f"cards/{card}" for card in cards] + [f"cards/{card}/graph" for card in cards]
    alone = [client.get(path) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(client.get, paths)) == alone


def test_what_takes_too_long_is_broken_off(client, monkeypatch):
    """503 that says so, and the next request is answered."""
    from fauxpay.server import shelf

    monkeypatch.setattr(shelf, "SECONDS_MAX", 0.2)
    monkeypatch.setattr(shelf.Asking, "page", lambda self, *_, **__: self.one(SLOW))
    assert "took more than 0.2 seconds" in client.get("cards", 503)["detail"]
    monkeypatch.undo()
    assert client.get("cards", limit=1)["items"]


def test_the_database_reads_nothing_else(run):
    """A cursor of the shelf cannot read a file that is not the run's, nor be told to."""
    import duckdb

    from fauxpay.readers.run import Store
    from fauxpay.server.shelf import Shelf

    with Shelf(Store(run.root), "256MB").asking(run.run_id) as asking:
        for text in ("FROM read_text('/etc/hostname')", "SET enable_external_access = true"):
            with pytest.raises(duckdb.Error):
                asking.cursor.execute(text)


GUESTS = {
    "127.0.0.1": 200,
    "127.0.0.1:8765": 200,
    "localhost:80": 200,
    "LOCALHOST": 200,
    "[::1]:8765": 200,
    "fauxpay.example": 421,
    "127.0.0.1.fauxpay.example": 421,
    "localhost.fauxpay.example:8765": 421,
    "192.0.2.7": 421,
    "": 421,
}


@pytest.mark.parametrize("host", GUESTS)
def test_only_this_machine_s_names_are_answered(client, host):
    """A page elsewhere that lets its name lead here is refused, for files of the page, too."""
    for path in ("/", "/api/runs", "/nothing"):
        answer = client.http.get(path, headers={"host": host})
        assert (answer.status_code == 421) == (GUESTS[host] == 421), (path, host)
    if GUESTS[host] == 421:
        assert answer.json()["expected"] == "127.0.0.1 or localhost"


def test_a_server_for_others_takes_any_name(run):
    """Where one bound it elsewhere, names are not ours to know."""
    answer = Client(run, is_local=False).http.get("/api/runs", headers={"host": "fauxpay.example"})
    assert answer.status_code == 200


def test_every_answer_keeps_browsers_in(client):
    """Policy, type and cache headers on pages, documents and refusals; no other origin's pages."""
    for path in ("/", "/page/app.js", "/api/runs", "/nothing"):
        headers = client.http.get(path, headers={"origin": "http://fauxpay.example"}).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert not [name for name in headers if name.startswith("access-control")]


def test_the_page_is_whole_and_asks_nobody_else():
    """Every file is listed and imported by name; no address but that of the SVG namespace."""
    folder = files("fauxpay.server").joinpath("page")
    names = {entry.name for entry in folder.iterdir()}
    assert names == {*PAGE_FILES, "index.html"}
    for name in names:
        text = folder.joinpath(name).read_text(encoding="utf-8")
        assert set(re.findall(r"https?://[^\"'\s`]+", text)) <= {"http://www.w3.org/2000/svg"}
        assert "innerHTML" not in text
        assert set(re.findall(r'from "\./([\w.]+)"', text)) <= names


def test_openapi_is_whole(client):
    """Every address of a run is in it, GET alone, each with its refusals."""
    paths = client.spec["paths"]
    assert len(paths) == 9
    for path, operations in paths.items():
        assert set(operations) == {"get"}
        refusals = {"421", "422"} | ({"404", "409", "503"} if "{run_id}" in path else set())
        assert refusals <= set(operations["get"]["responses"]), path


def test_a_fault_of_ours_is_a_document_too(client, monkeypatch):
    """500 without a word of what it was about."""
    from fauxpay.server import summaries

    monkeypatch.setattr(summaries, "facts", lambda *_: 1 / 0)
    answer = client.http.get(client.base)
    assert answer.status_code == 500
    assert answer.json()["detail"] == f"{client.base}: a fault of fauxpay"
    assert "nosniff" in answer.headers["x-content-type-options"]


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(0, "USD", "0.00"), (5, "EUR", "0.05"), (-1234, "GBP", "-12.34"), (1234, "JPY", "1234"),
     (1234, "KWD", "1.234"), (None, "USD", "0.00"), (2**62, "USD", "46116860184273879.04")],
)  # fmt: skip
def test_amounts_are_exact(minor, currency, text):
    """Minor units of any number of digits, below zero and beyond floats."""
    assert major(minor, currency) == text


def test_wording_of_clocks_and_addresses():
    """A wall clock half an hour off, and an address."""
    assert local(1_772_323_200_000_000, 330) == "2026-03-01T05:30:00.000+05:30"
    assert address(4026531841) == "240.0.0.1"
    assert address(None) is None


def test_a_list_reads_again_what_changed_alone(run, tmp_path, monkeypatch):
    """Runs that stand as they stood are not read twice; one that came, changed or went shows."""
    shutil.copytree(run.root, tmp_path / "out")
    (folder,) = (tmp_path / "out" / "runs").glob("utc_day=*/*")
    client = Client(fauxpay.open(tmp_path / "out").latest())
    read = []
    real = shelf.listed
    monkeypatch.setattr(shelf, "listed", lambda root, one: read.append(one) or real(root, one))
    for _ in range(3):
        (item,) = client.get("/api/runs")["items"]
    assert item["run_id"] == run.run_id
    assert read == [folder]
    mark = folder / "_PASSED"
    text = mark.read_text()
    mark.unlink()
    assert client.get("/api/runs")["items"] == []
    mark.write_text(text)
    assert len(client.get("/api/runs")["items"]) == 1
    assert read == [folder] * 3
    shutil.rmtree(folder)
    assert client.get("/api/runs")["items"] == []
