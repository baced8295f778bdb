"""Merge the nodes of each module call into one box, until a large graph fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from graphlib import CycleError, TopologicalSorter

from linefit.graph.nodes import Edge, Kind, Node
from linefit.graph.sentences import operations


class Group(Node):
    """The nodes of one scope as a single box; its outputs are those that are used outside.

    Attributes
    ----------
    members : tuple of Node
        The nodes in it.
    """

    __slots__ = ("members",)

    def __init__(self, name: str, members: Sequence[Node], edges: Sequence[Edge]) -> None:
        inside = set(members)
        used_inside = {(e.source, e.output) for e in edges if e.target in inside}
        leaving = {(e.source, e.output) for e in edges if e.target not in inside}
        outputs = tuple(
            output
            for node in members
            for i, output in enumerate(node.outputs)
            if (node, i) in leaving
            or ((node, i) not in used_inside and output.value is not None and not node.is_leaf)
        )
        super().__init__(name, None, outputs or members[-1].outputs)
        self.backward_name = operations(sum(node.kind == "operation" for node in members))
        self.index = members[-1].index
        self.members = tuple(members)

    @property
    def kind(self) -> Kind:
        """It is a "group"."""
        return "group"


def collapse(
    nodes: Sequence[Node], edges: Sequence[Edge], most: int
) -> tuple[Sequence[Node], Sequence[Edge]]:
    """Merge the nodes of each scope into a group, the deepest scopes first, up to ``most`` boxes.

    Where the outermost scopes still leave more, the fewest boxes that scopes allow are returned.
    They are in topological order; a depth at which groups would depend on each other is left out.
    """
    deepest = max((len(node.scope) for node in nodes), default=0)
    best: tuple[Sequence[Node], Sequence[Edge]] = nodes, edges
    for depth in range(deepest, 0, -1):
        if len(best[0]) <= most:
            break
        groups, between = _at_depth(nodes, edges, depth)
        ordered = _topological(groups, between)
        if ordered and len(groups) < len(best[0]):
            best = ordered, between
    return best


def _topological(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Node]:
    """Return nodes so that each follows its inputs; none if there is a circle."""
    inputs: dict[Node, list[Node]] = {node: [] for node in nodes}
    for edge in edges:
        inputs[edge.target].append(edge.source)
    try:
        return list(TopologicalSorter(inputs).static_order())
    except CycleError:
        return []


def _at_depth(
    nodes: Sequence[Node], edges: Sequence[Edge], depth: int
) -> tuple[list[Node], list[Edge]]:
    """Return a group for all nodes with the same outermost ``depth`` scopes, and their edges."""
    keys = _keys(nodes, edges, depth)
    members: defaultdict[Hashable, list[Node]] = defaultdict(list)
    within: defaultdict[Hashable, list[Edge]] = defaultdict(list)
    for node in nodes:
        members[keys[node]].append(node)
    for edge in edges:
        within[keys[edge.source]].append(edge)
        within[keys[edge.target]].append(edge)
    box = {
        key: found[0] if len(found) == 1 else Group(found[-1].scope[depth - 1], found, within[key])
        for key, found in members.items()
    }
    between: dict[tuple[Node, Node, int | None], Edge] = {}
    for edge in edges:
        source = box[keys[edge.source]]
        target = box[keys[edge.target]]
        if source is target:
            continue
        plain = not isinstance(source, Group) and not isinstance(target, Group)
        key = (source, target, edge.input if plain else edge.input is not None)
        between.setdefault(key, edge if plain else Edge(source, target, 0, edge.input))
    return list(box.values()), list(between.values())


def _keys(nodes: Sequence[Node], edges: Sequence[Edge], depth: int) -> dict[Node, Hashable]:
    """Return for each node the scope that it is drawn in, or itself.

    What has no inputs belongs to the scope that uses it, if that is only one.
    """
    has_inputs = {edge.target for edge in edges}
    keys: dict[Node, Hashable] = {
        node: node.scope[:depth] if len(node.scope) >= depth and node in has_inputs else node
        for node in nodes
    }
    users: defaultdict[Node, set[Hashable]] = defaultdict(set)
    for edge in edges:
        users[edge.source].add(keys[edge.target])
    for node in nodes:
        if node not in has_inputs and len(users[node]) == 1:
            (key,) = users[node]
            keys[node] = key if isinstance(key, tuple) else node
    return keys
