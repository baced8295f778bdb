"""The graph in the language of Graphviz."""

from __future__ import annotations

import json
from collections.abc import Sequence

from linefit.graph.nodes import Edge, Node
from linefit.graph.sentences import gradients, title, value_of

SHAPES = {"operation": "box", "leaf": "hexagon", "constant": "box"}


def written(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Return the graph as the text of a .dot file."""
    lines = ["digraph {", *map(_node, nodes), *map(_edge, edges), "}", ""]
    return "\n".join(lines)


def _node(node: Node) -> str:
    label = json.dumps("\n".join(filter(None, _label(node))), ensure_ascii=False)
    style = ', style="dashed", color="gray"' if node.kind == "constant" else ""
    return f'  n{node.index} [label={label}, shape="{SHAPES[node.kind]}"{style}];'


def _label(node: Node) -> list[str | None]:
    words = [title(node), node.backward_name if node.kind == "operation" else None]
    if node.op != "number":
        first = node.outputs[0]
        words += [value_of(first), *gradients(first.grad, first.accumulated)]
    return words


def _edge(edge: Edge) -> str:
    style = ' [style="dashed", color="gray"]' if edge.input is None else ""
    return f"  n{edge.source.index} -> n{edge.target.index}{style};"
