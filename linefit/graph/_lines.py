"""What stands in a box: the lines of a node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from linefit.graph import _text
from linefit.graph._nodes import Node
from linefit.graph._output import Output


@dataclass(frozen=True)
class Line:
    """One line of text in a box; ``role`` is "title", "function", "value" or "grad".

    ``output`` is the number of the output whose value or gradient it is.
    """

    role: str
    text: str
    output: int = 0


def lines_of(node: Node) -> tuple[Line, ...]:
    """Return the lines of a node's box."""
    lines = [Line("title", _text.title(node))]
    if node.op == "number":
        return tuple(lines)
    if node.kind in {"operation", "group"}:
        lines.append(Line("function", node.backward_name or ""))
    for i, output, mark in _shown(node):
        if value := _text.value_of(output):
            lines.append(Line("value", mark + value, i))
        lines += gradient_lines(node, i, output.grad, output.accumulated)
    return tuple(lines)


def gradient_lines(
    node: Node, output: int, grad: Tensor | None, accumulated: Tensor | None
) -> list[Line]:
    """Return the lines that tell of the gradient of one output of a node."""
    mark = next((mark for i, _, mark in _shown(node) if i == output), "")
    return [Line("grad", mark + text, output) for text in _text.gradients(grad, accumulated)]


def _shown(node: Node) -> Iterator[tuple[int, Output, str]]:
    """Yield the outputs to show, with what to write before their lines where there are several."""
    every = list(enumerate(node.outputs))
    known = [(i, o) for i, o in every if o.value is not None or o.grad is not None or o.name]
    shown = known or every[:1]
    for i, output in shown:
        yield i, output, f"{output.name or shown.index((i, output))}: " if len(shown) > 1 else ""
