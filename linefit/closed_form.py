"""Lines that need no descent: ordinary and total least squares in closed form.

Sums are accumulated in float64 around the mean of the points, whatever dtype the points have.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from linefit._check import ArrayLike, lines, points, positive
from linefit.line import Line


class Scatter(NamedTuple):
    """Means, and mean squares and products around them, of shape (...)."""

    mean_x: Tensor
    mean_y: Tensor
    xx: Tensor
    xy: Tensor
    yy: Tensor


def ordinary_least_squares(x: ArrayLike, y: ArrayLike) -> Line:
    r"""Return the line with the smallest vertical distances to the points.

    .. math:: a = \frac{S_{xy}}{S_{xx}}, \qquad b = \bar y - a \bar x

    with the centered sums :math:`S_{xx} = \sum (x_i - \bar x)^2` and
    :math:`S_{xy} = \sum (x_i - \bar x)(y_i - \bar y)`.  It assumes that only y is noisy.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.

    Returns
    -------
    Line
        One line, or a batch of shape (...).

    Raises
    ------
    ValueError, TypeError
        If the points are no finite numbers of one shape, or if all x of a line are equal.

    Examples
    --------
    >>> ordinary_least_squares([0, 1, 2], [0, 2, 1])
    Line(slope=0.5, intercept=0.5, angle=0.463648)
    """
    x, y = points(x, y)
    s = _scatter(x, y)
    if (s.xx == 0).any():
        raise ValueError(
            f"All x are equal{lines(s.xx == 0)}, so no line has the smallest vertical distances; "
            "total_least_squares gives the vertical line."
        )
    return _through_mean(s.xx, s.xy, s, x.dtype)


def total_least_squares(x: ArrayLike, y: ArrayLike, *, variance_ratio: ArrayLike = 1.0) -> Line:
    r"""Return the line with the smallest perpendicular distances to the points.

    It runs through the mean of the points, along the axis of their largest scatter.  With
    :math:`d = (S_{xx} - S_{yy}) / 2`, its slope is

    .. math:: a = \frac{S_{xy}}{d + \sqrt{d^2 + S_{xy}^2}}

    With a variance ratio δ other than 1 it is Deming's line, which minimizes
    :math:`\sum (a x_i - y_i + b)^2 / (a^2 + \delta)`.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    variance_ratio : array-like of shape (...)
        Variance of the errors in y over that of the errors in x, positive.

    Returns
    -------
    Line
        One line, or a batch of shape (...); a vertical line is as good as any other.

    Raises
    ------
    ValueError, TypeError
        If the points are no finite numbers of one shape; if all points of a line are the same,
        or scatter alike in all directions, so that no direction is better than another.

    References
    ----------
    K. Pearson (1901), On lines and planes of closest fit, Philosophical Magazine 2(11).
    W. E. Deming (1943), Statistical Adjustment of Data.

    Examples
    --------
    >>> total_least_squares([0, 1, 2], [0, 2, 1])
    Line(slope=1, intercept=0, angle=0.785398)
    >>> total_least_squares([1, 1, 1], [0, 2, 5]).slope
    tensor(inf, dtype=torch.float64)
    """
    x, y = points(x, y)
    s = _scatter(x, y)
    unit = positive(variance_ratio, "variance_ratio").to(s.xx).sqrt()  # of y, in units of x
    xy, yy = s.xy / unit, s.yy / unit.square()
    half = (s.xx - yy) / 2
    radius = torch.hypot(half, xy)
    _check_direction(radius, s.xx + yy)
    long = half.abs() + radius  # never cancels: the larger component of the direction
    run = torch.where(half >= 0, long, xy.abs())
    rise = torch.where(half >= 0, xy, torch.where(xy < 0, -long, long))
    return _through_mean(run, rise * unit, s, x.dtype)


def _scatter(x: Tensor, y: Tensor) -> Scatter:
    """Return means and centered mean products, in float64 and in two passes."""
    x, y = x.to(torch.float64), y.to(torch.float64)
    mean_x, mean_y = x.mean(-1), y.mean(-1)
    dx, dy = x - mean_x[..., None], y - mean_y[..., None]
    return Scatter(mean_x, mean_y, dx.square().mean(-1), (dx * dy).mean(-1), dy.square().mean(-1))


def _check_direction(radius: Tensor, total: Tensor) -> None:
    same = total == 0
    if same.any():
        raise ValueError(f"All points are the same{lines(same)}; a line needs two different ones.")
    round_ = radius <= 4 * torch.finfo(torch.float64).eps * total
    if round_.any():
        raise ValueError(
            f"The points scatter alike in all directions{lines(round_)}, so that no line through "
            "their mean is better than another."
        )


def _through_mean(run: Tensor, rise: Tensor, s: Scatter, dtype: torch.dtype) -> Line:
    """Return the line through the mean with the direction (run, rise), run ≥ 0."""
    length = torch.hypot(run, rise)
    nx, ny = -rise / length, run / length
    offset = nx * s.mean_x + ny * s.mean_y
    return Line(torch.stack((nx, ny), dim=-1).to(dtype), offset.to(dtype))
