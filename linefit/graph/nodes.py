"""What a recorded graph is made of: operations, leaves and constants, and the edges between."""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from linefit.graph.numbers import same

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
    whether the saved tensors stay for another pass.  ``hooked`` says whether hooks of the user's
    may have changed what came: those on the tensors, or on a leaf's ``.grad``; ``arrived`` is what
    they left for a leaf.  A run is not ``readable`` if its gradients have no numbers of their own,
    as inside ``vmap``.
    """

    task: int
    tick: int
    received: tuple[Tensor | None, ...]
    sent: tuple[Tensor | None, ...]
    kept: bool
    hooked: bool = False
    arrived: Tensor | None = None
    readable: bool = True


Arrival = tuple[Tensor, int, bool]  # a gradient, the number of its pass, and if it is whole


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
    requires_grad, is_leaf : bool
        The tensor's flags.
    """

    requires_grad: bool
    is_leaf: bool
    # Nothing is made before it is needed: a recording may hold a hundred thousand nodes.
    accumulated: Tensor | None = None
    name: str | None = None
    _copy: Tensor | complex | None = None
    _kind: tuple[tuple[int, ...], torch.dtype, torch.device] | None = None  # where no copy tells it
    _tensor: Tensor | None = None
    _version = 0  # how often the tensor had been changed in place
    _came: list[Arrival] | None = None  # gradients that have not been added up yet
    _grad_seen: tuple[weakref.ref[Tensor], int] | None = None  # the .grad that was copied
    _grad: Tensor | None = None
    _earlier: Tensor | None = None  # the gradient of earlier backward passes
    _pass: Tensor | None = None  # and that of the latest one
    _task: int | None = None  # the number of the latest one

    def __init__(self, *, requires_grad: bool, is_leaf: bool) -> None:
        self.requires_grad = requires_grad
        self.is_leaf = is_leaf

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape; −1 for a dimension of a nested tensor that has no single size."""
        if isinstance(self._copy, Tensor):
            return shape_of(self._copy)
        return () if self._kind is None else self._kind[0]

    @property
    def dtype(self) -> torch.dtype | None:
        """Its type; None for a plain Python number."""
        if isinstance(self._copy, Tensor):
            return self._copy.dtype
        return None if self._kind is None else self._kind[1]

    @property
    def device(self) -> torch.device | None:
        """The device that stores it; None for a plain Python number."""
        if isinstance(self._copy, Tensor):
            return self._copy.device
        return None if self._kind is None else self._kind[2]

    @property
    def grad(self) -> Tensor | None:
        """The sum of the gradients that have reached it."""
        if self._came:
            with torch._C.DisableTorchFunction():
                for arrival in self._came:
                    self._add(*arrival)
            self._came = None
        return self._grad

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        self._came = None
        self._grad = grad

    @property
    def value(self) -> Tensor | None:
        """What the forward pass computed, as a copy."""
        if self._copy is None or isinstance(self._copy, Tensor):
            return self._copy
        kind = torch.float64 if isinstance(self._copy, float) else None
        return torch.tensor(self._copy, dtype=kind, device="cpu")

    def capture(self, tensor: Tensor, *, max_elements: int) -> None:
        """Keep the tensor, to compare with it later, and a copy of its value."""
        self._tensor = tensor
        self._version = version_of(tensor)
        if is_readable(tensor) and not tensor.is_meta and tensor.numel() <= max_elements:
            self._copy = (tensor.detach() if tensor.requires_grad else tensor).clone()
        else:
            self.describe(tensor)
        if (self.is_leaf or tensor.retains_grad) and (grad := tensor.grad) is not None:
            self.keep_grad(grad, copied(grad))

    def keep(self, copy: Tensor) -> None:
        """Keep a copy of a value whose tensor has other numbers by now."""
        if self._copy is None:
            self._copy = copy

    def describe(self, like: Any) -> None:
        """Take shape, dtype and device from a tensor, or from the metadata of a ``grad_fn``."""
        self._kind = (shape_of(like), like.dtype, like.device)

    def receive(self, grad: Tensor, task: int, *, whole: bool = False) -> None:
        """Add a copied gradient, or a part of one, in the order in which torch itself adds.

        That is: the parts that come in one backward pass (``task``), then the passes.  A ``whole``
        gradient replaces the parts that have come before it in its pass.  Nothing is added until
        the sum is asked for.
        """
        if self._came is None:
            self._came = [(grad, task, whole)]
        elif whole:
            self._came = [a for a in self._came if a[1] != task] + [(grad, task, whole)]
        else:
            self._came.append((grad, task, whole))

    def _add(self, grad: Tensor, task: int, whole: bool) -> None:
        if self._task != task:
            self._task = task
            self._earlier = self._grad
            self._pass = None
        self._pass = grad if self._pass is None or whole else self._pass + grad
        self._grad = self._pass if self._earlier is None else self._earlier + self._pass

    def is_current(self, tensor: Tensor) -> bool:
        """Whether the tensor has not been changed in place since it was captured."""
        return self._version == version_of(tensor)

    def is_value_of(self, tensor: Tensor) -> bool:
        """Whether the copy has the numbers of the tensor; True where there is none to compare."""
        if not isinstance(self._copy, Tensor) or not is_readable(tensor):
            return True
        return same(self._copy, tensor.detach())

    def reread_grad(self) -> None:
        """Copy a leaf's ``.grad`` again if it is no longer the one that was copied."""
        grad = None if self._tensor is None else self._tensor.grad
        if self._tensor is None or (grad is not None and not is_readable(grad)):
            return
        if grad is None or self.accumulated is None or not same(grad, self.accumulated):
            self.keep_grad(grad, copied(grad))
        else:
            self.keep_grad(grad, self.accumulated)

    def copy_grad(self) -> None:
        """Copy the tensor's ``.grad``, where torch keeps one."""
        tensor = self._tensor
        if tensor is not None and (self.is_leaf or tensor.retains_grad):
            self.keep_grad(tensor.grad, copied(tensor.grad))

    def keep_grad(self, grad: Tensor | None, copy: Tensor | None) -> None:
        """Keep a copy of the tensor's ``.grad``, and which version of it that is."""
        self.accumulated = copy
        self._grad_seen = None if grad is None else (weakref.ref(grad), version_of(grad))

    def has_other_grad(self) -> bool:
        """Whether the ``.grad`` is another tensor, or another version of it, than was copied."""
        tensor = self._tensor
        if tensor is None or not (tensor.is_leaf or tensor.retains_grad):
            return False
        grad = tensor.grad
        if grad is None or self._grad_seen is None:
            return (grad is None) != (self._grad_seen is None)
        reference, version = self._grad_seen
        return reference() is not grad or version_of(grad) != version


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
        self.dtype = tensor.dtype
        self.output = output
        if type(tensor) is Tensor and tensor.layout == torch.strided and not tensor.is_nested:
            self.shape = tuple(tensor.shape)
            self.nbytes = tensor.nbytes
        else:
            self.shape = shape_of(tensor)
            self.nbytes = sum(part.nbytes for part in components(tensor))
        self._source = None if source is None else weakref.ref(source)  # often the node itself

    @property
    def source(self) -> Node | None:
        """The node that made it; None for a tensor that the recording has not seen."""
        return None if self._source is None else self._source()

    def __repr__(self) -> str:
        return f"<Saved {self.name}: {self.shape} {self.dtype}>"


def components(tensor: Tensor) -> list[Tensor]:
    """Return the dense tensors that hold a tensor's numbers: itself, unless it is sparse."""
    if tensor.layout == torch.strided and not tensor.is_nested:
        return [tensor]
    if tensor.is_nested:
        return [tensor.values()]
    names = COMPONENTS.get(tensor.layout, ())
    return [getattr(tensor, name)() for name in names] or [tensor]


PLAIN = {Tensor, torch.nn.Parameter, torch.nn.Buffer}


def is_readable(tensor: Tensor) -> bool:
    """Whether a tensor stores its numbers in one block; nested, fake and batched ones do not."""
    kind = type(tensor)
    if tensor.is_nested or not (kind is Tensor or kind in PLAIN or _is_torchs(kind)):
        return False
    return not (_is_wrapped(tensor) or _is_batched(tensor))


_is_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
_is_batched = torch._C._functorch.is_legacy_batchedtensor


@cache
def _is_torchs(kind: Hashable) -> bool:
    """Whether torch itself computes with a kind of tensor, rather than a class in Python."""
    return getattr(kind, "__torch_dispatch__", None) is torch._C._disabled_torch_dispatch_impl


def copied(tensor: Tensor | None) -> Tensor | None:
    """Return a copy of a tensor; None if it has no numbers that can be read."""
    if tensor is None or not is_readable(tensor):
        return None
    return (tensor.detach() if tensor.requires_grad else tensor).clone()


def function_of(tensor: Tensor) -> Any:
    """Return the ``grad_fn`` of a tensor; None too for a view that torch refuses to give one."""
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def flat(values: Any) -> Iterator[Any]:
    """Yield the elements of lists, tuples and dicts, at any depth."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from flat(value)
        elif isinstance(value, dict):
            yield from flat(value.values())
        else:
            yield value


def tensors(result: Any) -> list[Tensor]:
    """Return the tensors of what a call has returned."""
    if isinstance(result, Tensor):
        return [result]
    return [value for value in flat([result]) if isinstance(value, Tensor)]


def version_of(tensor: Tensor) -> int:
    """Return how often a tensor has been changed in place."""
    try:
        return tensor._version
    except RuntimeError:  # those made in inference mode do not count
        return 0


def shape_of(like: Any) -> tuple[int, ...]:
    """Return the shape of a tensor or of the metadata of a ``grad_fn``, −1 where it is ragged."""
    if type(like) is Tensor and not like.is_nested:
        return tuple(like.shape)
    if not getattr(like, "is_nested", getattr(like, "is_nested_tensor", False)):
        return tuple(like.shape) if type(like) in PLAIN else tuple(map(_size, like.shape))
    if not isinstance(like, Tensor):
        return ()
    if like.layout == torch.strided:
        return (like.size(0), *(-1,) * (like.dim() - 1))
    return tuple(map(_size, like.shape))


def _size(size: Any) -> int:
    try:
        return int(size)
    except Exception:
        return -1


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
    version : int
        How many boxes the same tensor had before: each time that it has been changed in place
        without an operation of autograd's, its next use has its own box.
    """

    op: str
    backward_name: str | None
    outputs: tuple[Output, ...]
    index = -1
    saved: tuple[Saved, ...] = ()
    scope: tuple[str, ...] = ()
    version = 0
    _untracked: Sequence[OutputRef] = ()  # inputs that autograd does not know of
    _operands: Sequence[Node | complex] = ()  # all operands as the user wrote them
    _sources: Sequence[OutputRef | None] = ()  # the outputs behind fn.next_functions
    _before: Node | None = None  # the same tensor before it was changed in place
    _base: Node | None = None  # what it has changed through a view
    _depth = 0  # edges to the farthest leaf behind it
    _parts: Mapping[int, Tensor] = NOTHING  # the gradient sent along fn.next_functions
    _runs: tuple[Run, ...] = ()
    _tick = 0  # how many backward nodes had run when it was recorded

    def __init__(self, op: str, fn: Any, outputs: tuple[Output, ...]) -> None:
        self.op = op
        self.backward_name = None if fn is None else type(fn).__name__
        self.outputs = outputs
        self._fn = fn

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
        """The device that stores its value; None for a plain Python number."""
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
        task = run.task
        for output, grad in zip(self.outputs, run.received, strict=False):
            if grad is not None:
                output.receive(grad, task, whole=True)
            if output._tensor is not None and output._tensor.retains_grad:
                output.copy_grad()
        parts = dict(self._parts)
        count = len(self._sources)
        for i, grad in enumerate(run.sent):
            if grad is not None:
                parts[i] = parts[i] + grad if i in parts else grad
                source = self._sources[i] if i < count else None
                if source is not None:
                    source[0].outputs[source[1]].receive(grad, task)
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
