"""See the operations that one call is made of, each with its results, as autograd leaves them.

A ``TorchDispatchMode`` would see them too, but torch takes other ways under one: it makes other
backward nodes of a reshape, an attention or a loss.  A kernel of one's own on a dispatch key that
torch leaves free is called before autograd's, and nothing asks whether it is there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import cache
from types import BuiltinFunctionType, GetSetDescriptorType, MethodDescriptorType, MethodWrapperType
from types import WrapperDescriptorType as SlotType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from linefit.graph.nodes import PLAIN, copied, function_of, tensors


class Done(NamedTuple):
    """An operation that has run: its arguments, and its results with their ``grad_fn``.

    ``before`` has copies of results that a later operation of the same call was to overwrite.
    """

    args: tuple[Any, ...]
    made: list[tuple[Tensor, Any]]
    before: dict[int, Tensor]


KEY = torch._C._dispatch_key_parse("TESTING_ONLY_GenericMode")
BELOW = torch._C._dispatch_keyset_full_after(KEY)
ALONE = torch._C.DispatchKeySet(KEY)
IN_C = (
    BuiltinFunctionType, GetSetDescriptorType, MethodDescriptorType, MethodWrapperType, SlotType
)  # fmt: skip
IN_PYTHON = {"torch._tensor", "torch.autograd", "torch.functional", "torch.nn.functional"}

# Calls that are one operation, for which a rarer use makes another decision
SINGLE = {
    "abs", "add", "cos", "div", "exp", "log", "mean", "mul", "neg", "pow", "relu", "sigmoid",
    "sin", "sqrt", "sub", "sum", "tanh",
}  # fmt: skip


class _Listeners(threading.local):
    """The lists to which the operations of this thread are appended."""

    def __init__(self) -> None:
        self.lists: list[list[Done]] = []


_listeners = _Listeners()
_latest: list[list[Done]] = []  # those of all threads: the engine's threads have none of their own
_kernels: list[Any] = []  # the registration, which ends when it is dropped


class Listening(AbstractContextManager[list[Done]]):
    """Append the operations that run in the body to a list."""

    __slots__ = ("done", "guard")

    def __init__(self) -> None:
        self.done: list[Done] = []
        self.guard: Any = None

    def __enter__(self) -> list[Done]:
        if not _kernels:
            _register()
        _listeners.lists.append(self.done)
        _latest.append(self.done)
        self.guard = torch._C._IncludeDispatchKeyGuard(KEY)
        self.guard.__enter__()
        return self.done

    def __exit__(self, *error: object) -> None:
        self.guard.__exit__(None, None, None)
        _listeners.lists.pop()
        _latest.remove(self.done)


def can_listen(types: Iterable[Any]) -> bool:
    """Whether the operations of a call can be seen: on plain tensors, in no mode of the user's."""
    return not torch._C._len_torch_dispatch_stack() and all(kind in PLAIN for kind in types)


def is_torchs(function: Any) -> bool:
    """Whether a function is torch's own, rather than one that a library has made overridable."""
    return isinstance(function, IN_C) or getattr(function, "__module__", None) in IN_PYTHON


def is_one_operation(function: Any, name: str) -> bool:
    """Whether a call is one operation of autograd's, so that there is nothing to see inside."""
    if name in SINGLE:
        return True
    packet = getattr(torch.ops.aten, name, None) if isinstance(function, IN_C) else None
    overloads = packet.overloads() if isinstance(packet, torch._ops.OpOverloadPacket) else []
    return bool(overloads) and not any(_is_composite(getattr(packet, o)) for o in overloads)


def _register() -> None:
    library = torch.library.Library("_", "IMPL")
    library.fallback(_kernel, "TESTING_ONLY_GenericMode", with_keyset=True)
    _kernels.append(library)


def _kernel(keys: Any, operation: Any, *args: Any, **kwargs: Any) -> Any:
    """Run an operation; one that is made of others leads to these."""
    if _is_composite(operation) and not _has_numbers(operation, args):
        return operation.redispatch(keys & BELOW, *args, **kwargs)
    lists = _listeners.lists or _latest[-1:]
    with torch._C._ExcludeDispatchKeyGuard(ALONE):
        if _overwrites(operation):
            _keep_before(args[0], lists)
        result = operation(*args, **kwargs)
    made = [(t, function_of(t)) for t in tensors(result) if not _is_changed_view(t, args)]
    for done in lists:
        done.append(Done(args, made, {}))
    return result


def _keep_before(overwritten: Any, lists: Iterable[list[Done]]) -> None:
    """Copy the result of an earlier operation of the same call before it is overwritten."""
    for done in lists:
        for _, made, before in done:
            for i, (tensor, _) in enumerate(made):
                copy = copied(tensor) if tensor is overwritten and i not in before else None
                if copy is not None:
                    before[i] = copy


def _is_changed_view(tensor: Tensor, args: Iterable[Any]) -> bool:
    """Whether an operation has written through a view: to ask for its history would rewrite it."""
    return tensor._base is not None and any(tensor is value for value in args)


@cache
def _overwrites(operation: Any) -> bool:
    """Whether an operation writes its result into its first argument."""
    arguments = operation._schema.arguments
    alias = arguments[0].alias_info if arguments else None
    return alias is not None and bool(alias.is_write)


@cache
def _is_composite(operation: Any) -> bool:
    implicit = torch._C.DispatchKey.CompositeImplicitAutograd
    try:
        return bool(operation.has_kernel_for_dispatch_key(implicit))
    except RuntimeError:  # TorchScript's alone, on numbers and lists
        return False


@cache
def _tensors(operation: Any) -> tuple[int, ...]:
    """Return which arguments of an operation are tensors."""
    kinds = [str(argument.type) for argument in operation._schema.arguments]
    return tuple(i for i, kind in enumerate(kinds) if kind == "Tensor")


def _has_numbers(operation: Any, args: tuple[Any, ...]) -> bool:
    """Whether a plain number stands for a tensor, which only an ordinary call can convert."""
    count = len(args)
    return any(i < count and not isinstance(args[i], Tensor) for i in _tensors(operation))
