"""The one validator: turn what a caller passes into tensors, or say what is wrong with it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence, Sized
from functools import wraps
from typing import NamedTuple, SupportsIndex, TypeGuard, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._C._functorch import peek_interpreter_stack

from linefit._numbers import ArrayLike, double, values

COLUMN = "; a column of shape (n, 1) is made flat by ravel()"


class Origin(NamedTuple):
    """Where coordinates count from, rounded, and what the rounding took; of shape (...) each."""

    x: Tensor
    y: Tensor
    rest_x: Tensor
    rest_y: Tensor


class Placed(NamedTuple):
    """Points as floats of shape (..., n), counted from an origin, ``None`` for zero.

    Only where whole numbers, decimals or long doubles have more digits than a float64 is there
    an origin: what was subtracted, exactly, before they were rounded.
    """

    x: Tensor
    y: Tensor
    origin: Origin | None

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of results: that of the points, but at least 32 bits.

        A slope in 16 bits has three digits, and the intercept soon leaves their range.
        """
        return self.x.dtype if self.x.itemsize > 2 else torch.float32


def placed(x: ArrayLike, y: ArrayLike, *, least: int = 2, check_values: bool = True) -> Placed:
    """Return ``x`` and ``y`` as floats of one shape ``(..., n)`` with ``n`` ≥ ``least``.

    Floats keep their dtype, the wider of the two where they differ, and integers become float64.
    The arguments are never changed.  A caller that reads all values anyway can leave the search
    for NaN and infinity out until it meets one.
    """
    exact = double(x, "x"), double(y, "y")
    _same_shape(exact[0][0], exact[1][0], least)
    (px, x_from), (py, y_from) = (_from_first(*one) for one in exact)
    if px.dtype is not py.dtype or px.device != py.device:
        kind = torch.promote_types(px.dtype, py.dtype)
        px, py = px.to(kind), py.to(device=px.device, dtype=kind)
    if check_values:
        finite(px, "x")
        finite(py, "y")
    if x_from is None and y_from is None:
        return Placed(px, py, None)
    zero = torch.zeros_like(px[..., 0], dtype=torch.float64)
    (ox, rest_x) = x_from or (zero, zero)
    (oy, rest_y) = y_from or (zero, zero)
    return Placed(px, py, Origin(ox, oy.to(ox), rest_x, rest_y.to(ox)))


def _from_first(data: Tensor, rest: Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
    """Return numbers counted from the first of each line, exactly, if they need it.

    They do if rounding took more from them than it would from the differences between them.
    """
    if rest is None or not data.isfinite().all():
        return data, None
    first = data[..., :1]
    first_rest = rest[..., :1]
    spread = (data - first).abs().amax(-1)
    if (rest.abs().amax(-1) <= spread * (torch.finfo(torch.float64).eps / 2)).all():
        return data, None
    return (data - first) + (rest - first_rest), (first[..., 0], first_rest[..., 0])


def _same_shape(x: Tensor, y: Tensor, least: int) -> None:
    if x.shape != y.shape:
        flat = x.numel() == y.numel() and 1 in {x.shape[-1:].numel(), y.shape[-1:].numel()}
        shapes = f"{tuple(x.shape)} and {tuple(y.shape)}{COLUMN if flat else ''}"
        raise ValueError(f"x and y must have the same shape, but they have {shapes}.")
    n = x.shape[-1] if x.dim() else 1
    if x.dim() == 0 or x.numel() == 0 or n < least:
        what = "at least two points" if least == 2 else "a point"
        hint = COLUMN if x.dim() == 2 and n == 1 else ""
        raise ValueError(
            f"A line needs {what} along the last axis; x and y have shape {tuple(x.shape)}{hint}."
        )


def points(
    x: ArrayLike,
    y: ArrayLike,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return ``x`` and ``y`` as finite tensors of one shape, where they are, as far as floats go.

    Raises
    ------
    ValueError
        Also if the points lie so far out that floats would round the differences between them.
    """
    x, y, origin = placed(x, y)
    if origin is not None:
        x = _rounded(x, origin.x, "x")
        y = _rounded(y, origin.y, "y")
    if device is not None:
        _check_device(device)
    return x.to(device=device, dtype=dtype), y.to(device=device, dtype=dtype)


def _rounded(data: Tensor, origin: Tensor, name: str) -> Tensor:
    spread = data.abs().amax(-1)
    if ((origin.abs() * 1e-7 > spread) & (spread > 0)).any():
        raise ValueError(
            f"{name} lies so far from zero, near {origin.flatten()[0].item():.6g}, that floats "
            f"round the differences within it; subtract an origin first: {name} - {name}[0]."
        )
    return data + origin[..., None]


def _check_device(device: torch.device | str) -> None:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:  # a build without CUDA asserts
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(f"The device {str(device)!r} cannot be used here: {reason}.") from error


def is_float(dtype: object) -> bool:
    """Tell whether numbers of a dtype are real and can be calculated with, as 8 bits cannot."""
    return isinstance(dtype, torch.dtype) and dtype.is_floating_point and dtype.itemsize > 1


def check_beside(shape: torch.Size, batch: torch.Size, name: str) -> None:
    """Raise ``ValueError`` unless numbers of shape (..., n) go with the lines of a batch."""
    if not batch or not shape:
        return
    if not fit_together(shape[:-1], batch):
        raise ValueError(
            f"The leading axes of {name} must be those of the lines, {tuple(batch)}, or none, but "
            f"its shape is {tuple(shape)}."
        )


def fit_together(*shapes: torch.Size) -> bool:
    """Tell whether there is a shape to which all can be broadcast."""
    try:
        torch.broadcast_shapes(*shapes)
    except RuntimeError:
        return False
    return True


def target_of(target: object) -> torch.device | torch.dtype:
    """Return a device that is there, or a floating-point dtype, or raise with what came."""
    if isinstance(target, torch.dtype):
        if not is_float(target):
            raise TypeError(f"A line is held in floating-point numbers, not in {target}.")
        return target
    if not isinstance(target, str | torch.device):
        raise TypeError(f'A device such as "cpu", or a dtype, is expected, not {target!r}.')
    _check_device(target)
    return torch.device(target)


def finite(tensor: Tensor, name: str) -> None:
    """Raise ``ValueError`` with the count and the first index if ``tensor`` has NaN or infinity."""
    if tensor.isfinite().all():
        return
    if tensor.dim() == 0:
        raise ValueError(f"{name} must be finite, but it is {tensor.item()}.")
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
    ratio = positive(value, "variance_ratio").to(like.device)
    if ratio.dim() and ratio.shape != like.shape:
        expected = tuple(like.shape)
        got = tuple(ratio.shape)
        raise ValueError(f"variance_ratio must have shape () or {expected}, not {got}.")
    return ratio


def weights_of(weights: ArrayLike | None, x: Tensor) -> Tensor | None:
    """Return positive weights of the shape of ``x``, as float64."""
    if weights is None:
        return None
    given = positive(weights, "weights")
    check_per_point(given, x.shape, "weights")
    return given.to(x.device).expand(x.shape)


def check_per_point(given: Tensor, shape: torch.Size, name: str) -> None:
    """Raise ``ValueError`` unless there is a number for each point, or one for all."""
    if given.dim() and given.shape not in {shape, shape[-1:]}:
        expected = tuple(shape)
        got = tuple(given.shape)
        hint = COLUMN if got == (expected[-1], 1) else ""
        raise ValueError(f"{name} must have shape () or {expected}, as x has, not {got}{hint}.")


def check_pair(value: object, name: str, what: str) -> None:
    """Raise ``ValueError`` unless two things are given in their order."""
    ordered = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    array = isinstance(value, Tensor | np.ndarray) and value.ndim > 0
    if not (ordered or array) or len(cast("Sized", value)) != 2:
        raise ValueError(f"{name} must be a pair of {what}, but it is {value!r}.")


def through_of(
    through: tuple[ArrayLike, ArrayLike] | None, points: Placed
) -> tuple[Tensor, Tensor] | None:
    """Return a point that a line must meet, one for each line, counted from the points' origin."""
    if through is None:
        return None
    check_pair(through, "through", "x and y")
    shape = points.x.shape[:-1]
    like = points.x[..., 0]
    origin = points.origin or Origin(*[torch.zeros((), dtype=torch.float64)] * 4)
    found = []
    for part, name, start in zip(through, ("x", "y"), (origin[::2], origin[1::2]), strict=True):
        value, rest = double(part, f"the {name} of through")
        finite(value, f"the {name} of through")
        if value.dim() and value.shape != shape:
            expected = tuple(shape)
            got = tuple(value.shape)
            raise ValueError(f"The {name} of through must have shape {expected} or (), not {got}.")
        value = value.to(device=like.device, dtype=torch.float64)
        value = value - start[0] + ((0 if rest is None else rest.to(value)) - start[1])
        found.append(value.expand(shape))
    return found[0], found[1]


def lines(bad: Tensor) -> str:
    """Name the lines of a batch where ``bad`` is true; nothing for a single line."""
    if bad.dim() == 0:
        return ""
    indices = [tuple(i) if len(i) > 1 else i[0] for i in bad.nonzero().tolist()]
    if len(indices) == 1:
        return f" (line {indices[0]} of the batch)"
    named = ", ".join(map(str, indices[:5])) + (", …" if len(indices) > 5 else "")
    return f" (lines {named} of the batch)"


def whole(value: object, name: str) -> int:
    """Return a whole number, of 64 bits at most."""
    try:
        number = operator.index(cast("SupportsIndex", value))
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be a whole number, but it is {value!r}.") from error
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{name} must be a whole number of 64 bits, but it is {number}.")
    return number


def number(value: ArrayLike, name: str) -> float:
    """Return one number as a float."""
    given = values(value, name)
    if given.dim():
        raise ValueError(f"{name} must be one number, but its shape is {tuple(given.shape)}.")
    return float(given)


def is_read_only(data: ArrayLike) -> TypeGuard[NDArray[np.generic]]:
    """Tell whether ``data`` is an array of shape (n,) that must not be written."""
    return isinstance(data, np.ndarray) and data.ndim == 1 and not data.flags.writeable


Function = TypeVar("Function", bound=Callable[..., object])


def records_graphs(function: Function) -> Function:
    """Let ``function`` record graphs of its own, also where its caller has switched that off."""

    @wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        if peek_interpreter_stack() is not None:
            raise TypeError(
                f"{function.__name__} calls autograd itself, which torch.func's transforms do not "
                "allow; use torch.autograd, or total_least_squares, which has a closed form."
            )
        if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():
            return function(*args, **kwargs)
        with torch.inference_mode(False), torch.enable_grad():
            plain = {name: _without_graph(value) for name, value in kwargs.items()}
            return function(*map(_without_graph, args), **plain)

    return cast("Function", wrapper)


def _without_graph(value: object) -> object:
    if isinstance(value, tuple | list):
        return type(value)(map(_without_graph, value))
    return value.detach().clone() if isinstance(value, Tensor) else value
