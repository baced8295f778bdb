"""A tape as the source of a graph, so that the same code draws it as PyTorch's."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from linefit.graph.nodes import Edge, Node, Output, Run
from linefit.tape import Array, Var, unbroadcast

if TYPE_CHECKING:
    from linefit.tape import Tape

Gradients = tuple[Tensor | None, ...]


class TapeTrace:
    """The nodes and edges of a tape as it is now."""

    unused: tuple[tuple[str, tuple[int, ...]], ...] = ()  # a tape has no modules

    def __init__(self, tape: Tape) -> None:
        nodes = {var: _node(i, var) for i, var in enumerate(tape.nodes)}
        edges = []
        for tick, (var, node) in enumerate(reversed(nodes.items()), 1):
            for i, source in enumerate(var.inputs):
                edges.append(Edge(nodes[source], node, 0, i if source.requires_grad else None))
            sent = _sent(var)
            node._parts = {i: part for i, part in enumerate(sent) if part is not None}
            if var.inputs and node.grad is not None:
                node._runs = (Run(0, tick, (node.grad,), sent, kept=False),)
        edges.sort(key=lambda edge: edge.target.index)
        self._nodes = tuple(nodes.values())
        self._edges = tuple(edges)

    def read(self) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
        """Return the nodes in the order of the tape, and the edges."""
        return self._nodes, self._edges

    def knows(self, output: Tensor) -> bool:
        """Whether a tensor is a result of the tape: none is, its results are NumPy arrays."""
        return output.grad_fn is None

    def begin_pass(self) -> None:
        """Do nothing: a tape measures no times."""

    def seconds(self) -> dict[tuple[str, ...], tuple[float, float]]:
        """Return nothing: a tape measures no times."""
        return {}

    def scope(self, _name: str) -> AbstractContextManager[None]:
        """Do nothing: a tape has no scopes."""
        return nullcontext()

    def close(self) -> None:
        """Do nothing: a tape's graph holds nothing but itself."""


def _sent(var: Var) -> Gradients:
    """Return what a layer has sent to each input; a tape keeps only the sums of that."""
    if var.grad is None or not var.requires_grad:
        return (None,) * len(var.inputs)
    diffs = var.layer.backward(var.grad, *(v.value for v in var.inputs))
    return tuple(
        _tensor(unbroadcast(diff, source.value.shape)) if source.requires_grad else None
        for source, diff in zip(var.inputs, diffs, strict=True)
    )


def _node(index: int, var: Var) -> Node:
    leaf = not var.inputs
    tracked = var.requires_grad
    output = Output(requires_grad=tracked, is_leaf=leaf)
    output._copy = _tensor(var.value)
    output.describe(output._copy)
    output.name = None if var.name == f"v{index}" else var.name  # that one the tape has given
    output.grad = _tensor(var.grad) if tracked and var.grad is not None else None
    kind = "leaf" if tracked else "constant"
    node = Node(kind if leaf else var.layer.name, None, (output,))
    node.index = index
    if tracked:
        node.backward_name = "variable" if leaf else "layer"
    return node


def _tensor(array: Array) -> Tensor:
    return torch.tensor(array, dtype=torch.float64)
