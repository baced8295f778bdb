"""Five numbers and a count that replace the data: all that a straight line needs to know.

They are summed in float64, in blocks, around a point amid the data; they can be merged, streamed
and reduced over many processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import reduce
from itertools import pairwise
from operator import add

import torch
from torch import Tensor

from linefit._check import ArrayLike, finite, is_read_only, lines, points, positive
from linefit._sums import BLOCK, power_sums, two_sum
from linefit.line import Line

ROUND = 4 * torch.finfo(torch.float64).eps  # less than this share of scatter shows no direction


@dataclass(frozen=True, eq=False)
class Moments:
    r"""Hold the count, the means and the centered sums of squares and products of points.

    .. math::
       S_{xx} = \sum (x_i - \bar x)^2, \quad S_{xy} = \sum (x_i - \bar x)(y_i - \bar y), \quad
       S_{yy} = \sum (y_i - \bar y)^2

    Parameters
    ----------
    n : Tensor of shape (...)
        Number of points.
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
        if is_read_only(x) and is_read_only(y) and x.shape == y.shape:
            edges = [*range(0, len(x), BLOCK), len(x)]
            return cls.of_chunks((x[i:j], y[i:j]) for i, j in pairwise(edges))
        return _kept(*points(x, y, check_values=False))

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
        parts = (_kept(*points(x, y, least=1, check_values=False)) for x, y in chunks)
        first = next(parts, None)
        if first is None:
            raise ValueError("A line needs at least two points, but there are no chunks.")
        return reduce(add, parts, first)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both sets of points together."""
        if not isinstance(other, Moments):
            return NotImplemented
        n = self.n + other.n
        share = other.n.to(torch.float64) / n
        weight = self.n * share
        dx = (other.mean_x - self.mean_x) + (other.rest_x - self.rest_x)
        dy = (other.mean_y - self.mean_y) + (other.rest_y - self.rest_y)
        mean_x, rest_x = two_sum(self.mean_x, self.rest_x + share * dx)
        mean_y, rest_y = two_sum(self.mean_y, self.rest_y + share * dy)
        sxx = self.sxx + other.sxx + weight * dx * dx
        sxy = self.sxy + other.sxy + weight * dx * dy
        syy = self.syy + other.syy + weight * dy * dy
        return Moments(n, mean_x, mean_y, sxx, sxy, syy, rest_x, rest_y)

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
        """
        mine = torch.stack([getattr(self, f.name).to(torch.float64) for f in fields(self)])
        world = torch.distributed.get_world_size(group)
        parts = [torch.empty_like(mine) for _ in range(world)]
        try:
            torch.distributed.all_gather(parts, mine, group=group)
        except RuntimeError as error:
            raise RuntimeError(
                f"One of the {world} processes was lost or did not answer in time: {error}"
            ) from error
        return reduce(add, (Moments(n.to(torch.int64), *rest) for n, *rest in parts))

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
        unit = positive(variance_ratio, "variance_ratio").to(self.sxx).sqrt()
        sxx, sxy, syy, radius = self.scatter(unit)
        half = (sxx - syy) / 2
        long = half.abs() + radius  # never cancels: the larger component of the direction
        flat = half >= 0
        run = torch.where(flat, long, sxy.abs())
        rise = torch.where(flat, sxy, torch.where(sxy < 0, -long, long))
        return Line.through(self.mean_x, self.mean_y, run, rise * unit)

    def scatter(self, unit: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the centered sums with y in units of x, and how much they prefer a direction.

        Parameters
        ----------
        unit : Tensor of shape (...)
            One unit of x, in units of y.

        Returns
        -------
        tuple of Tensor of shape (...)
            Sxx, Sxy, Syy, and half the difference of the scatter along and across.

        Raises
        ------
        ValueError
            If all points are the same, or scatter alike in all directions.
        """
        sxy, syy = self.sxy / unit, self.syy / (unit * unit)
        radius, total = torch.hypot((self.sxx - syy) / 2, sxy), self.sxx + syy
        aimless = radius <= ROUND * total
        if aimless.any():
            same = total == 0
            raise ValueError(
                f"All points are the same{lines(same)}; a line needs two different ones."
                if same.any()
                else f"The points scatter alike in all directions{lines(aimless)}, so that no "
                "line through their mean is better than another."
            )
        return self.sxx, sxy, syy, radius


def _kept(x: Tensor, y: Tensor) -> Moments:
    moments = summed(x, y)
    if not (moments.sxx + moments.syy).isfinite().all():
        finite(x, "x")
        finite(y, "y")
        raise ValueError("The squares of the points overflow; divide both x and y by their size.")
    return moments


def summed(x: Tensor, y: Tensor) -> Moments:
    """Return the moments of points of one shape (..., n).

    They are not finite where squares overflow, or where points are not finite.
    """
    sums = power_sums(x, y)
    n = x.shape[-1]
    rounded, rest = two_sum(sums.start, sums.first / n)
    sxx, syy = (sums.squares - sums.first.square() / n).clamp(min=0).unbind(-1)
    sxy = sums.product - sums.first.prod(-1) / n
    count = torch.full_like(sxy, n, dtype=torch.int64)
    (mean_x, mean_y), (rest_x, rest_y) = rounded.unbind(-1), rest.unbind(-1)
    return Moments(count, mean_x, mean_y, sxx, sxy, syy, rest_x, rest_y)
