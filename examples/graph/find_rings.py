"""Finds rings in a run: cards of different households that meet in several devices and addresses.

    python find_rings.py [ROOT]

Needs networkx. Strays and networks are shared by strangers all the time, so one thing in common
says nothing; two cards that share two rare things know each other. Households do, too: they are
small. What is left is worth a look.
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import combinations

import networkx as nx

import fauxpay

SHARED_LEAST = 2
CARDS_PER_THING_MAX = 40


def bipartite(graph) -> nx.Graph:
    """Cards on one side, devices and addresses on the other."""
    made = nx.Graph()
    for edge in graph.edges.to_pylist():
        if edge["kind"] in ("card_device", "card_address"):
            made.add_edge(edge["source"], edge["target"], weight=edge["transactions"])
    return made


def acquaintances(cards_and_things: nx.Graph) -> nx.Graph:
    """Cards that share at least two devices or addresses."""
    shared: Counter[tuple[str, str]] = Counter()
    for thing in cards_and_things:
        if thing.startswith("card/"):
            continue
        cards = sorted(cards_and_things[thing])
        if len(cards) <= CARDS_PER_THING_MAX:
            shared.update(combinations(cards, 2))
    known = nx.Graph()
    known.add_edges_from(pair for pair, count in shared.items() if count >= SHARED_LEAST)
    return known


def rings(run, least: int = 4) -> list[set[str]]:
    """Groups of cards that know each other, the largest first."""
    groups = nx.connected_components(acquaintances(bipartite(run.graph())))
    return sorted((group for group in groups if len(group) >= least), key=len, reverse=True)


if __name__ == "__main__":
    root = sys.argv[1] if len(sys.argv) > 1 else "fauxpay-out"
    for nth, ring in enumerate(rings(fauxpay.open(root).latest())[:10], start=1):
        print(f"{nth}. {len(ring)} cards: {', '.join(sorted(ring)[:6])} ...")
