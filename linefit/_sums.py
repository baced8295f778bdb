"""Sums of powers over points, in blocks that stay in the processor's cache."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 1 << 17  # points a block: two buffers of 1 MB, which stay in the processor's cache


def power_sums(x: Tensor, y: Tensor) -> list[Tensor]:
    """Return a place amid the points, and their sums around it, in float64.

    Parameters
    ----------
    x, y : Tensor of shape (..., n)
        The points.

    Returns
    -------
    list of Tensor of shape (...)
        The place's x and y, then the sums of u, v, u², uv and v², where (u, v) counts from it.
    """
    if x.dim() == 1 or x.numel() <= BLOCK:
        return _sums(x, y)
    size = max(1, BLOCK // x.shape[-1])
    rows = (t.reshape(-1, t.shape[-1]).split(size) for t in (x, y))
    parts = [_sums(a, b) for a, b in zip(*rows, strict=True)]
    return [torch.cat(c).reshape(x.shape[:-1]) for c in zip(*parts, strict=True)]


def _amid(data: Tensor) -> Tensor:
    """Return the mean of the first block, so that equal values give that value exactly."""
    first = data[..., :1].to(torch.float64)
    return (first + (data[..., :BLOCK] - first).mean(-1, keepdim=True))[..., 0]


def _sums(x: Tensor, y: Tensor) -> list[Tensor]:
    """Return the power sums of one line, or of a batch that fits into a block."""
    start_x, start_y = _amid(x), _amid(y)
    sums = [torch.zeros_like(start_x)] * 5
    for part_x, part_y in zip(x.split(BLOCK, -1), y.split(BLOCK, -1), strict=True):
        dx = part_x.to(torch.float64) - start_x[..., None]
        dy = part_y.to(torch.float64) - start_y[..., None]
        products = ((dx, dx), (dx, dy), (dy, dy))
        new = [dx.sum(-1), dy.sum(-1), *(torch.linalg.vecdot(p, q) for p, q in products)]
        sums = [a + b for a, b in zip(sums, new, strict=True)]
    return [start_x, start_y, *sums]
