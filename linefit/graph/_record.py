"""Watch torch at work: every call of the user's, and every operation that it is made of."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from linefit.graph import _deep, _names
from linefit.graph._graph import Graph
from linefit.graph._ledger import Ledger, Source, refuse_transforms
from linefit.graph._nodes import Node
from linefit.graph._output import GraphError
from linefit.graph._scopes import following_modules
from linefit.graph._walk import collecting_rarely, flat

ENGINE = {"backward", "grad"}  # calls that run the backward pass
NO_OPERATIONS = {".grad", "requires_grad_", "retain_grad", "register_hook", "tensor", "as_tensor"}


# Calls that are one operation of autograd's, so that there is no need to look inside
SINGLE = {
    "abs", "add", "cos", "div", "exp", "log", "mean", "mul", "neg", "pow", "relu", "sigmoid",
    "sin", "sqrt", "square", "sub", "sum", "tanh",
}  # fmt: skip


Done = tuple[tuple[Any, ...], Any]  # an operation's arguments and result


class _Operations(TorchDispatchMode):
    """Collect the results of the operations below autograd; they get their grad_fn later."""

    def __init__(self, ledger: Ledger) -> None:
        TorchDispatchMode.__init__(self)
        self.ledger = ledger
        self.done: list[Done] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.ledger.switch.off:
            self.done.append((args, result))
        return result


class _Calls(TorchFunctionMode):
    """Write down each call of the user's once it has returned."""

    def __init__(self, ledger: Ledger, operations: _Operations) -> None:
        super().__init__()
        self.ledger, self.operations = ledger, operations

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        switch = self.ledger.switch
        if switch.off:
            return func(*args, **kwargs)
        name, backwards = _names.of_function(func)
        single = name in SINGLE and not backwards
        runs_backward = name in ENGINE and not kwargs.get("create_graph")
        given = [*args, *kwargs.values()] if kwargs else args
        try:
            switch.off = True
            operands = self._operands(name, given[::-1] if backwards else given)
            switch.off = runs_backward
            with nullcontext() if single or runs_backward else self.operations:
                result = func(*args, **kwargs)
            switch.off = True
            self._commit(name, args, operands, result)
        finally:
            switch.off = False
        return result

    def _operands(self, name: str, given: Sequence[Any]) -> list[Source | complex]:
        """Return the nodes of the tensors that a call gets, and the numbers among them."""
        refuse_transforms()
        numbers = _names.takes_numbers(name)
        found: list[Source | complex] = []
        for value in flat(given):
            if isinstance(value, Tensor):
                found.append(self.ledger.node_of(value))
            elif numbers and type(value) in {int, float, complex}:
                found.append(value)
        return found

    def _commit(
        self, name: str, args: tuple[Any, ...], operands: list[Source | complex], result: Any
    ) -> None:
        done, self.operations.done = self.operations.done, []
        if name in NO_OPERATIONS:
            return
        results = [value for value in flat([result]) if isinstance(value, Tensor)]
        changed = name == "setitem" or name.endswith("_")
        if changed and args and isinstance(args[0], Tensor):
            base = args[0]._base  # torch rewrites its history; the view's follows from it
            results = [args[0] if base is None else base]
        known = len(self.ledger.nodes)
        sources = [operand for operand in operands if isinstance(operand, tuple)]
        made = [self._result(name, tensor, operands, changed=changed) for tensor in results]
        used = self._look_inside(done, sources, self.ledger.nodes[known:]) if done else set()
        for node in filter(None, made):
            self.ledger.attach(node, [source for source in sources if source[0] not in used])

    def _result(
        self, name: str, tensor: Tensor, operands: list[Source | complex], *, changed: bool
    ) -> Node | None:
        """Return the node of a result that is new, after writing it down."""
        ledger, node = self.ledger, None
        if tensor.grad_fn is not None:
            new = tensor.grad_fn not in ledger.by_fn
            found, _ = ledger.node_of(tensor)
            if new and name not in ENGINE:
                node = found
                node.op = name
        elif not tensor.requires_grad and (changed or id(tensor) not in ledger.holders):
            node, _ = ledger.constant(tensor, name if operands else "constant")
        if node is not None:
            node._order = [v[0] if isinstance(v, tuple) else v for v in operands]
        return node

    def _look_inside(self, done: list[Done], sources: list[Source], new: list[Node]) -> set[Node]:
        """Pair the operations that the call was made of with the tensors that they produced.

        Returns the constants that went into one of these operations.
        """
        used: set[Node] = set()
        behind: dict[int, list[Source]] = {}
        for node, position in sources:
            if node._fn is None:
                behind[id(node.outputs[position]._tensor)] = [(node, position)]
        for args, result in done:
            into = [s for value in flat(args) for s in behind.get(id(value), ())]
            makers: dict[Node, None] = {}
            for tensor in flat([result]):
                if not isinstance(tensor, Tensor):
                    continue
                if tensor.grad_fn in self.ledger.by_fn:
                    makers[self.ledger.node_of(tensor)[0]] = None
                elif into and tensor.grad_fn is None:
                    behind.setdefault(id(tensor), into)
            for node in makers.keys() & set(new):
                self.ledger.attach(node, dict.fromkeys(into))
                used.update(source for source, _ in into)
        return used


class Recording:
    """Record what torch does inside ``with``; :func:`record` makes one."""

    def __init__(self, frame: FrameType, names: Mapping[str, Any], *, max_elements: int) -> None:
        self._frame: FrameType | None = frame
        self._given = {id(t): (name, t) for name, t in names.items()}
        self._before = _names.in_frame(frame) | self._given  # keeps their identities taken
        self._ledger = Ledger(max_elements=max_elements)
        self._ledger.names = {key: name for key, (name, _) in self._before.items()}
        self._modules = _names.of_modules(frame)
        self._graph: Graph | None = None
        self._active = ExitStack()
        self._calls = _Calls(self._ledger, _Operations(self._ledger))

    def __enter__(self) -> Graph:
        if self._frame is None:
            raise GraphError("This recording is over: call record() for another one.")
        self._active.enter_context(collecting_rarely())
        if "torch._dynamo" in sys.modules:  # else there is no compiled function yet
            self._active.enter_context(torch.compiler.set_stance("force_eager"))
        self._active.enter_context(following_modules(self._ledger, self._modules))
        self._active.enter_context(self._calls)
        self._graph = Graph(self._ledger)
        return self._graph

    def __exit__(self, *error: object) -> None:
        self._active.close()
        self._ledger.catch_up()
        if self._frame is not None:
            self._ledger.call(_names.in_frame(self._frame) | self._given)
        self._frame = self._graph = None
        self._before.clear()
        self._modules.clear()
        self._given.clear()
        self._ledger.names.clear()


def record(
    *, names: Mapping[str, Tensor] | None = None, max_elements: int = 1_000_000
) -> Recording:
    """Record the graph that torch builds while the body of ``with`` runs.

    Every operation is written down with its value, and constants too; the gradients are added
    whenever a backward pass goes through the graph.  Values and gradients are copied as they are
    at that moment, so that later in-place changes do not alter the graph.  What ``torch.compile``
    has made runs as the code that it was made of.

    Parameters
    ----------
    names : mapping of str to Tensor, optional
        What to call tensors.  Others get the names that they have in the calling function when
        the body begins or ends: those of variables, of a module's parameters, of the elements of
        lists, tuples and dicts.
    max_elements : int
        Tensors with more elements than this are not copied; the graph then knows their shapes.

    Returns
    -------
    Recording
        A context manager that gives the :class:`Graph`.

    Raises
    ------
    GraphError
        From within the body, where a ``torch.func`` transform is at work.

    Examples
    --------
    >>> import torch
    >>> a = torch.tensor(2.0, requires_grad=True)
    >>> x = torch.tensor([1.0, 3.0])
    >>> with record() as g:
    ...     loss = (a * x).sum()
    >>> g.backward(loss)
    >>> print(g)
    a     leaf       AccumulateGrad  2       grad 4
    x     constant                   [1, 3]
    %2    mul(a, x)  MulBackward0    [2, 6]  grad [1, 1]
    loss  sum(%2)    SumBackward0    8       grad 1
    """
    _deep.release()
    return Recording(sys._getframe(1), names or {}, max_elements=max_elements)
