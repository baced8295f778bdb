"""The one validator: turn what a caller passes into tensors, or say what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import wraps
from numbers import Real
from typing import TypeAlias, TypeGuard, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ArrayLike: TypeAlias = Tensor | NDArray[np.generic] | Sequence["ArrayLike"] | float


def points(
    x: ArrayLike,
    y: ArrayLike,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    least: int = 2,
    check_values: bool = True,
) -> tuple[Tensor, Tensor]:
    """Return ``x`` and ``y`` as finite tensors of one shape ``(..., n)`` with ``n`` ≥ ``least``.

    Floats keep their dtype, the wider of the two where they differ, and integers become float64,
    unless ``dtype`` says otherwise.  The arguments are never changed.  A caller that reads all
    values anyway can leave the search for NaN and infinity out until it meets one.
    """
    tensors = values(x, "x"), values(y, "y")
    if tensors[0].shape != tensors[1].shape:
        shapes = " and ".join(str(tuple(t.shape)) for t in tensors)
        raise ValueError(f"x and y must have the same shape, but they have {shapes}.")
    n = tensors[0].shape[-1] if tensors[0].dim() else 1
    if tensors[0].dim() == 0 or tensors[0].numel() == 0 or n < least:
        raise ValueError(
            f"A line needs at least two points along the last axis; x and y have shape "
            f"{tuple(tensors[0].shape)}."
        )
    kind = dtype or torch.promote_types(tensors[0].dtype, tensors[1].dtype)
    where = device or tensors[0].device
    moved = tuple(t.to(device=where, dtype=kind) for t in tensors)
    if check_values:
        finite(moved[0], "x")
        finite(moved[1], "y")
    return moved[0], moved[1]


def values(data: ArrayLike, name: str) -> Tensor:
    """Return ``data`` as a floating-point tensor, or raise ``TypeError`` naming what came."""
    tensor = data if isinstance(data, Tensor) else torch.from_numpy(_array(data, name))
    narrow = tensor.is_floating_point() and tensor.itemsize < 2  # eight bits: no arithmetic
    if narrow or tensor.is_meta or tensor.layout is not torch.strided:
        raise TypeError(f"{name} must be a dense tensor with values, but it is {tensor!r}.")
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        tensor = tensor.clone()  # autograd cannot save what was made in inference mode
    if tensor.is_complex():
        raise TypeError(f"{name} must hold real numbers, but it is {tensor.dtype}.")
    return tensor if tensor.is_floating_point() else tensor.to(torch.float64)


def _array(data: ArrayLike, name: str) -> NDArray[np.generic]:
    if isinstance(data, np.ma.MaskedArray) and data.mask.any():
        raise ValueError(
            f"{data.mask.sum()} of {data.size} values of {name} are masked; leave these points "
            "out of both x and y."
        )
    try:
        array = np.asarray(data)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} must be one rectangular array of numbers: {error}") from error
    if array.dtype.kind == "O" and all(isinstance(v, Real | Decimal) for v in array.flat):
        array = array.astype(np.float64)  # such as whole numbers beyond 64 bits
    if array.dtype.kind not in "fiubc":
        raise TypeError(
            f"{name} must hold numbers, but it is {type(data).__name__} of dtype {array.dtype}."
        )
    if array.dtype in (np.longdouble, np.uint16, np.uint32, np.uint64):
        array = array.astype(np.float64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    usable = array.flags.writeable and min(array.strides, default=0) >= 0
    return array if usable else array.copy()


def finite(tensor: Tensor, name: str) -> None:
    """Raise ``ValueError`` with the count and the first index if ``tensor`` has NaN or infinity."""
    if tensor.isfinite().all():
        return
    bad = (~tensor.isfinite()).nonzero()
    first = tuple(bad[0].tolist())
    where = first[0] if len(first) == 1 else first
    raise ValueError(
        f"{name} must be finite, but {len(bad)} of {tensor.numel()} values are NaN or infinite; "
        f"the first is {tensor[first].item()} at index {where}."
    )


def positive(value: ArrayLike, name: str) -> Tensor:
    """Return ``value`` as a float64 tensor, or raise ``ValueError`` unless all of it is > 0."""
    if isinstance(value, float) and 0 < value < math.inf:
        return torch.tensor(value, dtype=torch.float64)
    tensor = values(value, name).to(torch.float64)
    if not ((tensor > 0) & (tensor < torch.inf)).all():
        finite(tensor, name)
        raise ValueError(f"{name} must be positive, but its smallest value is {tensor.min()}.")
    return tensor


def variance_ratios(value: ArrayLike, like: Tensor) -> Tensor:
    """Return a positive ratio for all lines, or for each; ``like`` has the shape of the batch."""
    ratio = positive(value, "variance_ratio").to(like)
    if ratio.dim() and ratio.shape != like.shape:
        expected, got = tuple(like.shape), tuple(ratio.shape)
        raise ValueError(f"variance_ratio must have shape () or {expected}, not {got}.")
    return ratio


def lines(bad: Tensor) -> str:
    """Name the lines of a batch where ``bad`` is true; nothing for a single line."""
    if bad.dim() == 0:
        return ""
    indices = [tuple(i) if len(i) > 1 else i[0] for i in bad.nonzero().tolist()]
    if len(indices) == 1:
        return f" (line {indices[0]} of the batch)"
    named = ", ".join(map(str, indices[:5])) + (", …" if len(indices) > 5 else "")
    return f" (lines {named} of the batch)"


def is_read_only(data: ArrayLike) -> TypeGuard[NDArray[np.generic]]:
    """Tell whether ``data`` is an array of shape (n,) that must not be written."""
    return isinstance(data, np.ndarray) and data.ndim == 1 and not data.flags.writeable


Function = TypeVar("Function", bound=Callable[..., object])


def records_graphs(function: Function) -> Function:
    """Let ``function`` record graphs of its own, also where its caller has switched that off."""

    @wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():
            return function(*args, **kwargs)
        with torch.inference_mode(False), torch.enable_grad():
            plain = {name: _without_graph(value) for name, value in kwargs.items()}
            return function(*map(_without_graph, args), **plain)

    return cast("Function", wrapper)


def _without_graph(value: object) -> object:
    return value.detach().clone() if isinstance(value, Tensor) else value
