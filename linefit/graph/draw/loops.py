"""Find modules that are called in a loop, so that all their calls can be one box."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from linefit.graph.find import without_number
from linefit.graph.nodes import Edge, Node
from linefit.graph.sentences import repeated

Path = tuple[str, ...]

OFTEN = 3  # calls that make a loop


class Loop(tuple[str, ...]):
    """The key of the box of a loop: the scope around it and what is repeated in it."""

    __slots__ = ()


def roll_up(
    nodes: Sequence[Node], edges: Sequence[Edge], keys: Mapping[Node, Hashable]
) -> dict[Node, Hashable]:
    """Return the keys of the boxes with one for all rounds of each loop, the outermost first.

    Modules that are called equally often in the same scope are one loop, together with the
    operations between their calls; it is none if other modules are called between them.
    """
    rolled = dict(keys)
    deepest = max((len(node.scope) for node in nodes), default=0)
    for depth in range(1, deepest + 1):
        for parent, labels, count in _repeated(nodes, rolled, depth):
            calls = {n for n in nodes if n.scope[:depth] in _calls(parent, labels, count)}
            body = calls | _between(calls, edges)
            if all(n in calls or n.scope == parent for n in body):
                rolled |= dict.fromkeys(body, Loop((*parent, repeated(labels, count))))
    return rolled


def _repeated(
    nodes: Iterable[Node], keys: Mapping[Node, Hashable], depth: int
) -> list[tuple[Path, tuple[str, ...], int]]:
    """Return the scope, the labels and the number of calls of what may be loops at a depth."""
    paths = dict.fromkeys(
        node.scope[:depth]
        for node in nodes
        if len(node.scope) >= depth and not isinstance(keys[node], Loop)
    )
    calls: defaultdict[tuple[Path, str], int] = defaultdict(int)
    for path in paths:
        calls[path[:-1], without_number(path[-1])] += 1
    together: defaultdict[tuple[Path, int], list[str]] = defaultdict(list)
    for (parent, label), count in calls.items():
        if count >= OFTEN:
            together[parent, count].append(label)
    return [(parent, tuple(labels), count) for (parent, count), labels in together.items()]


def _calls(parent: Path, labels: Iterable[str], count: int) -> set[Path]:
    """Return the scopes of all calls in a loop."""
    numbers = ["", *(f" ({i})" for i in range(2, count + 1))]
    return {(*parent, label + number) for label in labels for number in numbers}


def _between(nodes: set[Node], edges: Sequence[Edge]) -> set[Node]:
    """Return the nodes that follow some of the nodes and lead to others of them."""
    after = set(nodes)
    for edge in edges:  # by target: each source has been reached before its users are
        if edge.source in after:
            after.add(edge.target)
    before = set(nodes)
    for edge in reversed(edges):
        if edge.target in before:
            before.add(edge.source)
    return after & before
