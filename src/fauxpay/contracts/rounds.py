"""Rounds: which nodes of a graph lead back to themselves.

Source: Tarjan 1972, "Depth-first search and linear graph algorithms" (strongly connected
components), with a stack of its own, because chains of references may be long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


def rounds(edges: Mapping[int, Sequence[int]]) -> Iterator[list[int]]:
    """Every set of nodes that all lead to each other, and every node that leads to itself."""
    walk = _Walk(edges)
    for start in edges:
        if start not in walk.numbers:
            yield from walk.below(start)


@dataclass(slots=True)
class _Walk:
    """Numbers in order of discovery, the lowest number that each node leads back to, the path."""

    edges: Mapping[int, Sequence[int]]
    numbers: dict[int, int] = field(default_factory=dict)
    lowest: dict[int, int] = field(default_factory=dict)
    path: list[int] = field(default_factory=list)
    on_path: set[int] = field(default_factory=set)

    def below(self, start: int) -> Iterator[list[int]]:
        """The rounds among what a node leads to."""
        self._enter(start)
        to_do = [(start, iter(self.edges.get(start, ())))]
        while to_do:
            node, others = to_do[-1]
            for other in others:
                if other not in self.numbers:
                    self._enter(other)
                    to_do.append((other, iter(self.edges.get(other, ()))))
                    break
                if other in self.on_path:
                    self.lowest[node] = min(self.lowest[node], self.numbers[other])
            else:
                to_do.pop()
                if to_do:
                    above = to_do[-1][0]
                    self.lowest[above] = min(self.lowest[above], self.lowest[node])
                if self.lowest[node] == self.numbers[node]:
                    members = self._leave(node)
                    if len(members) > 1 or node in self.edges.get(node, ()):
                        yield members

    def _enter(self, node: int) -> None:
        self.numbers[node] = self.lowest[node] = len(self.numbers)
        self.path.append(node)
        self.on_path.add(node)

    def _leave(self, node: int) -> list[int]:
        members = [self.path.pop()]
        while members[-1] != node:
            members.append(self.path.pop())
        self.on_path.difference_update(members)
        return members
