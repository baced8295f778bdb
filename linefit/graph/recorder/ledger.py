"""The ledger of a recording: which node made which tensor, and what each node uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction

from linefit.graph.nodes import Node, Output, OutputRef
from linefit.graph.recorder import memory, names
from linefit.graph.recorder.hooks import GradientHook
from linefit.graph.recorder.saved import SavedTensors
from linefit.graph.recorder.state import State
from linefit.graph.recorder.traverse import new_functions


class Ledger:
    """The nodes recorded so far, each after its inputs, and the tensors that they made.

    No node refers to the ledger, nor does a hook: dropping it drops every tensor at once.
    """

    def __init__(self, *, max_elements: int) -> None:
        self.nodes: list[Node] = []
        self.by_fn: dict[Any, Node] = {}
        self.by_tensor: dict[int, OutputRef] = {}  # by identity; the outputs keep the tensors
        self.handles: list[Any] = []  # of hooks that have to be removed
        self.cuts: list[Any] = []  # backward nodes at which a deep graph is cut into pieces
        self.state = State()
        self.max_elements = max_elements
        self.names: dict[int, str] = {}  # of tensors, by identity
        self.saved = SavedTensors()
        self.calls: Counter[tuple[str, ...]] = Counter()  # of each module in each scope

    def node_of(self, tensor: Tensor) -> OutputRef:
        """Return the output that a tensor is; record its node if it is new."""
        known = self.by_tensor.get(id(tensor))
        if tensor.grad_fn is None:
            flag = tensor.requires_grad
            if known is None or known[0].outputs[known[1]].requires_grad != flag:
                tracked = flag and not tensor.is_inference()
                known = self._leaf(tensor) if tracked else self.constant(tensor)
            return known
        if known is not None and known[0]._fn is tensor.grad_fn:
            return known
        node = self.discover(tensor.grad_fn)
        if known is not None and known[0]._fn is None:  # made by a custom Function's forward
            self.attach(node, [s for s in _inputs_behind(known[0]) if s not in node._untracked])
        return self.pair(node, tensor, tensor.output_nr)

    def _leaf(self, tensor: Tensor) -> OutputRef:
        node = self.discover(_accumulator(tensor))
        if node.outputs[0]._tensor is not tensor:
            self.pair(node, tensor, 0)
        return node, 0

    def constant(self, tensor: Tensor, op: str = "constant") -> OutputRef:
        """Record a tensor that autograd does not track."""
        node = Node(op, None, (Output(requires_grad=tensor.requires_grad, is_leaf=True),))
        self._append(node)
        return self.pair(node, tensor, 0)

    def pair(self, node: Node, tensor: Tensor, number: int) -> OutputRef:
        """Pair a tensor with the output of a node that it is; an in-place change ends the old pair.

        A view whose history torch has rewritten gets a new node, like any other result.
        """
        earlier = self.by_tensor.get(id(tensor))
        if earlier is not None and earlier[0] is not node:
            earlier[0].outputs[earlier[1]]._tensor = None
        self.by_tensor[id(tensor)] = (node, number)
        output = node.outputs[number]
        if output._tensor is None and output._copy is None:
            output.capture(tensor, max_elements=self.max_elements)
            output.name = output.name or self.names.get(id(tensor))
        return node, number

    def discover(self, start: Any) -> Node:
        """Return the node of a ``grad_fn``; record it and every new one behind it."""
        if start in self.by_fn:
            return self.by_fn[start]
        for fn in new_functions(start, self.by_fn):
            self._add(fn, fn.variable if type(fn).__name__ == "AccumulateGrad" else None)
        return self.by_fn[start]

    def _add(self, fn: Any, variable: Tensor | None) -> None:
        leaf = variable is not None
        outputs = tuple(Output(requires_grad=True, is_leaf=leaf) for _ in _metadata(fn))
        node = Node("leaf" if leaf else _op(fn), fn, outputs)
        for i, (source, output) in enumerate(fn.next_functions):
            if source is not None:
                self._link(node, i, self.by_fn[source], output)
        self._append(node)
        self.by_fn[fn] = node
        hook = GradientHook(node, self.state)
        handle = fn.register_hook(hook.after)
        if variable is not None:
            self.pair(node, variable, 0)
            # What a leaf accumulates it may do in other graphs too
            self.handles += [handle, fn.register_prehook(hook.before)]
        else:
            node.saved = self.saved.of(fn, partial(self._maker, node))

    def _append(self, node: Node) -> None:
        node.scope = self.state.scope
        node._tick = self.state.ticks
        self.nodes.append(node)

    def _maker(self, node: Node, tensor: Tensor) -> tuple[Node | None, int]:
        """Return the output that is the tensor which ``node`` has saved, if that is known."""
        known = self.by_tensor.get(id(tensor))
        if known is not None and known[0].outputs[known[1]]._tensor is tensor:
            return known
        if tensor.grad_fn is node._fn:
            return node, tensor.output_nr
        return self.by_fn.get(tensor.grad_fn), tensor.output_nr

    def _link(self, node: Node, i: int, source: Node, output: int) -> None:
        """Note that the i-th of a node's ``next_functions`` is the output of another."""
        node._receivers = {**node._receivers, i: source.outputs[output]}
        node._depth = max(node._depth, source._depth + 1)
        if memory.crosses_pieces(node._depth, source._depth):
            self.cuts.append(source._fn)

    def is_unknown(self, tensor: Tensor) -> bool:
        """Whether a tensor has a ``grad_fn`` that is not recorded."""
        return tensor.grad_fn is not None and tensor.grad_fn not in self.by_fn

    def attach(self, node: Node, sources: Iterable[OutputRef]) -> None:
        """Add the inputs of a node that autograd does not see; for a constant those are all."""
        unseen = (s for s in sources if node._fn is None or s[0]._fn is None)
        node._untracked = [*node._untracked, *(s for s in unseen if s[0] is not node)]

    def name_outputs(self, names: Mapping[int, tuple[str, Tensor]]) -> None:
        """Name the outputs after the variables that hold their tensors."""
        for key, (name, tensor) in names.items():
            if key in self.by_tensor:
                node, number = self.node_of(tensor)
                node.outputs[number].name = name

    def catch_up(self) -> None:
        """Record the calls of custom Functions that have returned: torch announces none of them.

        Their results were constants within ``forward`` and have got their ``grad_fn`` since.
        """
        for node, number in list(self.by_tensor.values()):
            tensor = node.outputs[number]._tensor
            if node._fn is None and tensor is not None and tensor.requires_grad:
                self.node_of(tensor)

    def close(self) -> None:
        """Drop everything, the latest nodes first."""
        for handle in self.handles:
            handle.remove()
        self.by_tensor.clear()
        memory.keep(self.cuts)
        self.cuts.clear()
        while self.by_fn:
            self.by_fn.popitem()
        while self.nodes:
            self.nodes.pop()
        memory.release()


def _accumulator(leaf: Tensor) -> Any:
    """Return the backward node of a leaf, in any mode and with any layout."""
    alone = torch._C.DisableTorchFunction()  # a subclass of Tensor would add a node of its own
    with alone, torch.inference_mode(mode=False), torch.enable_grad():
        if leaf.layout == torch.strided:
            return torch.autograd.graph.get_gradient_edge(leaf).node
        return leaf.clone().grad_fn.next_functions[0][0]  # type: ignore[union-attr]


def _op(fn: Any) -> str:
    name = type(fn).__name__
    if isinstance(fn, BackwardCFunction):
        return name.removesuffix("Backward")
    return names.of_backward(name)


def _inputs_behind(constant: Node) -> list[OutputRef]:
    """Return the constants from which a constant that a Function's forward made was computed."""
    found = []
    stack = [constant]
    seen = {constant}
    while stack:
        for source, number in stack.pop()._untracked:
            if source in seen or source._fn is not None:
                continue
            seen.add(source)
            if source._untracked:
                stack.append(source)
            else:
                found.append((source, number))
    return found


def describe_unseen(node: Node) -> None:
    """Take the shapes of results that were never seen as tensors from the ``grad_fn``."""
    for output, known in zip(node.outputs, _metadata(node._fn), strict=True):
        if output.dtype is None and known is not None:
            output.describe(known)


def _metadata(fn: Any) -> tuple[Any, ...]:
    return getattr(fn, "_input_metadata", ()) or (None,)
