"""The numbers of a tensor: written in a few characters, and compared."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

ORDERED = {  # types of which torch finds the smallest number
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
}  # fmt: skip


def number(value: float, *, digits: int = 4) -> str:
    """Return a number with a few significant digits and a real minus sign.

    >>> number(-9.875), number(12345.6), number(1234567.0), number(1e-9), number(3)
    ('−9.875', '12346', '1.235e6', '1e−9', '3')
    """
    if isinstance(value, bool):
        return str(value)
    if 10**digits <= abs(value) < 1e6:
        return f"{value:.0f}".replace("-", "−")
    mantissa, _, power = f"{value:.{digits}g}".partition("e")
    text = f"{mantissa}e{int(power)}" if power else mantissa
    return text.replace("-", "−")


def written_out(value: Any) -> str:
    """Return a number, or each of the numbers in nested lists.

    >>> written_out([[1, -2.5], [1j, 3]])
    '[[1, −2.5], [0 + 1i, 3]]'
    """
    if isinstance(value, list):
        return f"[{', '.join(map(written_out, value))}]"
    if isinstance(value, complex):
        return f"{number(value.real)} {'−' if value.imag < 0 else '+'} {number(abs(value.imag))}i"
    return number(value)


def size(nbytes: int) -> str:
    """Return a number of bytes in a fitting unit.

    >>> size(0), size(1000), size(123_456_789)
    ('0 B', '1 kB', '123 MB')
    """
    amount = float(nbytes)
    unit = "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount = amount / 1000
        unit = larger
    return f"{number(amount, digits=3)} {unit}"


def duration(seconds: float) -> str:
    """Return a time in a fitting unit.

    >>> duration(0.0), duration(0.0123), duration(2.5), duration(4e-6)
    ('0 s', '12.3 ms', '2.5 s', '4 µs')
    """
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit or not seconds:
            return f"{number(seconds / unit, digits=3)} {name}"
    return f"{number(seconds * 1e6, digits=3)} µs"


class Range(NamedTuple):
    """The smallest and the largest number of a tensor, and how many of its elements are NaN."""

    least: float
    most: float
    nans: int


def range_of(tensor: Tensor) -> Range | None:
    """Return the range of a dense real tensor that has elements; None if all of them are NaN."""
    ordered = tensor if tensor.dtype in ORDERED else tensor.double()
    nans = int(ordered.isnan().sum())
    if nans == ordered.numel():
        return None
    known = ordered[~ordered.isnan()] if nans else ordered
    return Range(known.min().item(), known.max().item(), nans)


def dense(tensor: Tensor) -> Tensor:
    """Return a sparse or quantized tensor as a plain one of the same numbers."""
    if tensor.is_quantized:
        return tensor.dequantize()
    return tensor.to_dense() if tensor.layout != torch.strided else tensor


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same numbers, NaN included."""
    if one.shape != other.shape or one.is_meta or other.is_meta:
        return one.shape == other.shape
    return torch.allclose(dense(one), dense(other), rtol=0, atol=0, equal_nan=True)
