"""Merge the nodes of each module call, or of all calls in a loop, until a large graph fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from linefit.graph.draw.loops import roll_up
from linefit.graph.nodes import Edge, Kind, Node
from linefit.graph.sentences import operations

FEW = 4  # outputs that a box shows at most: the last ones


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
        shown = outputs or members[-1].outputs
        super().__init__(name, None, shown[-FEW:])
        self.backward_name = operations(sum(node.kind == "operation" for node in members))
        self.index = members[-1].index
        self.members = tuple(members)

    @property
    def kind(self) -> Kind:
        """It is a "group"."""
        return "group"


def collapse(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    most: int,
    *,
    depth: int | None = None,
    roll_loops: bool | None = None,
) -> tuple[Sequence[Node], Sequence[Edge]]:
    """Merge nodes by scope until there are at most so many boxes, in topological order.

    First all rounds of each loop become one box, then the calls of modules do, the deepest first.
    Where the outermost scopes still leave more boxes, the fewest that scopes allow are returned.
    A ``depth`` is taken as it is, and so is the wish to have loops rolled up, or not.
    """
    deepest = max((len(node.scope) for node in nodes), default=0)
    depths = range(deepest + 1, 0, -1) if depth is None else [depth]
    best: tuple[Sequence[Node], Sequence[Edge]] | None = None
    for at in depths:
        for roll in (False, True) if roll_loops is None else (roll_loops,):
            found = _merged(nodes, edges, at, roll=roll)
            if best is None or len(found[0]) < len(best[0]):
                best = found
            if len(best[0]) <= most:
                return best
    return best or (nodes, edges)


def _merged(
    nodes: Sequence[Node], edges: Sequence[Edge], depth: int, *, roll: bool
) -> tuple[Sequence[Node], Sequence[Edge]]:
    """Return a box for all nodes with the same outermost ``depth`` scopes, and the edges between.

    Boxes that would depend on each other are not made.
    """
    keys: dict[Node, Hashable] = {
        node: node.scope[:depth] if len(node.scope) >= depth else node for node in nodes
    }
    keys = roll_up(nodes, edges, keys) if roll else keys
    if all(key is node for node, key in keys.items()):
        return nodes, edges
    while True:
        boxes, between = _boxes(nodes, edges, _with_inputs(nodes, edges, keys))
        inputs: dict[Node, list[Node]] = {node: [] for node in boxes}
        for edge in between:
            inputs[edge.target].append(edge.source)
        try:
            return list(TopologicalSorter(inputs).static_order()), between
        except CycleError as error:
            groups = [box for box in error.args[1] if isinstance(box, Group)]
            keys |= {node: node for group in groups for node in group.members}


def _boxes(
    nodes: Sequence[Node], edges: Sequence[Edge], keys: Mapping[Node, Hashable]
) -> tuple[list[Node], list[Edge]]:
    """Return a group for all nodes with the same key, and the edges between."""
    members: defaultdict[Hashable, list[Node]] = defaultdict(list)
    within: defaultdict[Hashable, list[Edge]] = defaultdict(list)
    for node in nodes:
        members[keys[node]].append(node)
    for edge in edges:
        within[keys[edge.source]].append(edge)
        within[keys[edge.target]].append(edge)
    box = {
        key: Group(key[-1], found, within[key])
        if isinstance(key, tuple) and len(found) > 1
        else found[0]
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


def _with_inputs(
    nodes: Sequence[Node], edges: Sequence[Edge], keys: Mapping[Node, Hashable]
) -> dict[Node, Hashable]:
    """Return the keys, where what has no inputs belongs to the box that uses it, if only one does.

    What several use has its own box.
    """
    has_inputs = {edge.target for edge in edges}
    whole = {node: keys[node] if node in has_inputs else node for node in nodes}
    users: defaultdict[Node, set[Hashable]] = defaultdict(set)
    for edge in edges:
        users[edge.source].add(whole[edge.target])
    for node in nodes:
        if node not in has_inputs and len(users[node]) == 1:
            (key,) = users[node]
            whole[node] = key if isinstance(key, tuple) else node
    return whole
