"""Sums of powers over points, in blocks that stay in the processor's cache."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 1 << 17  # points a block: two buffers of 1 MB, which stay in the cache


class Sums(NamedTuple):
    """Sums over points, measured from a point among them, in float64.

    ``start`` of shape (..., 2) is that point, ``first`` (..., 2) sums the coordinates,
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
    if x.shape[-1] > BLOCK:
        parts = [
            _line(*row) for row in zip(*(t.reshape(-1, t.shape[-1]) for t in (x, y)), strict=True)
        ]
        joined = [torch.stack(column) for column in zip(*parts, strict=True)]
    else:
        size = BLOCK // x.shape[-1]
        rows = (t.reshape(-1, t.shape[-1]).split(size) for t in (x, y))
        shape = min(size, x.numel() // x.shape[-1]), 2, x.shape[-1]
        room = torch.empty(shape, dtype=torch.float64, device=x.device)
        parts = [_rows(a, b, room[: len(a)]) for a, b in zip(*rows, strict=True)]
        joined = [torch.cat(column) for column in zip(*parts, strict=True)]
    return Sums(*(t.reshape(x.shape[:-1] + t.shape[1:]) for t in joined))


def _line(x: Tensor, y: Tensor) -> Sums:
    """Return the sums of one line, of any length."""
    start_x, start_y = _amid(x), _amid(y)
    sums: list[Tensor] = []
    short = x.shape[0] <= BLOCK
    for part_x, part_y in [(x, y)] if short else zip(x.split(BLOCK), y.split(BLOCK), strict=True):
        u, v = part_x.to(torch.float64) - start_x, part_y.to(torch.float64) - start_y
        new = [u.sum(), v.sum(), torch.dot(u, u), torch.dot(v, v), torch.dot(u, v)]
        sums = [a + b for a, b in zip(sums, new, strict=True)] if sums else new
    start = torch.cat((start_x, start_y))
    return Sums(start, torch.stack(sums[:2]), torch.stack(sums[2:4]), sums[4])


def _rows(x: Tensor, y: Tensor, points: Tensor) -> Sums:
    """Return the sums of lines that fit into a block, (rows, n); ``points`` is their buffer."""
    start = torch.cat((_amid(x), _amid(y)), dim=-1)
    if x.requires_grad or y.requires_grad:
        points = torch.stack((x, y), dim=-2).to(torch.float64) - start[..., None]
    else:  # the same without a copy on the way
        for i, part in enumerate((x, y)):
            torch.sub(part.to(torch.float64), start[:, i : i + 1], out=points[:, i])
    products = points @ points.mT  # one small product of matrices for all three
    squares = products.diagonal(dim1=-2, dim2=-1)
    return Sums(start, points.sum(-1), squares, products[..., 0, 1])


def _amid(data: Tensor) -> Tensor:
    """Return the mean of the first block, (..., 1), and exactly its value where all are equal."""
    origin = data[..., :1].to(torch.float64)
    return origin + (data[..., :BLOCK] - origin).mean(-1, keepdim=True)


def two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return a + b, rounded, and the rounding error (Knuth's two-sum)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
