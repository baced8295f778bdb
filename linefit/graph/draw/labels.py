"""What is written in the boxes and beside the edges of a figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from linefit.graph import sentences
from linefit.graph.nodes import Edge, Node, Output


@dataclass(frozen=True)
class TextLine:
    """One line of text in a box; ``role`` is "title", "function", "value" or "grad".

    ``output`` is the number of the output whose value or gradient it is.
    """

    role: str
    text: str
    output: int = 0


def text_lines(node: Node) -> tuple[TextLine, ...]:
    """Return the lines of text in a node's box."""
    lines = [TextLine("title", sentences.title(node))]
    if node.op == "number":
        return tuple(lines)
    if node.kind in {"operation", "group"}:
        lines.append(TextLine("function", node.backward_name or ""))
    for i, output, mark in _shown(node):
        if value := sentences.value_of(output):
            lines.append(TextLine("value", mark + value, i))
        lines += gradient_lines(node, i, output.grad, output.accumulated)
    return tuple(lines)


def gradient_lines(
    node: Node, output: int, grad: Tensor | None, accumulated: Tensor | None
) -> list[TextLine]:
    """Return the lines of text on the gradient of one output of a node."""
    mark = next((mark for i, _, mark in _shown(node) if i == output), "")
    texts = sentences.gradients(grad, accumulated)
    return [TextLine("grad", mark + text, output) for text in texts]


def _shown(node: Node) -> Iterator[tuple[int, Output, str]]:
    """Yield the outputs to show, with what to write before their lines where there are several."""
    every = list(enumerate(node.outputs))
    known = [(i, o) for i, o in every if o.value is not None or o.grad is not None or o.name]
    shown = known or every[:1]
    for i, output in shown:
        yield i, output, f"{output.name or shown.index((i, output))}: " if len(shown) > 1 else ""


def edge_labels(edges: Sequence[Edge]) -> list[str]:
    """Return the label of each edge: its part of a gradient where several parts add up, else ""."""
    fan_out = Counter((e.source, e.output) for e in edges if e.input is not None)
    return [
        sentences.part_of_gradient(e.grad)
        if e.grad is not None and fan_out[e.source, e.output] > 1
        else ""
        for e in edges
    ]
