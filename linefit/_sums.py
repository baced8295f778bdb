"""Sums of powers over points, in blocks that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._C._functorch import peek_interpreter_stack
from torch.autograd import forward_ad

Piece = TypeVar("Piece")

BLOCK = 1 << 16  # points a block: x, y and two buffers of 512 kB each stay in a core's cache
ROW = 1 << 13  # points a row of a block: a product of this length is no work for two threads
FAR = 5.0  # mean square over variance, from which on squares count from a place amid the points
SHARE = 8  # blocks that a thread takes at a time: few enough that none waits long at the end


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
        plain = x.shape[0] > min(ROW, BLOCK) and _is_plain(x) and _is_plain(y)
        if plain:
            return _plain_line(x, y)
        return _short_line(x, y) if x.shape[0] <= BLOCK else _line(x, y)
    if x.shape[-1] > BLOCK:
        rows = zip(*(t.reshape(-1, t.shape[-1]) for t in (x, y)), strict=True)
        parts = [power_sums(*row) for row in rows]
        joined = Sums(*(torch.stack(column) for column in zip(*parts, strict=True)))
    elif _is_plain(x) and _is_plain(y):
        joined = _plain_rows(*(t.reshape(-1, t.shape[-1]) for t in (x, y)))
    else:
        size = BLOCK // x.shape[-1]
        split = (t.reshape(-1, t.shape[-1]).split(size) for t in (x, y))
        shape = min(size, x.numel() // x.shape[-1]), 2, x.shape[-1]
        room = torch.empty(shape, dtype=torch.float64, device=x.device)
        parts = [_rows(a, b, room[: len(a)]) for a, b in zip(*split, strict=True)]
        joined = Sums(*(torch.cat(column) for column in zip(*parts, strict=True)))
    return Sums(*(t.reshape(x.shape[:-1] + t.shape[1:]) for t in joined))


def _is_plain(data: Tensor) -> bool:
    """Tell whether NumPy may read the numbers: nothing is to be differentiated, or elsewhere."""
    return (
        data.dtype in (torch.float64, torch.float32)
        and data.is_cpu
        and not data.requires_grad
        and forward_ad._current_level < 0
        and peek_interpreter_stack() is None
    )


def _plain_line(x: Tensor, y: Tensor) -> Sums:
    """Return the sums of one line by NumPy, whose threads never wait for each other.

    torch would share each small operation among all threads, and wait for the last of them each
    time; on a busy machine that takes many times as long.  Here a thread takes a share of the
    points and brings back its sums, which are added in the order of the points.
    """
    u = x.resolve_neg().numpy()
    v = y.resolve_neg().numpy()
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told later
        near = _is_near_zero(u) and _is_near_zero(v)
        start = np.zeros(2) if near else np.array((_middle(u[:BLOCK]), _middle(v[:BLOCK])))
        total = _in_shares(u, v, start)
        if near and (total[2:4] > FAR * (total[2:4] - total[:2] ** 2 / len(u))).any():
            start = np.array((_middle(u[:BLOCK]), _middle(v[:BLOCK])))  # not as near as it looked
            total = _in_shares(u, v, start)
    first, squares = torch.from_numpy(total[:4]).view(2, 2)
    return Sums(torch.from_numpy(start), first, squares, torch.tensor(total[4], dtype=first.dtype))


def _plain_rows(x: Tensor, y: Tensor) -> Sums:
    """Return the sums of lines that fit into a block, (rows, n), by NumPy."""
    u = x.resolve_neg().numpy()
    v = y.resolve_neg().numpy()
    size = max(1, BLOCK // u.shape[1])

    def sums(i: int) -> list[NDArray[np.float64]]:
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told later
            (a, from_a), (b, from_b) = (_centered(rows[i : i + size]) for rows in (u, v))
            products = np.vecdot(a, a), np.vecdot(b, b), np.vecdot(a, b)
            return [from_a, from_b, np.add.reduce(a, axis=1), np.add.reduce(b, axis=1), *products]

    parts = _mapped(sums, range(0, len(u), size))
    columns = [torch.from_numpy(np.concatenate(column)) for column in zip(*parts, strict=True)]
    pairs = [torch.stack(columns[i : i + 2], dim=-1) for i in (0, 2, 4)]
    return Sums(pairs[0], pairs[1], pairs[2], columns[6])


def _centered(rows: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rows counted from their means, and the means; zero exactly where all are equal."""
    origin = rows[:, :1].astype(np.float64)
    start = origin + np.mean(rows - origin, axis=1, keepdims=True)
    return rows - start, start[:, 0]


def _is_near_zero(data: NDArray[Any]) -> bool:
    """Tell from a few numbers whether squares may count from zero, which saves a pass.

    It costs log2(FAR) bits at most, about two.
    """
    few = data[:: len(data) // 1000 + 1]
    return data.dtype == np.float64 and bool(np.mean(few) ** 2 < (FAR - 1) * np.var(few))


def _middle(data: NDArray[Any]) -> Any:
    """Return the mean, and exactly its value where all are equal."""
    origin = np.float64(data[0])
    return origin + np.add.reduce(data - origin) / len(data)


def _in_shares(x: NDArray[Any], y: NDArray[Any], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Σu, Σv, Σu², Σv² and Σuv, with u and v counted from the start, by several threads."""
    share = SHARE * BLOCK
    starts = range(0, len(x), share)

    def sums(i: int) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore", over="ignore"):
            return _share(x[i : i + share], y[i : i + share], start)

    return np.asarray(np.add.reduce(_mapped(sums, starts)))


def _mapped(function: Callable[[int], Piece], starts: range) -> list[Piece]:
    """Return what a function makes of each piece, in order, by as many threads as torch has."""
    threads = min(torch.get_num_threads(), len(starts))
    if threads == 1:
        return list(map(function, starts))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, starts))


def _share(x: NDArray[Any], y: NDArray[Any], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of one share, block by block."""
    room = np.empty((2, BLOCK)) if start.any() or x.dtype != np.float64 else None
    total = np.zeros(5)
    for i, j, width in _blocks(len(x)):
        u = x[i:j].reshape(-1, width)
        v = y[i:j].reshape(-1, width)
        if room is not None:
            u = np.subtract(u, start[0], out=room[0, : j - i].reshape(-1, width))
            v = np.subtract(v, start[1], out=room[1, : j - i].reshape(-1, width))
        total += (
            np.add.reduce(u, axis=None),
            np.add.reduce(v, axis=None),
            np.add.reduce(np.vecdot(u, u)),
            np.add.reduce(np.vecdot(v, v)),
            np.add.reduce(np.vecdot(u, v)),
        )
    return total


def _blocks(n: int) -> Iterator[tuple[int, int, int]]:
    """Return where blocks begin and end, and how long their rows are."""
    row = min(ROW, BLOCK)
    whole = n // row * row
    yield from ((i, min(i + BLOCK, whole), row) for i in range(0, whole, BLOCK))
    if n > whole:
        yield whole, n, n - whole


def _short_line(x: Tensor, y: Tensor) -> Sums:
    """Return the sums of one line that fits into a block, in few operations.

    A product of matrices would do it in fewer, but wait for threads that it has no work for.
    """
    points = torch.stack((x, y)).to(torch.float64)
    origin = points[:, :1]
    start = origin + (points - origin).mean(-1, keepdim=True)
    points = points - start
    squares = points.square().sum(-1)
    return Sums(start[:, 0], points.sum(-1), squares, (points[0] * points[1]).sum())


def _line(x: Tensor, y: Tensor) -> Sums:
    """Return the sums of one line, of any length, by torch."""
    start_x = _amid(x)
    start_y = _amid(y)
    sums: list[Tensor] = []
    for part_x, part_y in zip(x.split(BLOCK), y.split(BLOCK), strict=True):
        u = part_x.to(torch.float64) - start_x
        v = part_y.to(torch.float64) - start_y
        new = [u.sum(), v.sum(), torch.dot(u, u), torch.dot(v, v), torch.dot(u, v)]
        sums = [a + b for a, b in zip(sums, new, strict=True)] if sums else new
    start = torch.cat((start_x, start_y))
    return Sums(start, torch.stack(sums[:2]), torch.stack(sums[2:4]), sums[4])


def weighted_sums(x: Tensor, y: Tensor, weights: Tensor) -> tuple[Tensor, Sums]:
    """Return the sum of the weights, and the weighted sums of points of shape (..., n)."""
    start = torch.stack((_weighted_mean(x, weights), _weighted_mean(y, weights)))
    total: list[Tensor] = []
    for part_x, part_y, w in zip(*(t.split(BLOCK, -1) for t in (x, y, weights)), strict=True):
        u = part_x.to(torch.float64) - start[0]
        v = part_y.to(torch.float64) - start[1]
        wu = w * u
        wv = w * v
        new = [t.sum(-1) for t in (w, wu, wv, wu * u, wv * v, wu * v)]
        total = [a + b for a, b in zip(total, new, strict=True)] if total else new
    first = torch.stack(total[1:3], dim=-1)
    squares = torch.stack(total[3:5], dim=-1)
    return total[0], Sums(start[..., 0].movedim(0, -1), first, squares, total[5])


def _weighted_mean(data: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean, (..., 1), and exactly the value of a point that outweighs all.

    It counts from the heaviest point: the rounding of its place, times its weight, might be larger
    than all that the light ones have to say.
    """
    heaviest = data.gather(-1, weights.argmax(-1, keepdim=True)).to(torch.float64)
    moved = torch.zeros_like(heaviest)
    total = torch.zeros_like(heaviest)
    for part, w in zip(data.split(BLOCK, -1), weights.split(BLOCK, -1), strict=True):
        moved = moved + (w * (part.to(torch.float64) - heaviest)).sum(-1, keepdim=True)
        total = total + w.sum(-1, keepdim=True)
    return heaviest + moved / total


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
