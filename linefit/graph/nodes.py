"""What a recorded graph is made of: operations, leaves and constants, and the edges between."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

NOTHING: Mapping[int, Any] = MappingProxyType({})
Kind = Literal["operation", "leaf", "constant", "group"]
ROWS = ("crow_indices", "col_indices")
COLUMNS = ("ccol_indices", "row_indices")
COMPONENTS = {  # the methods of a sparse tensor that return the dense ones it consists of
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: (*ROWS, "values"),
    torch.sparse_bsr: (*ROWS, "values"),
    torch.sparse_csc: (*COLUMNS, "values"),
    torch.sparse_bsc: (*COLUMNS, "values"),
}


class Run(NamedTuple):
    """What a backward node received and sent on in one backward pass.

    ``task`` numbers the pass and ``tick`` the runs of all nodes, in the engine's order.  For a leaf
    ``received`` is its ``.grad`` after the run, and ``sent`` its ``.grad`` before.  ``kept`` says
    whether the saved tensors stay for another pass.
    """

    task: int
    tick: int
    received: tuple[Tensor | None, ...]
    sent: tuple[Tensor | None, ...]
    kept: bool


class Output:
    """One result of a node: its value from the forward pass, its gradient from the backward pass.

    Attributes
    ----------
    value : Tensor or None
        A copy, taken when the operation had run; None where it was too large or never seen.
    grad : Tensor or None
        The gradient that reached it: the sum over all paths and over all backward passes.
    accumulated : Tensor or None
        A copy of the tensor's ``.grad``, where torch keeps one: as it was when the tensor was
        recorded, then as each backward pass left it.
    name : str or None
        The variable that held it.
    shape : tuple of int
        Its shape.
    dtype : torch.dtype or None
        Its type; None for a plain Python number.
    device : torch.device or None
        Where it lies; None for a plain Python number.
    requires_grad, is_leaf : bool
        The tensor's flags.
    """

    __slots__ = (
        "_copy", "_earlier", "_pass", "_task", "_tensor", "accumulated", "device", "dtype", "grad",
        "is_leaf", "name", "requires_grad", "shape",
    )  # fmt: skip

    def __init__(self, *, requires_grad: bool, is_leaf: bool) -> None:
        self._copy: Tensor | complex | None = None
        self.grad: Tensor | None = None
        self.accumulated: Tensor | None = None
        self.name: str | None = None
        self.shape: tuple[int, ...] = ()
        self.dtype: torch.dtype | None = None
        self.device: torch.device | None = None
        self.requires_grad = requires_grad
        self.is_leaf = is_leaf
        self._tensor: Tensor | None = None
        self._earlier: Tensor | None = None  # the gradient of earlier backward passes
        self._pass: Tensor | None = None  # and that of the latest one
        self._task: int | None = None  # the number of the latest one

    @property
    def value(self) -> Tensor | None:
        """What the forward pass computed, as a copy."""
        if self._copy is None or isinstance(self._copy, Tensor):
            return self._copy
        kind = torch.float64 if isinstance(self._copy, float) else None
        return torch.tensor(self._copy, dtype=kind, device="cpu")

    def capture(self, tensor: Tensor, *, max_elements: int) -> None:
        """Keep the tensor, to compare with it later, and a copy of its value."""
        self.describe(tensor)
        self._tensor = tensor
        if tensor.numel() <= max_elements and not tensor.is_meta:
            self._copy = tensor.detach().clone()
        self.copy_grad()

    def describe(self, like: Any) -> None:
        """Take shape, dtype and device from a tensor, or from the metadata of a ``grad_fn``."""
        self.shape = tuple(map(int, like.shape))
        self.dtype = like.dtype
        self.device = like.device

    def receive(self, grad: Tensor, task: int, *, whole: bool = False) -> None:
        """Add a copied gradient, or a part of one, in the order in which torch itself adds.

        That is: the parts that come in one backward pass (``task``), then the passes.  A ``whole``
        gradient replaces the parts that have come before it in its pass.
        """
        if self._task != task:
            self._task = task
            self._earlier = self.grad
            self._pass = None
        self._pass = grad if self._pass is None or whole else self._pass + grad
        self.grad = self._pass if self._earlier is None else self._earlier + self._pass

    def copy_grad(self) -> None:
        """Copy the tensor's ``.grad``, where torch keeps one."""
        tensor = self._tensor
        if tensor is not None and (tensor.is_leaf or tensor.retains_grad):
            self.accumulated = None if tensor.grad is None else tensor.grad.detach().clone()


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
        self.nbytes = sum(part.nbytes for part in components(tensor))
        self.output = output
        self._source = None if source is None else weakref.ref(source)  # often the node itself

    @property
    def source(self) -> Node | None:
        """The node that made it; None for a tensor that the recording has not seen."""
        return None if self._source is None else self._source()

    def __repr__(self) -> str:
        return f"<Saved {self.name}: {self.shape} {self.dtype}>"


def components(tensor: Tensor) -> list[Tensor]:
    """Return the dense tensors that hold a tensor's numbers: itself, unless it is sparse."""
    names = COMPONENTS.get(tensor.layout, ())
    return [getattr(tensor, name)() for name in names] or [tensor]


class Node:
    """One box of the figure.

    The properties from ``value`` to ``name`` are those of its first output; most nodes have one.

    Attributes
    ----------
    index : int
        Its number in the graph, in topological order: every node follows its inputs.
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
        "__weakref__", "_depth", "_fn", "_operands", "_parts", "_receivers", "_runs", "_tick",
        "_untracked", "backward_name", "index", "op", "outputs", "saved", "scope",
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
        self._untracked: Sequence[OutputRef] = ()  # inputs that autograd does not know of
        self._operands: Sequence[Node | complex] = ()  # all operands as the user wrote them
        self._receivers: Mapping[int, Output] = NOTHING  # the outputs behind fn.next_functions
        self._depth = 0  # edges to the farthest leaf behind it
        self._parts: Mapping[int, Tensor] = NOTHING  # the gradient sent along fn.next_functions
        self._runs: tuple[Run, ...] = ()
        self._tick = 0  # how many backward nodes had run when it was recorded

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

    def add_run(self, run: Run) -> None:
        """Add the gradients that the node received and sent on in a backward pass."""
        self._runs = (*self._runs, run)
        if self.is_leaf:
            return
        for output, grad in zip(self.outputs, run.received, strict=False):
            if grad is not None:
                output.receive(grad, run.task, whole=True)
            output.copy_grad()
        parts = dict(self._parts)
        for i, grad in enumerate(run.sent):
            if grad is not None:
                parts[i] = parts[i] + grad if i in parts else grad
                if i in self._receivers:
                    self._receivers[i].receive(grad, run.task)
        self._parts = parts

    def __repr__(self) -> str:
        name = f"{self.name} = " if self.name else ""
        return f"<Node {self.index}: {name}{self.op} {self.backward_name or 'constant'}>"


class Edge:
    """A value that one node made and another uses.

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
        self.source = source
        self.target = target
        self.output = output
        self.input = input_

    @property
    def grad(self) -> Tensor | None:
        """The part of the source's gradient that came back along this edge."""
        return None if self.input is None else self.target._parts.get(self.input)

    def __repr__(self) -> str:
        return f"<Edge {self.source.index} → {self.target.index}>"


OutputRef: TypeAlias = tuple[Node, int]  # an output of a node: the node and the output's number
