"""Sums of powers over points, in blocks that stay in the processor's cache."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 1 << 17  # points a block: two buffers of 1 MB, which stay in the cache


class Sums(NamedTuple):
    """Sums over points counted from a place amid them, in float64.

    ``start`` of shape (..., 2) is that place, ``first`` (..., 2) sums the coordinates,
    ``squares`` (..., 2) their squares and ``product`` (...) their products.
    """

    start: Tensor
    first: Tensor
    squares: Tensor
    product: Tensor


def power_sums(x: Tensor, y: Tensor) -> Sums:
    """Return the sums of points of shape (..., n)."""
    if x.dim() == 1:
        return _line(x, y)
    n = x.shape[-1]
    size = max(1, BLOCK // n)
    rows = (t.reshape(-1, n).split(size) for t in (x, y))
    parts = [_line(a, b) for a, b in zip(*rows, strict=True)]
    joined = [torch.cat(column) for column in zip(*parts, strict=True)]
    return Sums(*(t.reshape(x.shape[:-1] + t.shape[1:]) for t in joined))


def _line(x: Tensor, y: Tensor) -> Sums:
    """Return the sums of one line, or of lines that fit into a block together."""
    dot = torch.dot if x.dim() == 1 else torch.linalg.vecdot
    start_x, start_y = _amid(x), _amid(y)
    sums: list[Tensor] = []
    blocks = (
        [(x, y)]
        if x.shape[-1] <= BLOCK
        else zip(x.split(BLOCK, -1), y.split(BLOCK, -1), strict=True)
    )
    for part_x, part_y in blocks:
        u, v = part_x.to(torch.float64) - start_x, part_y.to(torch.float64) - start_y
        new = [u.sum(-1), v.sum(-1), dot(u, u), dot(v, v), dot(u, v)]
        sums = [a + b for a, b in zip(sums, new, strict=True)] if sums else new
    start = torch.cat((start_x, start_y), dim=-1)
    first, squares = torch.stack(sums[:2], dim=-1), torch.stack(sums[2:4], dim=-1)
    return Sums(start, first, squares, sums[4])


def _amid(data: Tensor) -> Tensor:
    """Return the mean of the first block, (..., 1), and exactly its value where all are equal."""
    origin = data[..., :1].to(torch.float64)
    return origin + (data[..., :BLOCK] - origin).mean(-1, keepdim=True)


def two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return a + b, rounded, and what the rounding took (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
