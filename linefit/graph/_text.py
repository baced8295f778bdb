"""The graph in characters: for the terminal, for Graphviz, for programs, and in one sentence."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from linefit.graph._nodes import Edge, Node
from linefit.graph._output import Output

SHOWN = 60  # lines of a listing
ORDERED = {  # types of which torch finds the smallest number
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
}  # fmt: skip
FEW, WIDE = 6, 24  # elements, and characters in which a tensor is written out
COUNTED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def number(value: float, *, digits: int = 4) -> str:
    """Return a number with a few significant digits and a real minus sign.

    >>> number(-9.875), number(12345.6), number(1234567.0), number(1e-9), number(3)
    ('−9.875', '12346', '1.235e6', '1e−9', '3')
    """
    if isinstance(value, bool):
        return str(value)
    if 10**digits <= abs(value) < 1e6:
        return f"{value:.0f}".replace("-", "−")
    mantissa, _, power = f"{value:.{digits}g}".partition("e")
    text = f"{mantissa}e{int(power)}" if power else mantissa
    return text.replace("-", "−")


def brief(tensor: Tensor) -> str:
    """Return a tensor's numbers where they are few, else its shape and the range of its values.

    >>> brief(torch.tensor([1.0, -2.5])), brief(torch.arange(100).reshape(4, 25))
    ('[1, −2.5]', '(4, 25) 0 … 99')
    """
    tensor = dense(tensor)
    shape = tuple(tensor.shape)
    if tensor.is_meta or tensor.numel() == 0:
        return f"{shape}"
    if tensor.numel() <= FEW and len(text := _few(tensor.tolist())) <= WIDE:
        return text
    if tensor.is_complex():
        return f"{shape}"
    if tensor.dtype == torch.bool:
        return f"{shape} {int(tensor.sum())} True"
    return f"{shape} {_range(tensor)}"


def _range(tensor: Tensor) -> str:
    """Return the smallest and the largest number, and how many are none."""
    ordered = tensor if tensor.dtype in ORDERED else tensor.double()
    nans = int(ordered.isnan().sum())
    if nans == ordered.numel():
        return "all nan"
    if nans:
        return f"{_range(ordered[~ordered.isnan()])}, {nans} nan"
    least, most = ordered.min().item(), ordered.max().item()
    low, high = number(least, digits=3), number(most, digits=3)
    if low != high:
        return f"{low} … {high}"
    return f"all {low}" if least == most else f"all ≈ {low}"


def _few(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_few, value))}]"
    if isinstance(value, complex):
        return f"{number(value.real)} {'−' if value.imag < 0 else '+'} {number(abs(value.imag))}i"
    return number(value)


def value_of(output: Output) -> str:
    """Return the value of an output, or its shape where no value was kept."""
    if output.value is not None:
        return brief(output.value)
    return f"{output.shape}" if output.shape else ""


def gradients(grad: Tensor | None, kept: Tensor | None) -> list[str]:
    """Return what to say of a gradient: what reached the tensor, and its ``.grad`` if that differs.

    They differ where earlier backward passes had left a gradient.
    """
    lines = [f"grad {brief(grad)}"] if grad is not None else []
    if kept is not None and (grad is None or not same(kept, grad)):
        lines.append(f".grad {brief(kept)}")
    return lines


def dense(tensor: Tensor) -> Tensor:
    """Return the same numbers one by one, of a sparse or a quantized tensor too."""
    if tensor.is_quantized:
        return tensor.dequantize()
    return tensor.to_dense() if tensor.layout != torch.strided else tensor


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same numbers, NaN included."""
    if one.shape != other.shape or one.is_meta or other.is_meta:
        return one.shape == other.shape
    return torch.allclose(dense(one), dense(other), rtol=0, atol=0, equal_nan=True)


def title(node: Node) -> str:
    """Return the name and the operation of a node, as ``loss = mean``."""
    names = ", ".join(output.name for output in node.outputs if output.name)
    if node.op == "number" and node.value is not None:
        return brief(node.value)
    if node.op in {"leaf", "constant"}:
        return names or node.op
    return f"{names} = {node.op}" if names else node.op


def listing(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Return a line for each node: its name, how it was made, its value and gradient."""
    inputs: defaultdict[Node, list[str]] = defaultdict(list)
    for edge in edges:
        inputs[edge.target].append(_reference(edge.source, edge.output))
    named = [node for node in nodes if node.op != "number"]
    rows = [_row(node, inputs[node]) for node in named[:SHOWN]]
    if not rows:
        return "an empty graph"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if len(named) > SHOWN:
        lines.append(f"… and {len(named) - SHOWN} more")
    return "\n".join(lines)


def _reference(node: Node, output: int) -> str:
    if node.op == "number":
        return title(node)
    known = node.outputs[output].name or f"%{node.index}"
    several = len(node.outputs) > 1 and not node.outputs[output].name
    return f"{known}.{output}" if several else known


def _row(node: Node, inputs: list[str]) -> tuple[str, ...]:
    shown = [o for o in node.outputs if o.name or o.value is not None] or list(node.outputs[:1])
    names = ", ".join(o.name for o in node.outputs if o.name) or f"%{node.index}"
    made = node.op if node.op in {"leaf", "constant"} else f"{node.op}({', '.join(inputs)})"
    values = " and ".join(filter(None, map(value_of, shown)))
    grads = " and ".join(line for o in shown for line in gradients(o.grad, o.accumulated))
    return names, made, node.backward_name or "", values, grads


def dot(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Return the graph in the language of Graphviz."""
    shapes = {"operation": "box", "leaf": "hexagon", "constant": "box"}
    lines = ["digraph {"]
    for node in nodes:
        words = [title(node), node.backward_name if node.kind == "operation" else None]
        if node.op != "number":
            first = node.outputs[0]
            words += [value_of(first), *gradients(first.grad, first.accumulated)]
        label = json.dumps("\n".join(filter(None, words)), ensure_ascii=False)
        style = ', style="dashed", color="gray"' if node.kind == "constant" else ""
        lines.append(f'  n{node.index} [label={label}, shape="{shapes[node.kind]}"{style}];')
    for edge in edges:
        style = ' [style="dashed", color="gray"]' if edge.input is None else ""
        lines.append(f"  n{edge.source.index} -> n{edge.target.index}{style};")
    return "\n".join([*lines, "}", ""])


def of_large(nodes: int, boxes: int, shown: int) -> str:
    """Return how a graph is shown that is too large to be drawn node by node, else nothing."""
    if boxes < nodes:
        some = f"{shown} of its {boxes}" if shown < boxes else f"{boxes}"
        return f"{nodes} nodes in {some} boxes: one for each call of a module or scope."
    return f"{shown} of {nodes} nodes: those nearest the end." if shown < nodes else ""


def spoken(tensor: Tensor) -> str:
    """Return a tensor's numbers, or its shape and range, as words of a sentence."""
    shape, between, rest = brief(tensor).partition(") ")
    return f"{shape}) from {rest.replace('…', 'to')}" if "…" in rest else shape + between + rest


def in_words(nodes: Sequence[Node]) -> str:
    """Return a sentence that says what the figure shows."""
    kinds = Counter(node.kind for node in nodes if node.op != "number" and node.kind != "leaf")
    ways = "operation" + "s" * (kinds["operation"] != 1)
    count = kinds["operation"]
    words = f"{COUNTED[count] if count < len(COUNTED) else count} {ways}"
    leaves = [n for n in nodes if n.kind == "leaf"]
    results = [o for n in nodes if n.kind == "operation" for o in n.outputs if o.name]
    ends = [f"{o.name} is {spoken(o.value)}" for o in results[-1:] if o.value is not None]
    reached = [
        f"the gradient reaching {n.name or 'a leaf'} is {spoken(n.grad)}"
        for n in leaves
        if n.grad is not None
    ]
    more = [f"and {len(reached) - 6} more leaves have gradients"] if len(reached) > 6 else []
    return "; ".join(["Computational graph: " + words, *ends, *reached[:6], *more]) + "."
