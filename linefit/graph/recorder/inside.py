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
    overloads = _overloads(name) if isinstance(function, IN_C) else []
    return bool(overloads) and not any(map(_is_composite, overloads))


def returns_one_tensor(name: str) -> bool:
    """Whether an operation of torch's has one tensor as its result, whatever its arguments are."""
    overloads = [overload._schema.returns for overload in _overloads(name)]
    return bool(overloads) and all(
        [str(r.type) for r in found] == ["Tensor"] for found in overloads
    )


def _overloads(name: str) -> list[Any]:
    """Return the operations that share a name in torch; none if it is unknown there."""
    packet = getattr(torch.ops.aten, name, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return []
    return [getattr(packet, overload) for overload in packet.overloads()]


def _register() -> None:
    library = torch.library.Library("_", "IMPL")
    library.fallback(_kernel, "TESTING_ONLY_GenericMode", with_keyset=True)
    _kernels.append(library)


def _kernel(keys: Any, operation: Any, *args: Any, **kwargs: Any) -> Any:
    """Run an operation; one that is made of others leads to these."""
    signature = _signature_of(operation)
    if signature.is_composite and not signature.has_numbers(args):
        return operation.redispatch(keys & BELOW, *args, **kwargs)
    lists = _listeners.lists or _latest[-1:]
    with torch._C._ExcludeDispatchKeyGuard(ALONE):
        if signature.overwrites:
            _keep_before(args[0], lists)
        result = operation(*args, **kwargs)
    found = [result] if type(result) is Tensor else tensors(result)
    if signature.overwrites:
        found = [tensor for tensor in found if not _is_changed_view(tensor, args)]
    made = [(tensor, function_of(tensor)) for tensor in found]
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


class _Signature(NamedTuple):
    """What the listener has to know about an operation."""

    is_composite: bool  # made of other operations
    overwrites: bool  # writes its result into its first argument
    tensors: tuple[int, ...]  # which arguments are tensors

    def has_numbers(self, args: tuple[Any, ...]) -> bool:
        """Whether a plain number stands for a tensor, which only an ordinary call can convert."""
        count = len(args)
        return any(i < count and not isinstance(args[i], Tensor) for i in self.tensors)


@cache
def _signature_of(operation: Any) -> _Signature:
    arguments = operation._schema.arguments
    alias = arguments[0].alias_info if arguments else None
    overwrites = alias is not None and bool(alias.is_write)
    kinds = [str(argument.type) for argument in arguments]
    positions = tuple(i for i, kind in enumerate(kinds) if kind == "Tensor")
    return _Signature(_is_composite(operation), overwrites, positions)


def _is_composite(operation: Any) -> bool:
    implicit = torch._C.DispatchKey.CompositeImplicitAutograd
    try:
        return bool(operation.has_kernel_for_dispatch_key(implicit))
    except RuntimeError:  # TorchScript's alone, on numbers and lists
        return False
