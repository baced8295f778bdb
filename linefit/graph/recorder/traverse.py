"""Traverse a graph in topological order; nothing is recursive, so a chain may have any length.

The recorder appends its nodes in an order in which each follows its inputs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from typing import Any

from linefit.graph.nodes import Edge, Node, Output

Numbers = MutableMapping[Node, dict[int, Node]]  # by their user and their number as an operand


def new_functions(start: Any, known: Collection[Any]) -> list[Any]:
    """Return the backward nodes behind ``start`` that are not known yet, inputs first."""
    for source, _ in start.next_functions:
        if source is not None and source not in known:
            return _behind(start, known)
    return [start]  # as nearly always


def _behind(start: Any, known: Collection[Any]) -> list[Any]:
    found: list[Any] = []
    seen = set()
    stack = [(start, False)]
    while stack:
        fn, inputs_done = stack.pop()
        if inputs_done:
            found.append(fn)
        elif fn is not None and fn not in known and fn not in seen:
            seen.add(fn)
            stack.append((fn, True))
            stack.extend((source, False) for source, _ in reversed(fn.next_functions))
    return found


def assemble(
    recorded: Iterable[Node], numbers: Numbers
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Return the nodes and edges of a graph, and number the nodes in topological order.

    The plain numbers among the operands become nodes of their own, before the node that uses them;
    they are kept in ``numbers``, so that a second call returns the same ones.
    """
    known: list[Node] = []
    every: list[Edge] = []
    for node in recorded:
        made = _numbers_of(node, numbers)
        known += [*made.values(), node]
        every += _edges_into(node, made)
    shown = without_loose_constants(known, every)
    nodes = tuple(node for node in known if node in shown)
    for index, node in enumerate(nodes):
        node.index = index
        node.version = _boxes_before(node, shown)
    edges = [edge for edge in every if edge.target in shown]
    edges.sort(key=lambda edge: edge.target.index)
    return nodes, tuple(edges)


def _boxes_before(node: Node, shown: set[Node]) -> int:
    """Return how many boxes the same tensor has before this one."""
    earlier = node._before
    while earlier is not None and earlier not in shown:
        earlier = earlier._before
    return 0 if earlier is None else earlier.version + 1


def _numbers_of(node: Node, numbers: Numbers) -> Mapping[int, Node]:
    """Return a node for each plain number among a node's operands, by its place among them."""
    if node in numbers:
        return numbers[node]
    made = {}
    for i, operand in enumerate(node._operands):
        if not isinstance(operand, Node):
            made[i] = Node("number", None, (Output(requires_grad=False, is_leaf=True),))
            made[i].outputs[0]._copy = operand
    if made:
        numbers[node] = made
    return made


def _edges_into(node: Node, numbers: Mapping[int, Node]) -> list[Edge]:
    """Return the edges that end in a node, by operand: autograd's own, then constants."""
    found = [Edge(s[0], node, s[1], i) for i, s in enumerate(node._sources) if s is not None]
    found += [Edge(source, node, out, None) for source, out in node._untracked]
    found += [Edge(number, node, 0, None) for number in numbers.values()]
    if len(found) < 2:
        return found
    operands = list(node._operands)
    for i, number in numbers.items():
        operands[i] = number
    return sorted(found, key=lambda edge: _operand_index(edge.source, operands))


def _operand_index(source: Node, operands: list[Node | complex]) -> int:
    """Return which operand an input is; a node that torch has put between counts as its input."""
    behind = [found[0] for found in source._sources[:1] if found is not None]
    for candidate in (source, *behind):
        if candidate in operands:
            return operands.index(candidate)
    return -1


def without_loose_constants(nodes: list[Node], edges: list[Edge]) -> set[Node]:
    """Return the nodes to show: autograd's, what they use, and constants that have a name.

    A leaf that nothing uses and a constant that leads nowhere are left out, unless there is no
    operation at all to lead to.
    """
    inputs: defaultdict[Node, list[Node]] = defaultdict(list)
    for edge in edges:
        inputs[edge.target].append(edge.source)
    wanted = [n for n in nodes if n.kind == "operation" or (n.name and inputs[n])]
    if not wanted:
        wanted = [n for n in nodes if n.kind == "constant" and n.op != "number"]
    shown: set[Node] = set()
    while wanted:
        node = wanted.pop()
        if node not in shown:
            shown.add(node)
            wanted.extend(inputs[node])
    return shown
