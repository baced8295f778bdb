"""Five numbers and a count that replace the data: all that a straight line needs to know.

They are summed in float64, in blocks, around a point amid the data; they can be merged, streamed
and reduced over many processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linefit._batch import mapped, picked
from linefit._check import (
    Placed,
    check_pair,
    finite,
    is_read_only,
    placed,
    target_of,
    variance_ratios,
)
from linefit._numbers import ArrayLike, two_sum
from linefit._scatter import OVERFLOW, scatter
from linefit._sums import power_sums, weighted_sums
from linefit.line import Line

PIECE = 1 << 20  # points of a file that are in memory at a time


@dataclass(frozen=True, eq=False)
class Moments:
    r"""Hold the count, the means and the centered sums of squares and products of points.

    .. math::
       S_{xx} = \sum (x_i - \bar x)^2, \quad S_{xy} = \sum (x_i - \bar x)(y_i - \bar y), \quad
       S_{yy} = \sum (y_i - \bar y)^2

    Parameters
    ----------
    n : Tensor of shape (...)
        Number of points, as float64 like the rest.
    mean_x, mean_y : Tensor of shape (...)
        Means, rounded to float64.
    sxx, sxy, syy : Tensor of shape (...)
        Centered sums.
    rest_x, rest_y : Tensor of shape (...)
        What rounding took from the means, so that merging loses nothing far from the origin.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque (1983), Algorithms for computing the sample variance,
    The American Statistician 37(3).

    Examples
    --------
    >>> left, right = Moments.of([0, 1], [0, 2]), Moments.of([2, 3], [1, 4])
    >>> (left + right).mean_x.item(), (left + right).sxy.item()
    (1.5, 5.5)
    """

    n: Tensor
    mean_x: Tensor
    mean_y: Tensor
    sxx: Tensor
    sxy: Tensor
    syy: Tensor
    rest_x: Tensor
    rest_y: Tensor

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike) -> Moments:
        """Sum points up, in blocks, so that the memory it takes does not grow with them.

        Parameters
        ----------
        x, y : array-like of shape (..., n)
            The points; leading axes are independent lines.  Long read-only arrays of shape (n,),
            such as those of ``numpy.memmap``, are read piece by piece.

        Returns
        -------
        Moments
            Of shape (...), float64; differentiable where the points require gradients.

        Raises
        ------
        ValueError, TypeError
            If the points are no finite numbers of one shape, or so far apart that the squares of
            their distances overflow.
        """
        if is_read_only(x) and is_read_only(y) and x.shape == y.shape and len(x) > PIECE:
            edges = [*range(0, len(x), PIECE), len(x)]
            return reduce(add, (_piece(x, y, i, j) for i, j in pairwise(edges)))
        return _kept(placed(x, y, check_values=False))

    @classmethod
    def of_chunks(cls, chunks: Iterable[tuple[ArrayLike, ArrayLike]]) -> Moments:
        """Sum up points that come in pieces, more of them than memory may hold at once.

        Parameters
        ----------
        chunks : iterable of pairs of array-like of shape (..., n)
            Pieces of x and y, each of one point or more.

        Returns
        -------
        Moments
            Of all points together.

        Raises
        ------
        ValueError, TypeError
            For the reasons of :meth:`of`, or if there are no pieces.

        Examples
        --------
        >>> Moments.of_chunks(([i, i + 0.5], [2 * i, 2 * i + 1]) for i in range(50)).line()
        Line(slope=2, intercept=0, angle=1.10715)
        """
        pairs = (_pair_of(chunk, i) for i, chunk in enumerate(chunks))
        parts = (_kept(placed(x, y, least=1, check_values=False)) for x, y in pairs)
        first = next(parts, None)
        if first is None:
            raise ValueError("A line needs at least two points, but there are no chunks.")
        return reduce(add, parts, first)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both sets of points together."""
        if not isinstance(other, Moments):
            return NotImplemented
        if self.n.shape != other.n.shape:
            shapes = f"{tuple(self.n.shape)} and {tuple(other.n.shape)}"
            raise ValueError(f"Moments of as many lines add up, but these have shapes {shapes}.")
        n = self.n + other.n
        share = other.n / n
        weight = self.n * share
        dx = (other.mean_x - self.mean_x) + (other.rest_x - self.rest_x)
        dy = (other.mean_y - self.mean_y) + (other.rest_y - self.rest_y)
        mean_x, rest_x = two_sum(self.mean_x, self.rest_x + share * dx)
        mean_y, rest_y = two_sum(self.mean_y, self.rest_y + share * dy)
        sxx = self.sxx + other.sxx + weight * dx * dx
        sxy = self.sxy + other.sxy + weight * dx * dy
        syy = self.syy + other.syy + weight * dy * dy
        return Moments(n, mean_x, mean_y, sxx, sxy, syy, rest_x, rest_y)

    def __getitem__(self, index: Any) -> Moments:
        """Return the moments of some lines of a batch, or of one."""
        part: Moments = picked(self, index, self.n.shape)
        return part

    def to(self, device: torch.device | str) -> Moments:
        """Return the same moments on a device; their dtype is float64 always.

        Parameters
        ----------
        device : torch.device or str
            Where to move them.

        Returns
        -------
        Moments
            Equal ones, there.

        Raises
        ------
        ValueError, TypeError
            If there is no such device here.
        """
        if isinstance(device, torch.dtype):
            raise TypeError(f"Moments are float64 always; they move to a device, not to {device}.")
        there = target_of(device)
        moved: Moments = mapped(self, lambda t: t.to(there))
        return moved

    def all_reduce(self, group: torch.distributed.ProcessGroup | None = None) -> Moments:
        """Return the moments of the points of all processes, the same bits on each of them.

        Every process of the group must call it; how long to wait for one that does not come is
        the group's own time-out.

        Parameters
        ----------
        group : ProcessGroup, optional
            Of :mod:`torch.distributed`; the default is all processes.

        Returns
        -------
        Moments
            Merged in the order of the ranks.

        Raises
        ------
        RuntimeError
            If a process is lost, or comes too late.
        ValueError
            If no process group has been made.
        """
        mine = torch.stack([getattr(self, f.name) for f in fields(self)])
        world = torch.distributed.get_world_size(group)
        parts = [torch.empty_like(mine) for _ in range(world)]
        try:
            torch.distributed.all_gather(parts, mine, group=group)
        except RuntimeError as error:
            raise RuntimeError(
                f"One of the {world} processes was lost or did not answer in time: {error}"
            ) from error
        return reduce(add, (Moments(*part) for part in parts))

    def line(self, *, variance_ratio: ArrayLike = 1.0) -> Line:
        """Return the line of total least squares, or Deming's, as float64.

        Parameters
        ----------
        variance_ratio : array-like of shape (...)
            Variance of the errors in y over that of the errors in x, positive.

        Returns
        -------
        Line
            What :func:`linefit.total_least_squares` returns for the points.

        Raises
        ------
        ValueError
            If all points are the same, or scatter alike in all directions.
        """
        unit = variance_ratios(variance_ratio, self.sxx).sqrt()
        sxx, sxy, syy, radius = scatter(self.sxx, self.sxy, self.syy, unit)
        half = (sxx - syy) / 2
        flat = half >= 0
        up = sxy >= 0  # abs() would have no slope where these two turn over
        long = torch.where(flat, half, -half) + radius  # the larger component; never cancels
        run = torch.where(flat, long, torch.where(up, sxy, -sxy))
        rise = torch.where(flat, sxy, torch.where(up, long, -long))
        return Line.through(self.mean_x, self.mean_y, run, rise * unit)


def _pair_of(chunk: tuple[ArrayLike, ArrayLike], place: int) -> tuple[ArrayLike, ArrayLike]:
    check_pair(chunk, f"Chunk {place}", "x and y")
    return chunk


def _piece(x: NDArray[np.generic], y: NDArray[np.generic], start: int, end: int) -> Moments:
    try:
        return _kept(placed(x[start:end], y[start:end], least=1, check_values=False))
    except ValueError as error:
        raise ValueError(f"Among points {start} to {end - 1}: {error}") from error


def _kept(points: Placed) -> Moments:
    x, y, origin = points
    moments = summed(x, y)
    if not (moments.sxx + moments.syy).isfinite().all():
        finite(x, "x")
        finite(y, "y")
        raise ValueError(OVERFLOW)
    if origin is None:
        return moments
    mean_x, rest_x = two_sum(origin.x, moments.mean_x)
    mean_y, rest_y = two_sum(origin.y, moments.mean_y)
    return replace(
        moments,
        mean_x=mean_x,
        mean_y=mean_y,
        rest_x=rest_x + (moments.rest_x + origin.rest_x),
        rest_y=rest_y + (moments.rest_y + origin.rest_y),
    )


def summed(
    x: Tensor,
    y: Tensor,
    *,
    weights: Tensor | None = None,
    through: tuple[Tensor, Tensor] | None = None,
) -> Moments:
    """Return the moments of points of one shape (..., n).

    They are not finite where squares overflow, or where points are not finite.  With weights, of
    the shape of the points, the count is their sum; through a given point, of shape (...), the
    sums are centered there.
    """
    if weights is None:
        sums = power_sums(x, y)
        count = torch.full_like(sums.product, x.shape[-1])
    else:
        count, sums = weighted_sums(x, y, weights)
    n = count[..., None]
    rounded, rest = two_sum(sums.start, sums.first / n)
    squares = (sums.squares - sums.first.square() / n).clamp(min=0)
    sxy = sums.product - sums.first.prod(-1) / count
    if through is not None:
        given = torch.stack(through, dim=-1)
        apart = (rounded - given) + rest
        squares = squares + n * apart.square()
        sxy = sxy + count * apart.prod(-1)
        rounded = given
        rest = torch.zeros_like(given)
    (mean_x, mean_y) = rounded.unbind(-1)
    (rest_x, rest_y) = rest.unbind(-1)
    sxx, syy = squares.unbind(-1)
    return Moments(count, mean_x, mean_y, sxx, sxy, syy, rest_x, rest_y)
