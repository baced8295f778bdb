"""Watch torch at work: every call of the user's, and every operation that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from linefit.graph.errors import GraphError
from linefit.graph.nodes import Node, OutputRef
from linefit.graph.recorder import names
from linefit.graph.recorder.ledger import Ledger

ENGINE = {"backward", "grad"}  # calls that run the backward pass
NO_OPERATIONS = {".grad", "requires_grad_", "retain_grad", "register_hook", "tensor", "as_tensor"}

# Calls that are one operation of autograd's, so that there is no need to look inside
SINGLE = {
    "abs", "add", "cos", "div", "exp", "log", "mean", "mul", "neg", "pow", "relu", "sigmoid",
    "sin", "sqrt", "square", "sub", "sum", "tanh",
}  # fmt: skip

Done = tuple[tuple[Any, ...], Any]  # an operation's arguments and result


class Operations(TorchDispatchMode):
    """Collect the results of the operations below autograd; they get their grad_fn later."""

    def __init__(self, ledger: Ledger) -> None:
        TorchDispatchMode.__init__(self)
        self.ledger = ledger
        self.done: list[Done] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.ledger.state.paused:
            self.done.append((args, result))
        return result

    def take(self) -> list[Done]:
        """Return the operations collected so far, and start anew."""
        done = self.done
        self.done = []
        return done


class Calls(TorchFunctionMode):
    """Record each call of the user's once it has returned."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.operations = Operations(ledger)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        state = self.ledger.state
        if state.paused:
            return func(*args, **kwargs)
        name, backwards = names.of_function(func)
        single = name in SINGLE and not backwards
        runs_backward = name in ENGINE and not kwargs.get("create_graph")
        given = [*args, *kwargs.values()] if kwargs else args
        try:
            state.paused = True
            operands = self._operands(name, given[::-1] if backwards else given)
            state.paused = runs_backward
            with nullcontext() if single or runs_backward else self.operations:
                result = func(*args, **kwargs)
            state.paused = True
            self._record(name, args, operands, result)
        finally:
            state.paused = False
        return result

    def _operands(self, name: str, given: Sequence[Any]) -> list[OutputRef | complex]:
        """Return the outputs that the tensors of a call are, and the numbers among them."""
        refuse_transforms()
        numbers = names.takes_numbers(name)
        found: list[OutputRef | complex] = []
        for value in flat(given):
            if isinstance(value, Tensor):
                found.append(self.ledger.node_of(value))
            elif numbers and type(value) in {int, float, complex}:
                found.append(value)
        return found

    def _record(
        self, name: str, args: tuple[Any, ...], operands: list[OutputRef | complex], result: Any
    ) -> None:
        """Record the results of a call, and the operations that it was made of."""
        done = self.operations.take()
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
        self, name: str, tensor: Tensor, operands: list[OutputRef | complex], *, changed: bool
    ) -> Node | None:
        """Record a result and return its node, or None if it is no new one."""
        ledger = self.ledger
        if tensor.grad_fn is not None:
            new = tensor.grad_fn not in ledger.by_fn
            node, _ = ledger.node_of(tensor)
            if not new or name in ENGINE:
                return None
            node.op = name
        elif not tensor.requires_grad and (changed or id(tensor) not in ledger.by_tensor):
            node, _ = ledger.constant(tensor, name if operands else "constant")
        else:
            return None
        node._operands = [v[0] if isinstance(v, tuple) else v for v in operands]
        return node

    def _look_inside(
        self, done: list[Done], sources: list[OutputRef], new: list[Node]
    ) -> set[Node]:
        """Pair the operations that the call was made of with the tensors that they produced.

        Returns the constants that went into one of these operations.
        """
        used: set[Node] = set()
        behind: dict[int, list[OutputRef]] = {}
        for node, number in sources:
            if node._fn is None:
                behind[id(node.outputs[number]._tensor)] = [(node, number)]
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


def flat(values: Any) -> Iterator[Any]:
    """Yield the elements of lists, tuples and dicts, at any depth."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from flat(value)
        elif isinstance(value, dict):
            yield from flat(value.values())
        else:
            yield value


def refuse_transforms() -> None:
    """Raise where a ``torch.func`` transform is at work: its tensors live for its call only."""
    if torch._C._functorch.peek_interpreter_stack() is not None:
        raise GraphError(
            "torch.func transforms are not recorded: call the function itself inside the "
            "recording, or the transform outside it."
        )
