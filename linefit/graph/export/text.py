"""The graph as a listing for the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from linefit.graph.nodes import Edge, Node
from linefit.graph.sentences import (
    EMPTY,
    gradients,
    listed,
    more,
    title,
    value_of,
    versioned,
)

SHOWN = 60  # lines of a listing


def listing(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Return a line for each node: its name, how it was made, its value and gradient."""
    inputs: defaultdict[Node, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.source is not edge.target._base:  # what is changed through a view
            inputs[edge.target].append(_reference(edge.source, edge.output))
    named = [node for node in nodes if node.op != "number"]
    rows = [_row(node, inputs[node]) for node in named[:SHOWN]]
    if not rows:
        return EMPTY
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if len(named) > SHOWN:
        lines.append(more(len(named) - SHOWN))
    return "\n".join(lines)


def _reference(node: Node, output: int) -> str:
    if node.op == "number":
        return title(node)
    known = versioned(node.outputs[output].name or f"%{node.index}", node)
    several = len(node.outputs) > 1 and not node.outputs[output].name
    return f"{known}.{output}" if several else known


def _row(node: Node, inputs: list[str]) -> tuple[str, ...]:
    shown = [o for o in node.outputs if o.name or o.value is not None] or list(node.outputs[:1])
    names = ", ".join(o.name for o in node.outputs if o.name) or f"%{node.index}"
    names = versioned(names, node)
    made = node.op if node.op in {"leaf", "constant"} else f"{node.op}({', '.join(inputs)})"
    values = listed(list(filter(None, map(value_of, shown))))
    grads = listed([line for o in shown for line in gradients(o.grad, o.accumulated)])
    return names, made, node.backward_name or "", values, grads
