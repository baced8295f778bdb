"""Record every call of a torch function, and the operations that it consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from linefit.graph.nodes import PLAIN, Node, OutputRef, flat, function_of, tensors
from linefit.graph.recorder.inside import Done, Listening, can_listen
from linefit.graph.recorder.kinds import FUSED, SETS_DATA, Kind, kind_of
from linefit.graph.recorder.ledger import Ledger, transform

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})

Operands = list[OutputRef | complex]

NUMBERS = {int, float, complex}
SEVERAL = (list, tuple, dict)
is_batched = torch._C._functorch.is_legacy_batchedtensor


class Calls(TorchFunctionMode):
    """Record each call of the user's once it has returned.

    An error of the recorder does not stop the user's program: it is raised when the graph is read.
    """

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kind = kind_of(func)
        kwargs = kwargs or NO_OPTIONS
        state = self.ledger.state
        if kind.is_unseen or state.paused or state.failed is not None or transform() is not None:
            return func(*args, **kwargs)
        given: Sequence[Any] = [*args, *kwargs.values()] if kwargs else args
        operands = self._before(kind, given[::-1] if kind.is_reversed else given, types)
        if operands is None:
            return func(*args, **kwargs)
        done: Sequence[Done] = ()
        if kind.runs_engine and not kwargs.get("create_graph"):
            result = self._run_engine(func, args, kwargs)
        else:
            start = perf_counter()
            if kind.has_operations and can_listen(types):
                with Listening() as done:
                    result = func(*args, **kwargs)
            else:
                result = func(*args, **kwargs)
            state.clock.forward[state.scope] += perf_counter() - start
        if not kind.is_recorded:
            return result
        if type(result) is Tensor and _is_alone(types):
            self._after(kind, args, operands, result, done)
        else:
            with torch._C.DisableTorchFunction():
                self._after(kind, args, operands, result, done)
        return result

    def _run_engine(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Run a backward pass: what torch and the user's Functions do in it is not recorded."""
        state = self.ledger.state
        state.paused = True
        state.clock.begin_pass()
        try:
            return func(*args, **kwargs)
        finally:
            state.paused = False

    def _before(self, kind: Kind, given: Sequence[Any], types: Sequence[Any]) -> Operands | None:
        """Return the outputs that the tensors of a call are, and the numbers among them.

        None stands for a call that is not recorded.
        """
        state = self.ledger.state
        state.paused = True
        try:
            if _is_alone(types):
                return self._operands(kind, given)
            with torch._C.DisableTorchFunction():
                return self._operands(kind, given)
        except Exception as error:
            state.fail(kind.name, given, error)
            return None
        finally:
            state.paused = False

    def _after(
        self,
        kind: Kind,
        args: tuple[Any, ...],
        operands: Operands,
        result: Any,
        done: Sequence[Done],
    ) -> None:
        """Record the results of a call."""
        state = self.ledger.state
        state.paused = True
        try:
            self._record(kind, args, operands, result, done)
        except Exception as error:
            state.fail(kind.name, [args, result], error)
        finally:
            state.paused = False

    def _operands(self, kind: Kind, given: Sequence[Any]) -> Operands | None:
        found: Operands = []
        for value in given:
            if isinstance(value, Tensor):
                if is_batched(value):
                    return None  # a tensor of the moment, as inside a vmap
                if type(value) not in PLAIN and is_lazy(value):
                    return None  # autograd would keep the shape that it does not have yet
                found.append(self.ledger.node_of(value))
            elif type(value) in NUMBERS:
                if kind.has_numbers:
                    found.append(value)
            elif isinstance(value, SEVERAL):
                return self._operands(kind, list(flat(given)))
        return found

    def _record(
        self,
        kind: Kind,
        args: tuple[Any, ...],
        operands: Operands,
        result: Any,
        done: Sequence[Done],
    ) -> None:
        """Record the results of a call, and the operations that it was made of."""
        ledger = self.ledger
        if kind.name == SETS_DATA:
            ledger.touch(args[0])
            return
        known = len(ledger.nodes)
        results = [result] if type(result) is Tensor else tensors(result)
        sources = [operand for operand in operands if isinstance(operand, tuple)]
        base: OutputRef | None = None
        if args and isinstance(args[0], Tensor) and self._changes(kind, args[0], result):
            results, base = self._changed_by(args[0])
        if kind.changes_uncounted:
            self._note_uncounted(kind.name, args, sources)
        made = []
        for tensor in results:
            node = self._result(kind, tensor, operands, known)
            if node is not None:
                made.append(node)
        used = self._look_inside(done, sources, ledger.nodes[known:]) if done else ()
        unused = [source for source in sources if source[0] not in used] if used else sources
        for node in made:
            ledger.attach(node, unused)
            if base is not None and base[0] is not node:
                ledger.attach_view(node, sources[0], base[0])
                if not kind.changes:
                    ledger.node_of(result)  # such a function is called for its result
        if kind.name == "data" and results:
            ledger.owners[id(results[0])] = args[0]

    def _note_uncounted(self, name: str, args: Sequence[Any], sources: list[OutputRef]) -> None:
        """Note what a call may have changed without a new version."""
        if name.startswith(FUSED):
            self.ledger.touch_with_views(tensors(args))
        else:
            self.ledger.touch_buffers(sources)

    def _changes(self, kind: Kind, tensor: Tensor, result: Any) -> bool:
        """Whether a call has changed its first argument, as its name says or another argument.

        The latter matters for a view, since autograd gives its base the new history.
        """
        base = tensor._base
        if kind.changes or result is not tensor or base is None or function_of(base) is None:
            return kind.changes
        known = self.ledger.by_tensor.get(id(tensor))
        return known is not None and not known[0].outputs[known[1]].is_current(tensor)

    def _changed_by(self, tensor: Tensor) -> tuple[list[Tensor], OutputRef | None]:
        """Return what a change of a tensor gives a new version, and the base behind a view."""
        ledger = self.ledger
        base = tensor._base  # torch rewrites its history; the view's follows from it
        ledger.touch_owner(tensor if base is None else base)
        return ([tensor], None) if base is None else ([base], ledger.by_tensor.get(id(base)))

    def _result(self, kind: Kind, tensor: Tensor, operands: Operands, first: int) -> Node | None:
        """Record a result and return its node, or None if it is no new one."""
        ledger = self.ledger
        fn = function_of(tensor)
        if fn is not None:
            new = fn not in ledger.by_fn
            merged = ledger.merge(fn, tensor, first) if new and type(tensor) not in PLAIN else None
            node, _ = merged or ledger.node_of(tensor)
            if not new or kind.runs_engine:
                return None
            node.op = kind.name
        elif tensor.requires_grad and ledger.is_leaf(tensor):
            return None
        else:
            known = ledger.by_tensor.get(id(tensor))
            changed = kind.changes
            if not changed and known is not None and known[0].outputs[known[1]].is_current(tensor):
                return None
            node, _ = ledger.constant(tensor, kind.name if operands else "constant")
        node._operands = [v[0] if isinstance(v, tuple) else v for v in operands]
        return node

    def _look_inside(
        self, done: Sequence[Done], sources: list[OutputRef], new: list[Node]
    ) -> set[Node]:
        """Pair the operations that the call was made of with the tensors that they produced.

        Returns the constants that went into one of these operations.
        """
        used: set[Node] = set()
        behind: dict[int, list[OutputRef]] = {}
        for node, number in sources:
            if node._fn is None:
                behind[id(node.outputs[number]._tensor)] = [(node, number)]
        for args, produced, before in done:
            into = [s for value in flat(args) for s in behind.get(id(value), ())] if behind else []
            makers: dict[Node, None] = {}
            for i, (tensor, fn) in enumerate(produced):
                if fn in self.ledger.by_fn:
                    makers[self.ledger.by_fn[fn]] = None
                    if i not in before:
                        self.ledger.node_of(tensor)
                    else:
                        self.ledger.by_fn[fn].outputs[i].keep(before[i])
                elif into and fn is None:
                    behind.setdefault(id(tensor), into)
            for node in makers.keys() & set(new):
                self.ledger.attach(node, dict.fromkeys(into))
                used.update(source for source, _ in into)
        return used


def _is_alone(types: Sequence[Any]) -> bool:
    """Whether no other torch function would see what the recorder does with some tensors."""
    return not (types or torch._C._len_torch_function_stack())
