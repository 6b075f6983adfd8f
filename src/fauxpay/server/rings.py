"""Rings: graphs of a campaign, or of what a card shares with others, small enough to draw.

Reads    transactions, merchants; truth for a campaign's
Writes   shape Graph
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from typing import Any

from fauxpay.readers.graph import EDGES, NODES, graph_queries
from fauxpay.server.cards import ID_MAX, Sight
from fauxpay.server.problems import Refused
from fauxpay.server.shapes import Edge, Graph, Node
from fauxpay.server.shelf import Asking
from fauxpay.server.wording import address

EDGES_MAX = 2000
# What of a card's own devices and addresses others used, too; shops are met by everybody. Other
# columns would make it four times slower.
_SHARED = """
    CREATE TEMP TABLE met AS
    WITH seen AS (
        SELECT card_id, device_id, ip_address, merchant_id, is_approved, event_time
        FROM transactions WHERE epoch_us(event_time) <= $until),
    own AS (SELECT device_id, ip_address FROM seen WHERE card_id = $card)
    SELECT * FROM seen WHERE card_id = $card
        OR device_id IN (SELECT device_id FROM own WHERE device_id IS NOT NULL)
        OR ip_address IN (SELECT ip_address FROM own WHERE ip_address IS NOT NULL)"""
_NAMED = """
    SELECT found.*, merchants.name FROM ({nodes}) AS found
    LEFT JOIN merchants ON kind = 'merchant' AND key = merchant_id
    ORDER BY transactions DESC, kind, key LIMIT $limit"""
_BETWEEN = """
    SELECT source, target, transactions, declined FROM ({edges})
    WHERE source IN (SELECT unnest($kept)) AND target IN (SELECT unnest($kept))
    ORDER BY transactions DESC, source, target LIMIT $limit"""


def shared(asking: Asking, card_id: str, sight: Sight, limit: int) -> Graph:
    """What a card met, and the other cards that met its devices and addresses: the bank's eye."""
    card = int(card_id)
    if card <= ID_MAX:
        asking.cursor.execute(_SHARED, {"card": card, "until": sight.until})
        found = asking.one("SELECT count(*) AS count FROM met")
        if found and found["count"]:
            return met(asking, limit)
    raise Refused(404, f"no transaction of a card {card_id} by then", "a card_id with transactions")


def met(asking: Asking, limit: int) -> Graph:
    """The graph of the cursor's table `met`.

    limit  of nodes: those with most transactions stay
    """
    queries = graph_queries("met")
    nodes = asking.rows(_NAMED.format(nodes=queries[NODES]), limit=limit)
    kept = [row["node"] for row in nodes]
    edges = asking.rows(_BETWEEN.format(edges=queries[EDGES]), kept=kept, limit=EDGES_MAX)
    totals = {name: asking.one(f"SELECT count(*) AS count FROM ({queries[name]})")
              for name in (NODES, EDGES)}  # fmt: skip
    counts = {name: row["count"] if row else 0 for name, row in totals.items()}
    return Graph(
        nodes=[_node(row) for row in nodes],
        edges=[Edge(**row) for row in edges],
        nodes_total=counts[NODES],
        edges_total=counts[EDGES],
        is_cut=len(nodes) < counts[NODES] or len(edges) < counts[EDGES],
    )


def _node(row: dict[str, Any]) -> Node:
    names = {"merchant": row["name"], "address": address(row["key"])}
    return Node(
        node=row["node"],
        kind=row["kind"],
        name=names.get(row["kind"]) or str(row["key"]),
        transactions=row["transactions"],
    )
