"""Ways through a graph, none of them recursive: a chain of any length is walked.

Nodes are kept in the order in which they were written down, each after its inputs.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from linefit.graph._nodes import Edge, Node
from linefit.graph._output import Output

RARELY = 50_000  # new objects between two searches for garbage; Python's own number is 700


def new_functions(start: Any, known: Collection[Any]) -> list[Any]:
    """Return the backward nodes behind ``start`` that are not known yet, inputs first."""
    if all(source is None or source in known for source, _ in start.next_functions):
        return [start]  # as nearly always
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


def with_numbers(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield the nodes, and before each of them the plain numbers among its operands as nodes."""
    for node in nodes:
        order = list(node._order)
        for i, operand in enumerate(order):
            if not isinstance(operand, Node):
                order[i] = made = Node("number", None, (Output(requires_grad=False, is_leaf=True),))
                made.outputs[0]._copy = operand
        node._order = order
        yield from (n for n in order if isinstance(n, Node) and n.op == "number")
        yield node


def edges_into(node: Node, by_fn: dict[Any, Node]) -> list[Edge]:
    """Return the edges that end in a node: autograd's own, then those from constants."""
    tracked = enumerate(node._fn.next_functions if node._fn is not None else ())
    found = [Edge(by_fn[fn], node, out, i) for i, (fn, out) in tracked if fn is not None]
    found += [Edge(source, node, out, None) for source, out in node._sources]
    found += [
        Edge(number, node, 0, None)
        for number in node._order
        if isinstance(number, Node) and number.op == "number"
    ]
    return sorted(found, key=lambda edge: _place(edge.source, node, by_fn)) if found else found


def _place(source: Node, node: Node, by_fn: dict[Any, Node]) -> int:
    """Return which operand an input was; one that torch has made of an operand takes its place."""
    behind = source._fn.next_functions if source._fn is not None else ()
    for candidate in (source, *(by_fn[fn] for fn, _ in behind[:1] if fn is not None)):
        if candidate in node._order:
            return node._order.index(candidate)
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


def flat(values: Any) -> Iterator[Any]:
    """Yield what lists, tuples and dicts hold, at any depth."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from flat(value)
        elif isinstance(value, dict):
            yield from flat(value.values())
        else:
            yield value


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Let Python look for garbage less often while many objects are made that stay."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], RARELY) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def without_collecting() -> Iterator[None]:
    """Make many objects that will all be kept without Python looking for garbage among them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
