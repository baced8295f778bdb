"""The book that a recording writes: which node made which tensor, and what comes back to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction

from linefit.graph import _deep, _names
from linefit.graph._hook import Hook, Switch
from linefit.graph._nodes import Node
from linefit.graph._output import GraphError, Output
from linefit.graph._saving import Saving
from linefit.graph._walk import new_functions

Source = tuple[Node, int]


class Ledger:
    """Hold the nodes recorded so far, and find the node of a tensor.

    No node refers to the ledger, nor does a hook: dropping it drops every tensor at once.
    """

    def __init__(self, *, max_elements: int) -> None:
        self.nodes: list[Node] = []
        self.by_fn: dict[Any, Node] = {}
        self.holders: dict[int, Source] = {}  # by identity; each tensor is kept by its output
        self.handles: list[Any] = []
        self.landings: list[Any] = []  # where a deep graph can be cut
        self.switch = Switch()
        self.max_elements = max_elements
        self.names: dict[int, str] = {}
        self.saving = Saving()
        self.calls: Counter[tuple[str, ...]] = Counter()  # of each module in each scope

    def node_of(self, tensor: Tensor) -> Source:
        """Return the node that made a tensor and which output it is; write it down if new."""
        held = self.holders.get(id(tensor))
        if tensor.grad_fn is None:
            flag = tensor.requires_grad
            if held is None or held[0].outputs[held[1]].requires_grad != flag:
                tracked = flag and not tensor.is_inference()
                held = self._leaf(tensor) if tracked else self.constant(tensor)
            return held
        if held is not None and held[0]._fn is tensor.grad_fn:
            return held
        node = self.discover(tensor.grad_fn)
        if held is not None and held[0]._fn is None:  # made by a custom Function's forward
            self.attach(node, [s for s in _behind(held[0]) if s not in node._sources])
        return self.hold(node, tensor, tensor.output_nr)

    def _leaf(self, tensor: Tensor) -> Source:
        node = self.discover(_accumulator(tensor))
        if node.outputs[0]._tensor is not tensor:
            self.hold(node, tensor, 0)
        return node, 0

    def constant(self, tensor: Tensor, op: str = "constant") -> Source:
        """Write down a tensor that autograd does not track."""
        node = Node(op, None, (Output(requires_grad=tensor.requires_grad, is_leaf=True),))
        self._append(node)
        return self.hold(node, tensor, 0)

    def hold(self, node: Node, tensor: Tensor, position: int) -> Source:
        """Pair a node's output with its tensor, and end the pairing that an in-place change ends.

        A view whose history torch has rewritten gets a new node, like any other result.
        """
        earlier = self.holders.get(id(tensor))
        if earlier is not None and earlier[0] is not node:
            old = earlier[0].outputs[earlier[1]]
            old._tensor = None
        self.holders[id(tensor)] = node, position
        output = node.outputs[position]
        if output._tensor is None and output._copy is None:
            output.hold(tensor, max_elements=self.max_elements)
            output.name = output.name or self.names.get(id(tensor))
        return node, position

    def discover(self, start: Any) -> Node:
        """Return the node of a ``grad_fn``; write it down with all behind it that is new."""
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
        hook = Hook(node, self.switch)
        handle = fn.register_hook(hook)
        if variable is not None:
            self.hold(node, variable, 0)
            # What a leaf accumulates it may do in other graphs too
            self.handles += [handle, fn.register_prehook(hook.look)]
        else:
            node.saved = self.saving.of(fn, partial(self._maker, node))

    def _append(self, node: Node) -> None:
        node.scope, node._tick = self.switch.scope, self.switch.ticks
        self.nodes.append(node)

    def _maker(self, node: Node, tensor: Tensor) -> tuple[Node | None, int]:
        """Return the node that made a tensor which ``node`` has saved, if that is known."""
        held = self.holders.get(id(tensor))
        if held is not None and held[0].outputs[held[1]]._tensor is tensor:
            return held
        if tensor.grad_fn is node._fn:
            return node, tensor.output_nr
        return self.by_fn.get(tensor.grad_fn), tensor.output_nr

    def _link(self, node: Node, part: int, source: Node, output: int) -> None:
        node._goals = {**node._goals, part: source.outputs[output]}
        node._level = max(node._level, source._level + 1)
        if _deep.crosses(node._level, source._level):
            self.landings.append(source._fn)

    def unknown(self, tensor: Tensor) -> bool:
        """Whether a tensor has a history that is not written down."""
        return tensor.grad_fn is not None and tensor.grad_fn not in self.by_fn

    def attach(self, node: Node, sources: Iterable[Source]) -> None:
        """Add the inputs of a node that autograd does not see; for a constant those are all."""
        unseen = (s for s in sources if node._fn is None or s[0]._fn is None)
        node._sources = [*node._sources, *(s for s in unseen if s[0] is not node)]

    def close(self) -> None:
        """Let go of everything, the latest nodes first."""
        for handle in self.handles:
            handle.remove()
        self.holders.clear()
        _deep.keep(self.landings)
        self.landings.clear()
        while self.by_fn:
            self.by_fn.popitem()
        while self.nodes:
            self.nodes.pop()
        _deep.release()

    def call(self, names: dict[int, tuple[str, Tensor]]) -> None:
        """Give the tensors that are held the names of their variables."""
        for key, (name, tensor) in names.items():
            if key in self.holders:
                node, position = self.node_of(tensor)
                node.outputs[position].name = name

    def catch_up(self) -> None:
        """Pair tensors that have got a ``grad_fn`` since: the results of custom Functions."""
        for node, position in list(self.holders.values()):
            tensor = node.outputs[position]._tensor
            if node._fn is None and tensor is not None and tensor.requires_grad:
                self.node_of(tensor)


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
    return _names.of_backward(name)


def _behind(node: Node) -> list[Source]:
    """Return the constants from which a constant that a Function's forward made was computed."""
    found, stack, seen = [], [node], {node}
    while stack:
        for source, position in stack.pop()._sources:
            if source in seen or source._fn is not None:
                continue
            seen.add(source)
            if source._sources:
                stack.append(source)
            else:
                found.append((source, position))
    return found


def describe_unseen(node: Node) -> None:
    """Take the shapes of results that no tensor was seen of from what autograd knows."""
    for output, known in zip(node.outputs, _metadata(node._fn), strict=True):
        if output.dtype is None and known is not None:
            output.describe(known)


def _metadata(fn: Any) -> tuple[Any, ...]:
    return getattr(fn, "_input_metadata", ()) or (None,)


def refuse_transforms() -> None:
    """Raise where a ``torch.func`` transform is at work: its tensors live for its call only."""
    if torch._C._functorch.peek_interpreter_stack() is not None:
        raise GraphError(
            "torch.func transforms are not recorded: call the function itself inside the "
            "recording, or the transform outside it."
        )
