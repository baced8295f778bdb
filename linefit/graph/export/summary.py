"""What each module or scope of a graph costs: parameters, memory and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from linefit.graph.export.table import INDENT, Cell, as_html, as_text
from linefit.graph.find import without_number
from linefit.graph.nodes import Edge, Node
from linefit.graph.numbers import duration, size
from linefit.graph.sentences import SUMMARY, WHOLE

Scope = tuple[str, ...]
Seconds = Mapping[Scope, tuple[float, float]]


@dataclass(frozen=True)
class ScopeCost:
    """What all calls of a module, or all bodies of a scope, cost together.

    Attributes
    ----------
    scope : tuple of str
        The modules and scopes, the outermost first; empty for the whole graph.
    calls : int
        How often it was entered.
    operations : int
        The operations of autograd in it and in the scopes inside it, as for the numbers below.
    parameters : int
        The elements of the leaves that they use.
    saved : int
        The bytes of the tensors that they keep for the backward pass, each counted once; leaves,
        which exist anyway, are left out.
    forward, backward : float
        The seconds that torch's calls and the backward nodes have taken, without what the recorder
        does between them.  On a GPU, where work is only launched, it is the time of that.
    """

    scope: Scope
    calls: int
    operations: int
    parameters: int
    saved: int
    forward: float
    backward: float


@dataclass(frozen=True, repr=False)
class Summary:
    """The costs of a graph by module and scope, as a table; :meth:`Graph.summary` makes one.

    Attributes
    ----------
    rows : tuple of ScopeCost
        The whole graph first, then its scopes in the order in which they were entered, each before
        those that it contains.
    """

    rows: tuple[ScopeCost, ...]

    def _cells(self) -> list[list[Cell]]:
        return [
            [
                Cell(INDENT * len(row.scope) + (row.scope[-1] if row.scope else WHOLE)),
                *(
                    Cell(text, is_number=True)
                    for text in (
                        f"{row.calls}" if row.scope else "",
                        f"{row.operations}",
                        f"{row.parameters:,}",
                        size(row.saved),
                        duration(row.forward),
                        duration(row.backward),
                    )
                ),
            ]
            for row in self.rows
        ]

    def __repr__(self) -> str:
        return as_text(SUMMARY, self._cells())

    def _repr_html_(self) -> str:
        return as_html(SUMMARY, self._cells())


def summary_of(
    nodes: Sequence[Node], edges: Sequence[Edge], seconds: Seconds, *, depth: int | None
) -> Summary:
    """Return what the scopes of a graph cost, down to a depth."""
    calls: defaultdict[Scope, set[Scope]] = defaultdict(set)
    operations: defaultdict[Scope, int] = defaultdict(int)
    leaves: defaultdict[Scope, set[Node]] = defaultdict(set)
    saved: defaultdict[Scope, dict[Hashable, int]] = defaultdict(dict)
    times: defaultdict[Scope, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for node in nodes:
        for scope, call in _around(node.scope):
            calls[scope].add(call)
            operations[scope] += node.kind == "operation"
            for kept in node.saved:
                maker = kept.source
                if maker is None or not maker.is_leaf:
                    saved[scope][(maker, kept.output) if maker else kept] = kept.nbytes
    for edge in edges:
        if edge.source.kind == "leaf":
            for scope, _ in _around(edge.target.scope):
                leaves[scope].add(edge.source)
    for path, spent in seconds.items():
        for scope, _ in _around(path):
            times[scope] = [one + more for one, more in zip(times[scope], spent, strict=True)]
    return Summary(
        tuple(
            ScopeCost(
                scope,
                len(calls[scope]),
                operations[scope],
                sum(prod(leaf.shape) for leaf in leaves[scope]),
                sum(saved[scope].values()),
                *times[scope],
            )
            for scope in _in_order(calls)
            if depth is None or len(scope) <= depth
        )
    )


def _around(path: Scope) -> list[tuple[Scope, Scope]]:
    """Return the scopes around a path, and which call of each it is; first the whole graph."""
    bare = tuple(map(without_number, path))
    return [(bare[:i], path[:i]) for i in range(len(path) + 1)]


def _in_order(scopes: Mapping[Scope, object]) -> list[Scope]:
    """Return scopes as they came, but each directly before those that it contains."""
    place = {scope: i for i, scope in enumerate(scopes)}
    return sorted(scopes, key=lambda s: [place[s[:i]] for i in range(len(s) + 1)])
