"""The graph of a tape, drawn by the same code as PyTorch's."""

from __future__ import annotations

import torch
from torch import Tensor

from linefit.graph._graph import Graph
from linefit.graph._ledger import Ledger
from linefit.graph._nodes import Edge, Node, Run
from linefit.graph._output import Output
from linefit.tape import Array, Tape, Var, unbroadcast


def of_tape(tape: Tape) -> Graph:
    """Return the graph that a tape holds, with its values and gradients.

    A node's ``backward_name`` is "layer"; the parts of a gradient, which a tape does not keep, are
    computed once more from the layers' rules.  Its steps tell several backward passes as one.

    Parameters
    ----------
    tape : Tape
        Before or after :meth:`linefit.tape.Tape.backward`.

    Examples
    --------
    >>> tape = Tape()
    >>> x, y = tape.variable([1, 2], "x"), tape.variable([3, 4], "y")
    >>> tape.backward((x * y).sum())
    >>> print(of_tape(tape))
    x   leaf       variable  [1, 2]  grad [3, 4]
    y   leaf       variable  [3, 4]  grad [1, 2]
    %2  mul(x, y)  layer     [3, 8]  grad [1, 1]
    %3  sum(%2)    layer     11      grad 1
    """
    made = {var: _node(i, var) for i, var in enumerate(tape.nodes)}
    edges = []
    for tick, (var, node) in enumerate(reversed(made.items()), 1):
        given = var.grad is not None and var.requires_grad
        diffs = var.layer.backward(var.grad, *(v.value for v in var.inputs)) if given else ()
        for i, source in enumerate(var.inputs):
            edges.append(Edge(made[source], node, 0, i if source.requires_grad else None))
        sent = tuple(
            _tensor(unbroadcast(diff, source.value.shape)) if source.requires_grad else None
            for source, diff in zip(var.inputs, diffs, strict=bool(diffs))
        )
        node._parts = {i: part for i, part in enumerate(sent) if part is not None}
        if given and var.inputs:
            node._runs = (Run(0, tick, (node.grad,), sent, kept=False),)
    edges.sort(key=lambda edge: edge.target.index)
    graph = Graph(Ledger(max_elements=0))
    graph._ledger.nodes = list(made.values())
    graph._built = len(made), tuple(made.values()), tuple(edges)
    return graph


def _node(index: int, var: Var) -> Node:
    leaf, tracked = not var.inputs, var.requires_grad
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
