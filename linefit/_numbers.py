"""Turn whatever holds numbers into tensors, without losing a digit that it has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._C._functorch import is_batchedtensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.masked import MaskedTensor

ArrayLike: TypeAlias = Tensor | NDArray[np.generic] | Sequence["ArrayLike"] | float
Double: TypeAlias = tuple[Tensor, Tensor | None]  # a float, and what rounding took from it

WHOLE = 2**53  # whole numbers up to here are floats


def double(data: ArrayLike, name: str) -> Double:
    """Return numbers as a floating-point tensor, and what the rounding took, ``None`` if nothing.

    Only whole numbers beyond 2⁵³, decimals, fractions and long doubles have more digits than a
    float64 holds.
    """
    if not isinstance(data, Tensor):
        return _of_array(_array(data, name), name)
    tensor = _of_tensor(data, name)
    if tensor.dtype in (torch.int64, torch.uint64):
        return _whole(tensor)
    return (tensor if tensor.is_floating_point() else tensor.to(torch.float64)), None


def values(data: ArrayLike, name: str) -> Tensor:
    """Return ``data`` as a floating-point tensor, or raise ``TypeError`` naming what came."""
    return double(data, name)[0]


def _of_tensor(tensor: Tensor, name: str) -> Tensor:
    if is_batchedtensor(tensor):
        raise TypeError(
            f"{name} is inside torch.vmap, which hides its values; pass the whole batch instead: "
            "leading axes are independent lines."
        )
    if isinstance(tensor, MaskedTensor):
        mask = tensor.get_mask()
        _no_masked(int((~mask).sum()), mask.numel(), name)
        tensor = tensor.get_data()
    narrow = tensor.is_floating_point() and tensor.itemsize < 2  # eight bits: no arithmetic
    fake = tensor.is_meta or isinstance(tensor, FakeTensor)
    if narrow or fake or tensor.layout is not torch.strided or tensor.is_quantized:
        kind = type(tensor).__name__
        what = f"a {kind} without values" if fake else f"{tensor.dtype} with {tensor.layout}"
        raise TypeError(f"{name} must be a dense tensor with values, but it is {what}.")
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        tensor = tensor.clone()  # autograd cannot save what was made in inference mode
    if tensor.is_complex():
        raise TypeError(f"{name} must hold real numbers, but it is {tensor.dtype}.")
    return tensor


def _array(data: ArrayLike, name: str) -> NDArray[np.generic]:
    if isinstance(data, np.ma.MaskedArray):
        _no_masked(int(np.sum(data.mask)), data.size, name)
    try:
        return np.asarray(data)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} must be one rectangular array of numbers: {error}") from error


def _no_masked(count: int, size: int, name: str) -> None:
    if count:
        raise ValueError(
            f"{count} of {size} values of {name} are masked; leave these points out of both x "
            "and y."
        )


def _of_array(array: NDArray[Any], name: str) -> Double:
    if array.dtype.kind == "O":
        return _objects(array, name)
    if array.dtype.kind in "mM":
        raise TypeError(_no_date(name, str(array.dtype)))
    if array.dtype.kind not in "fiub":
        real = "real numbers" if array.dtype.kind == "c" else "numbers"
        raise TypeError(f"{name} must hold {real}, but it is an array of dtype {array.dtype}.")
    if array.dtype == np.longdouble and array.itemsize > 8:
        rounded = array.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity minus infinity; finite() will tell
            rest = (array - rounded).astype(np.float64)
        return torch.from_numpy(rounded), _if_any(torch.from_numpy(rest))
    tensor = torch.from_numpy(_plain(array))
    if tensor.dtype in (torch.int64, torch.uint64):
        return _whole(tensor)
    return (tensor if tensor.is_floating_point() else tensor.to(torch.float64)), None


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that torch can share memory with: a copy where it cannot."""
    if array.dtype == np.longdouble or array.dtype in (np.uint16, np.uint32):
        return array.astype(np.float64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype == np.uint64:  # where NumPy calls it C's long long, torch does not know it
        array = array.view(np.uint64)
    flags = array.flags
    size = array.itemsize
    whole_steps = all(step >= 0 and step % size == 0 for step in array.strides)
    return array if flags.writeable and flags.aligned and whole_steps else array.copy()


def _whole(tensor: Tensor) -> Double:
    """Return whole numbers of 64 bits."""
    signed = tensor.view(torch.int64) if tensor.dtype is torch.uint64 else tensor
    if signed.numel() == 0:
        return signed.to(torch.float64), None
    low, high = signed.aminmax()
    if low >= -WHOLE and high <= WHOLE:
        return signed.to(torch.float64), None
    upper = (signed >> 32).to(torch.float64)
    lower = (signed & 0xFFFFFFFF).to(torch.float64)
    if tensor.dtype is torch.uint64:
        upper = torch.where(upper < 0, upper + 2.0**32, upper)
    rounded, rest = two_sum(upper * 2.0**32, lower)
    return rounded, _if_any(rest)


def _objects(array: NDArray[Any], name: str) -> Double:
    """Return Python's own numbers: whole ones of any size, decimals, fractions."""
    for index, value in np.ndenumerate(array):
        if not isinstance(value, Real | Decimal):
            where = index[0] if len(index) == 1 else index
            at = f"the value at index {where} is" if index else "it is"
            if isinstance(value, date | timedelta | np.datetime64 | np.timedelta64):
                raise TypeError(_no_date(name, type(value).__name__))
            raise TypeError(f"{name} must hold numbers, but {at} {_shown(value)}.")
    pairs = [_pair(value) for value in array.flat]
    both = torch.tensor(pairs, dtype=torch.float64).reshape(*array.shape, 2)
    return both[..., 0], _if_any(both[..., 1])


def _pair(value: Any) -> tuple[float, float]:
    try:
        rounded = float(value)
    except OverflowError:
        return (math.inf if value > 0 else -math.inf), 0.0
    except ValueError:  # a signaling NaN
        return math.nan, 0.0
    if not math.isfinite(rounded) or isinstance(value, float):
        return rounded, 0.0
    return rounded, float(Fraction(value) - Fraction(rounded))


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:39] + '…'}, of type {type(value).__name__}"


def _no_date(name: str, kind: str) -> str:
    spans = "delta" in kind
    t = f'np.asarray({name}, dtype="{"timedelta" if spans else "datetime"}64[ns]")'
    seconds = 'np.timedelta64(1, "s")'
    how = f"{t} / {seconds}" if spans else f"t = {t}, then (t - t[0]) / {seconds}"
    what = "a unit" if spans else "a unit and an origin"
    return f"{name} must hold numbers, but it holds {kind}; choose {what}: {how}."


def _if_any(rest: Tensor) -> Tensor | None:
    return rest if rest.any() else None


def two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return a + b, rounded, and what the rounding took (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
