"""What a recorded graph is made of: operations, leaves and constants, and the edges between."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from linefit.graph._output import Output, parts_of

NOTHING: Mapping[int, Any] = MappingProxyType({})
Kind = Literal["operation", "leaf", "constant", "group"]


class Run(NamedTuple):
    """What a backward node got and sent on in one backward pass.

    ``task`` numbers the pass and ``tick`` the runs of all nodes, in the engine's order.  For a leaf
    ``received`` is what its ``.grad`` had become, and ``sent`` what it had been.  ``kept`` says
    whether the saved tensors stay for another pass.
    """

    task: int
    tick: int
    received: tuple[Tensor | None, ...]
    sent: tuple[Tensor | None, ...]
    kept: bool


class Saved:
    """A tensor that a backward node keeps from the forward pass, for its derivative.

    Attributes
    ----------
    name : str
        What the rule of the derivative calls it, such as "self", "other" or "result".
    shape : tuple of int
        Its shape.
    dtype : torch.dtype
        Its type.
    nbytes : int
        The bytes of its elements.  Nothing is copied to save a tensor, so that two nodes that keep
        the same one share them.
    output : int
        Which of the source's outputs it is.
    """

    __slots__ = ("_source", "dtype", "name", "nbytes", "output", "shape")

    def __init__(self, name: str, tensor: Tensor, source: Node | None, output: int) -> None:
        self.name = name
        self.shape = tuple(tensor.shape)
        self.dtype = tensor.dtype
        self.nbytes = sum(part.nbytes for part in parts_of(tensor))
        self.output = output
        self._source = None if source is None else weakref.ref(source)  # often the node itself

    @property
    def source(self) -> Node | None:
        """The node that made it; None for a tensor that the recording has not seen."""
        return None if self._source is None else self._source()

    def __repr__(self) -> str:
        return f"<Saved {self.name}: {self.shape} {self.dtype}>"


class Node:
    """One box of the figure.

    The properties from ``value`` to ``name`` are those of its first output; most nodes have one.

    Attributes
    ----------
    index : int
        Its number in the graph, in an order in which every node follows its inputs.
    op : str
        The operation as the user wrote it, such as "mul"; "leaf", "constant" or "number" for
        what no recorded operation has made.
    backward_name : str or None
        The name of its ``grad_fn``; None for a constant.
    outputs : tuple of Output
        Its results.
    saved : tuple of Saved
        The tensors that its ``grad_fn`` kept; empty where it was made before the recording began,
        or under saved-tensor hooks, which looking at them would call.
    scope : tuple of str
        The calls of modules and the bodies of :meth:`Graph.scope` in which it was made, the
        outermost first.
    """

    __slots__ = (
        "__weakref__", "_fn", "_goals", "_level", "_order", "_parts", "_runs", "_sources", "_tick",
        "backward_name", "index", "op", "outputs", "saved", "scope",
    )  # fmt: skip

    def __init__(self, op: str, fn: Any, outputs: tuple[Output, ...]) -> None:
        self.index = -1
        self.op = op
        self.backward_name: str | None = None if fn is None else type(fn).__name__
        self.outputs = outputs
        self.saved: tuple[Saved, ...] = ()
        self.scope: tuple[str, ...] = ()
        self._fn = fn
        # Nothing is made before it is needed: a recording may hold a hundred thousand nodes.
        self._sources: Sequence[tuple[Node, int]] = ()  # inputs that autograd does not know of
        self._order: Sequence[Node | complex] = ()  # all operands as the user wrote them
        self._goals: Mapping[int, Output] = NOTHING  # what is behind fn.next_functions
        self._level = 0  # steps to the farthest leaf behind it
        self._parts: Mapping[int, Tensor] = NOTHING  # the gradient sent along fn.next_functions
        self._runs: tuple[Run, ...] = ()
        self._tick = 0  # how many backward nodes had run when it was written down

    @property
    def kind(self) -> Kind:
        """Whether it is an "operation" or a "leaf" of autograd, or a "constant"."""
        if self.backward_name is None:
            return "constant"
        return "leaf" if self.is_leaf else "operation"

    @property
    def grad_fn(self) -> Any:
        """The node of autograd's own graph; None for a constant."""
        return self._fn

    @property
    def value(self) -> Tensor | None:
        """What the forward pass computed, as a copy."""
        return self.outputs[0].value

    @property
    def grad(self) -> Tensor | None:
        """The gradient that reached it; None before a backward pass and for constants."""
        return self.outputs[0].grad

    @property
    def accumulated(self) -> Tensor | None:
        """A copy of the tensor's ``.grad``, where torch keeps one, as the latest pass left it."""
        return self.outputs[0].accumulated

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its value."""
        return self.outputs[0].shape

    @property
    def dtype(self) -> torch.dtype | None:
        """The type of its value; None for a plain Python number."""
        return self.outputs[0].dtype

    @property
    def device(self) -> torch.device | None:
        """Where its value lies; None for a plain Python number."""
        return self.outputs[0].device

    @property
    def requires_grad(self) -> bool:
        """The tensor's flag."""
        return self.outputs[0].requires_grad

    @property
    def is_leaf(self) -> bool:
        """The tensor's flag."""
        return self.outputs[0].is_leaf

    @property
    def name(self) -> str | None:
        """The variable that held its value, where that is known."""
        return self.outputs[0].name

    def ran(self, run: Run) -> None:
        """Note what came to the node in a backward pass, and what went on to its inputs."""
        self._runs = (*self._runs, run)
        if self.is_leaf:
            return
        for output, grad in zip(self.outputs, run.received, strict=False):
            if grad is not None:
                output.receive(grad, run.task, whole=True)
            output.keep_accumulated()
        parts = dict(self._parts)
        for i, grad in enumerate(run.sent):
            if grad is not None:
                parts[i] = parts[i] + grad if i in parts else grad
                if i in self._goals:
                    self._goals[i].receive(grad, run.task)
        self._parts = parts

    def __repr__(self) -> str:
        name = f"{self.name} = " if self.name else ""
        return f"<Node {self.index}: {name}{self.op} {self.backward_name or 'constant'}>"


class Edge:
    """A value on its way from the node that made it to the node that uses it.

    Attributes
    ----------
    source, target : Node
        Where it starts and ends, in the direction of the forward pass.
    output : int
        Which of the source's outputs it carries.
    input : int or None
        Which of the target's ``next_functions`` it is; None where no gradient can come back.
    """

    __slots__ = ("input", "output", "source", "target")

    def __init__(self, source: Node, target: Node, output: int, input_: int | None) -> None:
        self.source, self.target = source, target
        self.output, self.input = output, input_

    @property
    def grad(self) -> Tensor | None:
        """The part of the source's gradient that came back along this edge."""
        return None if self.input is None else self.target._parts.get(self.input)

    def __repr__(self) -> str:
        return f"<Edge {self.source.index} → {self.target.index}>"
