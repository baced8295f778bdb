"""The names that the user gave: of operations, variables and modules."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from types import FrameType
from typing import Any

from torch import Tensor, nn

REVERSED = {"radd", "rsub", "rmul", "rdiv", "rtruediv", "rpow", "rmatmul", "rfloordiv", "rmod"}
SAME = {"truediv": "div", "rtruediv": "rdiv", "true_divide": "div"}
TAKES_NUMBERS = {
    "add", "sub", "mul", "div", "pow", "remainder", "mod", "floordiv", "floor_divide", "fmod",
    "float_power", "multiply", "divide", "subtract", "rsub", "maximum", "minimum", "atan2",
    "fill", "masked_fill", "clamp", "eq", "ne", "gt", "lt", "ge", "le", "where",
}  # fmt: skip


@lru_cache(maxsize=4096)
def of_function(function: Any) -> tuple[str, bool]:
    """Return what a user calls a torch function, and whether its operands came in reverse."""
    name = str(getattr(function, "__name__", "call"))
    if name in {"__get__", "__set__"}:  # an attribute such as x.T
        attribute = str(getattr(function.__self__, "__name__", name))
        if name == "__set__":
            return f"set {attribute}", False
        return (".grad" if attribute == "grad" else attribute), False
    plain = name.strip("_") if name.startswith("__") else name
    plain = SAME.get(plain, plain)
    return (plain[1:], True) if plain in REVERSED and name.startswith("__") else (plain, False)


@cache
def of_backward(backward_name: str) -> str:
    """Return the operation behind a backward node that no call of the user's made by itself.

    >>> of_backward("LogSoftmaxBackward0"), of_backward("TBackward0"), of_backward("CopySlices")
    ('log_softmax', 't', 'copy_slices')
    """
    bare = re.sub(r"Backward(\d*)$", "", backward_name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", bare).lower()


@cache
def takes_numbers(op: str) -> bool:
    """Whether the plain numbers among the arguments of an operation are its operands."""
    return op.rstrip("_") in TAKES_NUMBERS


def of_tensors(variables: Mapping[str, Any]) -> dict[int, tuple[str, Tensor]]:
    """Return the name of every tensor that variables hold, by the tensor's identity.

    A variable that is a tensor takes precedence over a module, list, tuple or dict that holds it.
    """
    public = [(name, v) for name, v in variables.items() if not name.startswith("_")]
    found: dict[int, tuple[str, Tensor]] = {}
    for name, value in public:
        if isinstance(value, Tensor):
            found.setdefault(id(value), (name, value))
    for name, value in public:
        for part, tensor in _inside(name, value):
            found.setdefault(id(tensor), (part, tensor))
    return found


def _inside(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    items: Any = ()
    if isinstance(value, nn.Module):
        items = [(f"{name}.{k}", v) for k, v in value.named_parameters()]
        items += [(f"{name}.{k}", v) for k, v in value.named_buffers()]
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        items = [(f"{name}.{k}", v) for k, v in zip(value._fields, value, strict=False)]
    elif isinstance(value, list | tuple) and len(value) <= 100:
        items = [(f"{name}[{i}]", v) for i, v in enumerate(value)]
    elif isinstance(value, dict) and len(value) <= 100:
        items = [(f"{name}[{k!r}]", v) for k, v in value.items() if isinstance(k, str)]
    yield from ((k, v) for k, v in items if isinstance(v, Tensor))


def in_frame(frame: FrameType) -> dict[int, tuple[str, Tensor]]:
    """Return the names of the tensors that a running function and its module hold."""
    found = of_tensors(frame.f_locals)
    if frame.f_locals is not frame.f_globals:
        found = of_tensors(frame.f_globals) | found
    _clear_locals(frame)
    return found


def of_modules(frame: FrameType) -> dict[int, tuple[str, nn.Module]]:
    """Return the names of the modules that a running function and its module hold."""
    found: dict[int, tuple[str, nn.Module]] = {}
    for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
        if isinstance(value, nn.Module) and not name.startswith("_"):
            for part, module in value.named_modules(prefix=name):
                found.setdefault(id(module), (part, module))
    _clear_locals(frame)
    return found


def _clear_locals(frame: FrameType) -> None:
    """Clear the snapshot of a function's variables that CPython < 3.13 keeps, tensors included.

    Module and class frames have no snapshot: there the mapping is the namespace itself.
    """
    copied = frame.f_code.co_flags & inspect.CO_OPTIMIZED and sys.version_info < (3, 13)
    frames_alone = 2  # the frame's reference and getrefcount's own
    if copied and sys.getrefcount(frame.f_locals) <= frames_alone:
        frame.f_locals.clear()
