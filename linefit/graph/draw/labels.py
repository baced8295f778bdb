"""What is written in the boxes and beside the edges of a figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from torch import Tensor

from linefit.graph import sentences
from linefit.graph.draw.fold import Passage
from linefit.graph.nodes import Edge, Node, Output

SIZE = 12  # pixels of the font, but for these:
SIZES = {"function": 10, "part": 11, "via": 10}
ADVANCE = 0.61  # width of a character in the widest of the usual monospaced fonts, in sizes


@dataclass(frozen=True)
class TextLine:
    """One line of text; ``role`` says what it is.

    In a box it is a "title", "function", "value" or "grad", at an edge the operations "via" which
    it leads or a "part" of a gradient.  ``output`` is the number of the output that has the value
    or gradient.
    """

    role: str
    text: str
    output: int = 0

    @property
    def width(self) -> float:
        """The pixels that it takes in a monospaced font; East Asian characters take two places."""
        places = sum(2 if east_asian_width(sign) in "WF" else 1 for sign in self.text)
        return places * ADVANCE * SIZES.get(self.role, SIZE)


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


def edge_labels(edges: Sequence[Edge]) -> list[tuple[TextLine, ...]]:
    """Return the label of each edge: the operations that it passes and its part of a gradient.

    The latter is shown where several parts add up.
    """
    fan_out = Counter((e.source, e.output) for e in edges if e.input is not None)
    labels = []
    for edge in edges:
        lines = []
        if isinstance(edge, Passage):
            passed = sentences.passing([node.op for node in edge.passed])
            lines.append(TextLine("via", passed))
        if edge.grad is not None and fan_out[edge.source, edge.output] > 1:
            lines.append(TextLine("part", sentences.part_of_gradient(edge.grad)))
        labels.append(tuple(lines))
    return labels
