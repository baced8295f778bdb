"""Fold views and changes of shape into the edges that they lie on, so that a figure is smaller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from torch import Tensor

from linefit.graph.nodes import Edge, Node

BACKWARD = {
    "Alias", "AsStrided", "Clone", "Expand", "Permute", "Reshape", "ReshapeAlias", "Select",
    "Slice", "Squeeze", "T", "Transpose", "UnsafeView", "Unsqueeze", "View",
}  # fmt: skip
OPERATIONS = {
    "H", "T", "clone", "contiguous", "expand", "expand_as", "flatten", "getitem", "mH", "mT",
    "movedim", "narrow", "permute", "reshape", "reshape_as", "select", "squeeze", "swapaxes",
    "swapdims", "t", "transpose", "unbind", "unflatten", "unsafe_view", "unsqueeze", "view",
    "view_as",
}  # fmt: skip


class Passage(Edge):
    """An edge that passes folded nodes.

    Attributes
    ----------
    passed : tuple of Node
        The nodes between its source and its target.
    """

    __slots__ = ("_first", "passed")

    def __init__(self, first: Edge, last: Edge, passed: Sequence[Node]) -> None:
        super().__init__(first.source, last.target, first.output, last.input)
        self.passed = tuple(passed)
        self._first = first

    @property
    def grad(self) -> Tensor | None:
        """The part of the source's gradient that came back along it."""
        return self._first.grad


class Joined(Node):
    """An operation with the change of shape that belongs to the same call, such as ``linear``."""

    __slots__ = ()

    def __init__(self, inner: Node, view: Node) -> None:
        super().__init__(view.op, None, view.outputs)
        self.backward_name = inner.backward_name
        self.index = inner.index
        self.scope = inner.scope
        self._parts = inner._parts


def fold(
    nodes: Sequence[Node], edges: Sequence[Edge]
) -> tuple[Sequence[Node], Sequence[Edge], int]:
    """Return the nodes and edges without unnamed views and changes of shape, and their number.

    What has several users stays, and so does a result.
    """
    into: dict[Node, list[Edge]] = {node: [] for node in nodes}
    out_of: dict[Node, list[Edge]] = {node: [] for node in nodes}
    for edge in edges:
        into[edge.target].append(edge)
        out_of[edge.source].append(edge)
    folded = {n for n in nodes if _changes_shape(n) and len(into[n]) == 1 == len(out_of[n])}
    if not folded:
        return nodes, edges, 0
    passages = [_passage(e, into, folded) for e in edges if e.target not in folded]
    joined = _joined(passages, out_of)
    for i, edge in enumerate(passages):
        source = joined.get(edge.source, edge.source)
        target = joined.get(edge.target, edge.target)
        if source is not edge.source or target is not edge.target:
            passages[i] = _between(source, target, edge)
    kept = [joined.get(node, node) for node in nodes if node not in folded]
    return kept, passages, len(folded)


def _changes_shape(node: Node) -> bool:
    if node.name or len(node.outputs) != 1:
        return False
    if node.backward_name is None:
        return node.op in OPERATIONS
    return node.backward_name.rstrip("0123456789").removesuffix("Backward") in BACKWARD


def _passage(edge: Edge, into: Mapping[Node, Sequence[Edge]], folded: set[Node]) -> Edge:
    """Return the edge, or the passage from the last node before it that is not folded."""
    first = edge
    passed: list[Node] = []
    while first.source in folded:
        passed.append(first.source)
        (first,) = into[first.source]
    return Passage(first, edge, passed[::-1]) if passed else edge


def _joined(edges: Sequence[Edge], out_of: Mapping[Node, Sequence[Edge]]) -> dict[Node, Node]:
    """Return the nodes that take the name of the user's call from the view that ended it."""
    found: defaultdict[Node, list[Node]] = defaultdict(list)
    for edge in edges:
        if isinstance(edge, Passage):
            found[edge.source].append(edge.passed[0])
    return {
        inner: Joined(inner, views[0])
        for inner, views in found.items()
        if inner.kind == "operation"
        and len(out_of[inner]) == 1
        and not inner._operands
        and not inner.name
        and views[0]._operands
        and views[0].op not in OPERATIONS
    }


def _between(source: Node, target: Node, edge: Edge) -> Edge:
    """Return an edge between two nodes in place of another, without the view that was joined."""
    new = Edge(source, target, edge.output, edge.input)
    if not isinstance(edge, Passage):
        return new
    passed = edge.passed[1:] if source is not edge.source else edge.passed
    first = Edge(source, edge._first.target, edge.output, edge._first.input)
    return Passage(first, new, passed) if passed else new
